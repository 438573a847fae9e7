"""Takes keys, tokens, passwords and e-mail addresses out of texts.

What looks like one goes; a secret that looks like any other word stays.
"""

from __future__ import annotations

import re

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "private key",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.S),
    ),
    ("token", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")),
    (
        "key",
        re.compile(
            r"\b(?:sk|pk|rk)[-_](?:[A-Za-z]+[-_])*[A-Za-z0-9_-]{12,}"  # OpenAI, Anthropic, Stripe
            r"|\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}"  # Google
            r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # Amazon
            r"|\b(?:ghp|gho|ghu|ghs|ghr)_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
            r"|\bxox[abeprs]-[\w-]{10,}|\bhf_\w{20,}|\bgsk_\w{20,}|\bxai-\w{20,}"
            r"|\blsv2_\w{20,}|\btvly-[\w-]{16,}|\bnpm_\w{30,}|\bpypi-[\w-]{30,}"
        ),
    ),
    ("token", re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]{8,}")),
    (
        "secret",
        re.compile(
            r"(?i)(?<![a-z])(?P<name>(?:[a-z]+[_-]){0,3}(?:api[_-]?key|access[_-]?key|secret|token"
            r"|password|passwd|pwd)[\"']?\s*[:=]\s*[\"']?)(?!\[redacted)[^\s\"',;}&]{4,}"
        ),
    ),
    ("password", re.compile(r"(?P<name>\b[a-z][a-z0-9+.-]{1,15}://[^\s:/@]*:)[^\s@/]+(?=@)")),
    ("e-mail", re.compile(r"\b[\w.%+-]{1,64}@(?:[\w-]+\.)+[A-Za-z]{2,}\b")),
)


def redacted(text: str) -> str:
    """The text with ``[redacted key]`` and the like where it held a secret."""
    for what, pattern in _PATTERNS:
        name = r"\g<name>" if "name" in pattern.groupindex else ""
        text = pattern.sub(f"{name}[redacted {what}]", text)
    return text
