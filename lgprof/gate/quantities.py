"""What is counted in a request: model calls, tokens, cost, of the whole and by node."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

from lgprof.gate.protocol import AskedModel, RequestRow
from lgprof.gate.times import Metric

LLM_CALLS = "llm_calls.per_request"
TOKENS_IN, TOKENS_OUT = "tokens.input.per_request", "tokens.output.per_request"
COST, ERRORS = "cost.per_request", "error_rate"
COUNTED = (COST, TOKENS_IN, TOKENS_OUT, LLM_CALLS)
"""In the order in which they are shown."""
UNITS = {COST: "USD", TOKENS_IN: "tokens", TOKENS_OUT: "tokens", LLM_CALLS: "count"}
"""Values of `lgprof.metrics.Unit`."""

CostOf = Callable[[AskedModel], float | None]
Counted = dict[Metric, float]


def counted(row: RequestRow, cost_of: CostOf) -> Counted:
    """All counts of a request; what is not known of any call is left out."""
    amounts: dict[Metric, list[float]] = defaultdict(list)
    amounts[Metric(LLM_CALLS)] = []
    for model in row.models:
        tokens = model.call.tokens
        found = {
            LLM_CALLS: 1,
            TOKENS_IN: tokens.input if tokens else None,
            TOKENS_OUT: tokens.output if tokens else None,
            COST: cost_of(model),
        }
        for name, value in found.items():
            if value is not None:
                amounts[Metric(name)].append(value)
                amounts[Metric(name, model.node)].append(value)
    # The sum is the same in whatever order calls side by side have ended.
    return {metric: math.fsum(values) for metric, values in amounts.items()}
