"""The graph as text: nodes by superstep, with heat, and where each leads."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from lgprof.analysis.transitions import END, START, Course, courses
from lgprof.model import NodeRow
from lgprof.readable import count, plural, whole_percent
from lgprof.render.terminal import palette
from lgprof.render.terminal.page import Block, Page
from lgprof.render.terminal.table import Column, table_lines

_BAR = 8


def graph_blocks(page: Page) -> list[Block]:
    """A table for each graph: the outermost, then those in its nodes."""
    target = page.profile.target
    found = {path: course for path, course in courses(page.profile).items() if course.nodes}
    rows = {row.path: row for row in page.profile.nodes}
    blocks = []
    for path, course in found.items():
        facts = [plural(len(course.nodes), "node"), plural(len(course.transitions), "edge")]
        if page.profile.requests and not path:
            facts.append(plural(len(page.profile.requests), "request"))
        title = f"Graph in {page.name(path)}" if path else page.name(target.name)
        lines = table_lines(page, _columns(page, course, rows))
        blocks.append(Block(title, lines, page.joined(facts)))
    if blocks:
        hint = "? conditional" + (", ~ not declared: as it ran" if _has_inferred(found) else "")
        blocks[-1].lines.append(Text(f"  {hint}", style=palette.QUIET))
    return blocks


def _has_inferred(found: dict[str, Course]) -> bool:
    return any(not each.declared for one in found.values() for each in one.transitions.values())


def _columns(page: Page, course: Course, rows: dict[str, NodeRow]) -> list[Column]:
    start = f"{course.path}/{START}" if course.path else START
    last = max(course.first_step.values(), default=0) + 1
    nodes = sorted(course.nodes, key=lambda node: course.first_step.get(node, last))
    shown = [*([start] if _leads(course, start) else []), *nodes]
    steps = [str(course.first_step.get(node, "")) for node in shown]
    columns = [
        Column(
            "node",
            [_name(page, course.name_of(node)) for node in shown],
            keep=100,
            left=True,
            shrink_to=12,
        ),
        Column(
            f"leads {page.glyphs.arrow} to",
            [Text(page.joined(list(_targets(page, course, node)))) for node in shown],
            keep=90,
            left=True,
            shrink_to=20,
        ),
    ]
    if not page.profile.requests:
        return columns
    told = [rows.get(node) for node in shown]
    step = Column("step", [Text(step, style=palette.QUIET) for step in steps], keep=60)
    heat = Column("critical path", [_heat(page, row) for row in told], keep=80, left=True)
    calls = Column("calls", [Text(count(row.calls) if row else "") for row in told], keep=70)
    return [step, columns[0], heat, calls, columns[1]]


def _name(page: Page, name: str) -> Text:
    return Text("start", style=palette.QUIET) if name == START else Text(page.name(name))


def _leads(course: Course, node: str) -> bool:
    return any(each.source == node for each in course.transitions.values())


def _targets(page: Page, course: Course, node: str) -> Iterator[str]:
    for each in course.transitions.values():
        if each.source != node:
            continue
        name = course.name_of(each.target)
        label = "end" if name == END else page.name(name)
        mark = "?" if each.conditional else "" if each.declared else "~"
        times = f" {page.glyphs.times}{count(each.count)}" if each.count else ""
        yield f"{label}{mark}{times}"


def _heat(page: Page, row: NodeRow | None) -> Text:
    latency = page.profile.summary.latency_s
    if row is None or latency is None or latency.mean <= 0:
        return Text()
    share = min(row.critical_s / latency.mean, 1.0)
    bar = page.glyphs.block * round(share * _BAR)
    return Text(f"{whole_percent(share):>4} {bar}", style=palette.PLAIN)
