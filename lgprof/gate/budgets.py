"""Budgets: bounds on the numbers of one Profile.

A budget is a condition that must hold; its grammar is that of `lgprof.metrics.conditions`:

    budget     = metric comparison quantity        p95<2s, cost.per_request<0.02, error_rate<1%
    metric     = [row "."] name ["." "per_request"]
    row        = "node" key | "model" key | "tool" key | "error" key
    key        = "." word | "[" string "]"         node.search.p95<300ms, node["a/b"].errors==0
    comparison = "<" | "<=" | ">" | ">=" | "=="
    quantity   = ["$"] number [unit]

A number that was not measured keeps no budget, and neither does one of an invalid load test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lgprof.metrics import Condition, Metric, parse_condition
from lgprof.metrics.catalogue import measures
from lgprof.model import Check, Decision, Profile, Verdict

EXAMPLE = "'p95<2s', 'error_rate<1%' or 'node.search.p95<300ms'"
_MEDIAN = 50.0


def parse_budget(text: str, what: str = "--budget") -> Condition:
    """Read a budget.

    Args:
        text: As written.
        what: The option or setting that it stands in, for messages.

    Raises:
        UsageError: It is none, names no metric, or has a unit that does not fit.
    """
    return parse_condition(text, what, EXAMPLE)


def judge_budgets(
    profile: Profile, budgets: Iterable[Condition], *, elapsed_s: float = 0.0
) -> Verdict:
    """Hold a Profile to budgets.

    Raises:
        UsageError: A budget is about a node, model or tool that the Profile does not know.
    """
    budgets = list(budgets)
    checks = [_check(profile, budget) for budget in budgets]
    checks += _load_checks(profile)
    warnings = list(dict.fromkeys(_small_samples(profile, budgets)))
    if profile.interrupted:
        warnings.append("the measurement was interrupted: it holds what was made until then")
    return Verdict(
        verdict=worst(check.verdict for check in checks),
        checks=checks,
        elapsed_s=elapsed_s,
        requests=profile.summary.requests,
        invalid=any(check.verdict == "inconclusive" for check in checks),
        warnings=warnings,
        series=[each.latency_s for each in profile.requests] if profile.load is None else [],
    )


def worst(decisions: Iterable[Decision]) -> Decision:
    """FAIL before INCONCLUSIVE before PASS."""
    found = set(decisions)
    if "fail" in found:
        return "fail"
    return "inconclusive" if "inconclusive" in found else "pass"


def _check(profile: Profile, budget: Condition) -> Check:
    metric = budget.metric
    value = metric.value(profile)
    verdict, note = _judged(profile, budget, value)
    return Check(
        metric=own_name(metric),
        node=metric.about_node,
        verdict=verdict,
        base=None,
        new=value,
        limit=budget.limit,
        note=note,
        unit=metric.unit.value,
        comparison=budget.comparison,
    )


def own_name(metric: Metric) -> str:
    """The metric without the node, which a check names apart."""
    if metric.about_node is None:
        return metric.name
    return Metric(
        metric.measure,
        None if metric.measure.scope == "node" else metric.key,
        per_request=metric.per_request,
    ).name


def _judged(
    profile: Profile, budget: Condition, value: float | None
) -> tuple[Decision, str | None]:
    if value is None:
        return "inconclusive", "not measured"
    if not budget.holds(value):
        return "fail", None
    if _is_lower_bound(profile, budget):
        calls = profile.summary.cost_usd.unpriced_calls
        return "inconclusive", f"at least so much: {calls} calls have no known price (--prices)"
    if profile.load is not None and profile.load.fidelity.verdict == "invalid":
        return "inconclusive", "kept, but the measurement is invalid"
    return "pass", None


def _is_lower_bound(profile: Profile, budget: Condition) -> bool:
    unpriced = profile.summary.cost_usd.unpriced_calls
    return bool(unpriced and "cost" in budget.metric.measure.name and budget.comparison != ">")


def _small_samples(profile: Profile, budgets: Iterable[Condition]) -> Iterator[str]:
    """What to say of percentiles that are the maximum of too few requests or calls."""
    for metric in (budget.metric for budget in budgets):
        level = _level(metric)
        found = _sample_size(profile, metric)
        if level is not None and 0 < found * (100 - level) < 100:
            what = "calls" if metric.key is not None else "requests"
            yield (
                f"{metric.name} is the maximum here, since it rests on {found:.0f} {what}: "
                f"{metric.measure.fields[-1]} takes {100 / (100 - level):.0f} or more"
            )


def _level(metric: Metric) -> float | None:
    """Of a percentile above the median: half of few requests is still something."""
    last = metric.measure.fields[-1]
    named = float(last[1:]) if last in ("p90", "p95", "p99") else None
    level = metric.measure.percentile or named
    return level if level is not None and level > _MEDIAN else None


def _sample_size(profile: Profile, metric: Metric) -> float:
    if metric.key is None:
        return profile.summary.requests
    calls = Metric(measures(metric.measure.scope)["calls"], metric.key, metric.node)
    return calls.value(profile) or 0


def _load_checks(profile: Profile) -> list[Check]:
    """An invalid load test passes nothing; a graph that could not keep up fails."""
    load = profile.load
    if load is None:
        return []
    is_invalid = load.fidelity.verdict == "invalid"
    is_saturated = load.saturation is not None and load.saturation.saturated
    return [
        Check(
            metric="load.fidelity",
            verdict="inconclusive" if is_invalid else "pass",
            base=None,
            new=None,
            limit=None,
            note="; ".join(load.fidelity.reasons) or load.fidelity.verdict,
        ),
        Check(
            metric="load.saturated",
            node=load.saturation.node if load.saturation and is_saturated else None,
            verdict="fail" if is_saturated else "pass",
            base=None,
            new=None,
            limit=None,
            note=load.saturation.message if load.saturation else "the graph kept up",
        ),
    ]
