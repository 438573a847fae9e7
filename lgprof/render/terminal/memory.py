"""Memory by node, and the code that holds it."""

from __future__ import annotations

from rich.text import Text

from lgprof.model import NodeMemory
from lgprof.readable import plural, size
from lgprof.render.terminal import palette
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.table import Column, table_lines

_MOST_ROWS = 15
_LEAST_SHARE = 0.01
_OUTSIDE = "outside of nodes"


def memory_blocks(page: Page) -> list[Block]:
    """The table; empty where memory was not asked for."""
    memory = page.profile.memory
    if memory is None:
        return []
    least = 0.0 if page.verbosity else _LEAST_SHARE * memory.peak_bytes
    rows = [row for row in memory.nodes if row.peak_bytes > least][:_MOST_ROWS]
    columns = [
        Column("node", [_name(page, row) for row in rows], keep=100, left=True, shrink_to=14),
        Column("peak", [Text(size(row.peak_bytes)) for row in rows], keep=90),
        Column("kept per request", [_kept(row) for row in rows], keep=80),
        Column("most of it from", [_sites(page, row) for row in rows], keep=50, left=True),
    ]
    requests = plural(memory.requests, "request")
    note = f"{size(memory.peak_bytes)} at most, in {requests} tracked"
    return [Block("Memory", table_lines(page, columns), note)]


def _name(page: Page, row: NodeMemory) -> Text:
    return Text(page.name(row.path)) if row.path else Text(_OUTSIDE, style=palette.QUIET)


def _kept(row: NodeMemory) -> Text:
    kept = round(row.retained_bytes)
    return Text(size(kept), style=palette.PLAIN if kept else palette.QUIET)


def _sites(page: Page, row: NodeMemory) -> Text:
    places = [
        f"{page.clean(site.function)} {page.clean(site.file).rpartition('/')[2]}:{site.line} "
        f"{size(site.size_bytes)}"
        for site in row.sites[: 3 if page.verbosity else 1]
    ]
    return Text(page.joined(places), style=palette.QUIET)
