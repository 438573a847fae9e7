"""The flame graph, upside down: node, call of a model or tool, Python frames."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from lgprof.analysis.flame import flame_graph
from lgprof.analysis.flame_tree import Flame
from lgprof.readable import whole_percent
from lgprof.render.flame_text import (
    NOTHING,
    flame_amount,
    flame_name,
    flame_note,
    flame_place,
    sampling_note,
)
from lgprof.render.terminal.cells import cell
from lgprof.render.terminal.flame_rows import Placed, chart_lines, placed_rows
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.palette import QUIET, cell_style, role_of_flame
from lgprof.render.terminal.text import fold


def flame_blocks(page: Page) -> list[Block]:
    """The chart; empty where no node was recorded."""
    flame = flame_graph(page.profile, page.flame)
    if flame.value <= 0:
        return _nothing(page)

    def drawn(placed: Placed[Flame]) -> Text:
        style = cell_style(role_of_flame(placed.frame.kind), alternate=placed.alternate)
        return cell(page, _labels(page, placed.frame, flame.value), placed.width, style)

    rows = placed_rows(flame.children, flame.value, page.width - 2 * INDENT, _rest)
    lines = chart_lines(page, rows, drawn)
    if told := sampling_note(page.profile, page.flame, times=page.glyphs.times):
        folded = fold(told, page.width - 2 * INDENT)
        lines += [Text(" " * INDENT + line, style=QUIET) for line in folded]
    note = flame_note(flame, page.flame, ascii_only=page.glyphs.ascii_only)
    return [Block("Flame graph", lines, note)]


def _nothing(page: Page) -> list[Block]:
    by = page.flame.by
    if by == "time":
        return []
    return [Block("Flame graph", [Text(f"{' ' * INDENT}{NOTHING[by]}", style=QUIET)])]


def _rest(flames: Sequence[Flame]) -> Flame:
    value = sum(flame.value for flame in flames)
    failures = sum(flame.failures for flame in flames)
    return Flame("rest", f"{len(flames)} more", value, failures=failures)


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
