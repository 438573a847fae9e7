"""Small statistics over lists of seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

LARGEST_CHANGE = 1e6
"""Of a relative change: more says no more."""


def percentile(ordered: Sequence[float], q: float) -> float:
    """The q-th percentile of values in ascending order, by nearest rank (no interpolation).

    Args:
        ordered: At least one value, ascending.
        q: From 0 to 100.

    Raises:
        ValueError: No values, or q out of range.
    """
    if not ordered:
        raise ValueError("percentile of no values")
    if not 0 <= q <= 100:
        raise ValueError(f"percentile {q} is not between 0 and 100")
    rank = math.ceil(q / 100 * len(ordered))
    return ordered[max(rank, 1) - 1]


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean.

    Raises:
        ValueError: No values.
    """
    if not values:
        raise ValueError("mean of no values")
    return math.fsum(values) / len(values)


def relative_change(log_ratio: float) -> float:
    """The relative change that a logarithm of a ratio stands for: 0.1 is a tenth more.

    At most `LARGEST_CHANGE`: an interval over two pairs of values may reach beyond any number.
    """
    return math.expm1(min(log_ratio, math.log1p(LARGEST_CHANGE)))
