"""The flame graph, upside down: node, nested node, model or tool, summed over all requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.text import Text

from lgprof.render.format import plural, whole_percent
from lgprof.render.terminal.calls import IO_KINDS, Call, call_key, call_label, call_tree
from lgprof.render.terminal.cells import cell, split_width
from lgprof.render.terminal.page import INDENT, Block, Page
from lgprof.render.terminal.palette import ROLE_OF_KIND, Role

_DEEPEST = 10
_LEAST_WIDTH = 2


@dataclass(slots=True)
class _Frame:
    """All calls of one name below the same frame."""

    label: str
    role: Role
    calls: int
    seconds: float
    failures: int
    children: list[_Frame] = field(default_factory=list)

    @property
    def weight(self) -> float:
        """Its own time, or that of its children where they ran side by side and took more."""
        return max(self.seconds, sum(child.weight for child in self.children))


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
    total = sum(frame.weight for frame in frames)
    if total <= 0:
        return []
    rows: list[list[_Placed]] = []
    _place(frames, total, 0, page.width - 2 * INDENT, rows, 0)
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
        seconds = sum(call.seconds for call in members)
        role = ROLE_OF_KIND.get(kind, Role.NODE)
        frame = _Frame(label, role, len(members), seconds, failures)
        if depth < _DEEPEST:
            below = [child for call in members for child in call.children]
            frame.children = _frames(page, below, depth + 1)
        frames.append(frame)
    return sorted(frames, key=lambda frame: -frame.weight)


def _place(
    frames: Sequence[_Frame],
    total: float,
    start: int,
    width: int,
    rows: list[list[_Placed]],
    depth: int,
) -> None:
    """Give each frame its cells; those too narrow for one share the last."""
    weights = [frame.weight for frame in frames]
    widths = split_width([*weights, max(total - sum(weights), 0.0)], width)
    if len(rows) <= depth and any(widths[:-1]):
        rows.append([])
    at = start
    for index, (frame, wide) in enumerate(zip(frames, widths, strict=False)):
        if wide < _LEAST_WIDTH:
            rest = start + sum(widths[:-1]) - at
            _place_rest(frames[index:], at, rest, rows, depth)
            return
        rows[depth].append(_Placed(at, wide, frame, alternate=index % 2 == 1))
        if frame.children:
            _place(frame.children, frame.weight, at, wide, rows, depth + 1)
        at += wide


def _place_rest(
    frames: Sequence[_Frame], start: int, width: int, rows: list[list[_Placed]], depth: int
) -> None:
    if width <= 0:
        return
    seconds = sum(frame.seconds for frame in frames)
    failures = sum(frame.failures for frame in frames)
    rest = _Frame(f"{len(frames)} more", Role.WAITING, 1, seconds, failures)
    shown = frames[0] if len(frames) == 1 else rest
    rows[depth].append(_Placed(start, width, shown, alternate=False))


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
        line.append_text(cell(page, labels, placed.width, frame.role, alternate=placed.alternate))
        at = placed.start + placed.width
    return line
