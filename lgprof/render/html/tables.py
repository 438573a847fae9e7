"""The rows of the tables: nodes, models, tools, costs, errors, workers, advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from lgprof.analysis.slowdown import factor, slowdown
from lgprof.model import (
    Advice,
    LatencySummary,
    MeasuredSaving,
    ModelRow,
    NodeRow,
    Profile,
    Saving,
    ToolRow,
)
from lgprof.render.html.encoding import Names, number


def nodes(profile: Profile, names: Names) -> list[dict[str, Any]]:
    """One row per node, those with most of the critical path first."""
    rows = sorted(profile.nodes, key=lambda row: (-row.critical_s, row.path))
    return [_node(profile, row, names) for row in rows]


def _node(profile: Profile, row: NodeRow, names: Names) -> dict[str, Any]:
    latency = profile.summary.latency_s if profile.load is None else profile.load.service_s
    share = row.critical_s / latency.mean if latency and latency.mean > 0 else None
    found = {
        "path": names.of(row.path),
        "share": number(None if share is None else min(share, 1.0)),
        "calls": row.calls,
        "visits": [number(row.visits.mean), row.visits.max],
        "attempts": row.attempts,
        "errors": row.errors,
        "timeouts": row.timeouts,
        "cached": row.cache_hits,
        "cpu": number(row.cpu_s),
        "blocking": number(row.blocking_s),
        "hold": number(row.longest_hold_s),
        "barrier": number(row.barrier_wait_s),
        "queue": number(row.executor_queue_s),
        "backoff": number(row.backoff_s),
        "cost": number(row.cost_usd),
        "reads": _keys(row.reads, names),
        "writes": _keys(row.writes, names),
        **_latency(row.latency_s),
    }
    if profile.load is not None:
        found["unloaded"], found["factor"] = number(row.unloaded_s), number(factor(row))
        found["why"] = slowdown(row, profile)
    return found


def _keys(keys: Sequence[str] | Literal["all"] | None, names: Names) -> list[str] | str | None:
    if keys is None or isinstance(keys, str):
        return keys
    return [names.of(key) for key in keys]


def _latency(latency: LatencySummary | None) -> dict[str, Any]:
    return {
        name: number(getattr(latency, name)) if latency else None
        for name in ("p50", "p95", "p99", "max")
    }


def models(profile: Profile, names: Names) -> list[dict[str, Any]]:
    """One row per model and node that called it, with tokens and cost."""
    rows = sorted(profile.models, key=lambda row: (-_total_s(row), row.node, row.model))
    total_usd = profile.summary.cost_usd.total
    return [
        {
            "node": names.of(row.node),
            "model": names.of(row.model),
            "calls": row.calls,
            "errors": row.errors,
            "input": row.tokens.input,
            "cacheRead": row.tokens.cache_read,
            "output": row.tokens.output,
            "reasoning": row.tokens.reasoning,
            "cost": number(row.cost_usd),
            "share": number(row.cost_usd / total_usd)
            if total_usd and row.cost_usd is not None
            else None,
            "firstToken": number(row.time_to_first_token_s.p50)
            if row.time_to_first_token_s
            else None,
            "speed": number(row.output_tokens_per_s),
            **_latency(row.latency_s),
        }
        for row in rows
    ]


def _total_s(row: ModelRow | ToolRow) -> float:
    return row.latency_s.mean * row.calls if row.latency_s else 0.0


def tools(profile: Profile, names: Names) -> list[dict[str, Any]]:
    """One row per tool or retriever and node that called it."""
    rows = sorted(profile.tools, key=lambda row: (-_total_s(row), row.node, row.tool))
    return [
        {
            "tool": names.of(row.tool),
            "kind": row.kind,
            "node": names.of(row.node),
            "calls": row.calls,
            "errors": row.errors,
            **_latency(row.latency_s),
        }
        for row in rows
    ]


def errors(profile: Profile, names: Names) -> list[dict[str, Any]]:
    """What ended requests, the most frequent first."""
    started = profile.load.started if profile.load else profile.summary.requests
    return [
        {
            "type": names.of(row.type),
            "message": names.of(row.message.partition("\n")[0]) if row.message else None,
            "node": names.of(row.node) if row.node is not None else None,
            "count": row.count,
            "share": number(row.count / started) if started else None,
        }
        for row in sorted(profile.errors, key=lambda row: -row.count)
    ]


def workers(profile: Profile, names: Names) -> list[dict[str, Any]]:
    """The processes of a load test; none in a run."""
    found = profile.load.workers if profile.load else []
    started = sum(worker.started for worker in found)
    return [
        {
            "worker": place,
            "host": names.of(worker.host),
            "started": worker.started,
            "share": number(worker.started / started) if started else None,
            "cpu": number(worker.cpu_share),
            "memory": worker.peak_rss_bytes,
            "lost": worker.lost,
        }
        for place, worker in enumerate(found, 1)
    ]


def advice(profile: Profile, names: Names) -> list[dict[str, Any]]:
    """What to change, in the order that it was ranked."""
    return [_advice(each, names) for each in profile.advice]


def _advice(each: Advice, names: Names) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "nodes": [names.of(node) for node in each.nodes],
        "title": names.of(each.title),
        "why": names.of(each.why),
        "change": each.change,
        "status": each.status,
        "reasons": [names.of(reason) for reason in each.reasons],
        "evidence": [place.split("/", 1) for place in each.evidence if "/" in place],
        "saving": _saving(each.saving),
        "measured": _measured(each.measured),
    }


def _saving(saving: Saving | None) -> dict[str, Any] | None:
    if saving is None:
        return None
    return {
        "p50": number(saving.p50_s),
        "p95": number(saving.p95_s),
        "mean": number(saving.mean_s),
        "ci": [number(bound) for bound in saving.mean_ci_s],
        "share": number(saving.share),
        "usd": number(saving.usd_per_1k_requests),
    }


def _measured(measured: MeasuredSaving | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    return {
        "mean": number(measured.mean_s),
        "ci": [number(bound) for bound in measured.mean_ci_s],
        "error": number(measured.prediction_error),
        "control": number(measured.control_error),
        "equal": measured.outputs_equal,
        "inputs": measured.inputs,
    }
