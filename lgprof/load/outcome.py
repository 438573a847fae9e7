"""What a load test has gathered by its end."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from lgprof.load.book import Book
from lgprof.load.messages import Baselined, Done, Ready
from lgprof.load.plan import TestPlan
from lgprof.model import Failure, Request
from lgprof.run.failures import merge_failures


@dataclass(slots=True)
class Outcome:
    """What a test has gathered."""

    plan: TestPlan
    book: Book
    ready: Ready
    baseline: Baselined
    done: list[Done]
    lost: int
    interrupted: bool
    stopped_at_s: float | None
    drain_expired: bool
    abort_reason: str | None
    ends: list[str]
    """How worker processes of ours ended in mid-load."""
    _requests: list[Request] = field(default_factory=list)

    @property
    def failures(self) -> list[Failure]:
        """Failed requests of all workers, by type and node."""
        return merge_failures(found for done in self.done for found in done.failures)

    @property
    def left_behind(self) -> int:
        """Requests that were given up and still ran at the end."""
        return sum(done.left_behind for done in self.done)

    @property
    def duration_s(self) -> float:
        """Of the schedule, up to the stop; a number of requests takes as long as it takes."""
        if self.stopped_at_s is not None:
            return self.stopped_at_s
        planned_s = self.plan.duration_s
        return planned_s if math.isfinite(planned_s) else self.elapsed_s

    @property
    def elapsed_s(self) -> float:
        """First arrival to last completion, as far as it was reported."""
        reported = [done.elapsed_s for done in self.done]
        silent = [found.last.t_s for found in self.book.workers.values() if found.last]
        return max(reported or silent or [0.0])

    def requests(self) -> list[Request]:
        """Those with spans, of all workers; span ids are unique."""
        if not self._requests:
            self._requests = sorted(_renumbered(self.done), key=lambda request: request.index)
        return self._requests


def _renumbered(done: list[Done]) -> Iterable[Request]:
    offset = 0
    for worker in done:
        last = offset
        for request in worker.requests:
            for span in request.spans:
                span.id += offset
                span.parent = None if span.parent is None else span.parent + offset
                last = max(last, span.id)
            yield request
        offset = last
