"""What a Profile holds about its nodes, put together for the kinds of advice to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from lgprof.analysis.tree import SpanTree
from lgprof.model import GraphShape, NodeHints, NodeRow, NodeShape, Profile, Request, Span

ENOUGH_INPUTS = 20
"""Distinct inputs below which nothing is said to hold for others."""
MOST_EVIDENCE = 5


class Call(NamedTuple):
    """A span and the request that it is of."""

    request: Request
    span: Span

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.span.end_s - self.span.start_s

    @property
    def evidence(self) -> str:
        """How `lgprof.model.Advice` names it."""
        return f"{self.request.index}/{self.span.id}"


class Observed:
    """A Profile, and its spans by node.

    Args:
        profile: With the spans of its requests. Of a load test, its uniform sample is looked at.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.requests = [
            request
            for request in profile.requests
            if request.spans and request.sampled is not False
        ]
        self.rows: dict[str, NodeRow] = {row.path: row for row in profile.nodes}
        self._by_kind: dict[tuple[str, str], list[Call]] = defaultdict(list)
        for request in self.requests:
            for span in request.spans:
                self._by_kind[span.kind, span.path].append(Call(request, span))

    # --- the requests --------------------------------------------------------------------------

    @cached_property
    def given(self) -> set[int]:
        """Indices of the requests that are the first of their input.

        The others repeat an input because there were more requests than inputs: that they do the
        same again is no evidence of anything.
        """
        return {r.index for r in self.requests if r.index < self.profile.target.inputs.count}

    @cached_property
    def distinct_inputs(self) -> int:
        """Inputs that differ, of those that were sent."""
        hashes = {r.input_hash for r in self.requests if r.index in self.given}
        return min(self.profile.target.inputs.distinct, len(hashes))

    def doubt_few_inputs(self) -> Iterator[str]:
        """What to supply where inputs are too few."""
        number = self.distinct_inputs
        if number < ENOUGH_INPUTS:
            inputs = "input" if number == 1 else "inputs"
            yield (
                f"only {number} distinct {inputs} seen: give {ENOUGH_INPUTS} or more with "
                "-i @inputs.jsonl (requests that repeat an input are no evidence)"
            )

    @cached_property
    def mean_latency_s(self) -> float:
        """Of the requests that count; 0 without one."""
        summary = self.profile.summary.latency_s
        return summary.mean if summary else 0.0

    @cached_property
    def trees(self) -> dict[int, SpanTree]:
        """Spans by their parent, by the request's index."""
        return {request.index: SpanTree(request.spans) for request in self.requests}

    # --- the nodes -----------------------------------------------------------------------------

    @cached_property
    def paths(self) -> list[str]:
        """Paths of the nodes, the one with most of the critical path first."""
        return list(self.rows)

    def spans(self, kind: str, path: str) -> list[Call]:
        """The spans of one kind at a node's path."""
        return self._by_kind.get((kind, path), [])

    def nodes(self, path: str) -> list[Call]:
        """The node's calls."""
        return self.spans("node", path)

    def attempts(self, path: str) -> list[Call]:
        """The attempts of the node's calls."""
        return self.spans("attempt", path)

    def shape(self, path: str) -> NodeShape:
        """How the node is set up, as far as is known."""
        graph, name = self.graph_of(path)
        return graph.nodes.get(name, NodeShape()) if graph else NodeShape()

    def graph_of(self, path: str) -> tuple[GraphShape | None, str]:
        """The graph that a node belongs to, and the node's name in it."""
        outer, name = self.profile.target.owner_of(path)
        return self.profile.target.graphs.get(outer), name

    def name_of(self, path: str) -> str:
        """The node's name in its graph."""
        return self.profile.target.owner_of(path)[1]

    def hints(self, path: str) -> NodeHints:
        """What the code of a node may touch, its nested nodes' included."""
        known = self.profile.target.hints
        inside = [h for other, h in known.items() if other == path or other.startswith(f"{path}/")]
        return NodeHints(
            shared=_distinct(inside, "shared"),
            clocks=_distinct(inside, "clocks"),
            context=_distinct(inside, "context"),
            tools=_distinct(inside, "tools"),
            control=_distinct(inside, "control"),
            effects=_distinct(inside, "effects"),
            opaque=not inside or any(hints.opaque for hints in inside),
        )

    def effects_of(self, path: str) -> Iterator[str]:
        """In words, what a node may do besides reading and writing its state."""
        hints = self.hints(path)
        if tools := self.tools_of(path):
            yield f"{path} calls the tool{'s' if len(tools) > 1 else ''} {', '.join(tools)}"
        if self.below("store", path) or "store" in hints.context:
            yield f"{path} uses the store"
        if "writer" in hints.context:
            yield f"{path} writes to the stream of events"
        if hints.effects:
            yield f"{path} was seen to {' and '.join(hints.effects)}"
        if hints.shared:
            yield f"{path} reaches {', '.join(hints.shared)}, which outlives a call"
        if hints.clocks:
            yield f"{path} goes by time or chance ({', '.join(hints.clocks)})"
        if hints.control:
            yield f"{path} steers the graph ({', '.join(hints.control)})"
        if hints.opaque:
            yield f"{path} has no Python code that could be read"

    def tools_of(self, path: str) -> list[str]:
        """Names of the tools that a node calls, or holds."""
        called = [call.span.name for call in self.below("tool", path)]
        return list(dict.fromkeys([*self.hints(path).tools, *called]))

    def below(self, kind: str, path: str) -> list[Call]:
        """The spans of one kind in a node or in the nodes nested in it."""
        return [
            call
            for (known, at), calls in self._by_kind.items()
            if known == kind and (at == path or at.startswith(f"{path}/"))
            for call in calls
        ]


def some(calls: Sequence[Call]) -> list[str]:
    """The longest of the calls, as evidence."""
    longest = sorted(calls, key=lambda call: -call.seconds)[:MOST_EVIDENCE]
    return [call.evidence for call in longest]


def _distinct(inside: list[NodeHints], field: str) -> list[str]:
    return list(dict.fromkeys(word for hints in inside for word in getattr(hints, field)))
