from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.distributions import chi2_quantile_below, t_quantile_above, t_tail

# Abramowitz and Stegun, table 26.10, and more digits from R's qt().
QUANTILES = [
    (0.025, 1, 12.706204736),
    (0.025, 3, 3.182446305),
    (0.005, 10, 3.169272673),
    (0.01, 23, 2.499866739),
    (0.0005, 5, 6.868826626),
    (0.1, 30, 1.310415025),
]


@pytest.mark.parametrize(("p", "df", "t"), QUANTILES)
def test_quantiles_of_t(p: float, df: int, t: float) -> None:
    assert t_quantile_above(p, df) == pytest.approx(t, rel=1e-9)
    assert t_tail(t, df) == pytest.approx(p, rel=1e-8)


@given(st.floats(-50, 50))
def test_one_and_two_degrees_of_freedom_have_closed_forms(t: float) -> None:
    assert t_tail(t, 1) == pytest.approx(0.5 - math.atan(t) / math.pi, abs=1e-13)
    assert t_tail(t, 2) == pytest.approx(0.5 - t / (2 * math.sqrt(2 + t * t)), abs=1e-13)


@given(st.floats(1e-6, 1 - 1e-6), st.integers(1, 60))
def test_quantile_and_tail_are_inverse_and_symmetric(p: float, df: int) -> None:
    t = t_quantile_above(p, df)
    assert t_tail(t, df) == pytest.approx(p, rel=1e-7)
    assert t_tail(-t, df) == pytest.approx(1 - p, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize(("df", "value"), [(3, 1.005174), (7, 3.822322), (23, 17.18651)])
def test_lower_quantiles_of_chi_square(df: int, value: float) -> None:
    assert chi2_quantile_below(0.2, df) == pytest.approx(value, rel=0.011)


def test_no_probability() -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        t_quantile_above(0.0, 3)
    with pytest.raises(ValueError, match="degrees of freedom"):
        t_tail(1.0, 0)
