"""The arrivals of one worker: its part of the schedule, or those of its users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lgprof.clock import SYSTEM_CLOCK, Clock
from lgprof.load.arrivals import Schedule, Share, Shares
from lgprof.load.keeper import exact_sample, expected_sample
from lgprof.load.ledger import Arrival
from lgprof.load.messages import Go, Setup, ShareOf


class Assigned:
    """What a worker is to start, and when.

    Args:
        go: The worker's part of the load, which begins now.
        setup: Of the worker; tells what to sample.
        clock: The source of all times.
    """

    def __init__(self, go: Go, setup: Setup, clock: Clock = SYSTEM_CLOCK) -> None:
        self._go, self._setup, self._clock = go, setup, clock
        self._shares = Shares(Share(go.share.first, go.share.slot, go.share.of))
        kind: Any = "poisson" if go.arrivals == "poisson" else "constant"
        self._warmup = Schedule(tuple(go.warmup_stages), kind, setup.seed)
        self._schedule = Schedule(tuple(go.stages), kind, setup.seed)
        warmup_s = self._warmup.duration_s if go.warmup_stages else 0.0
        self._warmup_ns = clock.now_ns() + int(go.start_in_s * 1e9)
        self.origin_ns = self._warmup_ns + int(warmup_s * 1e9)
        """When the first measured arrival is due."""
        self.consumed = 0
        """Number of the next arrival that it will look at."""
        self._next_of_warmup = go.warmup_index + go.share.slot
        self._next = go.share.slot
        self._is_sampled = expected_sample(go.sample_share or 0.0, setup.seed)

    def take_over(self, share: ShareOf) -> None:
        """From some arrival on, its part of the schedule is another."""
        self._shares.take_over(Share(share.first, share.slot, share.of))

    def scheduled(self) -> Iterator[Arrival]:
        """The open model, in order. It is read in the thread of the load."""
        go, setup = self._go, self._setup
        if go.warmup_stages:
            for number, time_s in enumerate(self._warmup.times_s()):
                if number % go.share.of == go.share.slot:
                    due_ns = self._warmup_ns + int(time_s * 1e9)
                    yield Arrival(go.warmup_index + number, due_ns, measured=False)
        is_sampled = exact_sample(self._schedule.count, setup.keep, setup.seed)
        for number, time_s in enumerate(self._schedule.times_s()):
            if self._shares.has(number):
                due_ns = self.origin_ns + int(time_s * 1e9)
                yield Arrival(number, due_ns, sampled=is_sampled(number))
            self.consumed = number + 1

    def taken_by_user(self) -> Arrival | None:
        """The closed model: the next one, now; None when the time or the count is up."""
        go, now_ns = self._go, self._clock.now_ns()
        if now_ns < self.origin_ns:
            number, self._next_of_warmup = self._next_of_warmup, self._next_of_warmup + go.share.of
            return Arrival(number, now_ns, measured=False)
        is_late = go.duration_s is not None and now_ns >= self.origin_ns + int(go.duration_s * 1e9)
        if is_late or (go.limit is not None and self._next >= go.limit):
            return None
        number, self._next = self._next, self._next + go.share.of
        self.consumed = self._next
        return Arrival(number, now_ns, sampled=self._is_sampled(number))
