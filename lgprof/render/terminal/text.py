"""Text from the user's program, made safe and measured in terminal cells."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, set_cell_size

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?|\x9b[0-?]*[ -/]*[@-~]"
)
_INVISIBLE = {"Cc", "Cf", "Cs", "Cn"}
_SPACES = {"Zl", "Zp"}


def clean(text: str, *, ascii_only: bool = False) -> str:
    """One printable line: no escape sequences, no control or direction characters.

    Args:
        text: Whatever the user's program chose to call things.
        ascii_only: Replace every other character by ``?``.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", text)
    kept = "".join(map(_printable, text))
    return kept.encode("ascii", "replace").decode("ascii") if ascii_only else kept


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    return "" if category in _INVISIBLE else character


def fit(text: str, width: int, ellipsis: str) -> str:
    """The text in at most ``width`` cells, its end cut off if need be."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room < 1:
        return set_cell_size(text, max(width, 0)).rstrip()
    return set_cell_size(text, room).rstrip() + ellipsis


def fit_middle(text: str, width: int, ellipsis: str) -> str:
    """The text in at most ``width`` cells, its middle cut out if need be: both ends tell most."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room < 6:
        return fit(text, width, ellipsis)
    tail = ""
    for character in reversed(text):
        if cell_len(character + tail) > room // 2:
            break
        tail = character + tail
    head = set_cell_size(text, room - cell_len(tail)).rstrip()
    return head + ellipsis + tail


def pad(text: str, width: int) -> str:
    """The text with spaces up to ``width`` cells."""
    return text + " " * max(width - cell_len(text), 0)


def fold(text: str, width: int) -> list[str]:
    """One line of prose as lines of at most ``width`` cells, broken at spaces where it can be."""
    lines: list[str] = []
    rest = text.rstrip()
    while cell_len(rest) > width > 0:
        head = set_cell_size(rest, width)
        while not rest.startswith(head):  # a wide character did not fit: it became a space
            head = head[:-1]
        at = head.rfind(" ")
        if rest[len(head) : len(head) + 1] == " ":
            at = len(head)
        elif at <= len(head) - len(head.lstrip()):
            at = max(len(head), 1)
        lines.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    if rest or not lines:
        lines.append(rest)
    return lines
