"""From latencies in pairs, before and after, to what was saved, with its interval."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence

from lgprof.model import Saving
from lgprof.stats import mean, percentile

P95_FROM_REQUESTS = 200
"""Below, a p95 is the value of one or two requests."""
_RESAMPLES = 2000
_EXACT_UP_TO = 200
"""From so many pairs on, the bootstrap of a mean is its normal limit, which costs nothing."""
_Z95 = 1.959964


def saving(
    before_s: Sequence[float], after_s: Sequence[float], usd_per_request: float | None
) -> Saving:
    """What the same requests save.

    Args:
        before_s: Latencies as they were; at least one.
        after_s: Of the same requests in the same order.
        usd_per_request: What a request saves in money; None where it is not known.
    """
    saved_s = [before - after for before, after in zip(before_s, after_s, strict=True)]
    mean_s = mean(saved_s)
    before, after = sorted(before_s), sorted(after_s)
    enough = len(saved_s) >= P95_FROM_REQUESTS
    whole_s = mean(before_s)
    return Saving(
        p50_s=percentile(before, 50) - percentile(after, 50),
        p95_s=percentile(before, 95) - percentile(after, 95) if enough else None,
        mean_s=mean_s,
        mean_ci_s=mean_interval(saved_s),
        share=mean_s / whole_s if whole_s > 0 else 0.0,
        usd_per_1k_requests=None if usd_per_request is None else usd_per_request * 1000,
    )


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % percentile bootstrap of a mean, with a fixed seed (Efron, 1979).

    Args:
        values: At least one; one value is its own interval.
    """
    count = len(values)
    if count > _EXACT_UP_TO:
        half = _Z95 * statistics.stdev(values) / math.sqrt(count)
        return mean(values) - half, mean(values) + half
    if min(values) == max(values):
        return values[0], values[0]
    draw = random.Random(0).choices
    means = sorted(math.fsum(draw(values, k=count)) / count for _ in range(_RESAMPLES))
    return percentile(means, 2.5), percentile(means, 97.5)
