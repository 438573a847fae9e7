"""The node table: one row per node, what it costs and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from rich.text import Text

from lgprof.model import LatencySummary, NodeRow
from lgprof.readable import average, count, plural, whole_percent
from lgprof.render.terminal import palette
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.palette import Role
from lgprof.render.terminal.table import GAP, Column, is_shown, table_lines

_MOST_ROWS = 25
_BAR_WIDTH = 8
_WIDE = 120
"""Columns from which there is room for what explains other columns."""
_MATERIAL_SHARE = 0.05
"""A queue of less than this share of the latency gives way to other waits."""


def node_blocks(page: Page) -> list[Block]:
    """The table, nodes with the largest part of the critical path first."""
    rows = sorted(page.profile.nodes, key=lambda row: (-row.critical_s, row.path))
    if not rows:
        return []
    most = len(rows) if page.verbosity else _MOST_ROWS
    left_out = rows[most:]
    rows = rows[:most]
    columns = _columns(page, rows)
    lines = table_lines(page, columns)
    if left_out:
        more = f"  {plural(len(left_out), 'more node')} with less of the critical path (-v)"
        lines.append(Text(more, style=palette.QUIET))
    *_, last = columns
    if last.header == _flow_header(page) and not is_shown(page, columns, last):
        lines += [Text(), *_flow_lines(page, columns[0], last)]
    note = "latency per call; CPU and waits per request"
    return [Block("Nodes", lines, note)]


def _columns(page: Page, rows: Sequence[NodeRow]) -> list[Column]:
    names = [Text(page.name(row.path)) for row in rows]
    columns = [
        Column("node", names, keep=100, left=True, shrink_to=14),
        Column("critical path", [_share(page, row) for row in rows], keep=90, left=True),
        *_counts(page, rows),
        _latency(page, rows, "p50", 95),
        _latency(page, rows, "p95", 85),
        _latency(page, rows, "max", 70),
        *_seconds(page, rows),
    ]
    if any(row.reads or row.writes for row in rows):
        flow = [Text(_flow(page, row), style=palette.QUIET) for row in rows]
        columns.append(Column(_flow_header(page), flow, keep=20, left=True))
    return columns


def _flow_lines(page: Page, names: Column, flow: Column) -> list[Text]:
    """A table of its own where the first has no room; a long flow is cut at its end."""
    room = page.width - INDENT - GAP - names.least_width()
    for cell in flow.cells:
        cell.plain = page.fit(cell.plain, room)
    return table_lines(page, [names, flow])


def _flow_header(page: Page) -> str:
    return f"reads {page.glyphs.arrow} writes"


def _counts(page: Page, rows: Sequence[NodeRow]) -> list[Column]:
    def column(header: str, of: Callable[[NodeRow], int], keep: int) -> Column:
        cells = [_number(of(row)) for row in rows]
        return Column(header, cells, keep=keep)

    retried = any(row.retries for row in rows)
    failed = any(row.errors for row in rows)
    columns = [
        column("calls", lambda row: row.calls, 80),
        column("attempts", lambda row: row.attempts, 65 if retried else 45),
        Column("errors", [errors_cell(row.errors) for row in rows], keep=88 if failed else 50),
    ]
    if any(row.timeouts for row in rows):
        columns.append(column("timeouts", lambda row: row.timeouts, 60))
    if any(row.cache_hits for row in rows):
        columns.append(column("cached", lambda row: row.cache_hits, 62))
    if any(row.visits.max > 1 for row in rows):
        cells = [_visits(row) for row in rows]
        columns.append(Column("visits", cells, keep=48))
    return columns


def _seconds(page: Page, rows: Sequence[NodeRow]) -> list[Column]:
    candidates = [
        seconds_column(page, rows, "CPU", lambda row: row.cpu_s, 58),
        seconds_column(page, rows, "blocking", lambda row: row.blocking_s, 57),
        longest_hold_column(page, rows),
        seconds_column(page, rows, "barrier", lambda row: row.barrier_wait_s, 56),
    ]
    if any(row.executor_queue_s for row in rows):
        longest_s = max(row.executor_queue_s or 0.0 for row in rows)
        keep = 59 if _is_material(page, longest_s) else 40
        queue = seconds_column(page, rows, "queue", lambda row: row.executor_queue_s, keep)
        candidates.append(queue)
    if any(row.backoff_s for row in rows):
        candidates.append(seconds_column(page, rows, "backoff", lambda row: row.backoff_s, 41))
    return [candidate for candidate in candidates if candidate is not None]


def seconds_column(
    page: Page,
    rows: Sequence[NodeRow],
    header: str,
    of: Callable[[NodeRow], float | None],
    keep: int,
) -> Column | None:
    """Seconds of each node; None where none are known, and less worth keeping where all are 0."""
    values = [of(row) for row in rows]
    if not any(value is not None for value in values):
        return None
    keep = keep if any(values) else keep - 20
    return Column(header, [page.time_cell(value) for value in values], keep=keep)


def longest_hold_column(page: Page, rows: Sequence[NodeRow], mark: str = "") -> Column | None:
    """How long each node held the event loop at most, where the terminal is wide."""
    if page.width < _WIDE:
        return None
    return seconds_column(page, rows, f"longest hold{mark}", lambda row: row.longest_hold_s, 55)


def _is_material(page: Page, seconds: float) -> bool:
    latency = page.profile.summary.latency_s
    return latency is not None and seconds >= _MATERIAL_SHARE * latency.mean


def _latency(
    page: Page, rows: Sequence[NodeRow], which: Literal["p50", "p95", "max"], keep: int
) -> Column:
    return Column(which, [latency_cell(page, row.latency_s, which) for row in rows], keep=keep)


def latency_cell(
    page: Page, latency: LatencySummary | None, which: Literal["p50", "p95", "p99", "max"]
) -> Text:
    """One figure of a latency summary, or a quiet dash where nothing was measured."""
    if latency is None:
        return Text("-   ", style=palette.QUIET)
    return page.time_cell(getattr(latency, which))


def _number(number: int) -> Text:
    return Text(count(number), style=palette.PLAIN if number else palette.QUIET)


def errors_cell(number: int) -> Text:
    """A number of errors; marked in the text itself, not by colour alone."""
    if not number:
        return Text("0", style=palette.QUIET)
    return Text(f"!{count(number)}", style=palette.ERROR)


def _visits(row: NodeRow) -> Text:
    if row.visits.mean == row.visits.max:
        return Text(count(row.visits.max))
    return Text(f"{average(row.visits.mean)} (max {count(row.visits.max)})")


def _share(page: Page, row: NodeRow) -> Text:
    latency = page.profile.summary.latency_s
    if latency is None or latency.mean <= 0:
        return Text("-", style=palette.QUIET)
    share = min(row.critical_s / latency.mean, 1.0)
    text = Text(whole_percent(share).rjust(4), style=palette.PLAIN if share else palette.QUIET)
    return text.append(" ").append(small_bar(page, share), style=palette.bar_style(Role.NODE))


def small_bar(page: Page, share: float, width: int = _BAR_WIDTH) -> str:
    """A bar in eighths of a cell, or in whole cells without block glyphs."""
    block, partial = page.glyphs.block, page.glyphs.partial
    if not partial:
        return (block * round(share * width)).ljust(width)
    eighths = round(share * width * 8)
    whole, part = divmod(max(eighths, 1 if share > 0 else 0), 8)
    return (block * whole + (partial[part - 1] if part else "")).ljust(width)


def _flow(page: Page, row: NodeRow) -> str:
    if row.reads is None and row.writes is None:
        return "?"
    reads = _keys(page, row.reads)
    return f"{reads} {page.glyphs.arrow} {_keys(page, row.writes)}"


def _keys(page: Page, keys: list[str] | Literal["all"] | None) -> str:
    if keys is None:
        return "?"
    if keys == "all":
        return "all"
    return ", ".join(page.clean(key) for key in keys) or "nothing"
