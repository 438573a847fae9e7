"""Two Profiles side by side on the terminal: structure first, then the whole, then node by node."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.style import Style
from rich.text import Text

from lgprof import readable
from lgprof.analysis.diff import Compared
from lgprof.analysis.flame import NODE_SECONDS, FlameOptions
from lgprof.model import CATEGORY_LABELS, Change, ProfileDiff, RowChanges, Side
from lgprof.render.change_words import (
    SCATTER,
    is_small,
    is_worse,
    pair,
    side_words,
    structure_lines,
)
from lgprof.render.graph_marks import graph_marks
from lgprof.render.quantity import change as change_words
from lgprof.render.quantity import interval, quantity
from lgprof.render.terminal import palette
from lgprof.render.terminal.critical import critical_spans
from lgprof.render.terminal.facts import fact_lines, quiet_lines
from lgprof.render.terminal.flame_diff import flame_diff_blocks
from lgprof.render.terminal.graph_diff import graph_diff_blocks
from lgprof.render.terminal.notices import marked_lines
from lgprof.render.terminal.page import Block, Page, Paper, paper_of, print_blocks
from lgprof.render.terminal.table import Column, table_lines
from lgprof.render.terminal.timeline_diff import timeline_diff_blocks

_MOST_ROWS = 15


def render_diff(
    compared: Compared,
    console: Console,
    *,
    verbosity: int = 0,
    flame: FlameOptions = NODE_SECONDS,
) -> None:
    """Print a diff.

    Args:
        compared: What to print.
        console: Where. Its width, colours and encoding are respected.
        verbosity: From 1 on, every row is shown.
        flame: Which flame graph to draw.
    """
    paper = Paper.of(console)
    base, new, diff = compared
    blocks = [_head(paper, diff), _structure(paper, diff), _graph(paper, diff)]
    blocks += _attribution(paper, diff)
    blocks += flame_diff_blocks(paper, base, new, flame)
    pages = (
        Page(profile=each, critical_spans=critical_spans, verbosity=verbosity, **paper_of(console))
        for each in (base, new)
    )
    blocks += timeline_diff_blocks(*pages)
    if verbosity or not diff.structure.is_none:
        blocks += graph_diff_blocks(paper, new.target.name, graph_marks(compared))
    for title, rows in (("Nodes", diff.nodes), ("Models", diff.models), ("Tools", diff.tools)):
        blocks += _rows(paper, title, rows, verbosity)
    print_blocks(paper, console, blocks)


def _head(paper: Paper, diff: ProfileDiff) -> Block:
    facts = [("base", _side(paper, diff.base)), ("new", _side(paper, diff.new))]
    lines = fact_lines(paper, facts)
    for caveat in diff.caveats:
        lines += marked_lines(paper, "!", palette.WARNING, caveat)
    return Block("Diff", lines, "paired by request" if diff.paired else "")


def _side(paper: Paper, side: Side) -> str:
    return paper.clean(paper.joined(side_words(side)))


def _structure(paper: Paper, diff: ProfileDiff) -> Block:
    lines: list[Text] = []
    for sign, line in structure_lines(diff, paper.glyphs.arrow):
        lines += marked_lines(paper, sign, _SIGNS[sign], line)
    return Block("Structure", lines or quiet_lines(paper, "the same nodes, edges and calls"))


_SIGNS: dict[str, Style] = {"+": palette.STRONG, "-": palette.STRONG, "~": palette.WARNING}


def _graph(paper: Paper, diff: ProfileDiff) -> Block:
    found = diff.graph
    columns = [
        Column("metric", [Text(each.metric) for each in found], 100, left=True),
        Column("base", [_value(paper, each, each.base) for each in found], 80),
        Column("new", [_value(paper, each, each.new) for each in found], 90),
        Column("change", [_change(each) for each in found], 85),
        Column("95 % interval", [_open(each) for each in found], 70, left=True),
    ]
    lines = table_lines(paper, columns)
    if any(each.ci for each in found):
        lines += [Text(), *quiet_lines(paper, SCATTER)]
    return Block("Graph", lines)


def _attribution(paper: Paper, diff: ProfileDiff) -> list[Block]:
    moved = [each for each in diff.attribution if not is_small(diff, each)]
    moved.sort(key=lambda each: -abs((each.new or 0.0) - (each.base or 0.0)))
    if not moved:
        return []
    names = [CATEGORY_LABELS[each.metric.removeprefix("attribution.")] for each in moved]
    columns = [
        Column("part of the latency", [Text(name) for name in names], 100, left=True),
        Column("base", [_value(paper, each, each.base) for each in moved], 80),
        Column("new", [_value(paper, each, each.new) for each in moved], 90),
        Column("difference", [_seconds(paper, each) for each in moved], 95),
    ]
    return [Block("Where the time moved", table_lines(paper, columns), "mean per request")]


def _seconds(paper: Paper, change: Change) -> Text:
    difference = (change.new or 0.0) - (change.base or 0.0)
    return Text(f"{'+' if difference > 0 else ''}{paper.time(difference)}")


def _rows(paper: Paper, title: str, rows: Sequence[RowChanges], verbosity: int) -> list[Block]:
    if not rows:
        return []
    shown = rows if verbosity else rows[:_MOST_ROWS]

    def column(header: str, metric: str, keep: int) -> Column:
        return Column(header, _cells(shown, metric, lambda each: _pair(paper, each)), keep)

    names = [Text(_name(paper, row)) for row in shown]
    columns = [
        Column("node" if title == "Nodes" else title[:-1].lower(), names, 100, True, 14),
        column("calls/request", "calls.per_request", 80),
        column("time per call", "mean", 90),
        Column("change", _cells(shown, "mean", _change), 95),
        Column("95 % interval", _cells(shown, "mean", _open), 60, left=True),
        column("critical path", "critical", 75),
        column("CPU", "cpu", 40),
        column("tokens in", "tokens.input.per_request", 50),
        column("tokens out", "tokens.output.per_request", 45),
        column("cost", "cost.per_request", 55),
        column("errors", "errors.per_request", 42),
    ]
    kept = [each for each in columns if any(cell.plain for cell in each.cells)]
    lines = table_lines(paper, kept)
    if len(shown) < len(rows):
        more = f"  {readable.plural(len(rows) - len(shown), 'more row')} (-v)"
        lines.append(Text(more, style=palette.QUIET))
    return [Block(title, lines, "per request where not said otherwise")]


def _name(paper: Paper, row: RowChanges) -> str:
    sign = {"added": "+ ", "removed": "- ", "both": ""}[row.presence]
    called = f" ({paper.name(row.node)})" if row.node is not None else ""
    return f"{sign}{paper.name(row.name)}{called}"


def _cells(rows: Sequence[RowChanges], metric: str, cell: Callable[[Change], Text]) -> list[Text]:
    changes = [row.of(metric) for row in rows]
    is_telling = any(each and (each.base or each.new) for each in changes)
    return [cell(each) if each and is_telling else Text() for each in changes]


def _pair(paper: Paper, change: Change) -> Text:
    """Both values, or one where they read alike."""
    ascii_only = paper.glyphs.ascii_only
    shown = pair(change, f" {paper.glyphs.arrow} ", ascii_only=ascii_only)
    return Text(shown, style=palette.PLAIN if change.base != change.new else palette.QUIET)


def _value(paper: Paper, change: Change, value: float | None) -> Text:
    return Text(quantity(value, change.unit, ascii_only=paper.glyphs.ascii_only))


def _change(change: Change) -> Text:
    """Marked where the scatter does not explain it."""
    text = Text(change_words(change.change) if change.base != change.new else "")
    if change.is_certain:
        text.style = palette.ERROR if is_worse(change) else palette.STRONG
    return text


def _open(change: Change) -> Text:
    if change.exact:
        return Text("exact" if change.base != change.new else "the same", style=palette.QUIET)
    return Text(interval(change.ci), style=palette.PLAIN if change.is_certain else palette.QUIET)
