"""Short rounds of load in this process: lgprof's engine, and bare loops that do no more than call.

All run the graph on an event loop in a thread of its own, as a worker does, wake up by the same
timer, and leave the main thread to wait.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from lgprof.clock import SYSTEM_CLOCK
from lgprof.histogram import Histogram
from lgprof.load import messages as wire
from lgprof.load.arrivals import Schedule, steady
from lgprof.load.async_engine import AsyncEngine
from lgprof.load.desk import Desk
from lgprof.load.keeper import Keeper, exact_sample, expected_sample
from lgprof.load.ledger import Arrival, Ledger, UnderWay
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.pacer import alarm
from lgprof.load.plan import TestPlan
from lgprof.load.site import Site
from lgprof.load.tally import Total
from lgprof.record.digest import Digester
from lgprof.record.routing import RoutedRecording
from lgprof.run.async_driver import LoopThread
from lgprof.run.plan import Invoke
from lgprof.target import Inputs, TargetSource

Call = Callable[[], Awaitable[Any]]

REPORT_EVERY_S, _AWAKE_EVERY_S = 1.0, 0.33
"""Of a worker's main thread: it reports, and Locust exchanges heartbeats."""
_START_IN_NS = 50_000_000
_DEFAULT_KEEP, _DEFAULT_TEST_S = 200, 30.0
now_ns = SYSTEM_CLOCK.now_ns


@dataclass
class Round:
    """What one round saw."""

    latency: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    completed: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    batches: list[bytes] = field(default_factory=list)
    """What lgprof's worker would have sent to its master."""

    @property
    def rps(self) -> float:
        return self.completed / self.seconds

    @property
    def cpu_us(self) -> float:
        """Per request, of the whole process."""
        return self.cpu_s / self.completed * 1e6


@contextmanager
def timed(found: Round) -> Iterator[None]:
    """CPU of the process and time; garbage of earlier rounds is out of the way."""
    gc.collect()
    gc.freeze()
    cpu_s, began_s = time.process_time(), time.perf_counter()
    try:
        yield
    finally:
        found.seconds = time.perf_counter() - began_s
        found.cpu_s = time.process_time() - cpu_s
        gc.unfreeze()


# --- bare loops ----------------------------------------------------------------------------------


def calling(graph: Any, payload: Any, *, fresh_thread: bool = True) -> Call:
    """A call of the graph with the config that lgprof sends, or with none."""

    async def call() -> None:
        config = {"configurable": {"thread_id": f"lgprof-{uuid4()}"}} if fresh_thread else None
        await graph.ainvoke(payload, config)

    return call


def bare_open(call: Call, rps: float, seconds: float) -> Round:
    """A schedule; latency counts from the intended start."""
    found = Round()
    with _thread() as thread, timed(found):
        thread.submit(_open_loop(call, rps, round(rps * seconds), found)).result()
    return found


