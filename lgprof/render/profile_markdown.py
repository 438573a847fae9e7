"""``.md``: a Profile for a pull request: latency, where the time goes, nodes, cost, the graph."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.model import ATTRIBUTION_CATEGORIES, CATEGORY_LABELS, Profile
from lgprof.readable import count, duration, percent, plural, usd, whole_percent
from lgprof.render.graph_mermaid import graph_mermaid
from lgprof.render.markdown import escaped, table
from lgprof.render.terminal.text import clean

_MOST_NODES = 12
_LEAST_SHARE = 0.001


def profile_markdown(profile: Profile) -> str:
    """The Profile in GitHub's Markdown."""
    parts = [
        [f"### {_text(profile.target.name)}: {_headline(profile)}"],
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
        [CATEGORY_LABELS[name], duration(value), percent(value / total)]
        for name, value in sorted(seconds.items(), key=lambda item: -item[1])
        if value >= _LEAST_SHARE * total
    ]
    yield from table(["where the time goes, per request", "", "share"], rows)


def _nodes(profile: Profile) -> Iterator[str]:
    latency = profile.summary.latency_s
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
        ]
        for row in nodes
    ]
    if rows:
        yield from table(
            ["node", "critical path", "calls", "errors", "p50", "p95", "cost in all"], rows
        )


def _warnings(profile: Profile) -> Iterator[str]:
    for warning in profile.warnings:
        fix = f" {_text(warning.fix)}" if warning.fix else ""
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
