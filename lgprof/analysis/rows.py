"""The tables of a Profile, from its requests."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lgprof.analysis.attribution import BAD, BLOCKING_FROM_S, START_NODE
from lgprof.analysis.calls import NodeCalls
from lgprof.analysis.costs import calls_cost_usd, unpriced_calls
from lgprof.analysis.intervals import Tile, covered_s
from lgprof.analysis.tree import SpanTree, function_window
from lgprof.histogram import encode_seconds, histogram_of
from lgprof.model import (
    Attribution,
    CriticalPathRow,
    ErrorRow,
    LatencySummary,
    ModelRow,
    NodeRow,
    Request,
    Span,
    Tokens,
    ToolRow,
    Visits,
)
from lgprof.stats import mean, percentile

_TOKEN_COUNTS = tuple(name for name in Tokens.__struct_fields__ if name != "estimated_share")


def latency_summary(values_s: Iterable[float]) -> LatencySummary | None:
    """The distribution; None of no values."""
    ordered = sorted(values_s)
    if not ordered:
        return None
    p50, p90, p95, p99 = (percentile(ordered, q) for q in (50, 90, 95, 99))
    return LatencySummary(mean=mean(ordered), p50=p50, p90=p90, p95=p95, p99=p99, max=ordered[-1])


def sum_tokens(calls: Sequence[Span]) -> Tokens:
    """Tokens of all model calls; a count is None where no call reported it."""
    reported = [span.model.tokens for span in calls if span.model and span.model.tokens]
    sums = {
        name: sum(values) if (values := _known(reported, name)) else None for name in _TOKEN_COUNTS
    }
    return Tokens(**sums, estimated_share=_estimated_share(reported))


def chat_calls(calls: Iterable[Span]) -> int:
    """How many calls there are of language models, embedding models apart."""
    return sum(call.model is not None and call.model.kind == "chat" for call in calls)


def _estimated_share(known: list[Tokens]) -> float | None:
    """Share of all tokens that were not reported; None where no call's are known."""
    weights = [(tokens.input or 0) + (tokens.output or 0) for tokens in known]
    estimates = [tokens.estimated_share or 0.0 for tokens in known]
    estimated = sum(w * share for w, share in zip(weights, estimates, strict=True))
    return estimated / sum(weights) if any(weights) else 0.0 if known else None


def _known(reported: list[Tokens], name: str) -> list[int]:
    return [value for tokens in reported if (value := getattr(tokens, name)) is not None]


@dataclass(slots=True)
class _NodeSums:
    """All calls of one node."""

    calls: list[Span] = field(default_factory=list)
    attempts: list[Span] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    models: list[Span] = field(default_factory=list)
    visits: Counter[int] = field(default_factory=Counter)
    retries: int = 0
    timeouts: int = 0
    cache_hits: int = 0
    critical_s: float = 0.0
    self_s: float = 0.0
    barrier_wait_s: float = 0.0
    executor_queue_s: float = 0.0
    failed_attempts_s: float = 0.0
    backoff_s: float = 0.0


