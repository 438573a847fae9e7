"""Who held the event loop for so long that others noticed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lgprof.analysis.attribution import BLOCKING_FROM_S
from lgprof.analysis.intervals import covered_s
from lgprof.model import Request, Span

_JUST_AFTER_S = 0.0004


class _LongHold(NamedTuple):
    start_s: float
    end_s: float
    span: int


class LoopWaits(NamedTuple):
    """When a node was ready to go on and did not: stretches as start and end."""

    queued: list[tuple[float, float]]
    """Others held the loop."""
    late: list[tuple[float, float]]
    """Nobody held it for most of the time: the machine was late."""


class LongHolds:
    """All of some requests that may have run at once."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._holds = sorted(
            (
                _LongHold(hold.start_s, hold.start_s + hold.wall_s, span.id)
                for request in requests
                for span in request.spans
                for hold in span.segments or ()
                if hold.wall_s >= BLOCKING_FROM_S
            ),
            key=lambda hold: hold.end_s,
        )
        self._starts_s = [hold.start_s for hold in self._holds]
        self._ends_s = [hold.end_s for hold in self._holds]

    def waits(self, span: Span) -> LoopWaits:
        """When a node was ready to go on and did not."""
        waits = LoopWaits([*self._late_answers(span)], [])
        for start_s, end_s in span.loop_waits or ():
            first = bisect_right(self._ends_s, start_s)
            # One loop serves one at a time: holds that end later also begin later.
            last = bisect_left(self._starts_s, end_s)
            held = (
                (max(hold.start_s, start_s), min(hold.end_s, end_s))
                for hold in self._holds[first:last]
                if hold.span != span.id
            )
            was_held = covered_s(held) > (end_s - start_s) / 2
            (waits.queued if was_held else waits.late).append((start_s, end_s))
        return waits

    def _late_answers(self, span: Span) -> Iterator[tuple[float, float]]:
        """When an answer was there and the loop in other hands, as far as it can be guessed.

        A node that goes on just when another one lets the loop go was ready before. When, is not
        known: halfway through the other's hold is taken.
        """
        for segment in span.segments or ():
            number = bisect_right(self._ends_s, segment.start_s) - 1
            if number < 0:
                continue
            hold = self._holds[number]
            if hold.span != span.id and segment.start_s - hold.end_s < _JUST_AFTER_S:
                yield (hold.start_s + hold.end_s) / 2, segment.start_s
