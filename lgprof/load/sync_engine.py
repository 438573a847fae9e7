"""Sends requests to a sync graph: a pacer thread, and as many threads as may run at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context

from lgprof.clock import Clock
from lgprof.load.desk import Desk
from lgprof.load.ledger import Arrival, Ledger, UnderWay
from lgprof.model import Outcome
from lgprof.record.routing import CURRENT
from lgprof.record.session import PROBED

POOL_SIZE = 40
"""Threads where ``--max-concurrent`` is ``auto``: those of a Starlette server."""
_LOOK_EVERY_S = 0.05


class SyncEngine:
    """One test in threads.

    A thread cannot be stopped from outside: one whose request timed out is
    left behind, and another takes its place.

    Args:
        serve: Makes one request in the calling thread; what it raises is the graph's.
        after: Called when a request is over and booked: clears up.
        ledger: The book.
        desk: Admission.
        clock: The source of all times.
        caller_threads: Gets the ids of the threads that call the graph.
    """

    def __init__(
        self,
        serve: Callable[[UnderWay], None],
        after: Callable[[UnderWay], None],
        ledger: Ledger,
        desk: Desk,
        clock: Clock,
        caller_threads: set[int],
    ) -> None:
        self._serve, self._after = serve, after
        self._ledger, self._desk, self._clock = ledger, desk, clock
        self._caller_threads = caller_threads
        self._turn = threading.Condition()
        self.stopped = threading.Event()
        self._closed = False
        self._callers: list[_Caller] = []
        self.defect: BaseException | None = None

    @property
    def left_behind(self) -> int:
        """Threads that still run a request which was given up."""
        return sum(caller.is_alive() for caller in self._callers if caller.stopped)

    @property
    def not_cleared_up(self) -> int:
        """Requests whose threads the checkpointer has not deleted yet."""
        return sum(caller.clears_up for caller in self._callers)

    def run(self, arrivals: Iterator[Arrival], threads: int) -> None:
        """Make the requests of a schedule; returns when the last one is over."""
        self._add_callers(threads, lambda caller: caller.serve_queue())
        try:
            for arrival in arrivals:
                if not self._wait_until(arrival.intended_ns):
                    self._give_up_due(arrival, arrivals)
                    break
                self._arrive(arrival)
        except BaseException:
            self._close()
            raise
        self._drain(lambda: not self._desk.waiting and not self._desk.running)

    def run_users(self, users: int, take: Callable[[], Arrival | None], think_s: float) -> None:
        """The closed model: each user is a thread of its own."""
        self._add_callers(users, lambda caller: caller.serve_user(take, think_s))
        self._drain(lambda: not any(c.is_alive() and not c.stopped for c in self._callers))

    def stop(self) -> None:
        """Take no more arrivals; what waits is given up, what runs goes on."""
        with self._turn:
            self.stopped.set()
            self._ledger.give_up(sum(arrival.measured for arrival in self._desk.give_up()))
            self._turn.notify_all()

    def cancel(self) -> None:
        """Stop; what runs counts as cancelled, though its thread cannot be stopped."""
        self.stop()
        for caller in list(self._callers):
            self._give_up(caller, caller.under_way, "cancelled")

    # --- the pacer's thread --------------------------------------------------------------------

    def _add_callers(self, count: int, work: Callable[[_Caller], None]) -> None:
        for _ in range(count):
            caller = _Caller(self, work)
            self._callers.append(caller)
            caller.start()

    def _wait_until(self, at_ns: int) -> bool:
        """Sleep until then, looking for hung requests meanwhile; False if stopped."""
        while not self.stopped.is_set():
            self._check()
            left_s = (at_ns - self._clock.now_ns()) / 1e9
            if left_s <= 0:
                return True
            time.sleep(min(left_s, _LOOK_EVERY_S))
        return False

    def _give_up_due(self, arrival: Arrival | None, later: Iterator[Arrival]) -> None:
        """What was due before the stop, and had not arrived yet, will never start."""
        now_ns = self._clock.now_ns()
        while arrival is not None and arrival.intended_ns <= now_ns:
            self._ledger.offer(arrival)
            self._ledger.give_up(int(arrival.measured))
            arrival = next(later, None)

    def _arrive(self, arrival: Arrival) -> None:
        self._ledger.offer(arrival)
        with self._turn:
            if self._desk.accepts():
                self._desk.queue(arrival)
                self._turn.notify()
            else:
                self._ledger.drop(arrival)

    def _drain(self, is_over: Callable[[], bool]) -> None:
        try:
            while not is_over():
                self._check()
                time.sleep(_LOOK_EVERY_S / 5)
        finally:
            self._close()
        self._ledger.book()
        if self.defect is not None:
            raise self.defect

    def _close(self) -> None:
        """Let the threads that wait for arrivals end."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()

    def _check(self) -> None:
        if self.defect is not None:
            raise self.defect
        overdue = self._ledger.overdue()
        for caller in list(self._callers):
            under_way = caller.under_way
            is_overdue = any(found is under_way for found in overdue)
            if is_overdue and self._give_up(caller, under_way, "timed_out"):
                self._add_callers(1, caller.work)
        self._ledger.book()

    def _give_up(self, caller: _Caller, under_way: UnderWay | None, outcome: Outcome) -> bool:
        """Whether its thread was left behind: it may have come to its end just now."""
        with self._turn:
            if under_way is None or caller.under_way is not under_way:
                return False
            caller.stopped = True
        self._ledger.end(under_way, outcome=outcome)
        self._leave(caller)
        return True

    # --- the callers' threads ------------------------------------------------------------------

    def next_arrival(self) -> Arrival | None:
        """The next request to make, when there is one; None at the end."""
        with self._turn:
            while True:
                arrival = self._desk.next(idle=True)
                if arrival is not None or self._closed:
                    return arrival
                self._turn.wait()

    def one(self, arrival: Arrival, caller: _Caller) -> None:
        """Make one request in the calling thread."""
        under_way = caller.under_way = self._ledger.start(arrival)
        current, probed = CURRENT.set(under_way.events), PROBED.set(arrival.sampled)
        error: BaseException | None = None
        try:
            self._serve(under_way)
        except BaseException as raised:  # a user's graph may even raise SystemExit
            error = raised
        CURRENT.reset(current)
        PROBED.reset(probed)
        self._ledger.end(under_way, error)
        self._leave(caller)
        if under_way.own_threads:
            caller.clears_up = True
            self._after(under_way)
            caller.clears_up = False

    def _leave(self, caller: _Caller) -> None:
        with self._turn:
            if caller.under_way is not None:
                caller.under_way = None
                self._desk.leave()
                self._turn.notify()

    def user_offers(self, take: Callable[[], Arrival | None]) -> Arrival | None:
        """A user's next request; None at the end."""
        with self._turn:
            arrival = None if self.stopped.is_set() else take()
            if arrival is not None:
                self._ledger.offer(arrival)
                self._desk.running += 1
            return arrival

    def register(self) -> None:
        """The calling thread calls the graph itself."""
        self._caller_threads.add(threading.get_ident())


class _Caller(threading.Thread):
    """A thread that makes requests, one at a time."""

    def __init__(self, engine: SyncEngine, work: Callable[[_Caller], None]) -> None:
        super().__init__(name="lgprof-caller", daemon=True)
        self._module_context = copy_context()
        """What the user's modules set when they were imported."""
        self._engine = engine
        self.work = work
        self.under_way: UnderWay | None = None
        self.stopped = False
        self.clears_up = False
        """Its last request's threads are being deleted."""

    def run(self) -> None:
        self._engine.register()
        try:
            self._module_context.run(self.work, self)
        except BaseException as error:  # the graph's own errors end in `SyncEngine.one`
            self._engine.defect = error

    def serve_queue(self) -> None:
        """Take requests from the desk."""
        while not self.stopped and (arrival := self._engine.next_arrival()) is not None:
            self._engine.one(arrival, self)

    def serve_user(self, take: Callable[[], Arrival | None], think_s: float) -> None:
        """Be a user: request, pause, and again."""
        while not self.stopped and (arrival := self._engine.user_offers(take)) is not None:
            self._engine.one(arrival, self)
            if think_s:
                self._engine.stopped.wait(think_s)
