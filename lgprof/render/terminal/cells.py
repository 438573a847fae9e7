"""A row of labelled cells, as in the stacked bar and the flame graph."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from lgprof.render.terminal import text
from lgprof.render.terminal.page import Paper


def split_width(parts: Sequence[float], width: int) -> list[int]:
    """Widths in proportion to the parts; edges are rounded sums, so rows align at every depth."""
    total = sum(parts)
    if total <= 0:
        return [0] * len(parts)
    widths, edge, reached = [], 0, 0.0
    for part in parts:
        reached += part
        next_edge = round(reached / total * width)
        widths.append(next_edge - edge)
        edge = next_edge
    return widths


def cell(paper: Paper, labels: Sequence[str], width: int, style: Style) -> Text:
    """One cell with the first of its labels that fits, else with the last one cut off.

    With colour it is a coloured field; without, its edges are drawn.
    """
    glyphs = paper.glyphs
    if width <= 0:
        return Text()
    if paper.colour:
        label = _label(paper, labels, width - 2) if width > 3 else ""
        return Text(text.pad(f" {label}", width), style)
    if width == 1:
        return Text(glyphs.edge_thin)
    label = _label(paper, labels, width - 2)
    filler = glyphs.filler * (width - 2 - cell_len(label))
    return Text(f"{glyphs.edge_left}{label}{filler}{glyphs.edge_right}")


def _label(paper: Paper, labels: Sequence[str], room: int) -> str:
    for label in labels:
        if cell_len(label) <= room:
            return label
    return paper.fit(labels[-1], room) if room >= 4 else ""
