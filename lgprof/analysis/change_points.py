"""Where a series of measurements went to another level, and stayed.

Pettitt's rank test (1979) finds the place that separates lower from higher values best; whether it
separates them better than chance is told by permutation, which holds for short series, ties and any
distribution. Found places split the series, and the parts are searched again (binary segmentation,
Vostrikova 1981). A change must also matter: be larger than a threshold, and than the scatter around
both levels. One measurement, however odd, is no new level.

Figures that never differ, such as calls and tokens of a deterministic graph, need no test: another
value is a change.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

_ALPHA = 0.01
_PERMUTATIONS = 999
_LEAST_SIDE = 4
"""Values that make a level."""
_LEAST_CONSTANT = 3
"""Equal values after which another one is a change."""
_SCATTERS = 2.0
"""A change must be this many median deviations, of the noisier side."""
_SAME = 1e-9


class Step(NamedTuple):
    """A change of level."""

    place: int
    """Of the first value at the new level."""
    before: float
    after: float
    certain: bool


def change_points(
    values: Sequence[float], *, least_change: float, exact: bool, alpha: float = _ALPHA
) -> list[Step]:
    """The changes of level that matter, in order.

    Args:
        values: Oldest first.
        least_change: Relative changes below it do not matter.
        exact: The metric is a count: where it never differed, any other value is a change.
        alpha: How often a series without a change may seem to have one.
    """
    if exact and _mostly_constant(values):
        return list(_exact_steps(values))
    edges = sorted(_splits(values, 0, alpha))
    bounds = [0, *edges, len(values)]
    found = []
    for place, edge in enumerate(edges, start=1):
        before = values[bounds[place - 1] : edge]
        after = values[edge : bounds[place + 1]]
        if _matters(before, after, least_change):
            step = Step(edge, statistics.median(before), statistics.median(after), certain=False)
            found.append(step)
    return found


def _mostly_constant(values: Sequence[float]) -> bool:
    """Whether values repeat, but for a few that are the first of their level."""
    changes = sum(not _equal(a, b) for a, b in pairwise(values))
    return changes * (_LEAST_CONSTANT + 1) <= len(values)


def _exact_steps(values: Sequence[float]) -> Iterator[Step]:
    level, length = values[0] if values else 0.0, 0
    for index, value in enumerate(values):
        if _equal(value, level):
            length += 1
            continue
        if length >= _LEAST_CONSTANT:
            yield Step(index, level, value, certain=True)
        level, length = value, 1


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * max(abs(one), abs(other))


def _splits(values: Sequence[float], offset: int, alpha: float) -> Iterator[int]:
    if len(values) < 2 * _LEAST_SIDE:
        return
    place, statistic = _best_place(_ranks(values))
    if _p_value(values, statistic) > alpha:
        return
    yield offset + place
    yield from _splits(values[:place], offset, alpha)
    yield from _splits(values[place:], offset + place, alpha)


def _best_place(ranks: Sequence[float]) -> tuple[int, float]:
    """Where lower ranks end and higher ones begin, or the other way, and how clearly."""
    count, total = len(ranks), 0.0
    best = (_LEAST_SIDE, -1.0)
    for place in range(1, count - _LEAST_SIDE + 1):
        total += ranks[place - 1]
        clearness = abs(2 * total - place * (count + 1))
        if place >= _LEAST_SIDE and clearness > best[1]:
            best = (place, clearness)
    return best


def _p_value(values: Sequence[float], statistic: float) -> float:
    """How often a shuffled series has as clear a place; the same each time for the same values."""
    chance = random.Random(repr(list(values)))
    ranks = _ranks(values)
    clearer = 0
    for _ in range(_PERMUTATIONS):
        chance.shuffle(ranks)
        clearer += _best_place(ranks)[1] >= statistic
    return (clearer + 1) / (_PERMUTATIONS + 1)


def _ranks(values: Sequence[float]) -> list[float]:
    """From 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for index in order[start : end + 1]:
            ranks[index] = (start + end) / 2 + 1
        start = end + 1
    return ranks


def _matters(before: Sequence[float], after: Sequence[float], least_change: float) -> bool:
    low, high = statistics.median(before), statistics.median(after)
    step = abs(high - low)
    if step <= least_change * abs(low):
        return False
    return step > _SCATTERS * max(_scatter(before), _scatter(after))


def _scatter(values: Sequence[float]) -> float:
    """Median absolute deviation."""
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values)
