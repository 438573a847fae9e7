"""Annotations of GitHub Actions: workflow commands, one a line."""

from __future__ import annotations

from lgprof.metrics import Unit
from lgprof.model import Check, Verdict
from lgprof.render.check_words import is_loud, name, sentence

_COMMANDS = {"fail": "error", "inconclusive": "warning"}
_MOST = 10
"""As many of a kind as GitHub shows for one step."""


def annotation_lines(verdict: Verdict) -> list[str]:
    """A line for each check that did not pass, and for each warning."""
    lines = []
    for decision, command in _COMMANDS.items():
        found = [check for check in verdict.checks if check.verdict == decision and is_loud(check)]
        lines += [
            _line(command, _title(check), sentence(check) + _culprits(check, verdict))
            for check in found[:_MOST]
        ]
    lines += [_line("notice", "lgprof gate", warning) for warning in verdict.warnings[:_MOST]]
    return lines


def _culprits(check: Check, verdict: Verdict) -> str:
    """Which nodes made the graph slower, where that is what the check is about."""
    is_slower = check.verdict == "fail" and check.unit == Unit.SECONDS.value and check.base
    return f", by {', '.join(verdict.culprits)}" if is_slower and verdict.culprits else ""


def _title(check: Check) -> str:
    return f"lgprof gate: {name(check)}"


def _line(command: str, title: str, message: str) -> str:
    return f"::{command} title={_property(title)}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
