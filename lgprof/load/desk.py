"""Admission: what becomes of an arrival now. Free of clocks, loops and threads."""

from __future__ import annotations

from collections import deque

from lgprof.load.ledger import Arrival

FREE_START = 16
"""With an automatic limit so many requests run at once before a new one has to wait until the
event loop has nothing else to do."""


class Desk:
    """Decides whether an arrival starts, waits or is dropped.

    Unlimited arrivals make a saturated event loop collapse: measured, 354 requests per second
    instead of 570. The automatic limit keeps the loop busy and no busier: past `FREE_START`
    running requests, one more starts only in a moment in which the loop is idle. So a graph that
    waits (for a model) has as many running as arrive, and one that computes only as many as keep
    the loop at work.

    Args:
        max_concurrent: Running at once; None for the automatic limit.
        max_in_flight: Running and waiting ones together.
    """

    def __init__(self, max_concurrent: int | None, max_in_flight: int) -> None:
        self._max_concurrent = max_concurrent
        self._max_in_flight = max_in_flight
        self.waiting: deque[Arrival] = deque()
        self.running = 0
        self.peak_waiting = 0

    def accepts(self) -> bool:
        """Whether an arrival may queue; where not, it is dropped."""
        return self.running + len(self.waiting) < self._max_in_flight

    def queue(self, arrival: Arrival) -> None:
        """It waits for its turn."""
        self.waiting.append(arrival)
        if arrival.measured:
            self.peak_waiting = max(self.peak_waiting, len(self.waiting))

    def next(self, *, idle: bool) -> Arrival | None:
        """The arrival to start now, which then counts as running.

        Args:
            idle: Whether the event loop has nothing else to do.
        """
        if not self.waiting:
            return None
        limit = self._max_concurrent
        if limit is None:
            limit = self.running + 1 if idle else FREE_START
        if self.running >= limit:
            return None
        self.running += 1
        return self.waiting.popleft()

    @property
    def waits_for_idleness(self) -> bool:
        """Whether somebody waits for a moment in which the loop is idle."""
        return bool(self.waiting) and self._max_concurrent is None and self.running >= FREE_START

    def leave(self) -> None:
        """A running request is over."""
        self.running -= 1

    def give_up(self) -> list[Arrival]:
        """Those that wait will never start."""
        given_up = list(self.waiting)
        self.waiting.clear()
        return given_up
