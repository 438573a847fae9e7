"""Which arrivals a worker starts, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.clock import Clock
from lgprof.load.assigned import Assigned
from lgprof.load.ledger import Arrival
from lgprof.load.messages import Go, ShareOf
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.plan import TestPlan

WARMUP_FROM = 2_000_000_000
S = 1_000_000_000


@dataclass
class Watch:
    """A clock that stands still until it is set."""

    ns: int = 5 * S

    @property
    def clock(self) -> Clock:
        return Clock(now_ns=lambda: self.ns)


def assigned(
    slot: int = 0, workers: int = 1, *, watch: Watch | None = None, **options: Any
) -> Assigned:
    plan = TestPlan(LoadOptions(workers=workers, **options), FleetOptions())
    go: Go = plan.go(slot, workers, 0.1, start_in_s=0.5)
    return Assigned(go, plan.setup(slot, None, b"salt"), (watch or Watch()).clock)


def facts(found: list[Arrival]) -> list[tuple[int, float, bool]]:
    """Number, seconds since the clock's start, whether it is measured."""
    return [(one.number, (one.intended_ns - 5 * S) / S, one.measured) for one in found]


def test_warm_up_comes_first_and_has_numbers_of_its_own() -> None:
    worker = assigned(rps=2.0, warmup_s=1.0, requests=2)
    assert worker.origin_ns == 5 * S + int(1.5 * S)
    assert facts(list(worker.scheduled())) == [
        (WARMUP_FROM, 0.5, False),
        (WARMUP_FROM + 1, 1.0, False),
        (0, 1.5, True),
        (1, 2.0, True),
    ]
    assert worker.consumed == 2


@given(st.integers(1, 5), st.sampled_from(["constant", "poisson"]), st.integers(0, 40))
def test_every_arrival_and_every_sampled_one_is_somebodys(
    workers: int, kind: str, keep: int
) -> None:
    made = [
        arrival
        for slot in range(workers)
        for arrival in assigned(
            slot, workers, rps=20.0, requests=30, warmup_s=0.5, arrivals=kind, keep=keep
        ).scheduled()
    ]
    measured = [one for one in made if one.measured]
    assert sorted(one.number for one in measured) == list(range(30))
    assert sum(one.sampled for one in measured) == min(keep, 30)
    assert sorted(one.number - WARMUP_FROM for one in made if not one.measured) == list(range(10))


def test_a_lost_workers_part_is_taken_over_from_some_arrival_on() -> None:
    worker = assigned(0, 2, rps=10.0, requests=8, warmup_s=0.0)
    coming = worker.scheduled()
    assert next(coming).number == 0
    worker.take_over(ShareOf(first=5, slot=0, of=1))
    assert [one.number for one in coming] == [2, 4, 5, 6, 7]


@pytest.mark.parametrize(("options", "numbers"), [({"requests": 5}, [1, 3]), ({}, [1, 3, 5])])
def test_users_take_their_workers_numbers_until_the_count_or_the_time_is_up(
    options: dict[str, Any], numbers: list[int]
) -> None:
    watch = Watch()
    worker = assigned(1, 2, watch=watch, users=4, warmup_s=0.5, duration_s=3.0, **options)
    found = [worker.taken_by_user(), worker.taken_by_user()]
    watch.ns = worker.origin_ns
    while len(found) < 5:
        found.append(worker.taken_by_user())
        watch.ns += S
    assert worker.taken_by_user() is None
    made = [one for one in found if one is not None]
    assert [one.number for one in made] == [WARMUP_FROM + 1, WARMUP_FROM + 3, *numbers]
    assert [one.measured for one in made] == [False, False, *[True] * len(numbers)]
    assert worker.consumed == numbers[-1] + 2
