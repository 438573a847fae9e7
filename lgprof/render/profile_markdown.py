"""``.md``: a Profile for a pull request: latency, where the time goes, nodes, cost, the graph."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.analysis.slowdown import slowdown
from lgprof.model import ATTRIBUTION_CATEGORIES, Load, NodeRow, Profile
from lgprof.readable import count, duration, percent, plural, rate, usd, whole_percent
from lgprof.render.category_label import category_label
from lgprof.render.graph_mermaid import graph_mermaid
from lgprof.render.markdown import escaped, table
from lgprof.render.terminal.text import clean

_MOST_NODES = 12
_LEAST_SHARE = 0.001
_FATES = (
    "offered",
    "started",
    "completed",
    "failed",
    "timed_out",
    "cancelled",
    "dropped",
    "unsent",
)


def profile_markdown(profile: Profile) -> str:
    """The Profile in GitHub's Markdown."""
    parts = [
        [f"### {_text(profile.target.name)}: {_headline(profile)}"],
        list(_load(profile.load)),
        list(_latency(profile)),
        list(_attribution(profile)),
        list(_nodes(profile)),
        list(_warnings(profile)),
        list(_graph(profile)),
        [f"<sub>lgprof {profile.lgprof}, {_text(_environment(profile))}</sub>"],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _headline(profile: Profile) -> str:
    summary = profile.summary
    told = [plural(summary.requests, "request")]
    if summary.latency_s:
        told.append(f"p50 {duration(summary.latency_s.p50)}, p95 {duration(summary.latency_s.p95)}")
    if summary.failed or summary.timed_out:
        told.append(f"{percent(summary.error_rate)} failed")
    if summary.cost_usd.per_request is not None:
        told.append(f"{usd(summary.cost_usd.per_request.mean)} each")
    return ", ".join(told)


def _load(load: Load | None) -> Iterator[str]:
    """Whether the numbers can be trusted and the graph keeps up, and what became of arrivals."""
    if load is None:
        return
    reasons = "".join(f": {_text(reason)}" for reason in load.fidelity.reasons[:1])
    yield f"- the numbers: **{load.fidelity.verdict}**{reasons}"
    found = load.saturation
    if found is not None:
        finding = "saturated" if found.saturated else "near its limit"
        yield f"- the graph: **{finding}**: {_text(found.message)}"
    elif load.fidelity.verdict != "invalid":
        yield "- the graph: **keeps up**"
    yield ""
    fates = {name: getattr(load, name) for name in _FATES}
    counts = {name.replace("_", " "): count(found) for name, found in fates.items() if found}
    target = "closed model" if load.target_rps is None else f"{rate(load.target_rps)} offered"
    yield from table(["arrivals", *counts], [[target, *counts.values()]])


def _latency(profile: Profile) -> Iterator[str]:
    latency = profile.load.latency_s if profile.load else profile.summary.latency_s
    if latency is None:
        return
    values = {
        "p50": latency.p50,
        "p90": latency.p90,
        "p95": latency.p95,
        "p99": latency.p99,
        "max": latency.max,
        "mean": latency.mean,
    }
    yield from table(["latency", *values], [["", *map(duration, values.values())]])


def _attribution(profile: Profile) -> Iterator[str]:
    seconds = {name: getattr(profile.attribution_s, name) or 0.0 for name in ATTRIBUTION_CATEGORIES}
    total = sum(seconds.values())
    if total <= 0:
        return
    rows = [
        [
            category_label(profile, name),
            duration(value),
            percent(value / total),
        ]
        for name, value in sorted(seconds.items(), key=lambda item: -item[1])
        if value >= _LEAST_SHARE * total
    ]
    yield from table(["where the time goes, per request", "", "share"], rows)


def _nodes(profile: Profile) -> Iterator[str]:
    latency = profile.summary.latency_s if profile.load is None else profile.load.service_s
    nodes = sorted(profile.nodes, key=lambda row: -row.critical_s)[:_MOST_NODES]
    rows = [
        [
            _text(row.path),
            whole_percent(row.critical_s / latency.mean) if latency and latency.mean else "",
            count(row.calls),
            count(row.errors),
            duration(row.latency_s.p50) if row.latency_s else "",
            duration(row.latency_s.p95) if row.latency_s else "",
            usd(row.cost_usd) if row.cost_usd is not None else "",
            *_under_load(row, profile),
        ]
        for row in nodes
    ]
    if rows:
        more = ["unloaded", "why slower"] if profile.load else []
        yield from table(
            ["node", "critical path", "calls", "errors", "p50", "p95", "cost in all", *more], rows
        )


def _under_load(row: NodeRow, profile: Profile) -> list[str]:
    if profile.load is None:
        return []
    unloaded = "" if row.unloaded_s is None else duration(row.unloaded_s)
    return [unloaded, _text(slowdown(row, profile))]


def _warnings(profile: Profile) -> Iterator[str]:
    for warning in profile.warnings:
        fix = f": {_text(warning.fix)}" if warning.fix else ""
        yield f"- **{_text(warning.message)}**{fix}"


def _graph(profile: Profile) -> Iterator[str]:
    if profile.target.nodes:
        yield "<details><summary>Graph</summary>\n"
        yield f"```mermaid\n{graph_mermaid(profile)}```\n"
        yield "</details>"


def _environment(profile: Profile) -> str:
    where = profile.environment
    commit = f", commit {where.git_commit[:10]}" if where.git_commit else ""
    return f"Python {where.python}, LangGraph {where.langgraph}, {where.platform}{commit}"


def _text(text: str) -> str:
    """Text of the user's program, safe to show."""
    return escaped(clean(text))
