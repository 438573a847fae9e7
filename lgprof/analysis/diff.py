"""Two Profiles side by side: structure first, then the whole, then node by node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from lgprof.analysis.attribution import START_NODE
from lgprof.analysis.calls import NodeCalls
from lgprof.analysis.change import MeanChange, change_of_mean, change_of_percentile
from lgprof.analysis.comparability import are_paired, caveats
from lgprof.analysis.counted import Counted, counts_of
from lgprof.analysis.tree import SpanTree
from lgprof.metrics import Metric, Scope, measures
from lgprof.model import (
    Change,
    Profile,
    ProfileDiff,
    Request,
    RowChanges,
    Side,
    StructureChange,
)
from lgprof.stats import mean

_PER_REQUEST = ".per_request"
_GRAPH = (
    *("p50", "p95", "mean", "error_rate", "cost.per_request"),
    *("tokens.input.per_request", "tokens.output.per_request", "llm_calls.per_request"),
    *("tool_calls.per_request", "cpu", "throughput_rps", "peak_rss"),
)
_NODE = (
    *("calls.per_request", "mean", "p95", "critical", "cpu", "errors.per_request"),
    *("llm_calls.per_request", "tokens.input.per_request", "tokens.output.per_request"),
    "cost.per_request",
)
_MODEL = (
    *("calls.per_request", "mean", "tokens.input.per_request", "tokens.output.per_request"),
    "cost.per_request",
)
_TOOL = ("calls.per_request", "mean", "errors.per_request")
_MORE_CALLS = 1e-9


@dataclass(frozen=True)
class _Samples:
    """Values of each request of a run, by its index."""

    profile: Profile

    @cached_property
    def _requests(self) -> list[Request]:
        if self.profile.kind != "run":
            return []  # a load keeps a sample, and its requests depend on one another
        return [request for request in self.profile.requests if request.outcome == "ok"]

    @cached_property
    def latency(self) -> dict[int, float]:
        return {request.index: request.latency_s for request in self._requests}

    @cached_property
    def cpu(self) -> dict[int, float]:
        return {r.index: r.cpu_s for r in self._requests if r.cpu_s is not None}

    @cached_property
    def counts(self) -> dict[Counted, dict[int, float]]:
        found: dict[Counted, dict[int, float]] = defaultdict(dict)
        by_request = {request.index: counts_of(request) for request in self._requests}
        keys = {key for counts in by_request.values() for key in counts}
        for index, counts in by_request.items():
            for key in keys:
                found[key][index] = counts.get(key, 0.0)
        return found

    @cached_property
    def node_seconds(self) -> dict[str, dict[int, float]]:
        """Mean of a node's calls in each request that called it."""
        found: dict[str, dict[int, float]] = defaultdict(dict)
        for request in self._requests:
            calls = NodeCalls(request, SpanTree(request.spans))
            lasted: dict[str, list[float]] = defaultdict(list)
            for span in request.spans:
                if span.kind == "node" and span.name != START_NODE:
                    start_s, end_s = calls.bounds(span)
                    lasted[span.path].append(end_s - start_s)
            for path, seconds in lasted.items():
                found[path][request.index] = mean(seconds)
        return found


def diff_profiles(base: Profile, new: Profile) -> ProfileDiff:
    """Compare two Profiles.

    The intervals are of the scatter between the requests of these two processes. They know nothing
    of what differs between processes, hours and machines.
    """
    return _Comparison(base, new).diff()


class Compared(NamedTuple):
    """Two Profiles and what differs: all that a renderer of a diff may show."""

    base: Profile
    new: Profile
    diff: ProfileDiff


