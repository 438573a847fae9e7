"""An area chart of three percentiles that lie on one another: p50, p95, p99."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from lgprof.render.terminal import palette
from lgprof.render.terminal.page import Page

_PARTS = 8
"""Parts of a cell's height that can be told apart in colour."""


def round_up(value: float) -> float:
    """The next round number: the top of an axis."""
    if value <= 0:
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(value))
    steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return next((magnitude * step for step in steps if magnitude * step >= value * 0.9999), value)


def band_rows(
    page: Page, columns: Sequence[Sequence[float | None]], top: float, height: int, repeat: int
) -> list[Text]:
    """The chart, its highest row first.

    Args:
        page: The paper.
        columns: The edges of each column's bands, ascending; None where nothing is known.
        top: The value at the upper edge.
        height: Rows.
        repeat: Cells that each column is wide.
    """
    edges = [[_parts(value, top, height) for value in column] for column in columns]
    rows = []
    for row in range(height - 1, -1, -1):
        line = Text()
        for column in edges:
            glyph, style = _cell(page, _extents(column, row), at_bottom=row == 0)
            line.append(glyph * repeat, style=style)
        rows.append(line)
    return rows


def _parts(value: float | None, top: float, height: int) -> int:
    """A value's height in parts of a cell; at least one, so that nothing known is invisible."""
    if value is None:
        return 0
    return min(max(round(value / top * height * _PARTS), 1), height * _PARTS)


def _extents(edges: Sequence[int], row: int) -> list[int]:
    """How many parts of a row's cell each band takes, lowest band first; what is left is empty."""
    low, high = row * _PARTS, (row + 1) * _PARTS
    extents, reached = [], low
    for edge in edges:
        extents.append(min(max(edge, reached), high) - reached)
        reached += extents[-1]
    return extents


def band_fill(page: Page, band: int) -> str:
    """What a band is drawn with where it takes a whole cell."""
    return page.glyphs.block if _is_solid(page) else page.glyphs.shades[band]


def _is_solid(page: Page) -> bool:
    return page.colour and not page.glyphs.ascii_only


def _cell(page: Page, extents: Sequence[int], *, at_bottom: bool) -> tuple[str, Style]:
    """Glyph and style; a cell shows two bands at most, and without colour one."""
    taken = sum(extents)
    if not taken:
        return " ", palette.PLAIN
    largest = max(range(len(extents)), key=lambda band: extents[band])
    if not _is_solid(page):
        shown = at_bottom or taken >= _PARTS / 2
        return (page.glyphs.shades[largest] if shown else " "), palette.BANDS[largest]
    if taken < _PARTS:
        return page.glyphs.levels[taken - 1], palette.BANDS[largest]
    upper = next((band for band in range(largest + 1, len(extents)) if extents[band]), None)
    if upper is None:
        lower = next((band for band in range(largest - 1, -1, -1) if extents[band]), None)
        if lower is None:
            return page.glyphs.block, palette.BANDS[largest]
        largest, upper = lower, largest
    filled = sum(extents[: largest + 1])
    tones = palette.two_tone(palette.BANDS[largest], palette.BANDS[upper])
    return page.glyphs.levels[filled - 1], tones