async def _open_loop(call: Call, rps: float, count: int, found: Round) -> None:
    loop, begin_ns = asyncio.get_running_loop(), now_ns() + _START_IN_NS
    due_ns = iter([begin_ns + int(number / rps * 1e9) for number in range(count)])
    over, tasks = loop.create_future(), set()
    next_ns = next(due_ns, None)

    async def one(intended_ns: int) -> None:
        found.lag.record(now_ns() - intended_ns)
        await call()
        found.latency.record(now_ns() - intended_ns)
        found.completed += 1

    def ended(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if next_ns is None and not tasks:
            over.set_result(None)

    def release() -> None:
        nonlocal next_ns
        while next_ns is not None and next_ns <= now_ns():
            task = loop.create_task(one(next_ns))
            tasks.add(task)
            task.add_done_callback(ended)
            next_ns = next(due_ns, None)
        if next_ns is not None:
            bell.set(next_ns)

    bell = alarm(loop, release, SYSTEM_CLOCK)
    release()
    await over
    bell.close()


def bare_closed(call: Call, users: int, seconds: float, *, in_step: bool = True) -> Round:
    """Users that each wait for their answer.

    Users that begin together stay in step: each turn of the loop runs the same code once for each
    of them, out of warm caches. Those that begin one after another do not.
    """
    found = Round()

    async def user(turns_late: int, until_s: float) -> None:
        for _ in range(turns_late):
            await asyncio.sleep(0)
        while time.perf_counter() < until_s:
            await call()
            found.completed += 1

    async def all_users() -> None:
        apart = 0 if in_step else await _turns_of(call) / users
        until_s = time.perf_counter() + seconds
        await asyncio.gather(*(user(round(number * apart), until_s) for number in range(users)))

    with _thread() as thread, timed(found):
        thread.submit(all_users()).result()
    return found


async def _turns_of(call: Call) -> int:
    """Turns of the loop that a call takes which computes only."""
    turns, task = 0, asyncio.ensure_future(call())
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    return turns


def bare_burst(call: Call, at_once: int) -> Round:
    """So many calls at one moment."""
    found = Round()

    async def all_calls() -> None:
        await asyncio.gather(*(call() for _ in range(at_once)))
        found.completed = at_once

    with _thread() as thread, timed(found):
        thread.submit(all_calls()).result()
    return found


@contextmanager
def _thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    try:
        yield thread
    finally:
        thread.close()


# --- lgprof's engine -----------------------------------------------------------------------------


@contextmanager
def site_of(graph: Any, payload: Any, seconds: float) -> Iterator[Site]:
    """A worker's site, open; its sample is the share of the default test's that falls in here."""
    keep = max(1, round(_DEFAULT_KEEP * seconds / _DEFAULT_TEST_S))
    plan = TestPlan(LoadOptions(workers=1, keep=keep), FleetOptions())
    setup = plan.setup(0, Inputs([payload], "the benchmark"), b"salt" * 4)
    source = TargetSource(spec="benchmark:graph", obj=graph, attribute="graph")
    site = Site(source, setup, Path("/nonexistent"))
    try:
        site.open()
        yield site
    finally:
        site.close()


def engine_open(graph: Any, payload: Any, rps: float, seconds: float) -> Round:
    """The same schedule through the engine; what is left at its end is drained."""
    found = Round()
    with site_of(graph, payload, seconds) as site, timed(found):
        begin_ns = now_ns() + _START_IN_NS
        running = site.start_schedule(arrivals(rps, seconds, begin_ns))
        total = reported(site.ledger, running, found)
    return _filled(found, total, begin_ns, site.ledger)


def engine_overload(graph: Any, payload: Any, rps: float, seconds: float) -> Round:
    """What is answered of more than can be; what still waits at the schedule's end is given up."""
    found = Round()
    with site_of(graph, payload, seconds) as site, timed(found):
        begin_ns = now_ns() + _START_IN_NS
        running = site.start_schedule(arrivals(rps, seconds, begin_ns))
        total = reported(site.ledger, running, found, until_s=time.perf_counter() + seconds)
        site.stop()
        total.merge(reported(site.ledger, running, found))
    return _filled(found, total, begin_ns, site.ledger)


def engine_closed(
    graph: Any, payload: Any, users: int, seconds: float, expected_rps: float
) -> Round:
    """The closed model through the engine; a default test would keep its sample at that rate."""
    found = Round()
    numbers = iter(range(10**9))
    is_sampled = expected_sample(_DEFAULT_KEEP / (_DEFAULT_TEST_S * expected_rps), 0)
    with site_of(graph, payload, seconds) as site, timed(found):
        begin_ns = now_ns()
        until_ns = begin_ns + int(seconds * 1e9)

        def take() -> Arrival | None:
            at_ns, number = now_ns(), next(numbers)
            if at_ns >= until_ns:
                return None
            return Arrival(number, at_ns, sampled=is_sampled(number))

        total = reported(site.ledger, site.start_users(users, take, 0.0), found)
    return _filled(found, total, begin_ns, site.ledger)


def arrivals(rps: float, seconds: float, begin_ns: int | None = None) -> Iterator[Arrival]:
    """Constant arrivals, as a worker makes them of its plan; by default they begin soon."""
    begin_ns = now_ns() + _START_IN_NS if begin_ns is None else begin_ns
    schedule = Schedule(steady(rps, seconds))
    keep = max(1, round(_DEFAULT_KEEP * seconds / _DEFAULT_TEST_S))
    is_sampled = exact_sample(schedule.count, keep, 0)
    for number, time_s in enumerate(schedule.times_s()):
        yield Arrival(number, begin_ns + int(time_s * 1e9), sampled=is_sampled(number))


def reported(
    ledger: Ledger, running: Future[None], found: Round, until_s: float = float("inf")
) -> Total:
    """Wait as a worker's main thread does, as rarely awake, with a batch every second."""
    total, due_s, seq = Total(), time.perf_counter() + REPORT_EVERY_S, 0
    while not running.done() and time.perf_counter() < until_s:
        left_s = min(due_s, until_s) - time.perf_counter()
        wait([running], max(0.0, min(_AWAKE_EVERY_S, left_s)))
        if time.perf_counter() >= due_s:
            due_s, seq = due_s + REPORT_EVERY_S, seq + 1
            found.batches.append(_batch(ledger, seq, total))
    if running.done():
        running.result()
    found.batches.append(_batch(ledger, seq + 1, total))
    return total


def _batch(ledger: Ledger, seq: int, total: Total) -> bytes:
    balance, counted = ledger.tally.take()
    total.add(counted)
    return wire.encode(
        wire.Batch(
            seq=seq,
            t_s=float(seq),
            balance=balance,
            counted=counted,
            in_flight=len(ledger.in_flight),
            queued=0,
            cpu_s=0.0,
            starved_s=0.0,
            executor_queued=0,
            rss_bytes=0,
            peak_in_flight=ledger.peak_in_flight,
            peak_queued=0,
            warm_up_requests=0,
            warm_up_failed=0,
            consumed=0,
        )
    )


def _filled(found: Round, total: Total, begin_ns: int, ledger: Ledger) -> Round:
    """From the first arrival to the last answer; the main thread sees the end a little later."""
    found.seconds = (ledger.last_end_ns - begin_ns) / 1e9
    found.latency, found.lag = total.histogram("graph"), total.histogram("lag")
    found.completed = found.latency.total
    return found


# --- the engine alone ----------------------------------------------------------------------------


def engine_of_nothing(
    due: Iterator[Arrival], each_batch: Callable[[bytes], None] = lambda batch: None
) -> tuple[Round, Ledger, Keeper]:
    """A coroutine that does nothing instead of a graph: engine, ledger, reports, keeper."""
    found, thread = Round(), LoopThread()
    keeper = Keeper(_DEFAULT_KEEP, Digester(None, salt=b"salt" * 4))
    recording = RoutedRecording()
    ledger = Ledger(recording, SYSTEM_CLOCK, keeper, timeout_s=120.0)
    config = {"configurable": {"thread_id": "benchmark"}}

    async def serve(under_way: UnderWay) -> None:
        leg = ledger.begin_leg(under_way, Invoke({}, config, None, None))
        await asyncio.sleep(0)
        leg.end_ns = now_ns()

    async def after(under_way: UnderWay) -> None:
        return

    async def run() -> None:
        desk = Desk(None, 10_000)
        await AsyncEngine(serve, after, ledger, desk, SYSTEM_CLOCK, recording).run(due)

    begin_ns = now_ns()
    try:
        with timed(found):
            running = thread.submit(run())
            total, due_s, seq = Total(), time.perf_counter() + REPORT_EVERY_S, 0
            while not running.done():
                wait([running], max(0.0, min(_AWAKE_EVERY_S, due_s - time.perf_counter())))
                if time.perf_counter() >= due_s or running.done():
                    due_s, seq = due_s + REPORT_EVERY_S, seq + 1
                    each_batch(_batch(ledger, seq, total))
            running.result()
            each_batch(_batch(ledger, seq + 1, total))
    finally:
        thread.close()
    return _filled(found, total, begin_ns, ledger), ledger, keeper
