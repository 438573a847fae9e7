"""The flame graph, upside down: node, nested node, model or tool, summed over all requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from rich.text import Text

from lgprof.analysis.intervals import covered_s
from lgprof.render.format import plural, whole_percent
from lgprof.render.terminal.calls import IO_KINDS, Call, call_key, call_label, call_tree
from lgprof.render.terminal.cells import cell
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.palette import ROLE_OF_KIND, Role, cell_style

_DEEPEST = 10
_LEAST_WIDTH = 2


@dataclass(slots=True)
class _Frame:
    """All calls of one name below the same frame; ``seconds`` hold those of its children."""

    label: str
    role: Role
    calls: int
    seconds: float
    failures: int
    children: list[_Frame] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Placed:
    start: int
    width: int
    frame: _Frame
    alternate: bool


def flame_blocks(page: Page) -> list[Block]:
    """The chart; empty where no node was recorded."""
    calls = [call for request in page.profile.requests for call in call_tree(request)]
    frames = _frames(page, [call for call in calls if call.span.kind not in IO_KINDS], 0)
    total = sum(frame.seconds for frame in frames)
    if total <= 0:
        return []
    rows: list[list[_Placed]] = []
    _place(frames, 0.0, (page.width - 2 * INDENT) / total, rows, 0)
    lines = [_row_line(page, row, total) for row in rows]
    requests = plural(len(page.profile.requests), "request")
    note = f"node-seconds, {page.time(total)} in {requests}"
    return [Block("Flame graph", lines, note)]


def _frames(page: Page, calls: Iterable[Call], depth: int) -> list[_Frame]:
    groups: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        groups.setdefault(call_key(call), []).append(call)
    frames = []
    for (kind, _), members in groups.items():
        label = call_label(page, members[0], alone=False)
        failures = sum(call.failures() for call in members)
        seconds = sum(_node_seconds(call) for call in members)
        role = ROLE_OF_KIND.get(kind, Role.NODE)
        frame = _Frame(label, role, len(members), seconds, failures)
        if depth < _DEEPEST:
            below = [child for call in members for child in call.children]
            frame.children = _frames(page, below, depth + 1)
        frames.append(frame)
    return sorted(frames, key=lambda frame: -frame.seconds)


def _node_seconds(call: Call) -> float:
    """Its own time, and that of each call in it: what ran side by side adds up."""
    held_s = covered_s(
        (max(child.start_s, call.start_s), min(child.end_s, call.end_s))
        for child in call.children
        if child.end_s > call.start_s and child.start_s < call.end_s
    )
    return call.seconds - held_s + sum(map(_node_seconds, call.children))


def _place(
    frames: Sequence[_Frame], start_s: float, per_s: float, rows: list[list[_Placed]], depth: int
) -> None:
    """Give each frame its cells; those too narrow for one share the last.

    Edges are rounded where they lie on the whole chart, so that a bar is as wide as its share of
    it at every depth, to a cell.
    """
    edges_s = list(accumulate((frame.seconds for frame in frames), initial=start_s))
    edges = [round(edge_s * per_s) for edge_s in edges_s]
    if len(rows) <= depth and edges[-1] > edges[0]:
        rows.append([])
    for index, frame in enumerate(frames):
        width = edges[index + 1] - edges[index]
        if width < _LEAST_WIDTH:
            _place_rest(frames[index:], edges[index], edges[-1] - edges[index], rows[depth:])
            return
        rows[depth].append(_Placed(edges[index], width, frame, alternate=index % 2 == 1))
        if frame.children:
            _place(frame.children, edges_s[index], per_s, rows, depth + 1)


def _place_rest(
    frames: Sequence[_Frame], start: int, width: int, rows: list[list[_Placed]]
) -> None:
    if width <= 0:
        return
    seconds = sum(frame.seconds for frame in frames)
    failures = sum(frame.failures for frame in frames)
    rest = _Frame(f"{len(frames)} more", Role.WAITING, 1, seconds, failures)
    shown = frames[0] if len(frames) == 1 else rest
    rows[0].append(_Placed(start, width, shown, alternate=False))


def _row_line(page: Page, row: Sequence[_Placed], total: float) -> Text:
    line = Text(" " * INDENT)
    at = 0
    for placed in row:
        frame = placed.frame
        line.append(" " * (placed.start - at))
        mark = f" !{frame.failures}" if frame.failures else ""
        name = f"{frame.label}{mark}"
        share = whole_percent(frame.seconds / total)
        times = f" {page.glyphs.times}{frame.calls}" if frame.calls > 1 else ""
        full = f"{frame.label}{times}{mark} {page.time(frame.seconds)} {share}"
        labels = (full, f"{name} {page.time(frame.seconds)} {share}", f"{name} {share}", name)
        style = cell_style(frame.role, alternate=placed.alternate)
        line.append_text(cell(page, labels, placed.width, style))
        at = placed.start + placed.width
    return line
