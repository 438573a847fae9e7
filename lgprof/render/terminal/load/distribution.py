"""The percentiles of the latency as bars, in steps that open up the tail."""

from __future__ import annotations

from rich.text import Text

from lgprof.readable import count
from lgprof.render.terminal import palette
from lgprof.render.terminal.load.bands import band_fill
from lgprof.render.terminal.load.latency import population
from lgprof.render.terminal.load.percentiles import (
    Distribution,
    beyond,
    is_firm,
    percentile_name,
)
from lgprof.render.terminal.page import INDENT, Block, Page

SMALLEST_SAMPLE = 20
_STEPS = (0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999, 100.0)


def distribution_blocks(page: Page) -> list[Block]:
    """A bar for each percentile; empty where the sample is too small for one."""
    load = page.load
    if load.latency_s is None:
        return []
    distribution = Distribution.decoded([load.histogram], load.latency_s.max)
    if distribution is None or distribution.sample < SMALLEST_SAMPLE:
        return []
    sample = distribution.sample
    steps = [q for q in _STEPS if q == 100 or beyond(q, sample) > 0]
    lines = [_line(page, distribution, q) for q in steps]
    lines += _key(page)
    start = "actual" if load.arrivals == "closed" else "intended"
    note = f"{population(load)}, from the {start} start"
    return [Block("Latency distribution", lines, note)]


def _line(page: Page, distribution: Distribution, q: float) -> Text:
    value_s, sample = distribution.percentile_s(q), distribution.sample
    weak = 0 < q < 100 and not is_firm(q, sample)
    mark = page.glyphs.note if weak else ""
    line = Text(" " * INDENT)
    line.append(f"{percentile_name(q)}{mark}".ljust(8), style=palette.QUIET)
    style = palette.QUIET if weak else palette.PLAIN
    line.append(page.time_cell(value_s).plain.rjust(8), style=style)
    slower = f"{count(beyond(q, sample))} slower" if 0 < q < 100 else ""
    line.append(f"  {slower:>12}  ", style=palette.QUIET)
    room = max(page.width - line.cell_len - INDENT, 8)
    return line.append_text(_bar(page, value_s, room / max(distribution.largest_s, 1e-6)))


def _bar(page: Page, value_s: float, cells_per_s: float) -> Text:
    """As long as the latency; what exceeds the unloaded one is set apart."""
    unloaded_s = page.load.unloaded_s
    usual = value_s if unloaded_s is None else min(value_s, unloaded_s)
    length = max(round(value_s * cells_per_s), 1)
    first = min(max(round(usual * cells_per_s), 1), length)
    text = Text(band_fill(page, 0) * first, style=palette.BANDS[0])
    return text.append(band_fill(page, 1) * (length - first), style=palette.BANDS[2])


def _key(page: Page) -> list[Text]:
    if page.load.unloaded_s is None:
        return []
    line = Text(" " * INDENT)
    line.append(band_fill(page, 0), style=palette.BANDS[0])
    line.append(f" unloaded, {page.time(page.load.unloaded_s)}   ", style=palette.QUIET)
    line.append(band_fill(page, 1), style=palette.BANDS[2])
    line.append(" more than that", style=palette.QUIET)
    return [line]
