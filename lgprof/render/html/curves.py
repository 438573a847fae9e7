"""Latency by percentile, on a scale on which each step to the right is a tenth as many requests.

A point of the axis is ``-log10(1 - q)``: 0 is the minimum, 1 is p90, 2 is p99, 4 is p99.99. A curve
ends where a single request is left, with the maximum.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate
from typing import Any

from hdrh.histogram import HdrHistogram

from lgprof.model import LatencySummary, NodeRow, Profile
from lgprof.render.html.encoding import Names, number
from lgprof.stats import percentile

_FURTHEST = 4.0
_STEP = 0.02
_STEP_OF_NODE = 0.05
_MOST_NODES = 60


def curves(profile: Profile, names: Names) -> list[dict[str, Any]]:
    """The graph's curve and one for each node; those without a latency are left out."""
    whole = _whole(profile)
    nodes = sorted(profile.nodes, key=lambda row: (-row.critical_s, row.path))[:_MOST_NODES]
    found = [{"path": None, **whole}] if whole else []
    for row in nodes:
        points = _of_node(row)
        if points:
            found.append({"path": names.of(row.path), **points})
    return found


def _whole(profile: Profile) -> dict[str, Any] | None:
    summary = profile.summary
    if profile.load is not None:
        encoded, latency = profile.load.histogram, profile.load.latency_s
        return _of_histogram(encoded, latency, _STEP) if latency else None
    values = sorted(r.latency_s for r in profile.requests if r.outcome in ("ok", "timed_out"))
    if summary.latency_s is None:
        return None
    if len(values) < summary.succeeded + summary.timed_out:
        return _of_histogram(summary.histogram, summary.latency_s, _STEP)
    axis = _axis(len(values), _STEP)
    points = [percentile(values, 100 * _share(x)) for x in axis]
    return _curve(axis, [*points[:-1], values[-1]], len(values))


def _of_node(row: NodeRow) -> dict[str, Any] | None:
    return _of_histogram(row.histogram, row.latency_s, _STEP_OF_NODE) if row.latency_s else None


def _of_histogram(encoded: str, latency: LatencySummary, step: float) -> dict[str, Any] | None:
    values_s, upto = cumulative(encoded)
    if not upto:
        return None
    axis = _axis(upto[-1], step)
    points = []
    for x in axis:
        rank = max(1, math.floor(_share(x) * upto[-1] + 0.5))
        points.append(min(values_s[bisect_left(upto, rank)], latency.max))
    return _curve(axis, [*points[:-1], latency.max], upto[-1])


def cumulative(encoded: str) -> tuple[list[float], list[int]]:
    """The values of a stored histogram in seconds, ascending, and how many lie up to each."""
    if not encoded:
        return [], []
    histogram = HdrHistogram.decode(encoded)
    values_s, counts = [], []
    for index, times in enumerate(histogram.counts):
        if times:
            value_us = histogram.get_value_from_index(index)
            values_s.append(histogram.get_highest_equivalent_value(value_us) / 1e6)
            counts.append(times)
    return values_s, list(accumulate(counts))


def _axis(sample: int, step: float) -> list[float]:
    """Evenly on the scale, as far as the sample tells one point from the next."""
    end = min(math.log10(sample), _FURTHEST) if sample > 1 else 0.0
    points = [round(index * step, 4) for index in range(int(end / step + 1e-9) + 1)]
    return points if points[-1] >= end - 1e-9 else [*points, end]


def _share(x: float) -> float:
    return float(1 - 10**-x)


def _curve(axis: list[float], values_s: list[float], sample: int) -> dict[str, Any]:
    return {
        "x": [number(x) for x in axis],
        "y": [number(value_s) for value_s in values_s],
        "sample": sample,
    }
