"""Tables of a load Profile: counts and latencies of all requests, the rest of the sample."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from lgprof.analysis.build import Figures
from lgprof.load.messages import Baselined
from lgprof.load.tally import COST_STEP_PUSD, PUSD, Key, Total
from lgprof.model import (
    Cost,
    CostDistribution,
    ModelRow,
    NodeRow,
    PromptCache,
    Tokens,
    ToolRow,
    Visits,
)

_TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")


@dataclass(frozen=True, slots=True)
class LoadRows:
    """The tables, with sums over all requests."""

    nodes: list[NodeRow]
    models: list[ModelRow]
    tools: list[ToolRow]
    llm_calls: int
    tool_calls: int
    tokens: Tokens


def all_rows(total: Total, of_sample: Figures, baseline: Baselined, requests: int) -> LoadRows:
    """Merge what was counted of all requests with what the sample tells.

    Args:
        total: Counts and histograms of all requests.
        of_sample: The figures of the uniform sample.
        baseline: Latencies without load.
        requests: How many requests ended.
    """
    models = _model_keys(total)
    known = {row.path: row for row in of_sample.nodes}
    nodes = [
        _node_row(path, total, known.get(path), baseline.nodes_s.get(path), requests)
        for _, path in total.keys("node")
    ]
    samples = {(row.node, row.model): row for row in of_sample.models}
    tools = [*total.keys("tool"), *total.keys("retriever")]
    return LoadRows(
        nodes=sorted(nodes, key=lambda row: (-row.critical_s, -row.self_s, row.path)),
        models=sorted(
            (_model_row(key, total, samples.get((key[1], key[2]))) for key in models),
            key=lambda row: -row.calls * (row.latency_s.mean if row.latency_s else 0.0),
        ),
        tools=sorted(
            (_tool_row(key, total) for key in tools),
            key=lambda row: -row.calls * (row.latency_s.mean if row.latency_s else 0.0),
        ),
        llm_calls=_chat_calls(total, models),
        tool_calls=sum(total.histogram(*key).total for key in total.keys("tool")),
        tokens=_tokens(total, models),
    )


def _node_row(
    path: str, total: Total, sample: NodeRow | None, unloaded_s: float | None, requests: int
) -> NodeRow:
    histogram = total.histogram("node", path)
    counts = total.counts.get(("node", path), {})
    models = [key for key in _model_keys(total) if key[1] == path]
    calls, retries = histogram.total, counts.get("retries", 0)
    return NodeRow(
        path=path,
        calls=calls,
        visits=Visits(mean=calls / max(1, requests), max=counts.get("most_visits", 1)),
        attempts=calls + retries,
        errors=counts.get("errors", 0),
        retries=retries,
        timeouts=counts.get("timeouts", 0),
        cache_hits=sample.cache_hits if sample else 0,
        latency_s=histogram.summary(),
        unloaded_s=unloaded_s,
        critical_s=sample.critical_s if sample else 0.0,
        self_s=sample.self_s if sample else 0.0,
        cpu_s=sample.cpu_s if sample else None,
        blocking_s=sample.blocking_s if sample else None,
        longest_hold_s=sample.longest_hold_s if sample else None,
        barrier_wait_s=sample.barrier_wait_s if sample else 0.0,
        executor_queue_s=sample.executor_queue_s if sample else None,
        failed_attempts_s=sample.failed_attempts_s if sample else 0.0,
        backoff_s=sample.backoff_s if sample else 0.0,
        llm_calls=_chat_calls(total, models),
        tokens=_tokens(total, models),
        cost_usd=cost_usd(total, models),
        reads=sample.reads if sample else None,
        writes=sample.writes if sample else None,
        histogram=histogram.encode(),
    )


def _model_row(key: Key, total: Total, sample: ModelRow | None) -> ModelRow:
    kind, node, model = key
    histogram, counts = total.histogram(*key), total.counts.get(key, {})
    streaming_us = counts.get("streaming_us", 0)
    row = ModelRow(
        node=node,
        model=model,
        provider=sample.provider if sample else None,
        kind="embedding" if kind == "embedding" else "chat",
        calls=histogram.total,
        errors=counts.get("errors", 0),
        retries=counts.get("retries", 0) if counts.get("seen") else None,
        rate_limit_s=sample.rate_limit_s if sample else None,
        llm_cache_hits=counts.get("llm_cache_hits", 0),
        tokens=_tokens(total, [key]),
        cost_usd=cost_usd(total, [key]),
        unpriced_calls=counts.get("unpriced", 0),
        latency_s=histogram.summary(),
        time_to_first_token_s=total.histogram("first_token", node, model).summary(),
        inter_token_s=total.histogram("inter_token", node, model).summary(),
        output_tokens_per_s=counts["streamed_tokens"] / streaming_us * 1e6
        if streaming_us
        else None,
    )
    if sample is not None and sample.prompt_cache is not None:
        row.prompt_cache = _of_all(sample.prompt_cache, histogram.total / sample.calls)
        row.input_growth_tokens = sample.input_growth_tokens
    return row


def _of_all(sampled: PromptCache, times: float) -> PromptCache:
    """Shares are those of the sample; money is of all calls."""
    return msgspec.structs.replace(
        sampled,
        saving_usd=_times(sampled.saving_usd, times),
        reordered_saving_usd=_times(sampled.reordered_saving_usd, times),
        diverging_calls=round(sampled.diverging_calls * times),
    )


def _times(dollars: float | None, times: float) -> float | None:
    return None if dollars is None else dollars * times


def _tool_row(key: Key, total: Total) -> ToolRow:
    kind, node, tool = key
    histogram = total.histogram(*key)
    return ToolRow(
        node=node,
        tool=tool,
        kind="retriever" if kind == "retriever" else "tool",
        calls=histogram.total,
        errors=total.counts.get(key, {}).get("errors", 0),
        latency_s=histogram.summary(),
    )


def _model_keys(total: Total) -> list[Key]:
    return [*total.keys("model"), *total.keys("embedding")]


def _chat_calls(total: Total, models: list[Key]) -> int:
    return sum(total.histogram(*key).total for key in models if key[0] == "model")


def _tokens(total: Total, models: list[Key]) -> Tokens:
    sums: dict[str, int] = {}
    estimated = 0
    for key in models:
        counts = total.counts.get(key, {})
        estimated += counts.get("estimated", 0)
        for name in _TOKENS:
            if name in counts:
                sums[name] = sums.get(name, 0) + counts[name]
    counted = sums.get("input", 0) + sums.get("output", 0)
    share = estimated / counted if counted else 0.0 if sums else None
    return Tokens(**sums, estimated_share=share)


def cost_usd(total: Total, models: list[Key]) -> float | None:
    """What calls of some models cost; None where the cost of none is known."""
    counts = [total.counts.get(key, {}) for key in models]
    if not any(found.get("priced") for found in counts):
        return None
    return sum(found.get("cost_pusd", 0) for found in counts) / PUSD


def bill(total: Total) -> Cost:
    """The bill of all requests."""
    models = _model_keys(total)
    counts = total.counts.get(("bill",), {})
    each = total.histogram("cost")
    cost = Cost(
        total=cost_usd(total, models),
        unpriced_calls=sum(total.counts.get(key, {}).get("unpriced", 0) for key in models),
    )
    if cost.total is not None and each.total:
        usd_per_s = COST_STEP_PUSD * 1e9 / PUSD
        p50, p95, most = (value_s * usd_per_s for value_s in each.percentiles_s((50, 95, 100)))
        cost.per_request = CostDistribution(
            mean=cost.total / each.total, p50=p50, p95=p95, max=most
        )
        cost.failed_requests = counts.get("lost_pusd", 0) / PUSD
        cost.failed_attempts = counts.get("retried_pusd", 0) / PUSD
    return cost
