"""Where a series went to another level: found where it matters, and no wolf cried."""

from __future__ import annotations

import random

import pytest

from lgprof.analysis.change_points import change_points


def noisy(chance: random.Random, level: float, count: int, scatter: float = 0.05) -> list[float]:
    return [level * chance.lognormvariate(0, scatter) for _ in range(count)]


def places(values: list[float], *, exact: bool = False) -> list[int]:
    return [s.place for s in change_points(values, least_change=0.05, exact=exact, alpha=0.01 / 8)]


def test_noise_alone_is_no_change() -> None:
    chance = random.Random(3)
    alarms = sum(bool(places(noisy(chance, 1.0, 40, 0.1))) for _ in range(100))
    assert alarms <= 1


def test_one_odd_measurement_is_no_new_level() -> None:
    values = noisy(random.Random(3), 1.0, 30)
    values[12], values[-1] = 9.0, 7.0
    assert places(values) == []


@pytest.mark.parametrize("factor", [1.3, 0.7])
def test_a_new_level_is_found_where_it_began(factor: float) -> None:
    chance = random.Random(4)
    for _ in range(20):
        values = [*noisy(chance, 1.0, 20), *noisy(chance, factor, 12)]
        (place,) = places(values)
        assert abs(place - 20) <= 3


def test_there_and_back() -> None:
    chance = random.Random(5)
    values = [*noisy(chance, 1.0, 20), *noisy(chance, 1.5, 20), *noisy(chance, 1.0, 20)]
    first, second = places(values)
    assert abs(first - 20) <= 3
    assert abs(second - 40) <= 3


def test_what_is_small_does_not_matter() -> None:
    assert places([*[1.0, 1.001] * 10, *[1.02, 1.021] * 10]) == []


def test_a_count_that_never_differed_needs_no_test() -> None:
    (step,) = change_points([465.0] * 5 + [471.0], least_change=0.05, exact=True)
    assert step == (5, 465.0, 471.0, True)
    assert places([465.0] * 5 + [471.0]) == [], "a time does"
    assert places([465.0, 465.0, 471.0], exact=True) == [], "two are no level"


def test_short_series() -> None:
    for count in range(8):
        assert places([float(n) for n in range(count)]) == []
