"""Verdicts of gates, as they come out of real ones."""

from __future__ import annotations

from typing import Any

from lgprof.model import Check, Decision, Verdict

_USD = {"cost.per_request": 0.00097}
_TOKENS = {"tokens.input.per_request": 712.2, "tokens.output.per_request": 79.9}
_AGAINST: dict[str, Any] = {
    "candidate": "9f1b9dc0c7 + 1 changed file",
    "against": "main (3652f52c8c)",
}


def _time(
    metric: str,
    verdict: Decision,
    base_s: float,
    change: float,
    ci: tuple[float, float],
    node: str | None = None,
    **more: Any,
) -> Check:
    given: dict[str, Any] = {"limit": 0.2 if metric == "p95" else 0.05} | more
    return Check(
        metric=metric,
        node=node,
        verdict=verdict,
        base=base_s,
        new=base_s * (1 + change),
        change=change,
        ci=ci,
        unit="s",
        **{"needed": metric == "wall" and node is None} | given,
    )


def _counts(more_tokens: float = 0.0) -> list[Check]:
    checks = [
        Check(
            metric=metric,
            verdict="fail" if more_tokens and metric != "tokens.output.per_request" else "pass",
            base=base,
            new=base * (1 + more_tokens if metric != "tokens.output.per_request" else 1),
            change=more_tokens if metric != "tokens.output.per_request" else 0.0,
            limit=0.0,
            exact=True,
            unit="USD" if metric in _USD else "tokens",
        )
        for metric, base in (_USD | _TOKENS).items()
    ]
    none = {"base": 0.0, "new": 0.0, "change": 0.0, "limit": None}
    return [*checks, Check(metric="error_rate", verdict="pass", unit="share", **none)]


def passed() -> Verdict:
    """Nothing changed; what no PASS rests on is undecided."""
    return Verdict(
        verdict="pass",
        checks=[
            _time("wall", "pass", 0.0255, -0.004, (-0.053, 0.047)),
            _time("cpu", "inconclusive", 0.00367, 0.022, (-0.046, 0.095), detectable=0.2),
            _time("p95", "pass", 0.0306, 0.002, (-0.163, 0.199)),
            _time("wall", "inconclusive", 0.0023, -0.04, (-0.3, 0.304), "draft", detectable=0.9),
            *_counts(),
        ],
        pairs=4,
        elapsed_s=22.0,
        reasons=["no regression beyond the tolerance: latency -0.4%"],
        warnings=["the base and the candidate are the same files: any difference is noise"],
        series=[-0.01, 0.002, 0.005, -0.013],
        **_AGAINST,
    )


def failed() -> Verdict:
    """A slower node and a longer prompt."""
    return Verdict(
        verdict="fail",
        checks=[
            _time("wall", "fail", 0.48, 0.074, (0.053, 0.096)),
            _time("cpu", "inconclusive", 0.0308, 0.011, (-0.049, 0.075)),
            _time("wall", "fail", 0.0306, 0.845, (0.704, 0.998), "load_orders"),
            _time("wall", "pass", 0.169, -0.017, (-0.075, 0.045), "draft"),
            *_counts(more_tokens=0.0435),
        ],
        pairs=4,
        elapsed_s=84.4,
        reasons=[
            "load_orders adds 25.1 ms per request, 5.2% of the base's mean latency",
            "agent: input tokens per request 544.5 -> 575.5 (+5.69%), exactly",
        ],
        culprits=["load_orders"],
        series=[0.071, 0.08, 0.069, 0.077],
        **_AGAINST,
    )


def undecided() -> Verdict:
    """Interrupted after two pairs."""
    return Verdict(
        verdict="inconclusive",
        checks=[
            _time("wall", "inconclusive", 0.024, 0.02, (-0.41, 0.77), detectable=3.2),
            _time("p95", "inconclusive", 0.024, 0.026, (-0.55, 1.34), detectable=7.9),
            *_counts(),
        ],
        pairs=2,
        elapsed_s=9.1,
        interrupted=True,
        reasons=[
            "interrupted: this is what the first 2 pairs say",
            "wall: undecided after 2 pairs; not even a doubling would have been found",
            "--time-budget 30s has room for the 4 pairs of a first look",
        ],
        series=[0.0, 0.04],
        **_AGAINST,
    )


def live() -> Verdict:
    """A live provider: times are shown."""
    shown: dict[str, Any] = {"limit": None, "needed": False}
    return Verdict(
        verdict="pass",
        checks=[
            _time("wall", "inconclusive", 0.81, 0.31, (0.1, 0.56), **shown),
            _time("wall", "inconclusive", 0.7, 0.35, (0.12, 0.63), "draft", **shown),
            *_counts(),
        ],
        pairs=4,
        elapsed_s=70.0,
        reasons=["no more calls, tokens, cost or errors; a live provider's times decide nothing"],
        warnings=[
            "the graph talks to 192.0.2.1, beyond this machine: only counts, cost and errors are "
            "gated, times are shown"
        ],
        series=[0.3, 0.33, 0.29, 0.31],
        **_AGAINST,
    )


def budgets() -> Verdict:
    """Some kept, one not, one that could not be measured."""

    def budget(metric: str, verdict: Decision, new: float | None, **more: Any) -> Check:
        return Check(
            metric=metric,
            verdict=verdict,
            base=None,
            new=new,
            **{"unit": "s", "comparison": "<", "limit": 1.0} | more,
        )

    return Verdict(
        verdict="fail",
        checks=[
            budget("p95", "pass", 0.403),
            budget("p95", "fail", 0.31, node="gather/search", limit=0.3),
            budget("cost.per_request", "fail", 0.00068, unit="USD", limit=0.0006),
            budget("cpu", "inconclusive", None, note="not measured"),
        ],
        requests=10,
        elapsed_s=9.24,
        invalid=True,
        warnings=["p95 is the maximum here, since it rests on 10 requests: p95 takes 20 or more"],
        series=[0.3, 0.35, 0.403, 0.31],
    )


SAMPLES = {
    "passed": passed,
    "failed": failed,
    "undecided": undecided,
    "live": live,
    "budgets": budgets,
}
