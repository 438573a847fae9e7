"""How much a figure changed, with an interval where the values allow one.

Means are compared by the delta method on the log ratio with Student's t: paired by request where
both runs had the same inputs, else with Welch's degrees of freedom. Percentiles have the exact
distribution-free interval of order statistics each (Hahn and Meeker 1991, section 5.2), combined
into one of their ratio by the method of variance estimates recovery (Zou and Donner 2008).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lgprof.distributions import t_quantile_above
from lgprof.stats import mean, percentile, relative_change

_TAIL = 0.025
_LEAST = 3
"""Values that an interval takes at least."""

Values = Mapping[int, float]
"""By the index of the request."""
Interval = tuple[float, float]


class MeanChange(NamedTuple):
    """Of a mean over requests."""

    ci: Interval | None
    exact: bool
    """All requests differ by as much: nothing is left open."""


def change_of_mean(base: Values, new: Values, *, paired: bool) -> MeanChange:
    """The interval of the relative change of a mean.

    Args:
        base: One value a request.
        new: Likewise.
        paired: Compare each request with that of the same index.
    """
    if paired:
        common = sorted(base.keys() & new.keys())
        return _paired([base[i] for i in common], [new[i] for i in common])
    return _unpaired(list(base.values()), list(new.values()))


def _paired(base: Sequence[float], new: Sequence[float]) -> MeanChange:
    if not base:
        return MeanChange(None, exact=False)
    differences = [after - before for before, after in zip(base, new, strict=True)]
    if max(differences) - min(differences) <= 1e-12 * max(map(abs, [*base, *new, 1.0])):
        return MeanChange(None, exact=True)
    before, after = mean(base), mean(new)
    if len(base) < _LEAST or before <= 0 or after <= 0:
        return MeanChange(None, exact=False)
    logs = [b / after - a / before for a, b in zip(base, new, strict=True)]
    return MeanChange(_around(before, after, _variance(logs) / len(logs), len(logs) - 1), False)


def _unpaired(base: Sequence[float], new: Sequence[float]) -> MeanChange:
    if min(len(base), len(new)) < _LEAST or mean(base) <= 0 or mean(new) <= 0:
        return MeanChange(None, exact=False)
    parts = [_variance(values) / len(values) / mean(values) ** 2 for values in (base, new)]
    variance = sum(parts)
    if variance == 0:
        return MeanChange(None, exact=True)
    sizes = (len(base), len(new))
    df = variance**2 / sum(part**2 / (n - 1) for part, n in zip(parts, sizes, strict=True))
    return MeanChange(_around(mean(base), mean(new), variance, df), exact=False)


def _around(before: float, after: float, variance: float, df: float) -> Interval:
    centre, reach = math.log(after / before), t_quantile_above(_TAIL, df) * math.sqrt(variance)
    return relative_change(centre - reach), relative_change(centre + reach)


def _variance(values: Sequence[float]) -> float:
    middle = mean(values)
    return math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)


def change_of_percentile(base: Sequence[float], new: Sequence[float], q: float) -> Interval | None:
    """The interval of the relative change of a percentile; None of too few values.

    Args:
        base: Values in any order.
        new: Likewise.
        q: From 0 to 100.
    """
    bounds = [percentile_interval(sorted(values), q) for values in (base, new)]
    if bounds[0] is None or bounds[1] is None:
        return None
    (low_base, high_base), (low_new, high_new) = bounds[0], bounds[1]
    before, after = percentile(sorted(base), q), percentile(sorted(new), q)
    if min(low_base, low_new) <= 0:
        return None
    centre = math.log(after / before)
    below = math.hypot(math.log(after / low_new), math.log(high_base / before))
    above = math.hypot(math.log(high_new / after), math.log(before / low_base))
    return relative_change(centre - below), relative_change(centre + above)


def percentile_interval(ordered: Sequence[float], q: float) -> Interval | None:
    """The 95 % interval of a percentile; None where there are too few values for one.

    Args:
        ordered: Ascending.
        q: Between 0 and 100.
    """
    count, level = len(ordered), q / 100
    low, high, below = 0, None, 0.0
    for successes in range(count + 1):
        below += math.exp(
            math.lgamma(count + 1)
            - math.lgamma(successes + 1)
            - math.lgamma(count - successes + 1)
            + successes * math.log(level)
            + (count - successes) * math.log1p(-level)
        )
        if below <= _TAIL:
            low = successes + 1
        if high is None and below >= 1 - _TAIL:
            high = successes + 1
    if low < 1 or high is None or high > count:
        return None
    return ordered[low - 1], ordered[high - 1]
