"""What the pairs made so far come to: a check per metric, and whether the gate may stop."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from lgprof.gate.counts import Totals, p_more_errors
from lgprof.gate.evidence import Evidence
from lgprof.gate.quantities import COUNTED, ERRORS, UNITS
from lgprof.gate.sequential import Estimate, Finding, Levels, State, levels_at, states, weigh
from lgprof.gate.times import CPU, P95, WALL, Metric
from lgprof.gate.tolerances import Tolerances
from lgprof.model import Check, Decision
from lgprof.stats import mean, relative_change

_NEEDED_SHARE = 0.8
"""Of the error that FAILs may have in all, for what a PASS rests on; the rest is for p95 and single
nodes, which would otherwise make the former harder to prove."""
_LEAST_EFFECT = 0.01
"""A node, or the computing of a graph that mostly waits, fails no gate where it costs the request
less than this share of its latency."""
_LEAST_NODE_MARGIN = 0.01
"""Neighbours of a slower node really move by 0.1 to 0.3 %: it empties the caches for them."""
_MARGIN_SHARE = 0.2
"""Margin by tolerance: what is slower by less is no regression, however well it is proven."""
_ERRORS_OPEN_BELOW = 0.1
"""More errors than before with a p-value below this keep a gate from passing."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is gated, and at which tolerance."""

    tolerances: Tolerances = field(default_factory=Tolerances)
    times_gated: bool = True
    """Not where the graph talks to a live provider, whose times are not the graph's."""


class Judgement(NamedTuple):
    """What a look comes to."""

    decision: Decision | None
    """None: more pairs are needed."""
    checks: list[Check]


def judge(evidence: Evidence, rules: Rules, *, is_last: bool) -> Judgement:
    """Test everything at the level of this look.

    Args:
        evidence: At least two pairs.
        rules: What is gated.
        is_last: No more pairs can be made.
    """
    return _Look(evidence, rules).judgement(is_last)


