"""Conditions on metrics, as budgets and load tests' ``--abort-on`` write them.

    condition  = metric comparison quantity
    comparison = "<" | "<=" | ">" | ">=" | "=="
    quantity   = ["$"] number [unit]
    unit       = "ns" | "us" | "ms" | "s" | "m" | "min" | "h"    times; seconds where none stands
               | "%"                                             shares; of 1 where none stands
               | "usd" | "USD"                                   money
               | "B" | "kB" | "MB" | "GB" | "KiB" | "MiB" | "GiB"
               | "rps" | "/s"                                    rates
               | "k" | "M"                                       counts and tokens

The grammar of a metric is in `lgprof.metrics.naming`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lgprof.errors import UsageError
from lgprof.metrics.naming import Metric, parse_metric
from lgprof.metrics.units import parse_quantity

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
_CONDITION = re.compile(r"""((?:"[^"]*"|'[^']*'|[^<>=!"'])+)(<=|>=|==|<|>)(.*)""", re.DOTALL)
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Condition:
    """A metric, what it is compared with, and how; ``text`` is as written."""

    text: str
    metric: Metric
    comparison: str
    limit: float
    """In the metric's own unit."""

    def holds(self, value: float) -> bool:
        """Whether a value of the metric meets the condition."""
        if self.comparison == "==":
            return abs(value - self.limit) <= _CLOSE * max(abs(value), abs(self.limit))
        return _OPERATORS[self.comparison](value, self.limit)

    @property
    def is_upper(self) -> bool:
        """Whether values from some point on break it."""
        return self.comparison in ("<", "<=")


def parse_condition(
    text: str, what: str, example: str, *, among: Sequence[str] | None = None
) -> Condition:
    """Read a condition such as ``p95<2s``.

    Args:
        text: As written.
        what: The option or setting it stands in, for messages.
        example: What to write instead where it is none.
        among: The metrics that are known, as they are written; None for all.

    Raises:
        UsageError: It is none, names no metric, or has a unit that does not fit.
    """
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{what} {text!r} is no condition", hint=f"write {example}")
    name, comparison, quantity = match.groups()
    if among is not None and name.strip() not in among:
        raise UsageError(
            f"{what} {text!r}: no metric {name.strip()!r}", hint=f"use one of {', '.join(among)}"
        )
    try:
        metric = parse_metric(name)
    except UsageError as error:
        raise UsageError(f"{what} {text!r}: {error.message}", hint=error.hint) from None
    limit = parse_quantity(quantity, metric.unit, f"{what} {text!r}: {name.strip()}")
    return Condition(text.strip(), metric, comparison, limit)
