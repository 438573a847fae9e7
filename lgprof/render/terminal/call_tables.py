"""The tables of model calls and of tool calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from lgprof.model import ModelRow, Tokens, ToolRow
from lgprof.render.format import count, significant, usd
from lgprof.render.terminal import palette
from lgprof.render.terminal.node_table import latency_cell
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.table import Column, table_lines


def model_blocks(page: Page) -> list[Block]:
    """Model calls by node and model; empty where there were none."""
    rows = sorted(page.profile.models, key=lambda row: (-_total(row), row.node, row.model))
    if not rows:
        return []
    columns = [
        Column("model", [Text(page.name(row.model)) for row in rows], 100, True, 14),
        Column("node", [Text(page.name(row.node)) for row in rows], 60, True, 10),
        Column("calls", [Text(count(row.calls)) for row in rows], 90),
        Column("errors", [_errors(row.errors) for row in rows], _keep_errors(rows)),
        _tokens("tokens in", rows, lambda tokens: tokens.input, 70),
        _tokens("cached", rows, lambda tokens: tokens.cache_read, 40),
        _tokens("out", rows, lambda tokens: tokens.output, 69),
        Column("p50", [latency_cell(page, row.latency_s, "p50") for row in rows], 95),
        Column("p95", [latency_cell(page, row.latency_s, "p95") for row in rows], 80),
    ]
    if any(row.time_to_first_token_s for row in rows):
        first = [latency_cell(page, row.time_to_first_token_s, "p50") for row in rows]
        columns.append(Column("first token", first, 75))
    if any(row.output_tokens_per_s for row in rows):
        columns.append(Column("tok/s", [_speed(row) for row in rows], 65))
    if any(row.cost_usd is not None for row in rows):
        columns.append(Column("cost", [_cost(row) for row in rows], 68))
    return [Block("Models", table_lines(page, columns), "latency per call, tokens in all")]


def tool_blocks(page: Page) -> list[Block]:
    """Tool and retriever calls by node; empty where there were none."""
    rows = sorted(page.profile.tools, key=lambda row: (-_total(row), row.node, row.tool))
    if not rows:
        return []
    columns = [
        Column("tool", [Text(_tool_name(page, row)) for row in rows], 100, True, 14),
        Column("node", [Text(page.name(row.node)) for row in rows], 60, True, 10),
        Column("calls", [Text(count(row.calls)) for row in rows], 90),
        Column("errors", [_errors(row.errors) for row in rows], _keep_errors(rows)),
        Column("p50", [latency_cell(page, row.latency_s, "p50") for row in rows], 95),
        Column("p95", [latency_cell(page, row.latency_s, "p95") for row in rows], 80),
        Column("max", [latency_cell(page, row.latency_s, "max") for row in rows], 70),
    ]
    return [Block("Tools", table_lines(page, columns), "latency per call")]


def _total(row: ModelRow | ToolRow) -> float:
    return row.latency_s.mean * row.calls if row.latency_s else 0.0


def _keep_errors(rows: Sequence[ModelRow] | Sequence[ToolRow]) -> int:
    return 92 if any(row.errors for row in rows) else 50


def _tool_name(page: Page, row: ToolRow) -> str:
    name = page.name(row.tool)
    return f"{name} (retriever)" if row.kind == "retriever" else name


def _errors(number: int) -> Text:
    if not number:
        return Text("0", style=palette.QUIET)
    return Text(f"!{count(number)}", style=palette.ERROR)


def _tokens(
    header: str, rows: Sequence[ModelRow], of: Callable[[Tokens], int | None], keep: int
) -> Column:
    numbers = [of(row.tokens) for row in rows]
    cells = [Text("?", palette.QUIET) if n is None else Text(count(n)) for n in numbers]
    return Column(header, cells, keep)


def _speed(row: ModelRow) -> Text:
    if row.output_tokens_per_s is None:
        return Text("?", style=palette.QUIET)
    return Text(significant(row.output_tokens_per_s))


def _cost(row: ModelRow) -> Text:
    return Text("?", palette.QUIET) if row.cost_usd is None else Text(usd(row.cost_usd))
