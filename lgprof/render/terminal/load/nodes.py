"""The node table of a load test: each node's latency before and under load, and its waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.text import Text

from lgprof.analysis.slowdown import SLOWER, factor, slowdown
from lgprof.model import NodeRow
from lgprof.readable import count, plural, significant
from lgprof.render.terminal import palette
from lgprof.render.terminal.facts import quiet_lines
from lgprof.render.terminal.node_table import (
    errors_cell,
    latency_cell,
    longest_hold_column,
    seconds_column,
)
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.table import Column, has_footnote, table_lines

_MOST_ROWS = 25


def load_node_blocks(page: Page) -> list[Block]:
    """The table: the node that saturates, then those with most of the critical path."""
    found = page.load.saturation
    rows = sorted(
        page.profile.nodes,
        key=lambda row: (found is None or found.node != row.path, -row.critical_s, row.path),
    )
    if not rows:
        return []
    most = len(rows) if page.verbosity else _MOST_ROWS
    left_out = rows[most:]
    columns = _columns(page, rows[:most])
    lines = table_lines(page, columns)
    if left_out:
        more = f"{plural(len(left_out), 'more node')} with less of the critical path (-v)"
        lines += quiet_lines(page, more)
    if has_footnote(page, columns):
        sampled = plural(page.load.sampled_requests, "sampled request")
        note = f"{page.glyphs.note} per request, mean of {sampled}; all else is of all calls"
        lines += quiet_lines(page, note)
    return [Block("Nodes", lines, "all calls: latency unloaded and under load")]


def _columns(page: Page, rows: Sequence[NodeRow]) -> list[Column]:
    known = any(row.unloaded_s is not None for row in rows)
    columns = [
        Column("node", [Text(page.name(row.path)) for row in rows], 100, True, 14),
        Column("calls", [Text(count(row.calls)) for row in rows], 75),
        Column("errors", [errors_cell(row.errors) for row in rows], _keep_errors(rows)),
    ]
    if known:
        columns.append(Column("unloaded", [_unloaded(page, row) for row in rows], 85))
    columns.append(_latency(page, rows, "p50", 97))
    if known:
        columns.append(Column("factor", [_factor(page, row) for row in rows], 93))
    columns += [
        _latency(page, rows, "p95", 54),
        _latency(page, rows, "p99", 96),
        _latency(page, rows, "max", 53),
        *_waits(page, rows),
    ]
    reasons = [page.clean(slowdown(row, page.profile)) for row in rows]
    if any(reasons):
        columns.append(Column("why", [Text(why, palette.WARNING) for why in reasons], 64, True))
    return columns


def _keep_errors(rows: Sequence[NodeRow]) -> int:
    return 92 if any(row.errors for row in rows) else 50


def _latency(
    page: Page, rows: Sequence[NodeRow], which: Literal["p50", "p95", "p99", "max"], keep: int
) -> Column:
    return Column(which, [latency_cell(page, row.latency_s, which) for row in rows], keep=keep)


def _unloaded(page: Page, row: NodeRow) -> Text:
    if row.unloaded_s is None:
        return Text("?   ", style=palette.QUIET)
    return page.time_cell(row.unloaded_s)


def _factor(page: Page, row: NodeRow) -> Text:
    times = factor(row)
    if times is None:
        return Text("?", style=palette.QUIET)
    style = palette.WARNING if times >= SLOWER else palette.PLAIN
    return Text(f"{significant(times)}{page.glyphs.times}", style=style)


def _waits(page: Page, rows: Sequence[NodeRow]) -> list[Column]:
    """Seconds per request of the uniform sample: marked, because all else is of all requests."""
    mark = page.glyphs.note
    columns = [
        seconds_column(page, rows, f"barrier{mark}", lambda row: row.barrier_wait_s, 56),
        seconds_column(page, rows, f"blocking{mark}", lambda row: row.blocking_s, 62),
        longest_hold_column(page, rows, mark),
        seconds_column(page, rows, f"executor queue{mark}", lambda row: row.executor_queue_s, 55),
    ]
    return [column for column in columns if column is not None]