class RowBuilder:
    """Adds up requests into the rows of a Profile.

    Args:
        requests: All measured ones; counts are of all of them.
        tiles: The critical path of each request whose latency counts, by its index.
    """

    def __init__(self, requests: Sequence[Request], tiles: dict[int, list[Tile]]) -> None:
        self._requests = requests
        self._tiles = tiles
        self._nodes: dict[str, _NodeSums] = defaultdict(_NodeSums)
        self._models: dict[tuple[str, str], list[Span]] = defaultdict(list)
        self._tools: dict[tuple[str, str, str], list[Span]] = defaultdict(list)
        self._outer: dict[str, str] = {}
        """Path of the node around each node; "" at the top."""
        for request in requests:
            self._add(request)
        self._add_critical()

    def _add(self, request: Request) -> None:
        tree = SpanTree(request.spans)
        node_calls = NodeCalls(request, tree)
        for span in request.spans:
            if span.kind == "node" and span.name != START_NODE:
                self._add_node(span, request.index, tree, node_calls)
            elif span.kind == "model" and span.model is not None:
                self._models[span.path, span.model.name].append(span)
                self._nodes[span.path].models.append(span)
            elif span.kind in ("tool", "retriever"):
                self._tools[span.path, span.name, span.kind].append(span)
            elif span.kind == "cache" and span.hits:
                sums = self._nodes[span.path]
                sums.cache_hits += span.hits
                sums.visits[request.index] += span.hits
            elif span.kind == "graph":
                self._add_barriers(span, tree)

    def _add_node(self, node: Span, index: int, tree: SpanTree, node_calls: NodeCalls) -> None:
        sums = self._nodes[node.path]
        sums.calls.append(node)
        sums.visits[index] += 1
        start_s, end_s = node_calls.bounds(node)
        sums.latencies_s.append(end_s - start_s)
        sums.executor_queue_s += sum(end - start for start, end in node_calls.queues(node))
        self._outer[node.path] = node.path[: -len(node.name) - 1]
        attempts = tree.attempts(node)
        sums.retries += len(attempts) - 1
        now_s = node.start_s
        for attempt in attempts:
            sums.attempts.append(attempt)
            sums.backoff_s += max(0.0, attempt.start_s - now_s)
            now_s = attempt.end_s
            if attempt.outcome in BAD or attempt is not attempts[-1]:
                failed_from_s, failed_until_s = function_window(attempt)
                sums.failed_attempts_s += failed_until_s - failed_from_s
            sums.timeouts += attempt.outcome == "timed_out"
            sums.self_s += _self_s(attempt, tree)

    def _add_barriers(self, graph: Span, tree: SpanTree) -> None:
        for step in tree.supersteps(graph):
            barrier_s = max(node.end_s for node in step)
            for node in step:
                if node.name != START_NODE:
                    self._nodes[node.path].barrier_wait_s += barrier_s - node.end_s

    def _add_critical(self) -> None:
        for tiles in self._tiles.values():
            for tile in tiles:
                path = tile.path
                while path and path != START_NODE:
                    self._nodes[path].critical_s += tile.end_s - tile.start_s
                    path = self._outer.get(path, "")

    def nodes(self) -> list[NodeRow]:
        """One row per node, the one with most of the critical path first."""
        rows = [self._node_row(path, sums) for path, sums in self._nodes.items() if path]
        return sorted(rows, key=lambda row: (-row.critical_s, -row.self_s, row.path))

    def _node_row(self, path: str, sums: _NodeSums) -> NodeRow:
        count = len(self._requests)
        probed = [span for span in sums.attempts if span.work_start_s is not None]
        return NodeRow(
            path=path,
            calls=len(sums.calls),
            visits=Visits(
                mean=sum(sums.visits.values()) / count, max=max(sums.visits.values(), default=0)
            ),
            attempts=len(sums.attempts),
            errors=sum(span.outcome in BAD for span in sums.calls),
            retries=sums.retries,
            timeouts=sums.timeouts,
            cache_hits=sums.cache_hits,
            latency_s=latency_summary(sums.latencies_s),
            critical_s=sums.critical_s / max(1, len(self._tiles)),
            self_s=sums.self_s / count,
            cpu_s=sum(span.cpu_s or 0.0 for span in probed) / count if probed else None,
            blocking_s=sum(map(_blocking_s, probed)) / count if probed else None,
            longest_hold_s=max(map(_longest_hold_s, probed), default=None),
            barrier_wait_s=sums.barrier_wait_s / count,
            executor_queue_s=sums.executor_queue_s / count if probed else None,
            failed_attempts_s=sums.failed_attempts_s / count,
            backoff_s=sums.backoff_s / count,
            llm_calls=chat_calls(sums.models),
            tokens=sum_tokens(sums.models),
            cost_usd=calls_cost_usd(sums.models),
            reads=_reads(probed),
            writes=_writes(probed),
            histogram=encode_seconds(sums.latencies_s),
        )

    def models(self) -> list[ModelRow]:
        """One row per node and model, the slowest in sum first."""
        count = len(self._requests)
        rows = [
            _model_row(node, model, calls, count) for (node, model), calls in self._models.items()
        ]
        return sorted(rows, key=lambda row: -_total_s(row))

    def tools(self) -> list[ToolRow]:
        """One row per node and tool or retriever, the slowest in sum first."""
        rows = [
            ToolRow(
                node=node,
                tool=tool,
                kind="retriever" if kind == "retriever" else "tool",
                calls=len(calls),
                errors=_errors(calls),
                latency_s=latency_summary(span.end_s - span.start_s for span in calls),
            )
            for (node, tool, kind), calls in self._tools.items()
        ]
        return sorted(rows, key=lambda row: -_total_s(row))


def _total_s(row: ModelRow | ToolRow) -> float:
    return row.calls * row.latency_s.mean if row.latency_s else 0.0


