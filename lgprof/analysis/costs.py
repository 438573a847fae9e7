"""Prices model calls, and adds up what requests, nodes and models cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lgprof.llm.prices import Prices, PriceSource
from lgprof.model import Cost, CostDistribution, Request, Span
from lgprof.stats import mean, percentile

_LOST = ("failed", "timed_out")


def price_calls(requests: Sequence[Request], prices: Prices) -> PriceSource | None:
    """Note its cost with every model call whose usage and price are known.

    Returns:
        Where listed prices come from; None without a model call.
    """
    called = False
    for request in requests:
        for span in request.spans:
            if span.model is not None:
                called = True
                span.model.cost_usd = prices.cost_usd(span.model, span.name)
    return prices.source() if called else None


def calls_cost_usd(calls: Iterable[Span]) -> float | None:
    """What model calls cost; None where the cost of none is known."""
    known = [call.model.cost_usd for call in calls if call.model]
    costs = [cost for cost in known if cost is not None]
    return math.fsum(costs) if costs else None


def unpriced_calls(calls: Iterable[Span]) -> int:
    """How many calls may have cost more than nothing, and it is not known what.

    An error that tells no usage is a refusal, which no provider bills.
    """
    return sum(
        call.model is not None
        and call.model.cost_usd is None
        and not (call.outcome == "failed" and call.model.tokens is None)
        for call in calls
    )


def request_cost_usd(request: Request) -> float | None:
    """What a request cost: 0 without a model call; None where the cost of no call is known."""
    calls = _model_calls(request)
    return calls_cost_usd(calls) if calls else 0.0


def summed_cost(requests: Sequence[Request]) -> Cost:
    """The bill of all requests."""
    calls = [call for request in requests for call in _model_calls(request)]
    total = calls_cost_usd(calls)
    cost = Cost(total=total, unpriced_calls=unpriced_calls(calls))
    if total is not None:
        each = sorted(request_cost_usd(request) or 0.0 for request in requests)
        cost.per_request = CostDistribution(
            mean=mean(each), p50=percentile(each, 50), p95=percentile(each, 95), max=each[-1]
        )
        lost = [request for request in requests if request.outcome in _LOST]
        spent = [request_cost_usd(request) for request in lost]
        known = [cost_usd for cost_usd in spent if cost_usd is not None]
        cost.failed_attempts = math.fsum(map(_in_failed_attempts_usd, requests))
        cost.failed_requests = math.fsum(known) if known or not lost else None
    return cost


def _in_failed_attempts_usd(request: Request) -> float:
    """What model calls cost in attempts that came to nothing."""
    spans = {span.id: span for span in request.spans}
    failed: dict[int | None, bool] = {None: False}

    def is_lost(span_id: int | None) -> bool:
        if span_id not in failed:
            span = spans.get(span_id or 0)
            failed[span_id] = span is not None and (
                (span.kind == "attempt" and span.outcome in _LOST) or is_lost(span.parent)
            )
        return failed[span_id]

    return math.fsum(
        call.model.cost_usd or 0.0
        for call in _model_calls(request)
        if call.model and is_lost(call.parent)
    )


def _model_calls(request: Request) -> list[Span]:
    return [span for span in request.spans if span.model is not None]
