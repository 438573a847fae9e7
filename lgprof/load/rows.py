"""Tables of a load Profile: counts and latencies of all requests, the rest of the sample."""

from __future__ import annotations

from dataclasses import dataclass

from lgprof.analysis.build import Figures
from lgprof.load.messages import Baselined
from lgprof.load.tally import Key, Total
from lgprof.model import ModelRow, NodeRow, Tokens, ToolRow, Visits

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
    models = total.keys("model")
    known = {row.path: row for row in of_sample.nodes}
    nodes = [
        _node_row(path, total, known.get(path), baseline.nodes_s.get(path), requests)
        for _, path in total.keys("node")
    ]
    providers = {(row.node, row.model): row.provider for row in of_sample.models}
    tools = [*total.keys("tool"), *total.keys("retriever")]
    return LoadRows(
        nodes=sorted(nodes, key=lambda row: (-row.critical_s, -row.self_s, row.path)),
        models=sorted(
            (_model_row(key, total, providers) for key in models),
            key=lambda row: -row.calls * (row.latency_s.mean if row.latency_s else 0.0),
        ),
        tools=sorted(
            (_tool_row(key, total) for key in tools),
            key=lambda row: -row.calls * (row.latency_s.mean if row.latency_s else 0.0),
        ),
        llm_calls=sum(total.histogram(*key).total for key in models),
        tool_calls=sum(total.histogram(*key).total for key in total.keys("tool")),
        tokens=_tokens(total, models),
    )


def _node_row(
    path: str, total: Total, sample: NodeRow | None, unloaded_s: float | None, requests: int
) -> NodeRow:
    histogram = total.histogram("node", path)
    counts = total.counts.get(("node", path), {})
    models = [key for key in total.keys("model") if key[1] == path]
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
        barrier_wait_s=sample.barrier_wait_s if sample else 0.0,
        executor_queue_s=sample.executor_queue_s if sample else None,
        failed_attempts_s=sample.failed_attempts_s if sample else 0.0,
        backoff_s=sample.backoff_s if sample else 0.0,
        llm_calls=sum(total.histogram(*key).total for key in models),
        tokens=_tokens(total, models),
        reads=sample.reads if sample else None,
        writes=sample.writes if sample else None,
        histogram=histogram.encode(),
    )


def _model_row(key: Key, total: Total, providers: dict[tuple[str, str], str | None]) -> ModelRow:
    _, node, model = key
    histogram, counts = total.histogram(*key), total.counts.get(key, {})
    streaming_us = counts.get("streaming_us", 0)
    return ModelRow(
        node=node,
        model=model,
        provider=providers.get((node, model)),
        calls=histogram.total,
        errors=counts.get("errors", 0),
        tokens=_tokens(total, [key]),
        latency_s=histogram.summary(),
        time_to_first_token_s=total.histogram("first_token", node, model).summary(),
        output_tokens_per_s=counts["streamed_tokens"] / streaming_us * 1e6
        if streaming_us
        else None,
    )


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


def _tokens(total: Total, models: list[Key]) -> Tokens:
    sums: dict[str, int] = {}
    for key in models:
        counts = total.counts.get(key, {})
        for name in _TOKENS:
            if name in counts:
                sums[name] = sums.get(name, 0) + counts[name]
    return Tokens(**sums, estimated_share=0.0 if sums else None)
