"""Passes over the inputs after the measured one, which tell more and measure no latency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from lgprof.analysis.spans import SpanBuilder
from lgprof.clock import Clock
from lgprof.model import Profile, Request, Warn
from lgprof.record.event_log import Recording
from lgprof.run.conduct import Conductor, InFlight

_BUDGET_SHARE = 0.5
_LEAST_BUDGET_S, _MOST_BUDGET_S = 1.0, 10.0
"""No further request is made after half the time of the measured pass, within these bounds."""

Conduct = Callable[[Callable[[InFlight, int], None], Callable[[], None]], Conductor]
Drive = Callable[[Conductor, Iterable[int]], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Repeated:
    """The requests of such a pass."""

    requests: list[Request]
    builder: SpanBuilder


@dataclass(frozen=True, slots=True)
class FurtherPasses:
    """Makes the successful requests of a run again: those that time allows, one at least."""

    profile: Profile
    """Of the measured pass."""
    clock: Clock
    conduct: Conduct
    """Makes the conductor of a pass."""
    drive: Drive
    """Makes requests."""
    progress: Callable[[str, int, int], None]
    """Told of each request that ended."""

    def make(
        self,
        phase: str,
        watching: Callable[[Recording, Clock], AbstractContextManager[T]],
        keep: Callable[[T, Repeated], None],
        failed: Callable[[Exception], Warn],
    ) -> None:
        """Make a pass. What fails in it leaves the Profile as it was, but for a warning.

        Args:
            phase: Its name for ``progress``.
            watching: Watches what runs in its context, and fills in what it gives.
            keep: Takes from that what the Profile is to hold.
            failed: Says that the pass failed.
        """
        try:
            self._make(phase, watching, keep)
        except Exception as error:
            self.profile.warnings.append(failed(error))

    def _make(
        self,
        phase: str,
        watching: Callable[[Recording, Clock], AbstractContextManager[T]],
        keep: Callable[[T, Repeated], None],
    ) -> None:
        def after_request(request: InFlight, done: int) -> None:
            request.payload = None
            self.progress(phase, done, 0)

        indices = list(self._indices())
        if not indices or self.profile.interrupted:
            return
        recording = Recording()
        conductor = self.conduct(after_request, lambda: None)
        seen: list[T] = []
        try:
            with watching(recording, self.clock) as watch:
                seen.append(watch)
                self.drive(conductor, self._while_time(indices))
        except KeyboardInterrupt:
            self.profile.interrupted = True
        logs = [request.log for request in conductor.finished if request.log.legs]
        others = [request.log for request in conductor.set_aside]
        builder = SpanBuilder(recording, 0, in_loop=self.profile.target.mode == "async")
        requests = builder.requests(logs, others)
        if requests and seen:
            keep(seen[0], Repeated(requests, builder))

    def _indices(self) -> Iterator[int]:
        for request in self.profile.requests:
            if request.outcome == "ok":
                yield request.index

    def _while_time(self, indices: Sequence[int]) -> Iterator[int]:
        """The first index, and the others until a time."""
        until_ns = self.clock.now_ns() + round(self._budget_s() * 1e9)
        for number, index in enumerate(indices):
            if number and self.clock.now_ns() >= until_ns:
                return
            yield index

    def _budget_s(self) -> float:
        measured = self.profile.requests
        start_s = min(request.start_s for request in measured)
        elapsed_s = max(request.end_s for request in measured) - start_s
        return min(max(_BUDGET_SHARE * elapsed_s, _LEAST_BUDGET_S), _MOST_BUDGET_S)
