"""Simulated time: what happens when, in order."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any


class Timeline:
    """Events to come, and the moment that the simulation has reached."""

    __slots__ = ("_events", "_number", "now_s")

    def __init__(self) -> None:
        self.now_s = 0.0
        self._events: list[tuple[float, int, Callable[..., None], Any]] = []
        self._number = 0

    def at(self, after_s: float, call: Callable[..., None], what: Any) -> None:
        """Have something called some seconds from now; at one moment, in the order of asking."""
        self._number += 1
        heapq.heappush(self._events, (self.now_s + after_s, self._number, call, what))

    def run(self) -> None:
        """Let everything happen."""
        events = self._events
        while events:
            time_s, _, call, what = heapq.heappop(events)
            self.now_s = max(self.now_s, time_s)
            call(what)
