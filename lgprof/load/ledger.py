"""The book of requests under load: what arrives, starts and ends, and what is kept of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from lgprof.analysis.fold import Folded, failing_node, fold
from lgprof.analysis.spans import Leg, RequestLog
from lgprof.clock import Clock
from lgprof.langgraph_adapter.outcomes import type_name
from lgprof.load.biller import Biller
from lgprof.load.keeper import Finished, Keeper
from lgprof.load.tally import Balance, Tally
from lgprof.model import Outcome
from lgprof.predicate import Predicate
from lgprof.record.event_log import ID_MASK
from lgprof.record.routing import RequestEvents, RoutedRecording
from lgprof.run.plan import OWN_THREAD, Invoke

_FIELDS: dict[Outcome, str] = {
    "ok": "completed",
    "failed": "failed",
    "timed_out": "timed_out",
    "cancelled": "cancelled",
}


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A request that should start at a time.

    Thousands of them wait under overload: the garbage collector does not look at them.
    """

    number: int
    intended_ns: int
    measured: bool = True
    """False in warm-up."""
    sampled: bool = False


class UnderWay(msgspec.Struct, eq=False):
    """A request that has started."""

    arrival: Arrival
    start_ns: int
    log: RequestLog
    events: RequestEvents
    task: Any = None
    """What the engine runs it in, until it is over: its context holds much that the graph has set,
    and would live on until the request is booked."""
    own_threads: Collection[str] = ()
    """Threads in the checkpointer that were made for it, and are ours to delete."""
    output: Any = None
    error: BaseException | None = None
    """What the graph raised, where it is not measured."""
    done: bool = False


@dataclass(slots=True)
class WarmUpCount:
    """Requests that are not measured."""

    requests: int = 0
    failed: int = 0


CLEAR_UP_WITHIN_S = 5.0
"""How long the checkpointer may take to delete the threads of the last requests."""

_Ended = tuple[UnderWay, BaseException | None, Outcome | None, int]
"""(request, what the graph raised, outcome where it is known, now_ns) of one to be booked."""


