"""What is counted in a request: model calls, tokens, cost, steps, of the whole and by node.

The names are those of the metrics, without ``.per_request``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from lgprof.analysis.attribution import START_NODE
from lgprof.analysis.tree import SpanTree
from lgprof.model import ModelCall, Request, Span

TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")


class Counted(NamedTuple):
    """Something that is counted."""

    metric: str
    node: str | None = None


def counts_of(request: Request) -> dict[Counted, float]:
    """All counts of a request; what is not known of any call is left out."""
    sums: dict[Counted, float] = defaultdict(float)
    for metric in ("llm_calls", "tool_calls"):
        sums[Counted(metric)] = 0.0
    tree = SpanTree(request.spans)
    sums[Counted("steps")] = sum(len(tree.supersteps(root)) for root in tree.roots)
    for span in request.spans:
        for metric, amount in _of_span(span):
            if span.kind in ("model", "tool"):
                sums[Counted(metric)] += amount
            sums[Counted(metric, span.path)] += amount
    return {key: sum_ for key, sum_ in sums.items() if key.node != START_NODE}


def _of_span(span: Span) -> Iterator[tuple[str, float]]:
    if span.kind == "node":
        yield "calls", 1
        yield "errors", span.outcome in ("failed", "timed_out")
    elif span.kind == "attempt":
        yield "attempts", 1
    elif span.kind == "tool":
        yield "tool_calls", 1
    elif span.model is not None:
        yield "llm_calls", 1
        yield from _spent(span.model)


def _spent(call: ModelCall) -> Iterator[tuple[str, float]]:
    for field in TOKENS:
        amount = getattr(call.tokens, field) if call.tokens is not None else None
        if amount is not None:
            yield f"tokens.{field}", amount
    if call.cost_usd is not None:
        yield "cost", call.cost_usd
