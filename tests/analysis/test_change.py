"""Intervals of changes: known answers, and how often they hold."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.analysis.change import change_of_mean, change_of_percentile, percentile_interval


def by_index(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


def test_equal_differences_leave_nothing_open() -> None:
    base = by_index([100.0, 250.0, 80.0])
    assert change_of_mean(base, base, paired=True) == (None, True)
    assert change_of_mean(base, {i: v + 1 for i, v in base.items()}, paired=True) == (None, True)
    assert change_of_mean(base, {}, paired=True) == (None, False)


def test_of_a_pair_by_hand() -> None:
    """Differences of the relative values are -1/30, 0, 1/30: sd 1/30, t(2) = 4.303."""
    found = change_of_mean(by_index([10.0, 10.0, 10.0]), by_index([11.6, 12.0, 12.4]), paired=True)
    reach = 4.302653 * (1 / 30) / math.sqrt(3)
    assert found.ci == pytest.approx((1.2 * math.exp(-reach) - 1, 1.2 * math.exp(reach) - 1))


def test_unpaired_by_welch() -> None:
    found = change_of_mean(by_index([9.0, 10.0, 11.0]), by_index([18.0, 20.0, 22.0]), paired=False)
    reach = 2.776445 * math.sqrt(2 * 0.01 / 3)  # both have a deviation of a tenth: 4 degrees
    assert found.ci == pytest.approx((2 * math.exp(-reach) - 1, 2 * math.exp(reach) - 1), rel=1e-5)


@pytest.mark.parametrize("paired", [True, False])
def test_too_few_or_nothing_to_divide_by(paired: bool) -> None:
    two = change_of_mean(by_index([1.0, 2.0]), by_index([1.0, 3.0]), paired=paired)
    assert two == (None, False)
    zero = change_of_mean(by_index([0.0, 0.0, 0.0]), by_index([1.0, 2.0, 3.0]), paired=paired)
    assert zero == (None, False)


@pytest.mark.parametrize(
    ("count", "q", "bounds"),
    [(5, 50, None), (6, 50, (1, 6)), (10, 50, (2, 9)), (71, 95, None), (72, 95, (64, 72))],
)
def test_percentile_intervals_by_order(
    count: int, q: float, bounds: tuple[int, int] | None
) -> None:
    ordered = [float(rank) for rank in range(1, count + 1)]
    found = percentile_interval(ordered, q)
    if bounds is None:
        assert found is None
    else:
        assert found == tuple(map(float, bounds))


@given(st.lists(st.floats(0.01, 100), min_size=8, max_size=40), st.floats(0.5, 3))
def test_an_interval_of_a_percentile_holds_its_estimate(values: list[float], factor: float) -> None:
    ci = change_of_percentile(values, [value * factor for value in values], 50)
    assert ci is not None
    assert ci[0] <= factor - 1 + 1e-9
    assert ci[1] >= factor - 1 - 1e-9


def test_intervals_hold_as_often_as_they_say() -> None:
    chance = random.Random(7)
    trials, held = 400, {"paired": 0, "unpaired": 0, "p50": 0}
    for _ in range(trials):
        base = by_index([chance.lognormvariate(0, 0.3) for _ in range(20)])
        new = by_index([chance.lognormvariate(0.1, 0.3) for _ in range(20)])
        true = math.expm1(0.1)
        for name in ("paired", "unpaired"):
            ci = change_of_mean(base, new, paired=name == "paired").ci
            assert ci is not None
            held[name] += ci[0] <= true <= ci[1]
        ci = change_of_percentile(list(base.values()), list(new.values()), 50)
        assert ci is not None
        held["p50"] += ci[0] <= true <= ci[1]
    assert all(0.92 <= count / trials <= 1.0 for count in held.values()), held
