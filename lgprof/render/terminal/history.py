"""The trends of a history on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from lgprof import readable
from lgprof.model import ChangePoint, History, Trend
from lgprof.render.quantity import change, quantity
from lgprof.render.terminal import palette
from lgprof.render.terminal.facts import quiet_lines
from lgprof.render.terminal.notices import marked_lines
from lgprof.render.terminal.page import Block, Paper, print_blocks
from lgprof.render.terminal.table import Column, table_lines

_MOST_MARKS = 40


def render_history(history: History, console: Console) -> None:
    """Print the trends, and the changes that matter."""
    paper = Paper.of(console)
    trends = history.trends
    columns = [
        Column("metric", [Text(paper.clean(each.metric)) for each in trends], 100, True, 16),
        Column("first", [_value(paper, each, 0) for each in trends], 60),
        Column("last", [_value(paper, each, -1) for each in trends], 90),
        Column("trend", [Text(_marks(paper, each)) for each in trends], 80, left=True),
    ]
    count = readable.plural(len(history.created), history.kind)
    lines = table_lines(paper, columns) if trends else quiet_lines(paper, "nothing was measured")
    if history.left_out:
        lines += quiet_lines(
            paper, f"left out: {history.left_out} of other targets, inputs or kinds"
        )
    blocks = [Block("History", lines, paper.joined([paper.clean(history.target), count]))]
    found = [(trend, point) for trend in trends for point in trend.changes]
    changes = [
        line
        for trend, point in found
        for line in marked_lines(paper, "!", palette.WARNING, _words(paper, history, trend, point))
    ]
    blocks.append(Block("Changes", changes or quiet_lines(paper, "none that matters")))
    print_blocks(paper, console, blocks)


def _value(paper: Paper, trend: Trend, index: int) -> Text:
    known = [value for value in trend.values if value is not None]
    return Text(quantity(known[index], trend.unit, ascii_only=paper.glyphs.ascii_only))


def _marks(paper: Paper, trend: Trend) -> str:
    """The last values from the least to the greatest; what is not known is a gap."""
    values = trend.values[-_MOST_MARKS:]
    known = [value for value in values if value is not None]
    ramp = paper.glyphs.ramp
    low, spread = min(known, default=0.0), max(known, default=0.0) - min(known, default=0.0)
    return "".join(
        " " if value is None else ramp[round((value - low) / (spread or 1.0) * (len(ramp) - 1))]
        for value in values
    )


def _words(paper: Paper, history: History, trend: Trend, point: ChangePoint) -> str:
    def shown(value: float) -> str:
        return quantity(value, trend.unit, ascii_only=paper.glyphs.ascii_only)

    commit = history.commits[point.index]
    since = history.created[point.index].replace("T", " ")[:16]
    parts = [f"{trend.metric} {shown(point.before)} {paper.glyphs.arrow} {shown(point.after)}"]
    if point.change is not None:
        parts.append(f"({change(point.change)})")
    parts.append(f"since {since}")
    if commit:
        parts.append(f"at {commit[:9]}")
    text = " ".join(parts)
    if point.with_environment:
        text += f"; with it changed: {', '.join(point.with_environment)}"
    return text
