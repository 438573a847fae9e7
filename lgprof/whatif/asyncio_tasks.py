"""What a function did in asyncio tasks of its own, as the branches of a ``gather`` are.

A task that its maker began during a model, tool or retriever call, or while a nested graph ran, is
part of that. Any other is a branch beside what its maker does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from lgprof.model import Segment, Span


class Strand(NamedTuple):
    """One asyncio task of a function, and what it did itself."""

    start_s: float
    end_s: float
    segments: list[Segment]
    calls: list[Span]
    """Calls, graphs and functional tasks that it began."""
    made: list[Strand]
    """Branches that it made."""


def strands(span: Span, window: tuple[float, float], calls: Sequence[Span]) -> Strand:
    """The function's own asyncio task, with those that it made.

    Args:
        span: An attempt with its holds.
        window: From when to when its function ran.
        calls: What ran inside, in order of its start.
    """
    start_s, end_s = window
    return _Strands(span, calls).strand(0)._replace(start_s=start_s, end_s=end_s)


class _Strands:
    def __init__(self, span: Span, calls: Sequence[Span]) -> None:
        self._holds = span.segments or []
        self._starts_s = [hold.start_s for hold in self._holds]
        makers = [0, *(span.task_makers or ())]
        self._segments: list[list[Segment]] = [[] for _ in makers]
        for hold in self._holds:
            self._segments[hold.task].append(hold)
        self._calls: list[list[Span]] = [[] for _ in makers]
        for call in calls:
            self._calls[self._beginner(call)].append(call)
        self._made: list[list[int]] = [[] for _ in makers]
        homes = [0]
        """For each task: itself, or the one of whose call it is part."""
        for number in range(1, len(makers)):
            homes.append(self._home(number, homes[makers[number]]))

    def _beginner(self, call: Span) -> int:
        """The task that began a call: it had the loop then."""
        at = bisect_right(self._starts_s, call.start_s) - 1
        return self._holds[at].task if at >= 0 else 0

    def _home(self, number: int, maker: int) -> int:
        begun_s = self._segments[number][0].start_s
        if not any(call.start_s <= begun_s < call.end_s for call in self._calls[maker]):
            self._made[maker].append(number)
            return number
        self._segments[maker] += self._segments[number]
        self._calls[maker] += self._calls[number]
        return maker

    def strand(self, number: int) -> Strand:
        made = [self.strand(other) for other in self._made[number]]
        segments = sorted(self._segments[number], key=lambda segment: segment.start_s)
        calls = sorted(self._calls[number], key=lambda call: call.start_s)
        ends_s = [segment.start_s + segment.wall_s for segment in segments[-1:]]
        ends_s += [call.end_s for call in calls] + [branch.end_s for branch in made]
        start_s = segments[0].start_s if segments else 0.0
        return Strand(start_s, max(ends_s, default=0.0), segments, calls, made)
