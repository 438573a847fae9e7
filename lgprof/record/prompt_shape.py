"""The form of prompts: hashes of their prefixes, and where one departs from the one before.

Of each node and model the last prompt is held in memory to compare the next one with; what leaves
here are lengths, roles, salted hashes and the kind of text at a place, never a word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from lgprof.model import PROMPT_BLOCK_CHARS, Divergence, Prompt, PromptPart

TOOLS = "tools"
_MOST_PIECES = 1_000_000
_SHORTEST_PIECE = 16
_PIECE = re.compile(r"[^\n.!?;]+[\n.!?;]*\s*")
"""A line or a sentence."""

_DATE = r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b,?"
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b"
)
_TIME = r"\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a UUID", re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")),
    (
        "a timestamp",
        re.compile(rf"(?:(?:{_DATE})[T ,]*)?{_TIME}|\b1[5-9]\d{{8}}(?:\.\d+|\d{{3}})?\b"),
    ),
    ("a date", re.compile(rf"{_DATE}|(?:{_DAY})|(?:\d{{1,2}}\.? )?{_MONTH}(?: \d{{1,2}})?")),
    ("an id", re.compile(r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{12,}\b")),
    ("a number", re.compile(r"\d+(?:[.,]\d+)*")),
)
_VOLATILE = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    rf"|\b(?:{_DAY}|{_MONTH})|[0-9a-fA-F]*\d[0-9a-fA-F]*"
)
_NEAR = 48
"""Characters around a place that are looked at for what stands there."""

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "HumanMessageChunk": "user",
    "AIMessageChunk": "assistant",
}
_json = msgspec.json.Encoder(order="deterministic", enc_hook=repr)

_Message = tuple[str, str]
"""(role, text)."""


@dataclass(slots=True)
class _Sent:
    """The prompt that a node sent last, and the hashes up to the end of each part."""

    parts: list[_Message]
    hashed: list[PromptPart]
    chains: list[Any]
    scrubbed: list[Any]


class PromptReader:
    """Reads prompts in the order in which they were sent.

    What a prompt shares with the one before it is not hashed again: a conversation that is sent
    whole at each turn costs as much as its new messages.

    Args:
        salt: Of the hashes; up to 64 bytes.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._last: dict[tuple[str, str], _Sent] = {}
        self._pieces: dict[str, set[int]] = {}
        """By model: hashes of the lines that it has been sent."""

    def read(self, node: str, model: str, messages: Sequence[Any], tools: Any) -> Prompt:
        """The form of a prompt.

        Args:
            node: Who sent it.
            model: To whom.
            messages: LangChain's messages, or the one text of a completion.
            tools: Schemas of the tools that were offered.

        Raises:
            Exception: Whatever content that nobody has described raises when it is read.
        """
        parts = [(TOOLS, _json.encode(tools).decode())] if tools else []
        parts += map(message_text, messages)
        before = self._last.get((node, model)) or _Sent([], [], [], [])
        same = _common_parts(before.parts, parts)
        sent = _Sent(parts, before.hashed[:same], before.chains[:same], before.scrubbed[:same])
        repeated = sum(part.chars for part in sent.hashed)
        for role, text in parts[same:]:
            self._hash(sent, role, text)
            repeated += self._repeated(model, text)
        self._last[node, model] = sent
        end = sent.scrubbed[-1] if sent.scrubbed else self._new_chain()
        return Prompt(
            parts=sent.hashed,
            repeated_chars=repeated,
            scrubbed_hash=end.hexdigest(),
            divergence=_divergence(before.parts, parts, same),
        )

    def _new_chain(self) -> Any:
        return blake2b(digest_size=8, key=self._salt)

    def _hash(self, sent: _Sent, role: str, text: str) -> None:
        """Go on from the part before."""
        chain = sent.chains[-1].copy() if sent.chains else self._new_chain()
        chain.update(f"\x00{role}\x00".encode())
        blocks = []
        for start in range(0, len(text), PROMPT_BLOCK_CHARS):
            chain.update(text[start : start + PROMPT_BLOCK_CHARS].encode("utf-8", "replace"))
            blocks.append(chain.copy().hexdigest())
        sent.chains.append(chain)
        sent.hashed.append(PromptPart(role, len(text), blocks or [chain.hexdigest()]))
        scrubbed = sent.scrubbed[-1].copy() if sent.scrubbed else self._new_chain()
        plain = _VOLATILE.sub("0", text).encode("utf-8", "replace")
        scrubbed.update(b"\x00" + plain)
        sent.scrubbed.append(scrubbed)

    def _repeated(self, model: str, text: str) -> int:
        """Characters of a text in lines that the model has been sent before."""
        seen = self._pieces.setdefault(model, set())
        whole = hash(text)
        if whole in seen:
            return len(text)
        repeated = 0
        for piece in _PIECE.findall(text):
            if len(piece) < _SHORTEST_PIECE:
                continue
            key = hash(piece)
            if key in seen:
                repeated += len(piece)
            elif len(seen) < _MOST_PIECES:
                seen.add(key)
        seen.add(whole)
        return repeated


def message_text(message: Any) -> tuple[str, str]:
    """Role and text of a message, its tool calls included; of the text of a completion too."""
    if isinstance(message, str):
        return "prompt", message
    fields = vars(message)  # asking a message for a field that it has not takes microseconds
    content = fields["content"]
    text = content if isinstance(content, str) else _json.encode(content).decode()
    calls = fields.get("tool_calls")
    if calls:
        text += "\n" + _json.encode(calls).decode()
    answered = fields.get("tool_call_id")
    return _ROLES.get(message.type, message.type), f"{answered}\n{text}" if answered else text


def _common_parts(one: Sequence[_Message], other: Sequence[_Message]) -> int:
    """How many parts two prompts have in common at their start."""
    for index, (old, new) in enumerate(zip(one, other, strict=False)):
        if old != new:
            return index
    return min(len(one), len(other))


def _divergence(
    before: Sequence[_Message], now: Sequence[_Message], same: int
) -> Divergence | None:
    """Where a prompt departs from the one before, with which it has some parts in common."""
    if same >= min(len(before), len(now)):
        return None
    old, new = before[same], now[same]
    char = _common_prefix(old[1], new[1]) if old[0] == new[0] else 0
    message = same - (now[0][0] == TOOLS)
    return Divergence(message=message, role=new[0], char=char, hint=_hint(new[1], char))


def _common_prefix(one: str, other: str) -> int:
    """How many characters two texts have in common at their start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _hint(text: str, char: int) -> str | None:
    """The kind of volatile text that a place lies in."""
    start = max(0, char - _NEAR)
    near = text[start : char + _NEAR]
    for kind, pattern in _KINDS:
        for found in pattern.finditer(near):
            if found.start() <= char - start <= found.end():
                return kind
    return None
