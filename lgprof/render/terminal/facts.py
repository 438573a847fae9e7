"""Labelled facts, one or two on a line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from lgprof.render.terminal import palette, text
from lgprof.render.terminal.page import INDENT, Paper

_GAP = 3


def fact_lines(page: Paper, facts: Sequence[tuple[str, str]]) -> list[Text]:
    """One fact on a line, its value folded below itself where it is long."""
    label_width = max(cell_len(label) for label, _ in facts)
    room = page.width - INDENT - label_width - _GAP
    lines = []
    for label, value in facts:
        for index, part in enumerate(text.fold(value, max(room, 8))):
            shown = label if index == 0 else ""
            line = Text(" " * INDENT)
            line.append(text.pad(shown, label_width + _GAP), style=palette.QUIET)
            line.append(part)
            lines.append(line)
    return lines


def fact_grid(page: Paper, facts: Sequence[tuple[str, str]]) -> list[Text]:
    """Facts in two columns, read downwards, where the page is wide enough for it."""
    half = (len(facts) + 1) // 2
    left, right = facts[:half], facts[half:]
    widths = [_widths(column) for column in (left, right)]
    needed = INDENT + sum(label + value for label, value in widths) + 3 * _GAP
    if not right or needed > page.width:
        return fact_lines(page, facts)
    lines = []
    for index, (label, value) in enumerate(left):
        line = Text(" " * INDENT)
        line.append(text.pad(label, widths[0][0] + _GAP), style=palette.QUIET)
        line.append(value)
        if index < len(right):
            line.append(" " * (widths[0][1] - cell_len(value) + _GAP))
            line.append(text.pad(right[index][0], widths[1][0] + _GAP), style=palette.QUIET)
            line.append(right[index][1])
        lines.append(line)
    return lines


def quiet_lines(page: Paper, note: str) -> list[Text]:
    """A note below a table or a chart, folded."""
    parts = text.fold(note, page.width - INDENT)
    return [Text(" " * INDENT + part, style=palette.QUIET) for part in parts]


def _widths(facts: Sequence[tuple[str, str]]) -> tuple[int, int]:
    labels = max((cell_len(label) for label, _ in facts), default=0)
    return labels, max((cell_len(value) for _, value in facts), default=0)
