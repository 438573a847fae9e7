"""Calls on lanes, for formats that draw what lies inside what, but nothing side by side."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lgprof.analysis.call_tree import Call, call_tree
from lgprof.model import Request


@dataclass(slots=True)
class Bar:
    """A request or a call, and those in it; on one lane, a bar lies inside another or beside it."""

    start_s: float
    end_s: float
    request: Request
    call: Call | None
    """None for the request itself."""
    inside: list[Bar] = field(default_factory=list)


@dataclass(slots=True)
class _Lane:
    bars: list[Bar] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)

    def takes(self, bar: Bar) -> bool:
        """Put a bar here, if it overlaps with none."""
        at = bisect_right(self.starts_s, bar.start_s)
        if at and self.bars[at - 1].end_s > bar.start_s:
            return False
        if at < len(self.bars) and self.bars[at].start_s < bar.end_s:
            return False
        self.starts_s.insert(at, bar.start_s)
        self.bars.insert(at, bar)
        return True


def lanes_of(requests: Iterable[Request]) -> list[list[Bar]]:
    """All requests, each with its calls; what overlaps stands on lanes of its own.

    A call is cut to the one around it: what outlives that, as a thread may, would not lie inside.
    """
    lanes: list[_Lane] = []
    for request in sorted(requests, key=lambda request: request.start_s):
        bar = Bar(request.start_s, request.end_s, request, None)
        _put(bar, lanes)
        _fill(bar, call_tree(request), lanes)
    return [lane.bars for lane in lanes]


def _put(bar: Bar, lanes: list[_Lane]) -> None:
    if not any(lane.takes(bar) for lane in lanes):
        lanes.append(_Lane())
        lanes[-1].takes(bar)


def _fill(around: Bar, calls: Sequence[Call], lanes: list[_Lane]) -> None:
    """The first of calls that overlap stays inside; the others go to other lanes."""
    free_from_s = around.start_s
    for call in sorted(calls, key=lambda call: (call.start_s, -call.end_s)):
        start_s = min(max(call.start_s, around.start_s), around.end_s)
        end_s = max(start_s, min(call.end_s, around.end_s))
        bar = Bar(start_s, end_s, around.request, call)
        if start_s >= free_from_s:
            around.inside.append(bar)
            free_from_s = end_s
        else:
            _put(bar, lanes)
        _fill(bar, call.children, lanes)


def bar_name(bar: Bar) -> str:
    """What a bar is called."""
    if bar.call is None:
        return f"request #{bar.request.index}"
    kind, name = bar.call.span.kind, bar.call.span.name
    return name if kind == "node" else f"{kind} {name}"