def _errors(calls: list[Span]) -> int:
    return sum(span.outcome not in ("ok", "cancelled") for span in calls)


def _model_row(node: str, model: str, calls: list[Span], requests: int) -> ModelRow:
    facts = [span.model for span in calls if span.model]
    streamed = [
        (tokens.output, span.end_s - span.start_s - call.first_token_s)
        for span in calls
        if (call := span.model)
        and call.first_token_s is not None
        and (tokens := call.tokens)
        and tokens.output
    ]
    attempts = [call.attempts for call in facts if call.attempts]
    gaps = histogram_of(
        us * 1000 for call in facts for us, times in call.token_gaps_us or () for _ in range(times)
    )
    generating_s = sum(seconds for _, seconds in streamed)
    return ModelRow(
        node=node,
        model=model,
        provider=next((call.provider for call in facts if call.provider), None),
        kind=facts[0].kind,
        calls=len(calls),
        errors=_errors(calls),
        retries=sum(attempts) - len(attempts) if attempts else None,
        rate_limit_s=covered_s(stretch for span in calls for stretch in span.rate_limited or ())
        / requests,
        llm_cache_hits=sum(call.llm_cache_hit for call in facts),
        tokens=sum_tokens(calls),
        cost_usd=calls_cost_usd(calls),
        unpriced_calls=unpriced_calls(calls),
        latency_s=latency_summary(span.end_s - span.start_s for span in calls),
        time_to_first_token_s=latency_summary(
            call.first_token_s for call in facts if call.first_token_s is not None
        ),
        inter_token_s=gaps.summary(),
        output_tokens_per_s=sum(count for count, _ in streamed) / generating_s
        if generating_s > 0
        else None,
    )


def _self_s(attempt: Span, tree: SpanTree) -> float:
    """The attempt's function less the calls, graphs and tasks that ran in it."""
    start_s, end_s = function_window(attempt)
    inner = [
        (child.start_s, min(child.end_s, end_s))
        for child in tree.children.get(attempt.id, ())
        if child.kind != "router" and child.start_s < end_s
    ]
    return end_s - start_s - (covered_s(inner) if inner else 0.0)


def _blocking_s(attempt: Span) -> float:
    return sum(
        idle_s
        for segment in attempt.segments or ()
        if (idle_s := segment.wall_s - segment.cpu_s) > BLOCKING_FROM_S
    )


def _longest_hold_s(attempt: Span) -> float:
    return max((segment.wall_s for segment in attempt.segments or ()), default=0.0)


def _reads(attempts: list[Span]) -> list[str] | Literal["all"] | None:
    if any(span.reads is None and span.outcome == "ok" for span in attempts):
        return None
    seen = [span.reads for span in attempts if span.reads is not None]
    if not seen:
        return None
    keys = {key for reads in seen for key in reads}
    return "all" if "*" in keys else sorted(keys)


def _writes(attempts: list[Span]) -> list[str] | None:
    seen = [span.writes for span in attempts if span.writes is not None]
    return sorted({key for writes in seen for key in writes}) if seen else None


def attribution(tiles: Sequence[list[Tile]]) -> Attribution:
    """Mean seconds per request by category."""
    sums: Counter[str] = Counter()
    for request_tiles in tiles:
        for tile in request_tiles:
            sums[tile.category] += tile.end_s - tile.start_s  # type: ignore[assignment]
    return Attribution(**{name: total / len(tiles) for name, total in sums.items()})


def critical_path(tiles: Sequence[list[Tile]]) -> list[CriticalPathRow]:
    """The critical path's parts by node and category, the longest first."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for request_tiles in tiles:
        for tile in request_tiles:
            sums[tile.path, tile.category] += tile.end_s - tile.start_s
    total_s = math.fsum(sums.values())
    rows = [
        CriticalPathRow(path=path, kind=kind, share=part_s / total_s, mean_s=part_s / len(tiles))
        for (path, kind), part_s in sums.items()
        if part_s > 0
    ]
    return sorted(rows, key=lambda row: -row.mean_s)


def error_rows(requests: Sequence[Request]) -> list[ErrorRow]:
    """Errors that ended requests, the most frequent first."""
    counts = Counter(
        (request.error_type, request.error_node) for request in requests if request.error_type
    )
    return [
        ErrorRow(type=error_type, message=None, node=node, count=count)
        for (error_type, node), count in counts.most_common()
        if error_type
    ]
