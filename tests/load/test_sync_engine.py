"""Requests in threads: limits, hangs, pauses and stops; the books balance after each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from lgprof.clock import SYSTEM_CLOCK
from lgprof.load.desk import Desk
from lgprof.load.keeper import Keeper
from lgprof.load.ledger import Arrival, Ledger, UnderWay
from lgprof.load.sync_engine import SyncEngine
from lgprof.record.digest import Digester
from tests.load.batches import check_balance

PATIENCE_S = 10.0


class Bench:
    """An engine over a function that the test has in hand."""

    def __init__(
        self, serve: Callable[[int], None], *, threads: int = 4, timeout_s: float = 60.0
    ) -> None:
        keeper = Keeper(1, Digester(None, salt=b""))
        self.ledger = Ledger(None, SYSTEM_CLOCK, keeper, timeout_s=timeout_s)
        self.desk = Desk(threads, 1000)
        self.threads = threads
        self.engine = SyncEngine(
            lambda under_way: serve(under_way.arrival.number),
            self._after,
            self.ledger,
            self.desk,
            SYSTEM_CLOCK,
            set(),
        )

    def _after(self, under_way: UnderWay) -> None:
        raise AssertionError("no threads to delete")

    def run(self, arrivals: int) -> None:
        self.engine.run(arriving_now(arrivals), self.threads)

    def begin(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def counts(self) -> dict[str, int]:
        balance = self.ledger.balance
        check_balance(balance)
        named = {name: getattr(balance, name) for name in balance.__struct_fields__}
        return {name: value for name, value in named.items() if value}


def arriving_now(arrivals: int) -> Iterator[Arrival]:
    return (Arrival(number, SYSTEM_CLOCK.now_ns()) for number in range(arrivals))


def ended(thread: threading.Thread) -> None:
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets go what hangs."""
    event = threading.Event()
    yield event
    event.set()


def test_no_more_threads_than_allowed_serve_all_arrivals() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def serve(number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.001)
        with lock:
            running -= 1
        if number % 10 == 3:
            raise ValueError

    bench = Bench(serve, threads=3)
    bench.run(60)
    assert bench.counts() == {"offered": 60, "started": 60, "completed": 54, "failed": 6}
    assert 1 <= most <= 3


def test_a_thread_that_hangs_is_left_behind_and_replaced(release: threading.Event) -> None:
    bench = Bench(lambda number: hang(release) if number < 2 else None, threads=2, timeout_s=0.2)
    bench.run(6)
    assert bench.counts() == {"offered": 6, "started": 6, "completed": 4, "timed_out": 2}
    assert bench.engine.left_behind == 2


def test_at_the_stop_what_waits_is_unsent_and_what_runs_ends(release: threading.Event) -> None:
    begun = threading.Event()

    def serve(number: int) -> None:
        begun.set()
        hang(release)

    bench = Bench(serve, threads=1)
    running = bench.begin(lambda: bench.run(5))
    assert begun.wait(PATIENCE_S)
    while bench.ledger.balance.offered < 5:
        threading.Event().wait(0.001)
    bench.engine.stop()
    assert running.is_alive()
    release.set()
    ended(running)
    counts = bench.counts()
    assert counts["unsent"] + counts["completed"] == 5
    assert counts["unsent"] >= 3


def test_cancelling_does_not_wait_for_threads(release: threading.Event) -> None:
    begun = threading.Barrier(3)

    def serve(number: int) -> None:
        begun.wait(PATIENCE_S)
        hang(release)

    bench = Bench(serve, threads=2)
    running = bench.begin(lambda: bench.run(2))
    begun.wait(PATIENCE_S)
    bench.engine.cancel()
    ended(running)
    assert bench.counts() == {"offered": 2, "started": 2, "cancelled": 2}
    assert bench.engine.left_behind == 2


def test_no_users_pause_outlasts_the_stop() -> None:
    served = threading.Barrier(4)
    bench = Bench(lambda number: served.wait(PATIENCE_S) and None)
    running = bench.begin(lambda: bench.engine.run_users(3, endless(), think_s=3600.0))
    served.wait(PATIENCE_S)
    bench.engine.stop()
    ended(running)
    assert bench.counts() == {"offered": 3, "started": 3, "completed": 3}


def test_a_user_whose_request_hangs_is_replaced(release: threading.Event) -> None:
    bench = Bench(lambda number: hang(release) if number == 1 else None, timeout_s=0.2)
    left = iter(range(12))

    def take() -> Arrival | None:
        number = next(left, None)
        return None if number is None else Arrival(number, SYSTEM_CLOCK.now_ns())

    bench.engine.run_users(1, take, 0.0)
    assert bench.counts() == {"offered": 12, "started": 12, "completed": 11, "timed_out": 1}


def test_a_defect_of_ours_is_not_hidden() -> None:
    bench = Bench(lambda number: None)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("ours")

    bench.ledger.end = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="ours"):
        bench.run(1)
    for caller in bench.engine._callers:
        ended(caller)


def hang(until: threading.Event) -> None:
    until.wait()


def endless() -> Callable[[], Arrival]:
    numbers = count()
    return lambda: Arrival(next(numbers), SYSTEM_CLOCK.now_ns())
