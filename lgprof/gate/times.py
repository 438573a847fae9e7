"""From the requests of a pair to one number per metric: the log ratio of the candidate's time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import NamedTuple

from lgprof.gate.duel import PairRows
from lgprof.gate.protocol import RequestRow
from lgprof.stats import mean, percentile


class Metric(NamedTuple):
    """What is compared: of the whole graph, or of a node."""

    name: str
    node: str | None = None


WALL, CPU, P95 = Metric("wall"), Metric("cpu"), Metric("p95")


class TimeRatio(NamedTuple):
    """One metric of one pair."""

    log_ratio: float
    base_s: float
    new_s: float


_Both = list[tuple[RequestRow, RequestRow]]


def time_ratios(pair: PairRows) -> dict[Metric, TimeRatio]:
    """All that can be told of a pair: metrics without a positive time on both sides are left out.

    ``wall`` is the median over requests of the log ratio for the same input: inputs that differ do
    not add noise, nor does a request that something else disturbed. It misses what hits fewer than
    half of the inputs, which ``cpu`` (of totals), ``p95`` and the nodes do not.
    """
    both = pair.succeeded()
    found = {WALL: _wall(both), CPU: _cpu(both), P95: _p95(both), **_nodes(both)}
    return {metric: ratio for metric, ratio in found.items() if ratio is not None}


def node_effects(pair: PairRows) -> dict[str, float]:
    """What each node adds to the mean latency of the base, as a share of it."""
    both = pair.succeeded()
    total_s = math.fsum(base.wall_s for base, _ in both)
    if not total_s:
        return {}
    return {
        node: math.fsum(_seconds(new, node) - _seconds(base, node) for base, new in both) / total_s
        for node in _node_names(both)
    }


def node_shares(pair: PairRows) -> dict[str, float]:
    """Time in each node as a share of the latency, of the side where it is larger."""
    both = pair.succeeded()
    sides = [[base for base, _ in both], [new for _, new in both]]
    return {
        node: max(
            math.fsum(_seconds(row, node) for row in side)
            / (math.fsum(row.wall_s for row in side) or math.inf)
            for side in sides
        )
        for node in _node_names(both)
    }


def _wall(both: _Both) -> TimeRatio | None:
    return _paired((base.wall_s, new.wall_s) for base, new in both)


def _cpu(both: _Both) -> TimeRatio | None:
    base = [row.cpu_s for row, _ in both if row.cpu_s is not None]
    new = [row.cpu_s for _, row in both if row.cpu_s is not None]
    return _ratio(mean(base), mean(new)) if base and new else None


def _p95(both: _Both) -> TimeRatio | None:
    if not both:
        return None
    base, new = (sorted(row.wall_s for row in side) for side in zip(*both, strict=True))
    return _ratio(percentile(base, 95), percentile(new, 95))


def _nodes(both: _Both) -> dict[Metric, TimeRatio | None]:
    return {
        Metric("wall", node): _paired(
            (_seconds(base, node), _seconds(new, node)) for base, new in both
        )
        for node in _node_names(both)
    }


def _node_names(both: _Both) -> list[str]:
    return list(dict.fromkeys(node for rows in both for row in rows for node in row.nodes))


def _seconds(row: RequestRow, node: str) -> float:
    figures = row.nodes.get(node)
    return figures.seconds if figures else 0.0


def _paired(times: Iterable[tuple[float, float]]) -> TimeRatio | None:
    positive = [(base_s, new_s) for base_s, new_s in times if base_s > 0 and new_s > 0]
    if not positive:
        return None
    return TimeRatio(
        statistics.median(math.log(new_s / base_s) for base_s, new_s in positive),
        statistics.median(base_s for base_s, _ in positive),
        statistics.median(new_s for _, new_s in positive),
    )


def _ratio(base_s: float, new_s: float) -> TimeRatio | None:
    if base_s <= 0 or new_s <= 0:
        return None
    return TimeRatio(math.log(new_s / base_s), base_s, new_s)
