"""Small statistics over lists of seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence


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
