"""Requests that ran at once: what one of them waits for may be another one's doing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate

from lgprof.analysis.intervals import covered_s
from lgprof.model import Request
from lgprof.whatif.lengths import schedule_s
from lgprof.whatif.pieces import GraphRun, Hold, Piece, Schedule, Task
from lgprof.whatif.rewrite import all_pieces

CAVEAT = (
    "the requests ran at once: what they wait for of each other, such as locks and connections, "
    "is taken to stay as it was"
)
_NOTICED_FROM = 0.03
"""Of the latency: below, what the requests take of each other is lost in the simulation's error."""
_BUSY_FROM = 0.2
"""Of the time: a loop that others use for less is nearly always free."""
_PLAYED = 50
"""Requests that are played through to tell."""


class Company:
    """What the requests of a Profile had to do with each other.

    Args:
        requests: In order of arrival; at least one.
        schedules: One for each.
    """

    def __init__(self, requests: Sequence[Request], schedules: Sequence[Schedule]) -> None:
        over_s = accumulate((request.end_s for request in requests), max)
        begun_s = (request.start_s for request in requests[1:])
        self.at_once = any(start_s < end_s for start_s, end_s in zip(begun_s, over_s, strict=False))
        """Whether one began before another had ended."""
        together_s = covered_s((request.start_s, request.end_s) for request in requests)
        ran_s = math.fsum(request.end_s - request.start_s for request in requests)
        self._side_by_side = ran_s / together_s if together_s > 0 else 1.0
        """How many ran at once, on average."""
        every = math.ceil(len(requests) / _PLAYED)
        self._requests = requests[::every]
        self._schedules = schedules[::every]

    @cached_property
    def doubt(self) -> str | None:
        """Why no prediction can be relied on before it was measured; None where it can."""
        if not self.at_once:
            return None
        waited, busy = self._waited(), self._busy()
        if waited < _NOTICED_FROM and busy < _BUSY_FROM:
            return None
        why = (
            f"kept each other waiting for {waited:.0%} of their time"
            if waited >= _NOTICED_FROM
            else f"had the event loop busy for {busy:.0%} of the time"
        )
        return f"the requests ran at once and {why}: what a change does to that is not predicted"

    def _waited(self) -> float:
        """Share of their time that the requests would have spared alone."""
        took_s = math.fsum(request.latency_s for request in self._requests)
        return 1 - math.fsum(map(schedule_s, self._schedules)) / took_s if took_s > 0 else 0.0

    def _busy(self) -> float:
        """Share of the time in which a request had the loop, or LangGraph for it.

        LangGraph's own work for one request holds its turns for the others as well, which cannot be
        told apart: a loop in use looks busier than it is.
        """
        held_s = math.fsum(_loop_s(schedule.runs) for schedule in self._schedules)
        ran_s = math.fsum(request.latency_s for request in self._requests)
        return min(1.0, held_s / ran_s * self._side_by_side) if ran_s > 0 else 0.0


def _loop_s(pieces: Iterable[Piece]) -> float:
    """How long pieces hold the event loop, and LangGraph for them."""
    return math.fsum(
        piece.wall_s
        for whole in all_pieces(pieces)
        for piece in _with_framework(whole)
        if isinstance(piece, Hold)
    )


def _with_framework(piece: Piece) -> Iterator[Piece]:
    """A piece, and LangGraph's work around what is in it."""
    yield piece
    if isinstance(piece, GraphRun):
        for step in piece.steps:
            yield from step.gap
        yield from piece.tail
    elif isinstance(piece, Task):
        for attempt in piece.attempts:
            yield from attempt.before
            yield from attempt.after
