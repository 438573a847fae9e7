"""Sends requests to an async graph on one event loop, each at its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from contextvars import copy_context
from functools import partial
from typing import Any

from lgprof.clock import Clock
from lgprof.load.desk import Desk
from lgprof.load.ledger import CLEAR_UP_WITHIN_S, Arrival, Ledger, UnderWay
from lgprof.load.pacer import alarm
from lgprof.model import Outcome
from lgprof.record.routing import CURRENT, RoutedRecording
from lgprof.record.session import PROBED, watched_loop

LOOK_FOR_IDLENESS_S = 0.001
"""How often requests that wait for an idle loop look for it."""
TAKE_TOGETHER_NS = 20_000_000
"""How long arrivals may be due before they are taken in, where they have to queue anyway."""
LAG_EVERY_NS = 50_000_000
"""How often the loop's own lag is measured, and requests that hang are looked for."""


class AsyncEngine:
    """One test on one event loop. Its methods are called on that loop, but for the plain values.

    Args:
        serve: Makes one request; whatever it raises is the graph's.
        after: Awaited when a request is over and booked: clears up.
        ledger: The book.
        desk: Admission.
        clock: The source of all times.
        recording: Where the tap of the loop records; None without probes.
    """

    def __init__(
        self,
        serve: Callable[[UnderWay], Awaitable[None]],
        after: Callable[[UnderWay], Awaitable[None]],
        ledger: Ledger,
        desk: Desk,
        clock: Clock,
        recording: RoutedRecording | None,
    ) -> None:
        self._serve, self._after = serve, after
        self._ledger, self._desk, self._clock = ledger, desk, clock
        self._recording = recording
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        """What requests start from: not what the one before, whose place they take, has set."""
        self._ready = getattr(self._loop, "_ready", ())
        """Callbacks that the loop is about to run: none while it is idle."""
        self._places: dict[asyncio.Task[None], Callable[[], None]] = {}
        """Requests that take a place, with what is to be done when it is free again."""
        self._tasks: set[asyncio.Task[None]] = set()
        """Requests whose threads may still be in the checkpointer."""
        self.left_behind: set[asyncio.Task[None]] = set()
        """Requests that were cancelled and have not ended yet."""
        self.not_cleared_up = 0
        """Requests whose threads the checkpointer did not delete in time."""
        self._arrivals: Iterator[Arrival] = iter(())
        self._next: Arrival | None = None
        self._takes_together = False
        """Whether arrivals that are due are left for a while, because others wait before them."""
        self._over = self._loop.create_future()
        self._users = 0
        self._take: Callable[[], Arrival | None] = lambda: None
        self._think_s = 0.0
        self._pauses: set[asyncio.TimerHandle] = set()
        """Users that think."""
        self._stopped = False
        self._pump_is_due = False
        self._is_tapped = False
        self._tap = ExitStack()
        self._alarm = alarm(self._loop, partial(self._guarded, self._release), clock)
        self._ticker = alarm(self._loop, partial(self._guarded, self._tick), clock)
        self._tick_due_ns = 0
        self.last_tick_ns = clock.now_ns()
        """When the loop last ran: it stands still if this falls behind."""
        self._lag_from_ns: int | None = None

    def measure_lag_from(self, t_ns: int) -> None:
        """Count the loop's lag from a time on; before, it is not counted at all."""
        self._lag_from_ns = t_ns

    async def run(self, arrivals: Iterator[Arrival]) -> None:
        """Make the requests of a schedule; returns when the last one is over."""
        self._arrivals = arrivals
        self._next = None if self._stopped else next(arrivals, None)
        self._begin()
        self._release()
        await self._wait()

    async def run_users(
        self, users: int, take: Callable[[], Arrival | None], think_s: float
    ) -> None:
        """The closed model: each user takes an arrival, waits for its end, pauses, and again.

        Args:
            users: How many.
            take: The next arrival; None at the end.
            think_s: A user's pause.
        """
        self._begin()
        self._users, self._take, self._think_s = users, take, think_s
        for _ in range(users):
            self._user_comes()
        self._check_over()
        await self._wait()

    def stop(self) -> None:
        """Take no more arrivals; what is due and waits is given up, what runs goes on."""
        self._stopped = True
        self._take_due()  # a loop that was held has not done so yet
        self._next = None
        for pause in self._pauses:
            pause.cancel()
        self._users -= len(self._pauses)
        self._pauses.clear()
        self._ledger.give_up(sum(arrival.measured for arrival in self._desk.give_up()))
        self._check_over()

    def cancel(self) -> None:
        """Stop, and cancel what runs."""
        self.stop()
        for under_way in list(self._ledger.in_flight.values()):
            self._end_early(under_way, "cancelled")

    # --- the schedule --------------------------------------------------------------------------

    def _begin(self) -> None:
        self._tick_due_ns = self._clock.now_ns() + LAG_EVERY_NS
        self._ticker.set(self._tick_due_ns)

    async def _wait(self) -> None:
        try:
            await self._over
            tasks = self._tasks - self.left_behind
            if tasks:
                await asyncio.wait(tasks, timeout=CLEAR_UP_WITHIN_S)
            self.not_cleared_up = len(self._tasks - self.left_behind)
        finally:
            self._book()
            self._alarm.close()
            self._ticker.close()
            self._tap.close()

    def _release(self) -> None:
        """Take in every arrival that is due, and wake up for the next one.

        While others wait, an arrival cannot start at once: then a few are taken in together.
        """
        self._take_due()
        self._pump()
        if self._next is not None:
            self._takes_together = bool(self._desk.waiting)
            due_ns = self._next.intended_ns
            if self._takes_together:
                due_ns = max(due_ns, self._clock.now_ns() + TAKE_TOGETHER_NS)
            self._alarm.set(due_ns)

    def _take_due(self) -> None:
        now_ns = self._clock.now_ns()
        while self._next is not None and self._next.intended_ns <= now_ns:
            self._arrive(self._next)
            self._next = next(self._arrivals, None)

    def _arrive(self, arrival: Arrival) -> None:
        self._ledger.offer(arrival)
        if self._desk.accepts():
            self._desk.queue(arrival)
        else:
            self._ledger.drop(arrival)

    def _pump(self) -> None:
        """Start what may start; come back soon if some must wait for idleness."""
        desk = self._desk
        while desk.waiting:
            arrival = desk.next(idle=not self._ready)
            if arrival is None:
                if desk.waits_for_idleness and not self._pump_is_due:
                    self._pump_is_due = True
                    self._call_later(LOOK_FOR_IDLENESS_S, self._pump_again)
                return
            self._begin_task(arrival, self._fill)
        self._check_over()

    def _pump_again(self) -> None:
        self._pump_is_due = False
        self._pump()

    def _fill(self) -> None:
        """A place is free: another may take it."""
        if self._takes_together and not self._desk.waiting:
            self._release()
        else:
            self._pump()

    def _check_over(self) -> None:
        idle = not self._desk.waiting and not self._places and not self._users
        if idle and self._next is None and not self._over.done():
            self._over.set_result(None)

    # --- one request ---------------------------------------------------------------------------

    def _begin_task(self, arrival: Arrival, when_free: Callable[[], None]) -> None:
        task = self._loop.create_task(self._one(arrival), context=self._context.copy())
        self._places[task] = when_free
        self._tasks.add(task)

    async def _one(self, arrival: Arrival) -> None:
        """A request, from its start to its clearing up; what it raises is booked."""
        task: Any = asyncio.current_task()
        try:
            under_way = self._ledger.start(arrival, task)
            CURRENT.set(under_way.events)
            error: BaseException | None = None
            if arrival.sampled:
                self._tap_loop()
                PROBED.set(True)
            try:
                await self._serve(under_way)
            except BaseException as raised:  # a user's graph may even raise SystemExit
                error = raised
            self._ledger.end(under_way, error)
            if arrival.sampled:
                self._book()  # so that the tap is on no longer than it is needed
            self._free(task)
            if under_way.own_threads:
                await self._after(under_way)
        except Exception as defect:
            self._fail(defect)
        finally:
            self._tasks.discard(task)
            self.left_behind.discard(task)
            self._free(task)

    def _free(self, task: asyncio.Task[None]) -> None:
        """The request is over, or was given up: another may take its place."""
        when_free = self._places.pop(task, None)
        if when_free is not None:
            self._desk.leave()
            when_free()

    def _tap_loop(self) -> None:
        """The tap costs every callback of the loop a little: it is on while it is needed."""
        if self._recording is not None and not self._is_tapped:
            self._is_tapped = True
            self._tap.enter_context(watched_loop(self._loop, self._recording, self._clock))

    # --- users ---------------------------------------------------------------------------------

    def _user_comes(self) -> None:
        """A user takes an arrival, or leaves for good."""
        arrival = None if self._stopped else self._take()
        if arrival is None:
            self._users -= 1
            self._check_over()
            return
        self._ledger.offer(arrival)
        self._desk.running += 1
        self._begin_task(arrival, self._user_thinks)

    def _user_thinks(self) -> None:
        """A user has an answer, and comes again after a pause."""
        if self._stopped or not self._think_s:
            self._user_comes()
            return

        def over() -> None:
            self._pauses.discard(pause)
            self._user_comes()

        pause = self._call_later(self._think_s, over)
        self._pauses.add(pause)

    # --- the loop ------------------------------------------------------------------------------

    def _tick(self) -> None:
        now_ns = self.last_tick_ns = self._clock.now_ns()
        while self._tick_due_ns <= now_ns:  # each moment that was missed has its own lag
            if self._lag_from_ns is not None and self._tick_due_ns >= self._lag_from_ns:
                self._ledger.record_loop_lag(now_ns - self._tick_due_ns)
            self._tick_due_ns += LAG_EVERY_NS
        self._ticker.set(self._tick_due_ns)
        for under_way in self._ledger.overdue():
            self._end_early(under_way, "timed_out")
        self._book()

    def _call_later(self, delay_s: float, work: Callable[[], None]) -> asyncio.TimerHandle:
        """Call back outside of any request."""
        return self._loop.call_later(delay_s, self._guarded, work, context=self._context)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Called by the loop, which would only print what is raised, and wait for ever."""
        try:
            work()
        except Exception as defect:
            self._fail(defect)

    def _fail(self, defect: Exception) -> None:
        """A defect of ours ends the test."""
        if not self._over.done():
            self._over.set_exception(defect)

    def _book(self) -> None:
        """Book what has ended; what was probed is looked at while the loop is still tapped."""
        self._ledger.book()
        if not self._ledger.probed:
            self._tap.close()
            self._is_tapped = False

    def _end_early(self, under_way: UnderWay, outcome: Outcome) -> None:
        task = under_way.task
        self._ledger.end(under_way, outcome=outcome)
        self.left_behind.add(task)
        task.cancel()
        self._free(task)
