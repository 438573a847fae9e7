"""A stored Profile as the baseline: exact for counts and cost, cautious about times.

Counts of a deterministic graph are the same at every run, so that a change of one unit is one. Each
request is held against the one with the same input, and no more is tolerated than the user allowed.
Where some requests count more than before and others less, the graph answers the same input in
different ways, and the mean's interval decides.

Stored times differ between machines and hours by more than any regression worth finding, and no
calibration rescues them: they warn, unless they are to be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lgprof.analysis.change import change_of_mean
from lgprof.analysis.comparability import are_paired, environment_differences, same_inputs
from lgprof.analysis.counted import Counted, counts_of
from lgprof.analysis.diff import diff_profiles
from lgprof.errors import UsageError
from lgprof.gate.budgets import worst
from lgprof.gate.tolerances import Tolerances
from lgprof.metrics import Unit
from lgprof.model import Change, Check, Decision, Profile, Verdict
from lgprof.stats import mean

SUSPECT = 0.25
"""A stored time this much above the baseline's is worth a warning."""
_TIMES = ("mean", "p50", "p95", "cpu")
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class BaselineRules:
    """How a Profile is held against its baseline."""

    trust_times: bool = False
    allow_environment: bool = False
    tolerances: Tolerances = field(default_factory=Tolerances)


def judge_baseline(
    base: Profile, new: Profile, rules: BaselineRules, *, elapsed_s: float = 0.0
) -> Verdict:
    """Hold a Profile against a stored one.

    Raises:
        UsageError: They cannot be compared: a load test, other inputs, another number of requests,
            or another environment without leave.
    """
    differences = _refuse_incomparable(base, new, rules)
    checks = [_error_rate(base, new), *_counted(base, new, rules)]
    times = [c for c in diff_profiles(base, new).graph if c.metric in _TIMES]
    warnings = [f"not the baseline's environment: {words}" for words in differences]
    if rules.trust_times:
        checks += [
            _time(change, rules.tolerances.time(change.metric))
            for change in times
            if change.change is not None
        ]
    else:
        warnings += _suspicions(times)
    return Verdict(
        verdict=worst(check.verdict for check in checks),
        checks=checks,
        elapsed_s=elapsed_s,
        requests=new.summary.requests,
        warnings=warnings,
        series=[each.latency_s for each in new.requests],
    )


def refuse_load_test(profile: Profile) -> None:
    """Refuse what cannot be compared request by request.

    Raises:
        UsageError: It is of a load test.
    """
    if profile.kind != "run":
        raise UsageError(
            "--baseline compares runs, request by request, and this is a load test",
            hint="hold a load test to budgets: --budget 'p95<2s'",
        )


def _refuse_incomparable(base: Profile, new: Profile, rules: BaselineRules) -> list[str]:
    """Differences of the environment that are allowed."""
    refuse_load_test(base)
    refuse_load_test(new)
    again = "make the baseline anew: lgprof run TARGET -o BASELINE.json"
    if not same_inputs(base, new):
        raise UsageError("--baseline: it was made with other inputs", hint=again)
    if not are_paired(base, new):
        before, now = base.summary.requests, new.summary.requests
        raise UsageError(
            f"--baseline: it has {before} requests, and this run {now}",
            hint=f"add -n {before}, or {again}",
        )
    differences = environment_differences(
        base.environment, new.environment, kernel=rules.trust_times
    )
    if differences and not rules.allow_environment:
        raise UsageError(
            f"--baseline: it was made elsewhere: {'; '.join(differences)}",
            hint=f"{again}; or add --allow-environment",
        )
    return differences


def _error_rate(base: Profile, new: Profile) -> Check:
    before, after = base.summary.error_rate, new.summary.error_rate
    return _exact_check(Counted("error_rate"), before, after, unit=Unit.SHARE, whole=before)


