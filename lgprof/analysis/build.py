"""From requests with spans to the figures of a Profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lgprof.analysis.attribution import attribute
from lgprof.analysis.collector import collector_paused
from lgprof.analysis.costs import summed_cost
from lgprof.analysis.intervals import Tile
from lgprof.analysis.rows import (
    RowBuilder,
    attribution,
    chat_calls,
    critical_path,
    error_rows,
    latency_summary,
    sum_tokens,
)
from lgprof.histogram import encode_seconds
from lgprof.model import (
    Attribution,
    CriticalPathRow,
    ErrorRow,
    ModelRow,
    NodeRow,
    Request,
    Summary,
    ToolRow,
)
from lgprof.stats import mean


@dataclass(frozen=True, slots=True)
class Process:
    """What was seen of the process as a whole."""

    cold_s: float | None
    warmup: int
    concurrency: int
    peak_rss_bytes: int | None
    rss_growth_bytes: int | None
    sees_rate_limits: bool = False
    """Whether waits for rate limits were recorded."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The parts of a Profile that follow from its requests."""

    summary: Summary
    attribution_s: Attribution
    nodes: list[NodeRow]
    models: list[ModelRow]
    tools: list[ToolRow]
    errors: list[ErrorRow]
    critical_path: list[CriticalPathRow]


@collector_paused()
def figures(requests: Sequence[Request], process: Process) -> Figures:
    """Work out every table and sum.

    Latency and attribution are of successful and timed-out requests (a hang must not improve
    them); counts are of all.
    """
    counted = [request for request in requests if request.outcome in ("ok", "timed_out")]
    tiles = {request.index: attribute(request) for request in counted}
    rows = RowBuilder(requests, tiles)
    return Figures(
        summary=_summary(requests, counted, process),
        attribution_s=_attribution(list(tiles.values()), process),
        nodes=rows.nodes(),
        models=rows.models(),
        tools=rows.tools(),
        errors=error_rows(requests),
        critical_path=critical_path(list(tiles.values())),
    )


def _attribution(tiles: list[list[Tile]], process: Process) -> Attribution:
    made = attribution(tiles)
    if process.sees_rate_limits:
        made.rate_limit = made.rate_limit or 0.0
    return made


def _summary(requests: Sequence[Request], counted: Sequence[Request], process: Process) -> Summary:
    outcomes = [request.outcome for request in requests]
    failed, timed_out = outcomes.count("failed"), outcomes.count("timed_out")
    latencies_s = [request.latency_s for request in counted]
    models = [span for request in requests for span in request.spans if span.kind == "model"]
    cpu_s = [request.cpu_s for request in requests if request.cpu_s is not None]
    return Summary(
        requests=len(requests),
        succeeded=outcomes.count("ok"),
        failed=failed,
        timed_out=timed_out,
        cancelled=outcomes.count("cancelled"),
        error_rate=(failed + timed_out) / len(requests) if requests else 0.0,
        latency_s=latency_summary(latencies_s),
        failed_latency_s=latency_summary(
            request.latency_s for request in requests if request.outcome == "failed"
        ),
        cold_s=process.cold_s,
        warmup=process.warmup,
        throughput_rps=_throughput_rps(requests),
        concurrency=process.concurrency,
        llm_calls=chat_calls(models),
        tool_calls=sum(span.kind == "tool" for request in requests for span in request.spans),
        cpu_s=mean(cpu_s) if cpu_s else None,
        peak_rss_bytes=process.peak_rss_bytes,
        rss_growth_bytes=process.rss_growth_bytes,
        tokens=sum_tokens(models),
        cost_usd=summed_cost(requests),
        histogram=encode_seconds(latencies_s),
    )


def _throughput_rps(requests: Sequence[Request]) -> float:
    completed = [request for request in requests if request.outcome != "cancelled"]
    if not completed:
        return 0.0
    elapsed_s = max(request.end_s for request in completed) - min(
        request.start_s for request in completed
    )
    return len(completed) / elapsed_s if elapsed_s > 0 else 0.0
