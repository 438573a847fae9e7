"""A load test over time: each interval's latencies, rates, errors and use of the machine."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from lgprof.model import Load, LoadInterval, Profile
from lgprof.render.html.curves import cumulative
from lgprof.render.html.encoding import Names, number

_MOST_HISTOGRAMS = 3_000
_QUANTILES = (0.5, 0.95, 0.99)
_TAG = "node:"


def over_time(profile: Profile, names: Names) -> dict[str, Any] | None:
    """Columns of the intervals; None for a run, or where no interval was seen."""
    load = profile.load
    if load is None or not load.series:
        return None
    series = load.series
    columns: dict[str, list[Any]] = {
        "t": [each.t_s + each.duration_s / 2 for each in series],
        "p50": [each.p50_s for each in series],
        "p95": [each.p95_s for each in series],
        "p99": [each.p99_s for each in series],
        "offered": [each.offered_rps for each in series],
        "answered": [each.rps for each in series],
        "errors": [_errors_rps(each) for each in series],
        "inFlight": [each.in_flight for each in series],
        "queued": [each.queued for each in series],
        "cpu": [each.cpu_share for each in series],
        "memory": [each.rss_bytes for each in series],
        "loopLag": [each.loop_lag_max_s for each in series],
    }
    return {
        "columns": {name: [number(each) for each in values] for name, values in columns.items()},
        "nodes": _nodes(load, names),
        "intervalS": number(series[0].duration_s),
    }


def _errors_rps(interval: LoadInterval) -> float:
    return interval.errors / interval.duration_s if interval.duration_s else 0.0


def _nodes(load: Load, names: Names) -> dict[str, dict[str, list[Any]]]:
    """p50, p95 and p99 of each node by interval; none where that would be too much to work out."""
    tags = sorted({tag for each in load.series for tag in each.histograms if tag.startswith(_TAG)})
    if len(tags) * len(load.series) > _MOST_HISTOGRAMS:
        return {}
    found = {}
    for tag in tags:
        rows = [_quantiles(each.histograms.get(tag, "")) for each in load.series]
        found[names.of(tag.removeprefix(_TAG))] = {
            name: [row[at] for row in rows] for at, name in enumerate(("p50", "p95", "p99"))
        }
    return found


def _quantiles(encoded: str) -> Sequence[float | int | None]:
    values_s, upto = cumulative(encoded)
    if not upto:
        return (None,) * len(_QUANTILES)
    ranks = [max(1, math.floor(q * upto[-1] + 0.5)) for q in _QUANTILES]
    return [number(values_s[bisect_left(upto, rank)]) for rank in ranks]
