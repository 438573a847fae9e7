from __future__ import annotations

import math

import pytest

from lgprof.render.quantity import change, interval
from lgprof.stats import LARGEST_CHANGE, relative_change


@pytest.mark.parametrize(("ratio", "relative"), [(1.0, 0.0), (1.1, 0.1), (0.5, -0.5), (20.0, 19.0)])
def test_a_ratio_as_a_change(ratio: float, relative: float) -> None:
    assert relative_change(math.log(ratio)) == pytest.approx(relative)


def test_an_interval_over_two_pairs_reaches_far_and_overflows_nothing() -> None:
    ends = relative_change(-5000.0), relative_change(5000.0)
    assert ends == pytest.approx((-1.0, LARGEST_CHANGE))
    assert interval(ends) == "[-100.0%, >x1000]"
    assert change(998.0) == "x999"
