"""The calls of a request as a tree of what people know: nodes, models, tools and state I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from lgprof.analysis.calls import NodeCalls
from lgprof.analysis.queueing import Stretch
from lgprof.analysis.tree import SpanTree
from lgprof.model import Request, Span

_TRANSPARENT = frozenset({"graph", "attempt"})
IO_KINDS = frozenset({"checkpoint", "store", "cache", "router"})
"""Calls that are shown by kind, and only where they take long."""
FAILED_OUTCOMES = frozenset({"failed", "timed_out"})


@dataclass(slots=True)
class Call:
    """A span that is shown, and those below it. Graphs and attempts are looked through."""

    span: Span
    start_s: float
    end_s: float
    """Of a node without what LangGraph does around its function; its queue is part of it."""
    queues: list[Stretch] = field(default_factory=list)
    """When it stood in line for a place or a thread."""
    children: list[Call] = field(default_factory=list)
    attempts: list[Span] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """From its start to its end."""
        return self.end_s - self.start_s

    def failures(self) -> int:
        """Failed attempts; 1 for a call without attempts that failed."""
        failed = sum(attempt.outcome in FAILED_OUTCOMES for attempt in self.attempts)
        return max(failed, int(self.span.outcome in FAILED_OUTCOMES))


def call_tree(request: Request) -> list[Call]:
    """The outermost calls of a request, each list in order of its starts."""
    spans = {span.id: span for span in request.spans}
    node_calls = NodeCalls(request, SpanTree(request.spans))
    calls = {
        span.id: _call(span, node_calls) for span in request.spans if span.kind not in _TRANSPARENT
    }
    owners: dict[int, Call | None] = {}
    roots: list[Call] = []
    for span in sorted(request.spans, key=lambda span: span.start_s):
        owner = _owner(span.parent, spans, calls, owners)
        if span.kind == "attempt":
            if owner is not None:
                owner.attempts.append(span)
        elif span.kind != "graph":
            (roots if owner is None else owner.children).append(calls[span.id])
    return roots


def _call(span: Span, node_calls: NodeCalls) -> Call:
    if span.kind != "node":
        return Call(span, span.start_s, span.end_s)
    return Call(span, *node_calls.bounds(span), node_calls.queues(span))


def _owner(
    parent: int | None,
    spans: dict[int, Span],
    calls: dict[int, Call],
    owners: dict[int, Call | None],
) -> Call | None:
    """The nearest call at or above a span, remembered for all on the way to it."""
    trail: list[int] = []
    seen: set[int] = set()
    owner: Call | None = None
    while parent is not None and parent in spans and parent not in seen:
        if parent in owners:
            owner = owners[parent]
            break
        if parent in calls:
            owner = calls[parent]
            break
        trail.append(parent)
        seen.add(parent)
        parent = spans[parent].parent
    for passed in trail:
        owners[passed] = owner
    return owner


def call_key(call: Call) -> tuple[str, str]:
    """Calls with the same key may be shown as one."""
    kind = call.span.kind
    return (kind, "") if kind in IO_KINDS else (kind, call.span.name)
