"""The metrics that budgets and gates can name, on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from lgprof.metrics import Measure, Metric, Scope, measures
from lgprof.model import Profile
from lgprof.render.quantity import quantity
from lgprof.render.terminal import palette
from lgprof.render.terminal.facts import quiet_lines
from lgprof.render.terminal.page import Block, Paper, print_blocks
from lgprof.render.terminal.table import Column, table_lines

_TITLES: dict[Scope, str] = {
    "graph": "Of the whole graph",
    "node": "Of a node",
    "model": "Of a model",
    "tool": "Of a tool or retriever",
    "error": "Of an error type",
}
_WRITTEN: dict[Scope, str] = {
    "graph": "",
    "node": "node.NAME.",
    "model": 'model["NAME"].',
    "tool": "tool.NAME.",
    "error": 'error["TYPE"].',
}
_NOTES = (
    'A name that is no plain word is quoted: node["gather/search"].p95.',
    'A model or tool of one node: node.draft.model["gpt-4o"].p95.',
    "Any percentile: p99.9, node.NAME.p75, load.p99.99.",
    "* also per request: llm_calls.per_request, node.NAME.tokens.input.per_request.",
)


def render_metrics(console: Console, profile: Profile | None) -> None:
    """Print every metric with its unit and JSON path; of a Profile, its values instead."""
    paper = Paper.of(console)
    if profile is None:
        blocks = [_listing(paper, scope) for scope in _TITLES]
        blocks.append(
            Block("Besides", [line for note in _NOTES for line in quiet_lines(paper, note)])
        )
    else:
        blocks = [_values(paper, profile)]
    print_blocks(paper, console, blocks)


def _listing(paper: Paper, scope: Scope) -> Block:
    found = list(measures(scope).values())
    names = [Text(f"{_WRITTEN[scope]}{each.name}{'*' if each.is_total else ''}") for each in found]
    columns = [
        Column("metric", names, 100, left=True),
        Column("unit", [Text(each.unit.value) for each in found], 90, left=True),
        Column("JSON path", [Text(each.path, palette.QUIET) for each in found], 80, left=True),
    ]
    return Block(_TITLES[scope], _whole_lines(paper, columns))


def _values(paper: Paper, profile: Profile) -> Block:
    found = [(metric, metric.value(profile)) for metric in _metrics_of(profile)]
    known = [(metric, value) for metric, value in found if value is not None]
    columns = [
        Column("metric", [Text(paper.clean(m.name)) for m, _ in known], 100, left=True),
        Column("value", [_value(paper, m, value) for m, value in known], 90),
        Column(
            "JSON path", [Text(paper.clean(m.path), palette.QUIET) for m, _ in known], 80, left=True
        ),
    ]
    return Block("Metrics", _whole_lines(paper, columns))


def _whole_lines(paper: Paper, columns: list[Column]) -> list[Text]:
    """A table that is not cut to the paper's width: its names and paths are there to be copied."""
    lines = table_lines(replace(paper, width=sys.maxsize), columns)
    for line in lines:
        line.overflow = "ignore"
    return lines


def _value(paper: Paper, metric: Metric, value: float) -> Text:
    return Text(quantity(value, metric.unit.value, ascii_only=paper.glyphs.ascii_only))


def _metrics_of(profile: Profile) -> Iterator[Metric]:
    """Every metric that the Profile has, row by row."""
    yield from map(Metric, measures("graph").values())
    for node in profile.nodes:
        yield from _of_row("node", node.path)
    for model in profile.models:
        yield from _of_row("model", model.model, model.node)
    for tool in profile.tools:
        yield from _of_row("tool", tool.tool, tool.node)
    for error in profile.errors:
        yield from _of_row("error", error.type)


def _of_row(scope: Scope, key: str, node: str | None = None) -> Iterator[Metric]:
    each: Measure
    for each in measures(scope).values():
        yield Metric(each, key, node)
