"""The tables of model calls and of tool calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from lgprof.model import ModelRow, Tokens, ToolRow
from lgprof.readable import count, significant, usd
from lgprof.render.terminal import palette
from lgprof.render.terminal.node_table import errors_cell, latency_cell
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.table import Column, table_lines


def model_blocks(page: Page) -> list[Block]:
    """Model calls by node and model; empty where there were none."""
    rows = sorted(page.profile.models, key=lambda row: (-_total(row), row.node, row.model))
    if not rows:
        return []
    columns = [
        Column("model", [Text(page.name(row.model)) for row in rows], 100, True, 14),
        _node_column(page, rows, [row.model for row in rows]),
        Column("calls", [Text(count(row.calls)) for row in rows], 90),
        Column("errors", [errors_cell(row.errors) for row in rows], _keep_errors(rows)),
        *_retries(rows),
        token_column("tokens in", rows, lambda tokens: tokens.input, 70),
        token_column("cached", rows, lambda tokens: tokens.cache_read, 40),
        token_column("out", rows, lambda tokens: tokens.output, 69),
        Column("p50", [latency_cell(page, row.latency_s, "p50") for row in rows], 95),
        Column("p95", [latency_cell(page, row.latency_s, "p95") for row in rows], 80),
    ]
    if any(row.time_to_first_token_s for row in rows):
        first = [latency_cell(page, row.time_to_first_token_s, "p50") for row in rows]
        columns.append(Column("first token", first, 75))
    if any(row.inter_token_s for row in rows):
        gaps = [latency_cell(page, row.inter_token_s, "p50") for row in rows]
        columns.append(Column("gap", gaps, 64))
    if any(row.output_tokens_per_s for row in rows):
        columns.append(Column("tok/s", [_speed(row) for row in rows], 65))
    if page.profile.load is not None and any(row.cost_usd is not None for row in rows):
        columns.append(Column("cost", [cost_cell(row) for row in rows], 68))
    return [
        Block(
            "Models", table_lines(page, columns), f"{_whose(page)}latency per call, tokens in all"
        )
    ]


def tool_blocks(page: Page) -> list[Block]:
    """Tool and retriever calls by node; empty where there were none."""
    rows = sorted(page.profile.tools, key=lambda row: (-_total(row), row.node, row.tool))
    if not rows:
        return []
    columns = [
        Column("tool", [Text(_tool_name(page, row)) for row in rows], 100, True, 14),
        _node_column(page, rows, [row.tool for row in rows]),
        Column("calls", [Text(count(row.calls)) for row in rows], 90),
        Column("errors", [errors_cell(row.errors) for row in rows], _keep_errors(rows)),
        Column("p50", [latency_cell(page, row.latency_s, "p50") for row in rows], 95),
        Column("p95", [latency_cell(page, row.latency_s, "p95") for row in rows], 80),
        Column("max", [latency_cell(page, row.latency_s, "max") for row in rows], 70),
    ]
    return [Block("Tools", table_lines(page, columns), f"{_whose(page)}latency per call")]


def _whose(page: Page) -> str:
    """A load test samples some figures; these are not among them."""
    return "all requests, " if page.profile.load is not None else ""


def _node_column(
    page: Page, rows: Sequence[ModelRow] | Sequence[ToolRow], names: Sequence[str]
) -> Column:
    """Whose calls they are: without it, rows of one name could not be told apart."""
    keep = 98 if len(set(names)) < len(names) else 60
    return Column("node", [Text(page.name(row.node)) for row in rows], keep, True, 10)


def _total(row: ModelRow | ToolRow) -> float:
    return row.latency_s.mean * row.calls if row.latency_s else 0.0


def _keep_errors(rows: Sequence[ModelRow] | Sequence[ToolRow]) -> int:
    return 92 if any(row.errors for row in rows) else 50


def _retries(rows: Sequence[ModelRow]) -> list[Column]:
    """How often SDKs tried again; no column where none did."""
    if not any(row.retries for row in rows):
        return []
    return [Column("retries", [errors_cell(row.retries or 0) for row in rows], 91)]


def _tool_name(page: Page, row: ToolRow) -> str:
    name = page.name(row.tool)
    return f"{name} (retriever)" if row.kind == "retriever" else name


def token_column(
    header: str, rows: Sequence[ModelRow], of: Callable[[Tokens], int | None], keep: int
) -> Column:
    """One kind of tokens; ``?`` where they are not known."""
    numbers = [of(row.tokens) for row in rows]
    cells = [Text("?", palette.QUIET) if n is None else Text(count(n)) for n in numbers]
    return Column(header, cells, keep)


def _speed(row: ModelRow) -> Text:
    if row.output_tokens_per_s is None:
        return Text("?", style=palette.QUIET)
    return Text(significant(row.output_tokens_per_s))


def cost_cell(row: ModelRow) -> Text:
    """What its calls cost; ``?`` where that is not known."""
    return Text("?", palette.QUIET) if row.cost_usd is None else Text(usd(row.cost_usd))
