"""Conditions that end a load test early.

    rule     = metric (">" | ">=") quantity
    metric   = "error_rate" | "p50" | "p90" | "p95" | "p99" | "p99.9" | "max" | "lag.p99"
             | "dropped" | "failed" | "timed_out"

It is a condition as budgets are (`lgprof.metrics.conditions`), on what is known while a test runs.
Rates and times are of the last 10 s, from 20 requests on; counts are of the whole test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lgprof.errors import UsageError
from lgprof.metrics import Condition, parse_condition, parse_metric

TIMES = ("p50", "p90", "p95", "p99", "p99.9", "max", "lag.p99")
COUNTS = ("dropped", "failed", "timed_out")
METRICS = ("error_rate", *TIMES, *COUNTS)

EXAMPLE = "'error_rate>20%' or 'p99>2s'"


@dataclass(frozen=True, slots=True)
class AbortRule:
    """One condition; ``text`` is as typed."""

    text: str
    metric: str
    condition: Condition

    def is_met(self, values: Mapping[str, float | None]) -> bool:
        """Whether the condition holds; a metric that is not known yet meets none."""
        value = values.get(self.metric)
        return value is not None and self.condition.holds(value)


def parse_abort_rule(text: str) -> AbortRule:
    """Read a condition such as ``error_rate>20%`` or ``p99>2s``.

    Raises:
        UsageError: It is none.
    """
    condition = parse_condition(text, "--abort-on", EXAMPLE, among=METRICS)
    if condition.is_upper or condition.comparison == "==":
        raise UsageError(f"--abort-on {text!r} is no condition", hint=f"write {EXAMPLE}")
    name = next(name for name in METRICS if parse_metric(name) == condition.metric)
    return AbortRule(text, name, condition)
