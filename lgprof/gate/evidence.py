"""All pairs made so far, and what follows from each alone."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from lgprof.gate.counts import Outcomes, Paired, Totals, totals
from lgprof.gate.duel import PairRows
from lgprof.gate.protocol import RequestRow
from lgprof.gate.quantities import COUNTED, CostOf, Counted, counted
from lgprof.gate.sequential import Estimate, estimate
from lgprof.gate.times import CPU, Metric, TimeRatio, node_effects, node_shares, time_ratios
from lgprof.stats import mean

CPU_BOUND_FROM = 0.5
"""Share of CPU time in the latency from which a graph counts as CPU-bound."""


@dataclass(frozen=True, slots=True)
class SideFigures:
    """What is kept of all requests of one side, the failed ones too."""

    requests: int
    failed: int
    outcomes: dict[int, bool]
    """By a request's number, whether it failed."""
    wall_s: float
    cpu_s: float
    nodes: frozenset[str]
    error_types: Counter[str]

    @classmethod
    def of(cls, rows: list[RequestRow]) -> SideFigures:
        """Add the requests up."""
        timed = [row for row in rows if row.cpu_s is not None]
        return cls(
            requests=len(rows),
            failed=sum(row.outcome != "ok" for row in rows),
            outcomes={row.index: row.outcome != "ok" for row in rows},
            wall_s=math.fsum(row.wall_s for row in timed),
            cpu_s=math.fsum(row.cpu_s or 0.0 for row in timed),
            nodes=frozenset(node for row in rows for node in row.nodes),
            error_types=Counter(row.error_type for row in rows if row.error_type is not None),
        )


@dataclass(frozen=True, slots=True)
class PairFigures:
    """What one pair comes to."""

    base: SideFigures
    new: SideFigures
    times: dict[Metric, TimeRatio]
    latency_s: float
    """Mean of the base's requests that succeeded on both sides."""
    effects: dict[str, float]
    shares: dict[str, float]
    counted: list[tuple[int, Counted, Counted]]
    """Number of each request that succeeded on both sides, and its counts."""

    @classmethod
    def of(cls, pair: PairRows, cost_of: CostOf) -> PairFigures:
        """Work them out."""
        return cls(
            base=SideFigures.of(pair.base),
            new=SideFigures.of(pair.new),
            times=time_ratios(pair),
            latency_s=mean([base.wall_s for base, _ in pair.succeeded()] or [0.0]),
            effects=node_effects(pair),
            shares=node_shares(pair),
            counted=[
                (base.index, counted(base, cost_of), counted(new, cost_of))
                for base, new in pair.succeeded()
            ],
        )


class Evidence:
    """The pairs that a judgement rests on."""

    def __init__(self) -> None:
        self.pairs: list[PairFigures] = []
        self.times: dict[Metric, list[TimeRatio]] = defaultdict(list)
        self._effects: dict[str, list[float]] = defaultdict(list)
        self._shares: dict[str, list[float]] = defaultdict(list)
        self.counted: list[tuple[int, Counted, Counted]] = []

    def add(self, pair: PairFigures) -> None:
        """One more pair."""
        self.pairs.append(pair)
        self.counted += pair.counted
        for metric, ratio in pair.times.items():
            self.times[metric].append(ratio)
        for node, effect in pair.effects.items():
            self._effects[node].append(effect)
        for node, share in pair.shares.items():
            self._shares[node].append(share)

    @property
    def nodes(self) -> list[str]:
        """Those that ran on either side."""
        return list(self._effects)

    def effect(self, node: str) -> float:
        """What a node adds to the mean latency, as a share of the base's."""
        return mean(self._effects[node])

    def added_s(self, node: str) -> float:
        """What a node adds to the mean latency of a request."""
        ran = [pair for pair in self.pairs if node in pair.effects]
        return mean([pair.effects[node] * pair.latency_s for pair in ran])

    def share(self, node: str) -> float:
        """Time in a node by the latency, on the side where that is more."""
        return mean(self._shares[node])

    @property
    def is_cpu_bound(self) -> bool:
        """Whether the base computes for more than half of its latency."""
        wall_s = math.fsum(pair.base.wall_s for pair in self.pairs)
        return math.fsum(pair.base.cpu_s for pair in self.pairs) > CPU_BOUND_FROM * wall_s > 0

    @property
    def cpu_effect(self) -> float:
        """What the candidate computes more than the base, as a share of the base's latency."""
        added_s = mean([ratio.new_s - ratio.base_s for ratio in self.times.get(CPU, [])])
        return added_s / (mean([pair.latency_s for pair in self.pairs]) or math.inf)

    def estimate(self, metric: Metric) -> Estimate | None:
        """The log ratio of a time; None from fewer than two pairs."""
        found = self.times.get(metric, [])
        return estimate([ratio.log_ratio for ratio in found]) if len(found) > 1 else None

    def totals(self, metric: Metric) -> Totals | None:
        """A count over all requests; None where no request has it."""
        if not any(metric in base or metric in new for _, base, new in self.counted):
            return None
        return totals(
            [
                Paired(number, base.get(metric, 0), new.get(metric, 0))
                for number, base, new in self.counted
            ]
        )

    def errors(self) -> tuple[int, int, int, int]:
        """Failed and all requests of the base, then of the candidate."""
        return (
            sum(pair.base.failed for pair in self.pairs),
            sum(pair.base.requests for pair in self.pairs),
            sum(pair.new.failed for pair in self.pairs),
            sum(pair.new.requests for pair in self.pairs),
        )

    def outcomes(self) -> list[Outcomes]:
        """The same by request, of those that failed at all: the others tell nothing."""
        base_failed, base = _tally(pair.base.outcomes for pair in self.pairs)
        new_failed, new = _tally(pair.new.outcomes for pair in self.pairs)
        return [
            Outcomes(base_failed[number], base[number], new_failed[number], new[number])
            for number in sorted(base_failed.keys() | new_failed.keys())
        ]

    def error_types(self) -> Counter[str]:
        """How often each kind of error ended a request of the candidate."""
        return sum((pair.new.error_types for pair in self.pairs), Counter[str]())

    def changed_counts(self) -> dict[Metric, Totals]:
        """Counts of single nodes that are exact and not the same as before."""
        nodes = dict.fromkeys(
            metric for _, base, new in self.counted for metric in (*base, *new) if metric.node
        )
        found = {metric: self.totals(metric) for metric in nodes if metric.name in COUNTED}
        return {
            metric: count
            for metric, count in found.items()
            if count is not None and count.exact and count.base != count.new
        }


def _tally(sides: Iterable[dict[int, bool]]) -> tuple[Counter[int], Counter[int]]:
    """How often each request failed, and how often it was made."""
    failed, made = Counter[int](), Counter[int]()
    for side in sides:
        made.update(side.keys())
        failed.update(number for number, has_failed in side.items() if has_failed)
    return failed, made
