"""Probability distributions that tests on a few values need: Student's t and chi square.

Written out here since SciPy, where they would come from, weighs 100 MB with NumPy and costs 0.5 s
to import, for two functions.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300
_CLOSE = 1e-15
_MOST_TERMS = 1000
_HALVINGS = 200


def t_tail(t: float, df: float) -> float:
    """The probability that Student's t with ``df`` degrees of freedom is above ``t``.

    By the regularized incomplete beta function (Abramowitz and Stegun 26.7.1, 26.5.27).

    Raises:
        ValueError: ``df`` is not positive.
    """
    if df <= 0:
        raise ValueError(f"{df} degrees of freedom")
    square = t * t
    if square < df:  # where the other form would lose the digits of a small t
        beyond = (1 - _incomplete_beta(0.5, df / 2, square / (df + square))) / 2
    else:
        beyond = _incomplete_beta(df / 2, 0.5, df / (df + square)) / 2
    return beyond if t > 0 else 1 - beyond


@lru_cache(maxsize=1024)
def t_quantile_above(p: float, df: float) -> float:
    """The value that Student's t exceeds with probability ``p``.

    Raises:
        ValueError: ``p`` is not between 0 and 1, or ``df`` not positive.
    """
    if not 0 < p < 1:
        raise ValueError(f"probability {p} is not between 0 and 1")
    if p > 0.5:
        return -t_quantile_above(1 - p, df)
    low, high = 0.0, 1.0
    while t_tail(high, df) > p:
        low, high = high, high * 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_tail(middle, df) > p else (low, middle)
    return (low + high) / 2


def chi2_quantile_below(p: float, df: float) -> float:
    """The value below which chi square lies with probability ``p``, to about 1 % from df 3 on.

    By the cube-root approximation (Wilson and Hilferty 1931).
    """
    spread = 2 / (9 * df)
    return df * max(0.0, 1 - spread + NormalDist().inv_cdf(p) * math.sqrt(spread)) ** 3


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularized, by its continued fraction (Lentz's method; DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x)) / a
    above, below = 1.0, 1 / _away_from_0(1 - (a + b) * x / (a + 1))
    value = below
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            below = 1 / _away_from_0(1 + term * below)
            above = _away_from_0(1 + term / above)
            value *= above * below
        if abs(above * below - 1) < _CLOSE:
            break
    return front * value


def _away_from_0(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