class _Comparison:
    def __init__(self, base: Profile, new: Profile) -> None:
        self._profiles = (base, new)
        self._samples = (_Samples(base), _Samples(new))
        self._paired = are_paired(base, new)

    def diff(self) -> ProfileDiff:
        base, new = self._profiles
        nodes = self._rows("node", _NODE)
        nodes.sort(key=_seconds_moved, reverse=True)
        attribution = [name for name in measures("graph") if name.startswith("attribution.")]
        return ProfileDiff(
            base=_side(base),
            new=_side(new),
            paired=self._paired,
            caveats=caveats(base, new),
            structure=self._structure(nodes),
            graph=_known(self._change(Metric(*_parsed("graph", name))) for name in _GRAPH),
            attribution=_known(self._change(Metric(measures("graph")[n])) for n in attribution),
            nodes=nodes,
            models=self._rows("model", _MODEL),
            tools=self._rows("tool", _TOOL),
        )

    def _structure(self, nodes: Sequence[RowChanges]) -> StructureChange:
        base, new = self._profiles
        edges = [
            {f"{edge.source} -> {edge.target}" for edge in profile.target.edges}
            for profile in (base, new)
        ]
        names = [
            {*profile.target.nodes, *(row.path for row in profile.nodes)} for profile in (base, new)
        ]
        return StructureChange(
            nodes_added=sorted(names[1] - names[0]),
            nodes_removed=sorted(names[0] - names[1]),
            edges_added=sorted(edges[1] - edges[0]),
            edges_removed=sorted(edges[0] - edges[1]),
            calls=[row for row in nodes if row.presence == "both" and _runs_otherwise(row)],
        )

    def _rows(self, scope: Scope, names: Iterable[str]) -> list[RowChanges]:
        keys = [_keys(profile, scope) for profile in self._profiles]
        rows = []
        for key in dict.fromkeys([*keys[0], *keys[1]]):
            name, node = key
            is_there = (key in keys[0], key in keys[1])
            metrics = [Metric(*_parsed(scope, each, name, node)) for each in names]
            rows.append(
                RowChanges(
                    name=name,
                    node=node,
                    presence="both" if all(is_there) else "removed" if is_there[0] else "added",
                    changes=_known(self._change(metric, is_there) for metric in metrics),
                )
            )
        return rows

    def _change(self, metric: Metric, is_there: tuple[bool, bool] = (True, True)) -> Change:
        values = [
            metric.value(profile) if there else None
            for profile, there in zip(self._profiles, is_there, strict=True)
        ]
        before, after = values
        uncertainty = MeanChange(None, exact=False)
        if before is not None and after is not None:
            uncertainty = self._uncertainty(metric)
        relative = None if before is None or after is None or before == 0 else after / before - 1
        name = metric.measure.name + (_PER_REQUEST if metric.per_request else "")
        return Change(
            metric=name,
            unit=metric.unit.value,
            base=before,
            new=after,
            change=relative,
            ci=uncertainty.ci,
            exact=uncertainty.exact,
        )

    def _uncertainty(self, metric: Metric) -> MeanChange:
        if metric.measure.name in ("p50", "p95") and metric.key is None:
            base, new = (list(samples.latency.values()) for samples in self._samples)
            ci = change_of_percentile(base, new, float(metric.measure.name[1:]))
            return MeanChange(ci, exact=False)
        values = [_values(samples, metric) for samples in self._samples]
        if not values[0] or not values[1]:
            return MeanChange(None, exact=False)
        return change_of_mean(values[0], values[1], paired=self._paired)


def _values(samples: _Samples, metric: Metric) -> Mapping[int, float]:
    """Of each request, what the metric is the mean of; empty where it is no mean."""
    name, key = metric.measure.name, metric.key
    if metric.measure.scope in ("model", "tool", "error"):
        return {}
    direct: dict[tuple[str, bool], Callable[[], Mapping[int, float]]] = {
        ("mean", False): lambda: samples.latency,
        ("cpu", False): lambda: samples.cpu,
        ("mean", True): lambda: samples.node_seconds.get(key or "", {}),
    }
    found = direct.get((name, key is not None))
    if found is not None:
        return found()
    counted = "cost" if name == "cost.per_request" else name
    return samples.counts.get(Counted(counted, key), {}) if _is_counted(metric) else {}


def _is_counted(metric: Metric) -> bool:
    return metric.per_request or metric.measure.name == "cost.per_request"


def _parsed(
    scope: Scope, name: str, key: str | None = None, node: str | None = None
) -> tuple[Any, ...]:
    """The parts of a metric: measure, key, node, per request."""
    measure = measures(scope).get(name)
    if measure is not None:
        return measure, key, node, False
    return measures(scope)[name.removesuffix(_PER_REQUEST)], key, node, True


def _keys(profile: Profile, scope: Scope) -> list[tuple[str, str | None]]:
    if scope == "node":
        return [(row.path, None) for row in profile.nodes]
    if scope == "model":
        return [(row.model, row.node) for row in profile.models]
    return [(row.tool, row.node) for row in profile.tools]


def _known(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.base is not None or change.new is not None]


def _runs_otherwise(row: RowChanges) -> bool:
    calls = row.of("calls.per_request")
    if calls is None or calls.base is None or calls.new is None:
        return False
    return abs(calls.new - calls.base) > _MORE_CALLS and (calls.ci is None or calls.is_certain)


def _seconds_moved(row: RowChanges) -> float:
    critical = row.of("critical")
    return 0.0 if critical is None else abs((critical.new or 0.0) - (critical.base or 0.0))


def _side(profile: Profile) -> Side:
    return Side(
        spec=profile.target.spec,
        kind=profile.kind,
        created=profile.created,
        requests=profile.summary.requests,
        git_commit=profile.environment.git_commit,
        git_dirty=profile.environment.git_dirty,
    )
