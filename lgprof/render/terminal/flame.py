"""The flame graph, upside down: node, call of a model or tool, Python frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from rich.text import Text

from lgprof.analysis.flame import flame_graph
from lgprof.analysis.flame_tree import Flame
from lgprof.render.flame_text import (
    NOTHING,
    flame_amount,
    flame_name,
    flame_note,
    flame_place,
    sampling_note,
)
from lgprof.render.format import whole_percent
from lgprof.render.terminal.cells import cell
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.palette import QUIET, cell_style, role_of_flame

_LEAST_WIDTH = 2


@dataclass(frozen=True, slots=True)
class _Placed:
    start: int
    width: int
    flame: Flame
    alternate: bool


def flame_blocks(page: Page) -> list[Block]:
    """The chart; empty where no node was recorded."""
    flame = flame_graph(page.profile, page.flame)
    if flame.value <= 0:
        return _nothing(page)
    rows: list[list[_Placed]] = []
    _place(flame.children, 0.0, (page.width - 2 * INDENT) / flame.value, rows, 0)
    lines = [_row_line(page, row, flame.value) for row in rows]
    if told := sampling_note(page.profile, page.flame, times=page.glyphs.times):
        lines.append(Text(" " * INDENT + page.fit(told, page.width - 2 * INDENT), style=QUIET))
    note = flame_note(flame, page.flame, ascii_only=page.glyphs.ascii_only)
    return [Block("Flame graph", lines, note)]


def _nothing(page: Page) -> list[Block]:
    by = page.flame.by
    if by == "time":
        return []
    return [Block("Flame graph", [Text(f"{' ' * INDENT}{NOTHING[by]}", style=QUIET)])]


def _place(
    flames: Sequence[Flame], start: float, per_unit: float, rows: list[list[_Placed]], depth: int
) -> None:
    """Give each frame its cells; those too narrow for one share the last.

    Edges are rounded where they lie on the whole chart, so that a bar is as wide as its share of
    it at every depth, to a cell.
    """
    starts = list(accumulate((flame.value for flame in flames), initial=start))
    edges = [round(edge * per_unit) for edge in starts]
    if len(rows) <= depth and edges[-1] > edges[0]:
        rows.append([])
    for index, flame in enumerate(flames):
        width = edges[index + 1] - edges[index]
        if width < _LEAST_WIDTH:
            _place_rest(flames[index:], edges[index], edges[-1] - edges[index], rows[depth:])
            return
        rows[depth].append(_Placed(edges[index], width, flame, alternate=index % 2 == 1))
        if flame.children:
            _place(flame.children, starts[index], per_unit, rows, depth + 1)


def _place_rest(flames: Sequence[Flame], start: int, width: int, rows: list[list[_Placed]]) -> None:
    if width <= 0:
        return
    value = sum(flame.value for flame in flames)
    failures = sum(flame.failures for flame in flames)
    rest = Flame("rest", f"{len(flames)} more", value, failures=failures)
    shown = flames[0] if len(flames) == 1 else rest
    rows[0].append(_Placed(start, width, shown, alternate=False))


def _row_line(page: Page, row: Sequence[_Placed], total: float) -> Text:
    line = Text(" " * INDENT)
    at = 0
    for placed in row:
        line.append(" " * (placed.start - at))
        style = cell_style(role_of_flame(placed.flame.kind), alternate=placed.alternate)
        line.append_text(cell(page, _labels(page, placed.flame, total), placed.width, style))
        at = placed.start + placed.width
    return line


def _labels(page: Page, flame: Flame, total: float) -> list[str]:
    """From all that is known of a frame to its bare name."""
    mark = f" !{flame.failures}" if flame.failures else ""
    label = flame_name(flame, page.name)
    name = f"{label}{mark}"
    share = whole_percent(flame.value / total)
    width = flame_amount(flame.value, page.flame.by, ascii_only=page.glyphs.ascii_only)
    amount = f"{width} {share}"
    times = f" {page.glyphs.times}{flame.calls}" if flame.calls > 1 else ""
    labels = [f"{label}{times}{mark} {amount}", f"{name} {amount}", f"{name} {share}", name]
    if place := page.clean(flame_place(flame)).rpartition("/")[2]:
        labels = [f"{name} {place} {amount}", f"{name} {place}", *labels[1:]]
    return labels
