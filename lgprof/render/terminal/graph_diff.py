"""The graphs of two Profiles as one table: nodes by superstep, with what became of each."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from lgprof.analysis.transitions import END, START, Course
from lgprof.render.flame_diff_text import sign
from lgprof.render.graph_marks import SIGNS, Marks, mark_text
from lgprof.render.terminal import palette
from lgprof.render.terminal.page import Block, Paper
from lgprof.render.terminal.table import Column, table_lines


def graph_diff_blocks(paper: Paper, name: str, marks: Marks) -> list[Block]:
    """A table for each graph: the outermost, called ``name``, then those in its nodes."""
    blocks = [
        Block(
            f"Graph in {paper.name(path)}" if path else f"Graph of {paper.name(name)}",
            table_lines(paper, _columns(paper, course, marks)),
            "per request",
        )
        for path, course in marks.courses.items()
        if course.nodes
    ]
    if blocks:
        blocks[-1].lines.append(Text("  + new   - gone", style=palette.QUIET))
    return blocks


def _columns(paper: Paper, course: Course, marks: Marks) -> list[Column]:
    last = max(course.first_step.values(), default=0) + 1
    start = f"{course.path}/{START}" if course.path else START
    nodes = sorted(course.nodes, key=lambda node: course.first_step.get(node, last))
    shown = [*([start] if any(_targets(paper, course, start, marks)) else []), *nodes]
    steps = [str(course.first_step.get(node, "")) for node in shown]
    leads = [paper.joined(list(_targets(paper, course, node, marks))) for node in shown]
    return [
        Column("step", [Text(step, style=palette.QUIET) for step in steps], keep=60),
        Column("node", [_node(paper, course, node, marks) for node in shown], 100, True, 12),
        Column("time", [_time(paper, marks, node) for node in shown], keep=95, left=True),
        Column(f"leads {paper.glyphs.arrow} to", [Text(each) for each in leads], 90, True, 20),
    ]


def _label(paper: Paper, course: Course, node: str) -> str:
    name = course.name_of(node)
    return {START: "start", END: "end"}.get(name) or paper.name(name)


def _node(paper: Paper, course: Course, node: str, marks: Marks) -> Text:
    mark = marks.nodes.get(node)
    before = SIGNS[mark.presence] if mark else ""
    style = palette.STRONG if before else palette.PLAIN
    return Text(f"{before or ' '} {_label(paper, course, node)}", style=style)


def _time(paper: Paper, marks: Marks, node: str) -> Text:
    mark = marks.nodes.get(node)
    if mark is None:
        return Text()
    styles = {"+": palette.ERROR, "-": palette.CODE, "": palette.QUIET}
    text = mark_text(mark, paper.glyphs.separator, ascii_only=paper.glyphs.ascii_only)
    return Text(text, style=styles[sign(mark.steps)])


def _targets(paper: Paper, course: Course, node: str, marks: Marks) -> Iterator[str]:
    for each in course.transitions.values():
        if each.source == node:
            presence = marks.edges.get((each.source, each.target))
            before = SIGNS[presence] if presence else ""
            yield before + _label(paper, course, each.target)
