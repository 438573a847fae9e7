"""A time axis: round moments, each with its tick and label."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from lgprof.render.terminal import palette
from lgprof.render.terminal.page import Page


def tick_times(duration_s: float, most: int) -> list[float]:
    """Round moments from 0 on, at most so many steps apart."""
    if duration_s <= 0:
        return [0.0]
    least = duration_s / most
    magnitude = 10.0 ** math.floor(math.log10(least))
    step = next(magnitude * m for m in (1, 2, 2.5, 5, 10, 20) if magnitude * m >= least)
    return [index * step for index in range(int(duration_s / step) + 1)]


def axis_line(page: Page, margin: int, width: int, ticks: Sequence[tuple[int, float]]) -> Text:
    """The axis below a chart.

    Args:
        page: The paper.
        margin: Cells to the left of the chart.
        width: Cells of the chart.
        ticks: Cell and moment in seconds, ascending; those without room are left out.
    """
    axis = [" "] * width
    free_from = 0
    for cell, at_s in ticks:
        label = page.glyphs.tick + page.round_time(at_s)
        if cell >= free_from and cell + len(label) <= width:
            axis[cell : cell + len(label)] = label
            free_from = cell + len(label) + 2
    return Text((" " * margin + "".join(axis)).rstrip(), style=palette.QUIET)
