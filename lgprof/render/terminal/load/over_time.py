"""Latency, rate, errors and load of the machine over the test, on one time axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from lgprof.readable import count, plural, rate, whole_percent
from lgprof.render.terminal import palette
from lgprof.render.terminal.axis import axis_line, tick_times
from lgprof.render.terminal.facts import quiet_lines
from lgprof.render.terminal.load.bands import band_fill, band_rows, round_up
from lgprof.render.terminal.load.moments import Columns, Moment, columns_in
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.palette import Role

_HEIGHT = 8
_LABEL = 9
_FIGURE = 11
_BANDS = ("p50", "p95", "p99")
"""Lowest first."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of small bars."""

    label: str
    values: list[float | None]
    top: float
    """The value of a full bar."""
    figure: str
    """The value that a full bar stands for, in words."""
    style: Style


def over_time_blocks(page: Page) -> list[Block]:
    """The charts; empty where no interval was seen."""
    series = page.load.series
    if not series:
        return []
    margin = INDENT + _LABEL + 1
    columns = columns_in(series, max(page.width - margin - _FIGURE - 1, 8))
    lines = _latency(page, columns)
    lines += [_line(page, row, columns.cells_each) for row in _rows(page, columns.moments)]
    lines.append(_axis(page, columns, margin))
    if columns.intervals_each > 1:
        merged = plural(columns.intervals_each, "interval")
        worst = f"a column is the worst of {merged}; of rates and CPU, their mean"
        lines += quiet_lines(page, worst)
    each = page.round_time(round(series[0].duration_s, 1) * columns.intervals_each)
    return [Block("Over time", lines, f"all requests, by their end; a column is {each}")]


def _latency(page: Page, columns: Columns) -> list[Text]:
    bands = [(each.p50_s, each.p95_s, each.p99_s) for each in columns.moments]
    top = max((value for band in bands for value in band if value is not None), default=None)
    if top is None:
        return [Text("  no latency: no request succeeded", style=palette.QUIET)]
    top = round_up(top)
    labels = {0: page.round_time(top), _HEIGHT // 2: page.round_time(top / 2)}
    lines = []
    rows = band_rows(page, bands, top, _HEIGHT, columns.cells_each)
    for number, row in enumerate(rows):
        line = Text(" " * INDENT)
        line.append(labels.get(number, "").rjust(_LABEL), style=palette.QUIET)
        line.append(" ").append_text(row)
        if number < len(_BANDS):
            band = len(_BANDS) - 1 - number
            line.append(f" {band_fill(page, band)}", style=palette.BANDS[band])
            line.append(f" {_BANDS[band]}", style=palette.QUIET)
        line.rstrip()
        lines.append(line)
    return [*lines, Text()]


def _rows(page: Page, moments: Sequence[Moment]) -> list[_Row]:
    fastest = max(max(each.offered_rps, each.rps) for each in moments)
    node, waiting = palette.bar_style(Role.NODE), palette.bar_style(Role.WAITING)
    failed = palette.bar_style(Role.FAILED)
    rows = [
        _row("offered", moments, lambda each: each.offered_rps, rate, node, top=fastest),
        _row("answered", moments, lambda each: each.rps, rate, node, top=fastest),
        _row("errors", moments, lambda each: each.errors_rps, rate, failed, top=fastest),
        _row("in flight", moments, lambda each: each.in_flight, _count, waiting),
        _row("queued", moments, lambda each: each.queued, _count, waiting),
        _row("CPU", moments, lambda each: each.cpu_share, whole_percent, node),
    ]
    if any(each.loop_lag_s is not None for each in moments):
        blocked = palette.bar_style(Role.BLOCKED)
        rows.append(_row("loop lag", moments, lambda each: each.loop_lag_s, page.time, blocked))
    return rows


def _row(
    label: str,
    moments: Sequence[Moment],
    of: Callable[[Moment], float | None],
    words: Callable[[float], str],
    style: Style,
    top: float | None = None,
) -> _Row:
    values = [of(moment) for moment in moments]
    peak = max((value for value in values if value is not None), default=0.0)
    return _Row(label, values, peak if top is None else top, f"max {words(peak)}", style)


def _count(number: float) -> str:
    return count(round(number))


def _line(page: Page, row: _Row, repeat: int) -> Text:
    line = Text(" " * INDENT)
    line.append(row.label.rjust(_LABEL), style=palette.QUIET)
    line.append(" ")
    for value in row.values:
        if value is None:
            line.append(" " * repeat)
        elif not value or row.top <= 0:
            line.append(page.glyphs.idle * repeat, style=palette.QUIET)
        else:
            line.append(_step(page, value / row.top) * repeat, style=row.style)
    line.append(f" {row.figure}", style=palette.QUIET)
    return line


def _step(page: Page, share: float) -> str:
    ramp = page.glyphs.ramp
    return ramp[max(min(round(share * len(ramp)), len(ramp)), 1) - 1]


def _axis(page: Page, columns: Columns, margin: int) -> Text:
    end_s = columns.moments[-1].end_s
    times = tick_times(end_s, max(round(columns.width / 8), 3))
    return axis_line(page, margin, columns.width, [(columns.cell_of(at), at) for at in times])