class Ledger:
    """Begins requests, times them, and books how they end. Used from several threads.

    Args:
        recording: Where the callbacks and probes record; None without them.
        clock: The source of all times.
        keeper: Takes the measured requests that end.
        timeout_s: Of one request, from its actual start.
        failed_when: Final states that count as failed.
        deletes_threads: Whether there is a checkpointer that keeps the threads made for requests.
        pool_size: Threads that sync nodes have; None where it cannot be told.
        on_failure: Told the exception and the node of each measured request that failed.
    """

    def __init__(
        self,
        recording: RoutedRecording | None,
        clock: Clock,
        keeper: Keeper,
        *,
        timeout_s: float,
        failed_when: Predicate | None = None,
        deletes_threads: bool = False,
        pool_size: int | None = None,
        on_failure: Callable[[BaseException, str | None], None] = lambda error, node: None,
    ) -> None:
        self.tally = Tally()
        self.warm_up = WarmUpCount()
        self.biller: Biller | None = None
        """Told the model calls of each measured request."""
        self.in_flight: dict[int, UnderWay] = {}
        """By the object's id, in order of their start."""
        self.probed = 0
        """Requests of the sample that have started and are not booked yet."""
        self.peak_in_flight = 0
        self.peak_queued = 0
        self.last_end_ns = 0
        self.clock = clock
        self.on_unmeasured: Callable[[UnderWay], None] = lambda under_way: None
        """Told each request that is over and is not measured."""
        self._recording = recording
        self._keeper = keeper
        self._timeout_ns = int(timeout_s * 1e9)
        self._failed_when = failed_when
        self._deletes_threads = deletes_threads
        self._pool_size = pool_size
        self._on_failure = on_failure
        self._ended: deque[_Ended] = deque()
        self._booking = threading.RLock()

    @property
    def balance(self) -> Balance:
        """What became of the measured arrivals."""
        self.book()
        return self.tally.balance

    def offer(self, arrival: Arrival) -> None:
        """It is due."""
        if arrival.measured:
            with self.tally.lock:
                self.tally.balance.offered += 1

    def drop(self, arrival: Arrival) -> None:
        """It finds too many in flight."""
        if arrival.measured:
            with self.tally.lock:
                self.tally.balance.dropped += 1

    def give_up(self, arrivals: int) -> None:
        """So many measured ones that were due will never start."""
        with self.tally.lock:
            self.tally.balance.unsent += arrivals

    def record_loop_lag(self, lag_ns: int) -> None:
        """The event loop ran so late."""
        self.tally.record(("loop_lag",), lag_ns)

    def start(self, arrival: Arrival, task: Any = None) -> UnderWay:
        """It starts now, in a task of the engine's if that has any."""
        log = RequestLog(index=arrival.number, legs=[], outcome="running")
        events = RequestEvents(probed=arrival.sampled)
        under_way = UnderWay(arrival, self.clock.now_ns(), log, events, task)
        with self.tally.lock:
            self.probed += arrival.sampled
            self.in_flight[id(under_way)] = under_way
            if arrival.measured:
                self.tally.balance.started += 1
                self.peak_in_flight = max(self.peak_in_flight, len(self.in_flight))
        return under_way

    def begin_leg(self, under_way: UnderWay, step: Invoke) -> Leg:
        """The graph is called now."""
        if self._deletes_threads:
            thread = str(step.config["configurable"]["thread_id"])
            if thread.startswith(OWN_THREAD):
                under_way.own_threads = {*under_way.own_threads, thread}
        under_way.log.max_concurrency = step.config.get("max_concurrency")
        under_way.log.pool_size = self._pool_size
        leg = Leg(0, self.clock.now_ns(), 0)
        under_way.log.legs.append(leg)
        return leg

    def end_leg(self, under_way: UnderWay, leg: Leg) -> None:
        """The graph returned or raised just now, unless the request was given up before."""
        if not under_way.done:
            leg.end_ns = self.clock.now_ns()

    def overdue(self) -> list[UnderWay]:
        """Requests that have reached the time limit."""
        limit_ns = self.clock.now_ns() - self._timeout_ns
        found = []
        for under_way in list(self.in_flight.values()):
            if under_way.start_ns > limit_ns:
                break
            found.append(under_way)
        return found

    def end(
        self,
        under_way: UnderWay,
        error: BaseException | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        """It is over. What ended before (timed out, cancelled) stays as it was.

        Args:
            under_way: The request.
            error: What the graph raised.
            outcome: ``timed_out`` or ``cancelled`` where that is known.
        """
        with self.tally.lock:
            if under_way.done:
                return
            under_way.done = True
            under_way.task = None
            del self.in_flight[id(under_way)]
        now_ns = self.clock.now_ns()
        for leg in under_way.log.legs:
            leg.end_ns = leg.end_ns or now_ns
        self._ended.append((under_way, error, outcome, now_ns))

    def book(self) -> None:
        """Count the requests that have ended. Engines call it now and then, and at the end.

        Many at a time: after a graph has run, this code is out of the processor's caches, and
        booking each request by itself costs several times as much.
        """
        with self._booking:
            while self._ended:
                self._book(*self._ended.popleft())

    def _book(
        self,
        under_way: UnderWay,
        error: BaseException | None,
        outcome: Outcome | None,
        now_ns: int,
    ) -> None:
        self.probed -= under_way.arrival.sampled
        self._settle(under_way, error, outcome, now_ns)
        log, folded = under_way.log, self._close(under_way, now_ns)
        if not under_way.arrival.measured:
            under_way.error = error
            self.warm_up.requests += 1
            self.warm_up.failed += log.outcome in ("failed", "timed_out")
            self.on_unmeasured(under_way)
            return
        if error is not None and log.outcome == "failed":
            self._on_failure(error, failing_node(folded))
        self._count(under_way, folded, now_ns)
        if log.error_type is not None:
            self.tally.count_error(log.error_type, failing_node(folded))

    def _settle(
        self,
        under_way: UnderWay,
        error: BaseException | None,
        outcome: Outcome | None,
        now_ns: int,
    ) -> None:
        log = under_way.log
        if outcome is None and now_ns - under_way.start_ns > self._timeout_ns:
            outcome = "timed_out"
        if outcome is not None:
            log.outcome = outcome
            log.error_type = "lgprof.Timeout" if outcome == "timed_out" else None
        elif error is not None:
            log.outcome, log.error_type = "failed", type_name(error)
        elif self._failed_when is not None and self._failed_when.matches(under_way.output):
            log.outcome, log.error_type = "failed", "failed_when"
        else:
            log.outcome = "ok"
        under_way.output = None

    def _close(self, under_way: UnderWay, now_ns: int) -> Folded:
        if self._recording is None:
            return Folded()
        events = under_way.events
        self._recording.close(events)
        for leg in under_way.log.legs:
            leg.root = _root(events, leg.start_ns)
        return fold(events, now_ns)

    def _count(self, under_way: UnderWay, folded: Folded, now_ns: int) -> None:
        log, arrival = under_way.log, under_way.arrival
        end_ns = log.legs[-1].end_ns if log.legs else now_ns
        self.last_end_ns = max(self.last_end_ns, end_ns)
        service_ns = sum(leg.end_ns - leg.start_ns for leg in log.legs)
        paused_ns = end_ns - log.legs[0].start_ns - service_ns if log.legs else 0
        latency_ns = end_ns - arrival.intended_ns - paused_ns
        lag_ns = max(0, under_way.start_ns - arrival.intended_ns)
        self.tally.record_request(latency_ns, service_ns, lag_ns, _FIELDS[log.outcome])
        if self._recording is None:
            return
        self.tally.record_calls(folded)
        if self.biller is not None:
            self.biller.offer(folded.calls, is_lost=log.outcome in ("failed", "timed_out"))
        self._keeper.offer(
            Finished(log, under_way.events, arrival.intended_ns, latency_ns, arrival.sampled)
        )


def _root(events: RequestEvents, start_ns: int) -> int:
    """Id of the outermost run that begins from a time on; 0 of none."""
    for event in events.start_rows():
        if not event[2] and event[0] >= start_ns:
            run_id: int = event[1].int & ID_MASK
            return run_id
    return 0
