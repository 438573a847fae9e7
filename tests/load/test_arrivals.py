"""When requests arrive, and whose they are."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.load.arrivals import (
    Assignments,
    Schedule,
    Share,
    Shares,
    stages_between,
    steady,
)
from lgprof.model.load import Stage

stages = st.lists(
    st.builds(
        Stage,
        from_rps=st.floats(0, 50),
        to_rps=st.floats(0, 50),
        duration_s=st.floats(0.1, 5),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
schedules = st.builds(
    Schedule, stages, st.sampled_from(["constant", "poisson"]), st.integers(0, 5)
).filter(lambda schedule: schedule.count > 0)


def test_constant_arrivals_are_evenly_spaced_from_the_first_moment() -> None:
    schedule = Schedule(steady(4.0, 2.0))
    assert list(schedule.times_s()) == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
    assert (schedule.count, schedule.duration_s, schedule.mean_rps) == (8, 2.0, 4.0)


def test_a_count_that_is_no_whole_number_is_cut() -> None:
    assert Schedule(steady(2.5, 1.0)).count == 2
    assert Schedule(steady(0.1, 1.0)).count == 0
    assert list(Schedule(steady(0.1, 1.0)).times_s()) == []
    assert Schedule(steady(0.1, 0.3 / 0.1 * 10)).count == 3  # 2.9999999999999996 by floats


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rps", [50.0, 333.3])
def test_poisson_arrivals_have_the_same_number_for_every_seed(seed: int, rps: float) -> None:
    schedule = Schedule(steady(rps, 10.0), "poisson", seed)
    times_s = list(schedule.times_s())
    assert len(times_s) == schedule.count == int(rps * 10)
    assert times_s == sorted(times_s)
    assert 0 <= times_s[0] < times_s[-1] < 10.0
    assert times_s == list(Schedule(steady(rps, 10.0), "poisson", seed).times_s())


def test_poisson_arrivals_are_irregular_and_differ_by_seed() -> None:
    one, two = (list(Schedule(steady(100.0, 20.0), "poisson", seed).times_s()) for seed in (1, 2))
    assert one != two
    gaps_s = [after - before for before, after in pairwise(one)]
    mean_s = sum(gaps_s) / len(gaps_s)
    variance = sum((gap_s - mean_s) ** 2 for gap_s in gaps_s) / len(gaps_s)
    assert mean_s == pytest.approx(0.01, rel=0.02)
    assert variance / mean_s**2 == pytest.approx(1.0, rel=0.15)  # as of an exponential law


def test_a_ramp_has_half_of_its_arrivals_after_71_per_cent_of_its_time() -> None:
    schedule = Schedule((Stage(from_rps=0.0, to_rps=100.0, duration_s=2.0),))
    times_s = list(schedule.times_s())
    assert schedule.count == len(times_s) == 100
    assert times_s[50] == pytest.approx(2.0 * 0.5**0.5)
    assert times_s[25] == pytest.approx(1.0)


def test_a_ramp_down_mirrors_a_ramp_up() -> None:
    up = list(Schedule((Stage(from_rps=10.0, to_rps=30.0, duration_s=2.0),)).times_s())
    down = list(Schedule((Stage(from_rps=30.0, to_rps=10.0, duration_s=2.0),)).times_s())
    assert len(up) == len(down) == 40
    assert down[1:] == pytest.approx([2.0 - time_s for time_s in reversed(up[1:])])


def test_a_stage_without_arrivals_is_a_pause() -> None:
    schedule = Schedule((*steady(2.0, 1.0), *steady(0.0, 3.0), *steady(2.0, 1.0)))
    assert list(schedule.times_s()) == [0.0, 0.5, 4.0, 4.5]
    assert schedule.due_by(3.9) == 2


def test_stages_are_reached_over_a_ramp_that_takes_half_of_them_at_most() -> None:
    def shape(*levels: tuple[float, float], ramp_s: float) -> list[tuple[float, float, float]]:
        return [(s.from_rps, s.to_rps, s.duration_s) for s in stages_between(levels, ramp_s)]

    assert shape((10, 30), (50, 60), ramp_s=5) == [(10, 10, 30), (10, 50, 5), (50, 50, 55)]
    assert shape((10, 30), (50, 6), ramp_s=5) == [(10, 10, 30), (10, 50, 3), (50, 50, 3)]
    assert shape((10, 30), (10, 60), ramp_s=5) == [(10, 10, 30), (10, 10, 60)]
    assert shape((10, 30), (50, 60), ramp_s=0) == [(10, 10, 30), (50, 50, 60)]


@given(schedules)
def test_every_arrival_lies_within_the_schedule_and_in_order(schedule: Schedule) -> None:
    times_s = list(schedule.times_s())
    assert len(times_s) == schedule.count
    assert all(before <= after + 1e-9 for before, after in pairwise(times_s))
    assert times_s[0] >= -1e-9
    assert times_s[-1] <= schedule.duration_s + 1e-6


@given(schedules, st.data())
def test_due_by_counts_the_arrivals_before_a_time(schedule: Schedule, data: st.DataObject) -> None:
    times_s = list(schedule.times_s())
    time_s = data.draw(st.floats(0, schedule.duration_s * 1.1))
    if time_s < schedule.duration_s:
        assert schedule.due_by(time_s) == sum(found < time_s for found in times_s)
    else:
        assert schedule.due_by(time_s) == schedule.count


@given(schedules, st.data())
def test_a_schedule_can_be_read_from_any_arrival_on(
    schedule: Schedule, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, schedule.count))
    assert list(schedule.times_s(first)) == list(schedule.times_s())[first:]


def test_poisson_arrivals_can_be_read_from_beyond_the_first_block() -> None:
    schedule = Schedule(steady(700.0, 5.0), "poisson", 3)
    whole = list(schedule.times_s())
    for first in (0, 1, 999, 1000, 1001, 2500, 3499, 3500):
        assert list(schedule.times_s(first)) == whole[first:]
    assert [schedule.due_by(time_s) for time_s in islice(whole, 0, 3500, 700)] == [
        0,
        700,
        1400,
        2100,
        2800,
    ]


@given(st.integers(1, 7), st.integers(0, 60))
def test_the_workers_shares_make_up_all_arrivals_whatever_their_number(of: int, end: int) -> None:
    shares = [Shares(Share(0, slot, of)) for slot in range(of)]
    for number in range(end):
        assert [share.has(number) for share in shares].count(True) == 1
    assert shares[of - 1].has(of - 1)


@given(st.integers(2, 5), st.data())
def test_survivors_take_over_exactly_what_the_lost_workers_had(
    workers: int, data: st.DataObject
) -> None:
    assignments = Assignments(workers)
    shares = [Shares(Share(0, slot, workers)) for slot in range(workers)]
    alive, first = list(range(workers)), 0
    while len(alive) > 1 and data.draw(st.booleans()):
        alive.remove(data.draw(st.sampled_from(alive)))
        first += data.draw(st.integers(0, 20))
        assignments.hand_over(first, alive)
        for place, worker in enumerate(alive):
            shares[worker].take_over(Share(first, place, len(alive)))
    for number in range(first + 30):
        owner = assignments.owner(number)
        assert owner is not None
        assert shares[owner].has(number)
        if number >= first:
            assert [worker for worker in alive if shares[worker].has(number)] == [owner]
    counts = [assignments.count(worker, 0, first + 30) for worker in range(workers)]
    assert sum(counts) == first + 30


def test_nobody_owns_what_comes_after_the_last_worker_is_lost() -> None:
    assignments = Assignments(2)
    assignments.hand_over(4, [1])
    assignments.hand_over(6, [])
    assert [assignments.owner(number) for number in range(8)] == [0, 1, 0, 1, 1, 1, None, None]
    assert [assignments.count(worker, 0, 8) for worker in (0, 1)] == [2, 4]
    assert assignments.count(0, 3, 4) == 0
