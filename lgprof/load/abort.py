"""Conditions that end a load test early.

    rule      = metric operator number [unit]
    metric    = "error_rate" | "p50" | "p90" | "p95" | "p99" | "p99.9" | "max" | "lag.p99"
              | "dropped" | "failed" | "timed_out"
    operator  = ">" | ">="
    unit      = "%" | "us" | "ms" | "s"            times are seconds where no unit stands

Rates and times are of the last 10 s, from 20 requests on; counts are of the whole test.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lgprof.errors import UsageError

TIMES = ("p50", "p90", "p95", "p99", "p99.9", "max", "lag.p99")
COUNTS = ("dropped", "failed", "timed_out")
METRICS = ("error_rate", *TIMES, *COUNTS)

_RULE = re.compile(r"\s*([\w.]+)\s*(>=|>)\s*(\d+(?:\.\d+)?)\s*(%|us|ms|s)?\s*")
_FACTORS = {"%": 0.01, "us": 1e-6, "ms": 1e-3, "s": 1.0, None: 1.0}
_OPERATORS: dict[str, Callable[[float, float], bool]] = {">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class AbortRule:
    """One condition; ``text`` is as typed."""

    text: str
    metric: str
    operator: str
    limit: float

    def is_met(self, values: Mapping[str, float | None]) -> bool:
        """Whether the condition holds; a metric that is not known yet meets none."""
        value = values.get(self.metric)
        return value is not None and _OPERATORS[self.operator](value, self.limit)


def parse_abort_rule(text: str) -> AbortRule:
    """Read a condition such as ``error_rate>20%`` or ``p99>2s``.

    Raises:
        UsageError: It is none.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--abort-on {text!r} is no condition", hint="write 'error_rate>20%' or 'p99>2s'"
        )
    metric, symbol, number, unit = match.groups()
    if metric not in METRICS:
        raise UsageError(
            f"--abort-on {text!r}: no metric {metric!r}", hint=f"use one of {', '.join(METRICS)}"
        )
    fits = {"%": metric == "error_rate", None: True}.get(unit, metric in TIMES)
    if not fits:
        raise UsageError(f"--abort-on {text!r}: {metric} is not measured in {unit}")
    return AbortRule(text, metric, symbol, float(number) * _FACTORS[unit])