def _exact_check(
    key: Counted,
    before: float,
    after: float,
    *,
    unit: Unit,
    whole: float,
    allowed: float = 0.0,
    note: str | None = None,
) -> Check:
    """Of a count that is known: a node may add what the whole may, and no more."""
    added = after - before
    return Check(
        metric=key.metric,
        node=key.node,
        verdict="fail" if added > allowed * whole + _SAME * max(whole, before) else "pass",
        base=before,
        new=after,
        change=after / before - 1 if before else None,
        limit=allowed,
        exact=True,
        note=note,
        unit=unit.value,
    )


def _counted(base: Profile, new: Profile, rules: BaselineRules) -> Iterator[Check]:
    """Of the whole graph, every count; of the nodes, those that changed."""
    tables = [_by_request(profile) for profile in (base, new)]
    common = sorted(tables[0].keys() & tables[1].keys())
    if not common:
        return
    keys = {key for table in tables for index in common for key in table[index]}
    for key in sorted(keys, key=lambda key: (key.node is not None, key.node or "", key.metric)):
        before, after = (
            {index: table[index].get(key, 0.0) for index in common} for table in tables
        )
        whole = mean([tables[0][index].get(Counted(key.metric), 0.0) for index in common])
        check = _count_check(key, before, after, whole, rules.tolerances)
        if key.node is None or check.new != check.base:
            yield check


def _by_request(profile: Profile) -> dict[int, dict[Counted, float]]:
    return {each.index: counts_of(each) for each in profile.requests if each.outcome == "ok"}


def _count_check(
    key: Counted,
    before: dict[int, float],
    after: dict[int, float],
    whole: float,
    tolerances: Tolerances,
) -> Check:
    named = Counted(f"{key.metric}.per_request", key.node)
    means = mean(list(before.values())), mean(list(after.values()))
    moves = [after[i] - before[i] for i in before]
    scale = _SAME * max(*map(abs, means), 1e-12)
    ups, downs = sum(m > scale for m in moves), sum(m < -scale for m in moves)
    if not (ups and downs):
        return _exact_check(
            named,
            *means,
            unit=_unit(key),
            whole=whole or means[0],  # calls and attempts are of nodes alone
            allowed=tolerances.exact(key.metric),
            note="fewer than the baseline: make it anew to keep this" if downs else None,
        )
    ci = change_of_mean(before, after, paired=True).ci
    tolerance = tolerances.varying(key.metric)
    return Check(
        metric=named.metric,
        node=named.node,
        verdict=_decided(ci, tolerance),
        base=means[0],
        new=means[1],
        change=means[1] / means[0] - 1 if means[0] else None,
        ci=ci,
        limit=tolerance,
        note=f"not the same each time: {ups} requests have more, {downs} have less",
        unit=_unit(key).value,
    )


def _decided(ci: tuple[float, float] | None, tolerance: float) -> Decision:
    if ci is None:
        return "inconclusive"
    if ci[0] > 0:
        return "fail"
    return "pass" if ci[1] <= tolerance else "inconclusive"


def _unit(key: Counted) -> Unit:
    if key.metric == "cost":
        return Unit.USD
    return Unit.TOKENS if key.metric.startswith("tokens") else Unit.COUNT


def _time(change: Change, tolerance: float) -> Check:
    """Too slow where it is beyond the tolerance, and more than the scatter explains."""
    too_much = (change.change or 0.0) > tolerance and (change.ci is None or change.ci[0] > 0)
    return Check(
        metric=change.metric,
        verdict="fail" if too_much else "pass",
        base=change.base,
        new=change.new,
        change=change.change,
        ci=change.ci,
        limit=tolerance,
        unit=change.unit,
    )


def _suspicions(times: Iterable[Change]) -> list[str]:
    above = {each.metric: each.change for each in times if (each.change or 0.0) > SUSPECT}
    if not above:
        return []
    named = ", ".join(f"{metric} {change:+.0%}" for metric, change in above.items())
    return [
        f"slower than the stored times ({named}), which may be the machine: lgprof gate --against "
        "runs both versions side by side"
    ]
