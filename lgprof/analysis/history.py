"""From Profiles to a history, and from a history to its trends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from lgprof.analysis.change_points import Step, change_points
from lgprof.metrics import Metric, Unit, measures, parse_metric
from lgprof.model import ChangePoint, History, HistoryEntry, Profile, Trend

USUAL = (
    *("p50", "p95", "error_rate", "cost.per_request", "llm_calls.per_request"),
    *("tokens.input.per_request", "tokens.output.per_request"),
)
"""Metrics that are shown where none are named."""
_OF_NODES = ("p50", "p95", "calls.per_request", "cost.per_request", "errors.per_request")
_PER_REQUEST = ("llm_calls", "tool_calls", "tokens.input", "tokens.output")
_EXACT = {Unit.COUNT, Unit.TOKENS, Unit.USD}
_LEAST_CHANGE = 0.05
_FAMILY = 8
"""A series without a change seems to have one in 1 % of the histories that show so many metrics."""
_ENVIRONMENT = ("python", "langgraph", "langchain_core", "cpu_count", "platform", "prices_date")


def history_entry(profile: Profile) -> HistoryEntry:
    """The summary of a Profile: every metric of the whole, and a few of each node."""
    environment = msgspec.to_builtins(profile.environment)
    return HistoryEntry(
        created=profile.created,
        kind=profile.kind,
        target=profile.target.spec,
        inputs_sha256=profile.target.inputs.sha256,
        requests=profile.summary.requests,
        target_rps=profile.load.target_rps if profile.load else None,
        environment=environment,
        metrics=dict(_values(profile)),
    )


def _values(profile: Profile) -> Iterator[tuple[str, float]]:
    names = [*measures("graph"), *(f"{name}.per_request" for name in _PER_REQUEST)]
    metrics = [parse_metric(name) for name in names]
    for node in profile.nodes:
        for name in _OF_NODES:
            total = name.removesuffix(".per_request")
            measure = measures("node")[total]
            metrics.append(Metric(measure, node.path, per_request=total != name))
    for metric in metrics:
        value = metric.value(profile)
        if value is not None:
            yield metric.name, value


def read_history(entries: Sequence[HistoryEntry], metrics: Sequence[Metric]) -> History:
    """The trends of the newest entry's target, inputs and kind.

    Args:
        entries: In the order of the file; at least one.
        metrics: Which; none for the usual ones.

    Raises:
        ValueError: There is no entry.
    """
    if not entries:
        raise ValueError("an empty history")
    newest = entries[-1]
    alike = [entry for entry in entries if _kind_of(entry) == _kind_of(newest)]
    alike.sort(key=lambda entry: entry.created)
    chosen = metrics or [parse_metric(name) for name in USUAL]
    trends = [_trend(alike, metric) for metric in chosen]
    return History(
        target=newest.target,
        kind=newest.kind,
        created=[entry.created for entry in alike],
        commits=[entry.environment.get("git_commit") for entry in alike],
        trends=[trend for trend in trends if any(value is not None for value in trend.values)],
        left_out=len(entries) - len(alike),
    )


def _kind_of(entry: HistoryEntry) -> tuple[Any, ...]:
    return entry.kind, entry.target, entry.inputs_sha256, entry.target_rps


def _trend(entries: Sequence[HistoryEntry], metric: Metric) -> Trend:
    values = [entry.metrics.get(metric.name) for entry in entries]
    known = [index for index, value in enumerate(values) if value is not None]
    found = change_points(
        [value for value in values if value is not None],
        least_change=_LEAST_CHANGE,
        exact=metric.unit in _EXACT,
        alpha=0.01 / _FAMILY,
    )
    return Trend(
        metric=metric.name,
        unit=metric.unit.value,
        values=values,
        changes=[_point(step, known, entries) for step in found],
    )


def _point(step: Step, known: Sequence[int], entries: Sequence[HistoryEntry]) -> ChangePoint:
    index = known[step.place]
    before, now = entries[index - 1].environment, entries[index].environment
    return ChangePoint(
        index=index,
        before=step.before,
        after=step.after,
        change=step.after / step.before - 1 if step.before else None,
        certain=step.certain,
        with_environment=[
            f"{name} {before.get(name)}, now {now.get(name)}"
            for name in _ENVIRONMENT
            if before.get(name) != now.get(name)
        ],
    )
