"""The books balance at every moment, whatever happens: simulated, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgprof.analysis.spans import Leg
from lgprof.load import async_engine
from lgprof.load.arrivals import Share, Shares
from lgprof.load.async_engine import AsyncEngine
from lgprof.load.book import Book
from lgprof.load.desk import Desk
from lgprof.load.keeper import Keeper
from lgprof.load.ledger import Arrival, Ledger, UnderWay
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.pacer import _CallLater
from lgprof.load.plan import TestPlan
from lgprof.load.tally import Balance
from lgprof.record.digest import Digester
from lgprof.run.async_driver import _cancel_others
from tests.load.batches import batch_of, check_balance
from tests.virtual_time import VirtualTime

MS = 1_000_000
WATCH_S = 0.003
VISITOR: ContextVar[str | None] = ContextVar("visitor", default=None)


@pytest.fixture(autouse=True)
def virtual_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_engine, "alarm", _CallLater)


@dataclass(frozen=True)
class Job:
    """What a request does."""

    takes_ms: int
    fails: bool = False
    clings_ms: int = 0
    """How long it goes on after it was cancelled."""
    blocks_ms: int = 0

    async def run(self, time: VirtualTime) -> None:
        time.block(self.blocks_ms / 1e3)
        try:
            await asyncio.sleep(self.takes_ms / 1e3)
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(self.clings_ms / 1e3)
            raise
        if self.fails:
            raise ValueError


jobs = st.builds(
    Job,
    takes_ms=st.integers(0, 120),
    fails=st.booleans(),
    clings_ms=st.sampled_from([0, 0, 30]),
    blocks_ms=st.sampled_from([0, 0, 0, 5, 40]),
)


@dataclass
class Worker:
    """An engine with its book and its desk."""

    time: VirtualTime
    jobs: Sequence[Job]
    max_concurrent: int | None = None
    max_in_flight: int = 100
    timeout_s: float = 60.0
    ledger: Ledger = field(init=False)
    engine: AsyncEngine = field(init=False)

    def open(self) -> None:
        """On the loop."""
        clock = self.time.clock
        keeper = Keeper(1, Digester(None, salt=b""))
        self.ledger = Ledger(None, clock, keeper, timeout_s=self.timeout_s)
        self.desk = Desk(self.max_concurrent, self.max_in_flight)
        self.engine = AsyncEngine(self._serve, self._after, self.ledger, self.desk, clock, None)

    async def _serve(self, under_way: UnderWay) -> None:
        leg = Leg(0, self.time.now_ns, 0)
        under_way.log.legs.append(leg)
        try:
            await self.jobs[under_way.arrival.number % len(self.jobs)].run(self.time)
        finally:
            leg.end_ns = leg.end_ns or self.time.now_ns

    async def _after(self, under_way: UnderWay) -> None:
        raise AssertionError("no threads to delete")

    def check(self) -> None:
        """The books agree with what there is, now."""
        balance, desk = self.ledger.balance, self.desk
        begun = desk.running - len(self.ledger.in_flight)  # their tasks have not had a turn yet
        assert begun >= 0
        assert balance.running == len(self.ledger.in_flight)
        assert balance.queued == len(desk.waiting) + begun
        assert desk.running + len(desk.waiting) <= self.max_in_flight
        if self.max_concurrent is not None:
            assert desk.running <= self.max_concurrent


async def watched(running: asyncio.Task[None], checks: Callable[[], None]) -> None:
    while not running.done():
        checks()
        await asyncio.sleep(WATCH_S)
    checks()
    await running


def schedule_of(time: VirtualTime, gaps_ms: Sequence[int]) -> list[Arrival]:
    at_ns, arrivals = time.now_ns, []
    for number, gap_ms in enumerate(gaps_ms):
        at_ns += gap_ms * MS
        arrivals.append(Arrival(number, at_ns))
    return arrivals


def run(time: VirtualTime, work: Any) -> Any:
    loop = time.loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(_cancel_others())  # those that cling
        loop.close()


def counts(balance: Balance) -> dict[str, int]:
    named = {name: getattr(balance, name) for name in balance.__struct_fields__}
    return {name: value for name, value in named.items() if value}


async def load(worker: Worker, arrivals: list[Arrival], *later: tuple[float, str]) -> None:
    worker.open()
    for after_s, method in later:
        asyncio.get_running_loop().call_later(after_s, getattr(worker.engine, method))
    running = asyncio.ensure_future(worker.engine.run(iter(arrivals)))
    await watched(running, worker.check)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(jobs, min_size=1, max_size=6),
    st.lists(st.integers(0, 40), max_size=40),
    st.sampled_from([None, 1, 2, 5]),
    st.sampled_from([1, 3, 100]),
    st.sampled_from([0.05, 60.0]),
    st.one_of(st.none(), st.floats(0.0, 0.8)),
    st.one_of(st.none(), st.floats(0.0, 0.8)),
)
def test_every_arrival_has_one_fate_at_every_moment(
    some_jobs: list[Job],
    gaps_ms: list[int],
    max_concurrent: int | None,
    max_in_flight: int,
    timeout_s: float,
    stop_s: float | None,
    cancel_s: float | None,
) -> None:
    time = VirtualTime()
    start_ns = time.now_ns
    worker = Worker(time, some_jobs, max_concurrent, max_in_flight, timeout_s)
    arrivals = schedule_of(time, gaps_ms)
    orders = [(stop_s, "stop"), (cancel_s, "cancel")]
    run(time, load(worker, arrivals, *[(at_s, name) for at_s, name in orders if at_s is not None]))
    balance = worker.ledger.balance
    check_balance(balance)
    ends_s = [at_s for at_s, _ in orders if at_s is not None]
    if not ends_s:
        assert balance.offered == len(gaps_ms)
        assert not balance.unsent
        assert not balance.cancelled
    else:
        due = [a for a in arrivals if a.intended_ns - start_ns < min(ends_s) * 1e9 - 1]
        assert balance.offered >= len(due)
    if cancel_s is None:
        assert not balance.cancelled
    counted = worker.ledger.tally.take()[1].histograms
    assert sum(counted["lag"][1]) == balance.started if balance.started else "lag" not in counted


@settings(max_examples=60, deadline=None)
@given(
    st.lists(jobs, min_size=1, max_size=6),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.02, 5.0]),
    st.integers(0, 30),
    st.sampled_from([0.05, 60.0]),
    st.one_of(st.none(), st.tuples(st.floats(0.0, 0.5), st.sampled_from(["stop", "cancel"]))),
)
def test_users_come_back_only_after_their_answer(
    some_jobs: list[Job],
    users: int,
    think_s: float,
    limit: int,
    timeout_s: float,
    order: tuple[float, str] | None,
) -> None:
    time = VirtualTime()
    worker = Worker(time, some_jobs, timeout_s=timeout_s)
    start_ns = time.now_ns

    async def all_users() -> None:
        worker.open()
        left = iter(range(limit))

        def take() -> Arrival | None:
            number = next(left, None)
            return None if number is None else Arrival(number, time.now_ns)

        def check() -> None:
            worker.check()
            assert len(worker.ledger.in_flight) <= users

        if order is not None:
            asyncio.get_running_loop().call_later(order[0], getattr(worker.engine, order[1]))
        await watched(asyncio.ensure_future(worker.engine.run_users(users, take, think_s)), check)

    run(time, all_users())
    balance = worker.ledger.balance
    check_balance(balance)
    if order is None:
        assert balance.offered == limit
    elif think_s > 1:
        waited_s = (time.now_ns - start_ns) / 1e9
        assert waited_s < order[0] + 1.5 or balance.started == 0  # no pause outlasts the stop


def test_latency_counts_from_the_intended_start() -> None:
    time = VirtualTime()
    worker = Worker(time, [Job(100)], max_concurrent=1)
    run(time, load(worker, schedule_of(time, [0, 10, 10])))
    assert worker.ledger.balance == Balance(offered=3, started=3, completed=3)
    histograms = worker.ledger.tally.take()[1].histograms
    sums_ms = {name: round(found[2] / MS) for name, found in histograms.items()}
    assert sums_ms["graph"] == 100 + 190 + 280
    assert sums_ms["service"] == 300
    assert sums_ms["lag"] == 0 + 90 + 180


def test_a_request_starts_without_what_the_one_before_has_set() -> None:
    found = []

    class Setting(Job):
        async def run(self, time: VirtualTime) -> None:
            found.append(VISITOR.get())
            VISITOR.set("somebody")
            await super().run(time)

    time = VirtualTime()
    worker = Worker(time, [Setting(20)], max_concurrent=1)
    run(time, load(worker, schedule_of(time, [0, 1, 1])))
    assert found == [None, None, None]


def test_a_request_that_hangs_ends_at_its_time_limit_and_its_place_is_free() -> None:
    time = VirtualTime()
    worker = Worker(time, [Job(10_000), Job(20)], max_concurrent=1, timeout_s=0.5)
    run(time, load(worker, schedule_of(time, [0, 10])))
    assert counts(worker.ledger.balance) == {
        "offered": 2,
        "started": 2,
        "completed": 1,
        "timed_out": 1,
    }
    waited_s = worker.ledger.tally.take()[1].histograms["service"][4] / 1e6
    assert 0.5 <= waited_s <= 0.56


def test_what_clings_after_its_time_limit_is_counted_once() -> None:
    time = VirtualTime()
    worker = Worker(time, [Job(10_000, clings_ms=2000)], timeout_s=0.1)
    run(time, load(worker, schedule_of(time, [0, 1])))
    assert counts(worker.ledger.balance) == {"offered": 2, "started": 2, "timed_out": 2}


def test_arrivals_beyond_the_limit_are_dropped() -> None:
    time = VirtualTime()
    worker = Worker(time, [Job(100)], max_concurrent=1, max_in_flight=2)
    run(time, load(worker, schedule_of(time, [0, 1, 1, 1])))
    balance = counts(worker.ledger.balance)
    assert balance == {"offered": 4, "started": 2, "completed": 2, "dropped": 2}


def test_at_the_stop_what_waits_is_unsent_and_what_runs_ends() -> None:
    time = VirtualTime()
    worker = Worker(time, [Job(100)], max_concurrent=1)
    run(time, load(worker, schedule_of(time, [0, 10, 10, 500]), (0.05, "stop")))
    balance = counts(worker.ledger.balance)
    assert balance == {"offered": 3, "started": 1, "completed": 1, "unsent": 2}


def test_what_was_due_while_the_loop_was_held_is_offered_at_the_stop() -> None:
    time = VirtualTime()
    worker = Worker(time, [Job(0, blocks_ms=200), Job(0)])
    worker_arrivals = schedule_of(time, [0, 50, 50, 500])

    async def held() -> None:
        worker.open()
        engine = worker.engine
        running = asyncio.ensure_future(engine.run(iter(worker_arrivals)))
        await asyncio.sleep(0)
        time.block(0.2)
        engine.stop()
        await running

    run(time, held())
    balance = counts(worker.ledger.balance)
    assert (balance["offered"], balance["started"] + balance["unsent"]) == (3, 3)


def test_cancelling_ends_what_runs_at_once() -> None:
    time = VirtualTime()
    start_ns = time.now_ns
    worker = Worker(time, [Job(60_000)], max_concurrent=1)
    run(time, load(worker, schedule_of(time, [0, 10]), (0.05, "cancel")))
    balance = counts(worker.ledger.balance)
    assert balance == {"offered": 2, "started": 1, "cancelled": 1, "unsent": 1}
    assert time.now_ns - start_ns < 100 * MS


def test_a_worker_without_users_is_done_at_once() -> None:
    time = VirtualTime()
    start_ns = time.now_ns
    worker = Worker(time, [Job(1)])

    async def nobody() -> None:
        worker.open()
        await worker.engine.run_users(0, lambda: None, 0.0)

    run(time, nobody())
    assert time.now_ns - start_ns < MS


# --- several workers ---------------------------------------------------------------------------


class Member:
    """A worker of a simulated fleet: its part of the schedule, and its reports."""

    def __init__(self, worker: Worker, slot: int, plan: TestPlan) -> None:
        self.worker, self.slot, self.plan = worker, slot, plan
        self.name = f"worker {slot}"
        self.shares = Shares(Share(0, slot, plan.workers))
        self.consumed = 0
        self.seq = 0
        self.lost = False

    def arrivals(self) -> Iterator[Arrival]:
        """As `lgprof.load.worker` reads them."""
        begin_ns = self.worker.time.now_ns
        assert self.plan.schedule is not None
        for number, time_s in enumerate(self.plan.schedule.times_s()):
            if self.shares.has(number):
                yield Arrival(number, begin_ns + int(time_s * 1e9))
            self.consumed = number + 1

    def report(self, book: Book, t_s: float) -> None:
        if not self.lost:
            self.seq += 1
            tally = self.worker.ledger.tally
            book.add(self.name, batch_of(tally, self.seq, t_s, consumed=self.consumed))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(jobs, min_size=1, max_size=6),
    st.integers(1, 4),
    st.sampled_from([1.0, 2.5, 20.0, 60.0]),
    st.lists(st.tuples(st.floats(0.0, 9.0), st.integers(0, 3)), max_size=3),
    st.booleans(),
)
def test_no_arrival_goes_missing_when_workers_are_lost(
    some_jobs: list[Job],
    workers: int,
    rps: float,
    losses: list[tuple[float, int]],
    blocks: bool,
) -> None:
    time = VirtualTime()
    plan = TestPlan(LoadOptions(rps=rps, duration_s=6.0, workers=workers), FleetOptions())
    some_jobs = [job if blocks else Job(job.takes_ms, job.fails) for job in some_jobs]
    fleet = [Member(Worker(time, some_jobs), slot, plan) for slot in range(workers)]
    book = Book()

    async def all_members() -> None:
        loop, start_s = asyncio.get_running_loop(), time.now_ns / 1e9
        running: dict[Member, asyncio.Task[None]] = {}

        def lose(lost: Member) -> None:
            """As the master does."""
            if lost.lost or running[lost].done():
                return
            lost.lost = True
            alive = [m for m in fleet if not m.lost and not running[m].done()]
            first = plan.first_untouched(time.now_ns / 1e9 - start_s + 1.0)
            last = book.worker(lost.name).last
            consumed = last.consumed if last else 0
            book.lose(lost.name, plan.share_between(lost.slot, consumed, first if alive else None))
            plan.assignments.hand_over(first, [m.slot for m in alive])
            for place, other in enumerate(alive):
                other.shares.take_over(Share(first, place, len(alive)))

        for member in fleet:
            member.worker.open()
            running[member] = loop.create_task(member.worker.engine.run(member.arrivals()))
        for at_s, which in losses:
            loop.call_later(at_s, lose, fleet[which % workers])
        for second in range(1, 12):
            await asyncio.sleep(1.0)
            for member in fleet:
                member.report(book, float(second))
                member.worker.check()
        await asyncio.gather(*running.values())
        for member in fleet:
            member.report(book, 12.0)

    run(time, all_members())
    check_balance(book.balance)
    assert plan.schedule is not None
    assert book.balance.offered == plan.schedule.count
    lags = book.total.histogram("lag")
    if not any(member.lost for member in fleet):
        assert lags.total == book.balance.started == plan.schedule.count