class _Look:
    def __init__(self, evidence: Evidence, rules: Rules) -> None:
        self._evidence, self._rules = evidence, rules
        self._levels: Levels = levels_at(len(evidence.pairs))
        self._times = self._estimates()
        self._counts = {
            name: found for name in COUNTED if (found := evidence.totals(Metric(name))) is not None
        }
        self._states = self._all_states()

    def _estimates(self) -> dict[Metric, Estimate]:
        found: dict[Metric, Estimate] = {}
        for metric in self._evidence.times:
            estimated = self._evidence.estimate(metric)
            if estimated is not None and (metric.node is None or self._matters(metric.node)):
                found[metric] = estimated
        return found

    def _matters(self, node: str) -> bool:
        return self._evidence.share(node) >= _LEAST_EFFECT

    def is_needed(self, metric: Metric) -> bool:
        """Whether a PASS rests on it."""
        if metric == CPU:
            return self._rules.times_gated and self._evidence.is_cpu_bound
        if metric == P95 or metric.node is not None:
            return False
        return self._rules.times_gated or metric != WALL

    def allowed(self, metric: Metric) -> float:
        """How much more is tolerated, relative."""
        tolerances, name = self._rules.tolerances, metric.name
        if name not in self._counts:
            return tolerances.time(name)
        is_varying = self._counts[name].estimate is not None
        return tolerances.varying(name) if is_varying else tolerances.exact(name)

    def tolerance(self, metric: Metric) -> float:
        """As a log ratio."""
        return math.log1p(self.allowed(metric))

    def margin(self, metric: Metric) -> float:
        """What is slower by no more than this is no regression; as a log ratio."""
        margin = self.allowed(metric) * _MARGIN_SHARE
        return math.log1p(max(margin, _LEAST_NODE_MARGIN) if metric.node else margin)

    # --- states --------------------------------------------------------------------------------

    def _all_states(self) -> dict[Metric, State]:
        needed, others = self._families()
        found = states(needed, self._levels.fail * _NEEDED_SHARE)
        # Once a whole is proven to be slower, its parts may be tested with all of the error
        # (serial gatekeeping, Westfall and Krishen 2001).
        is_slower = "fail" in (found.get(WALL), found.get(CPU))
        level = self._levels.fail * (1 if is_slower else 1 - _NEEDED_SHARE)
        for metric, state in states(others, level).items():
            is_harmless = state == "fail" and self._effect(metric) < _LEAST_EFFECT
            found[metric] = "pass" if is_harmless else state
        for name, count in self._counts.items():
            if count.estimate is None:
                found[Metric(name)] = self._plain_state(name, count)
        return found

    def _effect(self, metric: Metric) -> float:
        """What a part of the latency adds to it, as a share."""
        if metric.node is not None:
            return self._evidence.effect(metric.node)
        return self._evidence.cpu_effect if metric == CPU else math.inf

    def _families(self) -> tuple[dict[Metric, Finding], dict[Metric, Finding]]:
        needed: dict[Metric, Finding] = {}
        others: dict[Metric, Finding] = {}
        estimates = dict(self._times) if self._rules.times_gated else {}
        estimates |= {
            Metric(name): count.estimate
            for name, count in self._counts.items()
            if count.estimate is not None
        }
        for metric, found in estimates.items():
            family = needed if self.is_needed(metric) else others
            family[metric] = weigh(
                found,
                tolerance=self.tolerance(metric),
                margin=self.margin(metric),
                passing=self._levels.passing,
            )
        p = p_more_errors(self._evidence.outcomes())
        if p < 1:  # without an error of the candidate there is nothing to test
            needed[Metric(ERRORS)] = Finding(p, p >= _ERRORS_OPEN_BELOW)
        return needed, others

    def _plain_state(self, name: str, count: Totals) -> State:
        change = count.change
        return "fail" if change is None or change > self.allowed(Metric(name)) else "pass"

    # --- the decision --------------------------------------------------------------------------

    def judgement(self, is_last: bool) -> Judgement:
        """The decision with all checks."""
        return Judgement(self._decision(is_last), [*self._time_checks(), *self._count_checks()])

    def _decision(self, is_last: bool) -> Decision | None:
        if "fail" in self._states.values():
            return "fail"
        is_fine = (WALL in self._times or not self._rules.times_gated) and all(
            state == "pass" for metric, state in self._states.items() if self.is_needed(metric)
        )
        if is_fine and (is_last or not self._is_suspicious()):
            return "pass"
        return "inconclusive" if is_last else None

    def _is_suspicious(self) -> bool:
        """Something a PASS does not rest on looks bad: it is worth more pairs, if there are any."""
        return any(
            state == "inconclusive"
            and self._times[metric].mean > self.tolerance(metric)
            and self._effect(metric) >= _LEAST_EFFECT
            for metric, state in self._states.items()
            if not self.is_needed(metric) and metric in self._times
        )

    # --- checks --------------------------------------------------------------------------------

    def _time_checks(self) -> list[Check]:
        wholes = [metric for metric in (WALL, CPU, P95) if metric in self._times]
        nodes = [metric for metric in self._times if metric.node is not None]
        nodes.sort(key=lambda metric: -abs(self._evidence.effect(str(metric.node))))
        return [self._time_check(metric) for metric in (*wholes, *nodes)]

    def _time_check(self, metric: Metric) -> Check:
        found, ratios = self._times[metric], self._evidence.times[metric]
        level = self._levels.interval
        is_gated = self._rules.times_gated
        return Check(
            metric=metric.name,
            unit="s",
            node=metric.node,
            verdict=self._states[metric] if is_gated else "inconclusive",
            base=mean([ratio.base_s for ratio in ratios]),
            new=mean([ratio.new_s for ratio in ratios]),
            change=relative_change(found.mean),
            ci=_interval(found, level),
            limit=self.allowed(metric) if is_gated else None,
            detectable=self._detectable(metric, found) if is_gated else None,
            needed=self.is_needed(metric),
        )

    def _count_checks(self) -> list[Check]:
        checks = [self._count_check(name, count) for name, count in self._counts.items()]
        base_errors, base, new_errors, new = self._evidence.errors()
        base_rate, new_rate = base_errors / base, new_errors / new
        checks.append(
            Check(
                metric=ERRORS,
                unit="share",
                verdict=self._states.get(Metric(ERRORS), "pass"),
                base=base_rate,
                new=new_rate,
                change=_relative(base_rate, new_rate),
                limit=None,
            )
        )
        return checks

    def _count_check(self, name: str, count: Totals) -> Check:
        requests = max(1, len(self._evidence.counted))
        found = count.estimate
        return Check(
            metric=name,
            unit=UNITS[name],
            verdict=self._states.get(Metric(name), "inconclusive"),
            base=count.base / requests,
            new=count.new / requests,
            change=count.change,
            ci=None if found is None else _interval(found, self._levels.interval),
            limit=self.allowed(Metric(name)),
            detectable=None if found is None else self._detectable(Metric(name), found),
            exact=count.exact,
        )

    def _detectable(self, metric: Metric, found: Estimate) -> float | None:
        """Relative; None where there is a decision, which says more."""
        if self._states.get(metric) in ("pass", "fail"):
            return None
        return relative_change(found.detectable(self._levels.fail, self.margin(metric)))


def _interval(found: Estimate, level: float) -> tuple[float, float]:
    return relative_change(found.lower(level)), relative_change(found.upper(level))


def _relative(base: float, new: float) -> float | None:
    if base:
        return new / base - 1
    return None if new else 0.0
