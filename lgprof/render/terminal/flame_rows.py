"""The rows of a flame graph in cells, whatever its frames are coloured by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic

from rich.text import Text

from lgprof.readable import plural
from lgprof.render.framed import FrameT
from lgprof.render.terminal.page import INDENT, Paper
from lgprof.render.terminal.palette import QUIET

_LEAST_WIDTH = 2
_LEAST_NAMED = 6
"""Cells in which something of a name can be read."""


@dataclass(frozen=True, slots=True)
class Placed(Generic[FrameT]):
    """A frame and its cells."""

    start: int
    width: int
    frame: FrameT
    alternate: bool


def placed_rows(
    frames: Sequence[FrameT], total: float, width: int, rest: Callable[[Sequence[FrameT]], FrameT]
) -> list[list[Placed[FrameT]]]:
    """Give each frame its cells, row by row; those too narrow for one share the last.

    Args:
        frames: The outermost.
        total: The value that fills the width.
        width: In cells.
        rest: Makes one frame of those that share a cell.
    """
    rows: list[list[Placed[FrameT]]] = []
    _place(frames, 0.0, width / total, rows, 0, rest)
    return rows


def _place(
    frames: Sequence[FrameT],
    start: float,
    per_unit: float,
    rows: list[list[Placed[FrameT]]],
    depth: int,
    rest: Callable[[Sequence[FrameT]], FrameT],
) -> None:
    # Edges are rounded where they lie on the whole chart: as wide as its share at every depth.
    starts = list(accumulate((frame.value for frame in frames), initial=start))
    edges = [round(edge * per_unit) for edge in starts]
    if len(rows) <= depth and edges[-1] > edges[0]:
        rows.append([])
    for index, frame in enumerate(frames):
        width = edges[index + 1] - edges[index]
        if width < _LEAST_WIDTH:
            room = edges[-1] - edges[index]
            if room > 0:
                left = frames[index:]
                shown = left[0] if len(left) == 1 else rest(left)
                _append(rows[depth], edges[index], room, shown)
            return
        _append(rows[depth], edges[index], width, frame)
        if frame.children:
            _place(frame.children, starts[index], per_unit, rows, depth + 1, rest)


def _append(row: list[Placed[FrameT]], start: int, width: int, frame: FrameT) -> None:
    """Set apart from the frame that it touches, be that its sibling or not."""
    touches = bool(row) and row[-1].start + row[-1].width == start
    row.append(Placed(start, width, frame, alternate=touches and not row[-1].alternate))


def chart_lines(
    paper: Paper,
    rows: Sequence[Sequence[Placed[FrameT]]],
    drawn: Callable[[Placed[FrameT]], Text],
) -> list[Text]:
    """The outermost row, those in which a frame has room for its name, and how many more.

    Args:
        paper: What it is drawn on.
        rows: Made by `placed_rows`: none of a row is wider than the widest of the row above.
        drawn: Draws a frame.
    """
    named = sum(max(placed.width for placed in row) >= _LEAST_NAMED for row in rows)
    lines = [_row_line(row, drawn) for row in rows[: max(named, 1)]]
    if below := len(rows) - len(lines):
        told = f"{plural(below, 'row')} of narrower frames not shown (-o FILE.svg)"
        lines.append(Text(" " * INDENT + paper.fit(told, paper.width - 2 * INDENT), style=QUIET))
    return lines


def _row_line(row: Sequence[Placed[FrameT]], drawn: Callable[[Placed[FrameT]], Text]) -> Text:
    """One row, each frame as ``drawn`` makes it."""
    line = Text(" " * INDENT)
    at = 0
    for placed in row:
        line.append(" " * (placed.start - at))
        line.append_text(drawn(placed))
        at = placed.start + placed.width
    return line
