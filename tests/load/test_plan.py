"""What the master has every worker do."""

from __future__ import annotations

import os
from typing import Any

import pytest

from lgprof.load.abort import parse_abort_rule
from lgprof.load.book import Book
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.plan import TestPlan
from tests.load.batches import Reporter


def plan(*, expect_workers: int | None = None, **options: Any) -> TestPlan:
    return TestPlan(LoadOptions(**options), FleetOptions(expect_workers=expect_workers))


def test_a_number_of_requests_takes_as_long_as_the_rate_says() -> None:
    made = plan(rps=50.0, requests=25)
    assert made.duration_s == 0.5
    assert made.schedule is not None
    assert made.schedule.count == 25
    assert plan(rps=3.0, requests=10).schedule.count == 10  # type: ignore[union-attr]


@pytest.mark.parametrize("rps", [0.3, 7.0, 11.1, 333.3])
@pytest.mark.parametrize("requests", [1, 3, 7, 100, 999])
def test_a_number_of_requests_is_exact_at_any_rate(rps: float, requests: int) -> None:
    schedule = plan(rps=rps, requests=requests).schedule
    assert schedule is not None
    assert schedule.count == requests


def test_the_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert plan(rps=10.0).workers == 1
    assert plan(rps=400.0).workers == 2
    assert plan(rps=100_000.0).workers == 7
    assert plan(stages=((10.0, 5.0), (600.0, 5.0))).workers == 3
    assert plan(users=500).workers == 1
    assert plan(rps=10.0, workers=5).workers == 5
    assert plan(rps=10.0, expect_workers=3).workers == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert plan(rps=1000.0).workers == 1


def test_the_rate_at_a_time() -> None:
    made = plan(stages=((10.0, 4.0), (30.0, 4.0)), ramp_s=2.0)
    rates = [made.target_rps(time_s) for time_s in (-1.0, 0.0, 3.9, 5.0, 6.0, 8.0, 8.1)]
    assert rates == [10.0, 10.0, 10.0, 20.0, 30.0, 30.0, None]
    assert plan(users=3).target_rps(1.0) is None


def test_users_are_shared_out_and_none_is_lost() -> None:
    made = plan(users=5, workers=3)
    orders = [made.go(slot, 3, None, 0.1) for slot in range(3)]
    assert [order.users for order in orders] == [2, 2, 1]
    assert {order.arrivals for order in orders} == {"closed"}
    few = plan(users=1, workers=3)
    assert [few.go(slot, 3, None, 0.1).users for slot in range(3)] == [1, 0, 0]


def test_users_begin_at_once_and_their_warm_up_ends_when_it_should() -> None:
    assert plan(users=5, warmup_s=0.0).go(0, 1, None, 0.1).start_in_s == 0.0
    assert plan(users=5, warmup_s=2.0).go(0, 1, None, 0.1).start_in_s == 2.0
    order = plan(warmup_s=2.0).go(0, 1, None, 0.1)
    assert order.start_in_s == 0.1
    assert order.warmup_stages[0].duration_s == 2.0
    assert plan(warmup_s=0.0).go(0, 1, None, 0.1).warmup_stages == []


def test_users_who_make_a_number_of_requests_have_no_other_end() -> None:
    order = plan(users=5, requests=40).go(0, 1, None, 0.1)
    assert (order.limit, order.duration_s) == (40, None)
    timed = plan(users=5, duration_s=3.0).go(0, 1, None, 0.1)
    assert (timed.limit, timed.duration_s) == (None, 3.0)


@pytest.mark.parametrize(
    ("options", "unloaded_s", "share"),
    [
        ({"users": 10, "duration_s": 20.0, "think_s": 0.9}, 0.1, 1.0),  # 200 of 200
        ({"users": 10, "duration_s": 40.0, "think_s": 0.9}, 0.1, 0.5),
        ({"users": 10, "requests": 2000}, 0.1, 0.1),
        ({"users": 1, "requests": 5}, None, 1.0),
        ({"rps": 50.0}, 0.1, None),
    ],
)
def test_the_share_of_users_requests_that_is_sampled(
    options: dict[str, Any], unloaded_s: float | None, share: float | None
) -> None:
    found = plan(**options).go(0, 1, unloaded_s, 0.1).sample_share
    assert found is None if share is None else found == pytest.approx(share)


def test_the_numbers_of_unmeasured_requests_are_their_own() -> None:
    made = plan(workers=3)
    cold = {made.setup(slot, None, b"").cold_index for slot in range(3)}
    warmup = made.go(0, 3, None, 0.1).warmup_index
    assert len(cold) == 3
    assert max(cold) < made.baseline_index < warmup
    assert min(cold) >= 1_000_000_000


def test_conditions_are_judged_from_20_requests_on() -> None:
    made = plan(abort_on=(parse_abort_rule("error_rate>20%"), parse_abort_rule("p99>40ms")))
    book, reporter = Book(), Reporter()
    assert made.abort_rule_met(book) is None
    book.add("a", reporter.batch(1.0, offered=19, failed_ms=[1] * 19))
    assert made.abort_rule_met(book) is None
    book.add("a", reporter.batch(2.0, offered=1, failed_ms=[1]))
    assert made.abort_rule_met(book) == "error_rate>20%"
    book.add("a", reporter.batch(3.0, offered=200, latencies_ms=[50] * 200))
    assert made.abort_rule_met(book) == "p99>40ms"  # 20 of 220 failed
    book.add("a", reporter.batch(20.0, offered=20, latencies_ms=[1] * 20))
    assert made.abort_rule_met(book) is None  # what is older than 10 s counts no more


def test_counts_are_of_the_whole_test_and_judged_at_once() -> None:
    made = plan(abort_on=(parse_abort_rule("dropped>2"), parse_abort_rule("failed>=1")))
    book, reporter = Book(), Reporter()
    book.add("a", reporter.batch(1.0, offered=2, dropped=2))
    assert made.abort_rule_met(book) is None
    book.add("a", reporter.batch(50.0, offered=1, dropped=1))
    assert made.abort_rule_met(book) == "dropped>2"
    assert plan().abort_rule_met(book) is None


def test_shares_between_arrivals() -> None:
    made = plan(rps=10.0, duration_s=1.0, workers=3)
    assert [made.share_between(slot, 0, None) for slot in range(3)] == [4, 3, 3]
    assert made.share_between(1, 2, 7) == 1
    assert made.due_by(0.55) == 6
    closed = plan(users=2)
    assert (closed.share_between(0, 0, 10), closed.due_by(3.0)) == (0, 0)
