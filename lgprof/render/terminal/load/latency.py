"""The latency table: from the intended start, the service alone, and what the load added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from lgprof.model import LatencySummary, Load
from lgprof.readable import count, plural, significant
from lgprof.render.terminal import palette
from lgprof.render.terminal.facts import fact_grid, quiet_lines
from lgprof.render.terminal.latency import usage_facts
from lgprof.render.terminal.load.percentiles import FIRM, Distribution, beyond, is_firm
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.table import Column, has_footnote, table_lines

_COLUMNS = {"p50": 100, "p90": 70, "p95": 90, "p99": 95, "p99.9": 80, "max": 85, "mean": 60}
"""How much each is worth keeping where there is little room."""
_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p99.9": 99.9}


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """One line of the table."""

    label: str
    summary: LatencySummary
    p99_9_s: float | None
    sample: int


def load_latency_blocks(page: Page) -> list[Block]:
    """The table, how firm its tail is, and what the requests used."""
    load = page.load
    sample = load.completed + load.timed_out
    columns = _columns(page, latency_rows(load))
    lines = table_lines(page, columns) if columns else []
    if load.latency_s is None:
        lines.insert(0, Text("  no request succeeded", style=palette.ERROR))
    else:
        lines += quiet_lines(page, _firmness(sample))
    if columns and has_footnote(page, columns):
        why = f"rests on fewer than {FIRM} requests: the next test may differ"
        lines += quiet_lines(page, f"{page.glyphs.note} {why}")
    lines += [Text(), *fact_grid(page, load_facts(page))]
    return [Block("Latency", lines, population(load))]


def load_facts(page: Page) -> list[tuple[str, str]]:
    """The latency without load, and the totals."""
    return [*_unloaded(page, page.load), *usage_facts(page.profile.summary)]


def population(load: Load) -> str:
    """Which requests the latency is of."""
    sample = load.completed + load.timed_out
    if not sample:
        return "no successful request"
    if load.timed_out:
        return f"all {plural(sample, 'request')}, {count(load.timed_out)} of them timed out"
    return f"all {plural(sample, 'successful request')}"


def latency_rows(load: Load) -> list[LatencyRow]:
    """From the intended start, the service alone, and what stood in their way."""
    closed = load.arrivals == "closed"
    start = "from actual start" if closed else "from intended start"
    lags = [interval.histograms.get("lag", "") for interval in load.series]
    answered = load.completed + load.timed_out
    rows = [
        _row(start, load.latency_s, answered, [load.histogram]),
        None if closed else _row("service time", load.service_s, answered),
        None if closed else _row("schedule lag", load.schedule_lag_s, load.started, lags),
        _row("event-loop lag", load.loop_lag_s, load.started),
    ]
    return [row for row in rows if row is not None]


def _row(
    label: str, summary: LatencySummary | None, sample: int, histograms: Sequence[str] = ()
) -> LatencyRow | None:
    """None where nothing was measured. A summary has no p99.9: that is the histograms'."""
    if summary is None:
        return None
    distribution = Distribution.decoded(histograms, summary.max)
    tail = None if distribution is None else distribution.percentile_s(99.9)
    return LatencyRow(label, summary, tail, sample)


def _columns(page: Page, rows: list[LatencyRow]) -> list[Column]:
    """Label and percentiles; those that the first row's sample is too small for are marked."""
    if not rows:
        return []
    sample = rows[0].sample
    columns = [Column("", [Text(row.label) for row in rows], 110, left=True)]
    for name, keep in _COLUMNS.items():
        weak = name in _PERCENTILES and not is_firm(_PERCENTILES[name], sample)
        header = f"{name}{page.glyphs.note}" if weak else name
        columns.append(Column(header, [_cell(page, row, name, weak) for row in rows], keep))
    return columns


def _cell(page: Page, row: LatencyRow, name: str, weak: bool) -> Text:
    value_s = row.p99_9_s if name == "p99.9" else getattr(row.summary, name)
    if value_s is None:
        return Text("-   ", style=palette.QUIET)
    cell = page.time_cell(value_s, quiet=weak)
    if row.summary is page.load.latency_s and not weak:
        cell.stylize(palette.STRONG)
    return cell


def _firmness(sample: int) -> str:
    tails = [f"{count(beyond(q, sample))} beyond p{q:g}" for q in (99.0, 99.9)]
    return f"of {plural(sample, 'request')}, {' and '.join(tails)}"


def _unloaded(page: Page, load: Load) -> list[tuple[str, str]]:
    if load.unloaded_s is None:
        return []
    value = page.time(load.unloaded_s)
    if load.latency_s is not None and load.unloaded_s > 0:
        times = significant(load.latency_s.p50 / load.unloaded_s)
        value = f"{value} (p50 is {times}{page.glyphs.times} that)"
    return [("unloaded", value)]
