"""What the two drivers share: the book of requests under way, and how each of them ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lgprof.analysis.spans import Leg, RequestLog
from lgprof.clock import Clock
from lgprof.langgraph_adapter.outcomes import type_name
from lgprof.predicate import Predicate
from lgprof.record.event_log import ID_MASK
from lgprof.record.trial import TRIAL, Trial
from lgprof.run.blame import TrackingBlame
from lgprof.run.plan import OWN_THREAD, Invoke, RequestPlan, Unanswered


@dataclass(slots=True, eq=False)
class InFlight:
    """One request under way."""

    log: RequestLog
    start_ns: int
    cpu_start_ns: int
    trial: Trial
    threads: set[str] = field(default_factory=set)
    """Threads that it wrote to in the checkpointer."""
    payload: Any = None
    error: BaseException | None = None
    output: Any = None
    done: bool = False

    @property
    def outcome_is_cut(self) -> bool:
        """Whether it was not let come to its own end."""
        return self.log.outcome not in ("ok", "failed")

    @property
    def own_threads(self) -> list[str]:
        """Those that were made for it, and are ours to delete."""
        return [thread for thread in self.threads if thread.startswith(OWN_THREAD)]


class Conductor:
    """Keeps the book of all requests: begins them, times their legs, ends them."""

    def __init__(
        self,
        plan: RequestPlan,
        clock: Clock,
        *,
        concurrency: int,
        timeout_s: float,
        failed_when: Predicate | None,
        pool_size: Callable[[], int | None],
        after_request: Callable[[InFlight, int], None],
        idle: Callable[[], None],
    ) -> None:
        self.plan = plan
        self.clock = clock
        self.concurrency = concurrency
        self.timeout_s = timeout_s
        self.unanswered: set[Unanswered] = set()
        self.left_threads = 0
        """Threads of ours that the checkpointer kept."""
        self._failed_when = failed_when
        self._pool_size = pool_size
        self._after_request = after_request
        self._idle = idle
        self._lock = threading.Lock()
        self.in_flight: list[InFlight] = []
        self.finished: list[InFlight] = []
        self.set_aside: list[InFlight] = []
        """Requests that do not count, since they were made again."""
        self.timed_out: set[Trial] = set()
        """Trials of the requests that did, those of the warm-up included."""
        self.blame = TrackingBlame()

    def requests(self, index: int) -> Iterator[InFlight]:
        """The request of an index to make now: one, unless a node fails that may not bear tracking.

        Then it is made again from scratch, and one of them counts: see `TrackingBlame`.
        """
        first = last = yield from self._request(index, self.blame.trial())
        suspects: frozenset[str] = frozenset()
        while new := self._suspects(last) - suspects:
            suspects |= new
            last = yield from self._request_again(last, self.blame.trial(suspects))
        if not suspects or last.outcome_is_cut:
            return
        control = last
        if self.blame.needs_control(last.trial, suspects):
            control = yield from self._request_again(last, self.blame.trial())
            if control.outcome_is_cut:
                return
        controlled = control.trial if control is not last else None
        plain_counts = self.blame.judge(first.trial, last.trial, controlled, suspects)
        self._count_instead(control, last if plain_counts else first)

    def _request(self, index: int, trial: Trial) -> Generator[InFlight, None, InFlight]:
        TRIAL.set(trial)
        log = RequestLog(index=index, legs=[], outcome="running")
        request = InFlight(log, self.clock.now_ns(), self.clock.process_cpu_ns(), trial)
        with self._lock:
            self.in_flight.append(request)
        yield request
        return request

    def _request_again(self, before: InFlight, trial: Trial) -> Generator[InFlight, None, InFlight]:
        self.blame.repeats += 1
        with self._lock:
            self.finished.remove(before)
            self.set_aside.append(before)
        return (yield from self._request(before.log.index, trial))

    def _suspects(self, request: InFlight) -> frozenset[str]:
        return frozenset() if request.outcome_is_cut else self.blame.suspects(request.trial)

    def _count_instead(self, counted: InFlight, other: InFlight) -> None:
        if counted is other:
            return
        with self._lock:
            self.finished[self.finished.index(counted)] = other
            self.set_aside[self.set_aside.index(other)] = counted

    def begin_leg(self, request: InFlight, step: Invoke) -> Leg:
        """The graph is called now."""
        if not request.log.legs:
            request.payload = step.payload
            request.log.max_concurrency = step.config.get("max_concurrency")
        if self.plan.checkpointed:
            request.threads.add(str(step.config["configurable"]["thread_id"]))
        root = step.run_id.int & ID_MASK if step.run_id else 0
        leg = Leg(root, self.clock.now_ns(), 0)
        request.log.legs.append(leg)
        return leg

    def end_leg(self, leg: Leg) -> None:
        """The graph returned or raised just now."""
        leg.end_ns = self.clock.now_ns()

    def end(
        self, request: InFlight, *, error: BaseException | None = None, timed_out: bool = False
    ) -> None:
        """The request is over. What was ended before (given up) stays as it was."""
        with self._lock:
            if request.done:
                return
            request.done = True
            self.in_flight.remove(request)
            self.finished.append(request)
            idle = not self.in_flight
        self._settle_outcome(request, error, timed_out)
        self._after_request(request, len(self.finished))
        request.output = None
        if idle:
            self._idle()

    def _settle_outcome(
        self, request: InFlight, error: BaseException | None, timed_out: bool
    ) -> None:
        log = request.log
        request.trial.end()
        now_ns = self.clock.now_ns()
        for leg in log.legs:
            leg.end_ns = leg.end_ns or now_ns
        log.pool_size = self._pool_size()
        if self.concurrency == 1:
            log.cpu_ns = self.clock.process_cpu_ns() - request.cpu_start_ns
        if timed_out or self._is_overdue(request, now_ns):
            log.outcome, log.error_type = "timed_out", "lgprof.Timeout"
            self.timed_out.add(request.trial)
        elif error is not None:
            request.error = error
            log.outcome, log.error_type = "failed", type_name(error)
        elif self._failed_when is not None and self._failed_when.matches(request.output):
            log.outcome, log.error_type = "failed", "failed_when"
        else:
            log.outcome = "ok"

    def forget_finished(self) -> None:
        """The requests up to now, those of the warm-up, count for nothing."""
        self.finished.clear()
        self.set_aside.clear()

    @contextmanager
    def clearing_up(self) -> Iterator[None]:
        """Delete a thread of ours: a checkpointer that cannot, or fails, costs no result."""
        try:
            yield
        except Exception:
            self.left_threads += 1

    def cancel_all(self) -> None:
        """Ctrl-C: what is under way counts as cancelled."""
        with self._lock:
            under_way, self.in_flight[:] = list(self.in_flight), []
        for request in under_way:
            request.done = True
            self._settle_outcome(request, None, timed_out=False)
            request.log.outcome = "cancelled"
            request.output = None
            self.finished.append(request)

    def overdue(self, grace_s: float) -> Iterator[InFlight]:
        """Requests that should have timed out and have not: the graph holds on to its thread."""
        now_ns = self.clock.now_ns()
        for request in list(self.in_flight):
            if self._is_overdue(request, now_ns, grace_s):
                yield request

    def _is_overdue(self, request: InFlight, now_ns: int, grace_s: float = 0.0) -> bool:
        return now_ns - request.start_ns > (self.timeout_s + grace_s) * 1e9
