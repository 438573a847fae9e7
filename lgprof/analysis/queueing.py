"""Which node calls stood ready and waited for a place in a pool or under ``max_concurrency``.

A pure function of a saved `Request`. The wait for a thread after an attempt has begun, as of a sync
node in an async run, is in the attempt itself and not meant here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lgprof.analysis.intervals import ByTime
from lgprof.analysis.tree import SpanTree
from lgprof.model import Request, Span

QUEUE_FROM_S = 0.001
"""A call that starts later than it could by less was merely started after the others."""

_HANDLERS = ("__error_handler__", "__default_error_handler__")
"""Started when another task of their superstep has failed: not ready together with it."""


class Stretch(NamedTuple):
    """A stretch of time."""

    start_s: float
    end_s: float


def queue_waits(request: Request, tree: SpanTree) -> dict[int, Stretch]:
    """When node calls stood in line before they started, by the id of their span.

    A wait ends when the place was free for which the call waited; from there to the call's start
    is LangGraph's own time.
    """
    waits: dict[int, Stretch] = {}
    for span in request.spans:
        if span.kind == "graph":
            places = _places(span, request, tree)
            if places is not None:
                waits.update(_waits_of_graph(span, places, tree))
    return waits


def _places(graph: Span, request: Request, tree: SpanTree) -> int | None:
    """How many of the graph's calls may run at once; None for any number, or unknown."""
    nodes = tree.nodes(graph)
    on_loop = graph.thread == "loop" or any(
        attempt.thread == "loop" for node in nodes for attempt in tree.attempts(node)[:1]
    )
    if on_loop:
        return request.max_concurrency
    places = request.max_concurrency or request.pool_size
    # While it runs functional tasks, LangGraph waits for their output in a thread of the same pool.
    calls_tasks = any(True for node in nodes for _ in tree.tasks_below(node))
    return max(1, places - calls_tasks) if places else None


def _waits_of_graph(graph: Span, places: int, tree: SpanTree) -> Iterator[tuple[int, Stretch]]:
    calls = list(_ready_calls(graph, tree))
    late = [call for call in calls if call[0].start_s - call[1] > QUEUE_FROM_S]
    if not late:
        return
    full = ByTime(_full(_taken(calls, tree), places))
    for node, ready_s in late:
        found = full.between(ready_s, node.start_s)
        if found:
            yield node.id, Stretch(ready_s, min(found[-1].end_s, node.start_s))


def _ready_calls(graph: Span, tree: SpanTree) -> Iterator[tuple[Span, float]]:
    """The calls that share the graph's places, each with when it was ready."""
    for step in tree.supersteps(graph):
        for node in step:
            handles_error = node.name.startswith(_HANDLERS)
            yield node, node.start_s if handles_error else step[0].start_s
            for task in tree.tasks_below(node):
                yield task, task.start_s if task.ready_s is None else task.ready_s


def _taken(calls: Iterable[tuple[Span, float]], tree: SpanTree) -> list[Stretch]:
    """When places were taken. What runs in the caller's own thread takes none."""
    return [
        Stretch(node.start_s, node.end_s)
        for node, _ in calls
        if node.end_s > node.start_s
        and not any(attempt.thread == "caller" for attempt in tree.attempts(node))
    ]


def _full(taken: Iterable[Stretch], places: int) -> Iterator[Stretch]:
    """When at least so many places were taken at once."""
    edges = [(stretch.start_s, 1) for stretch in taken]
    edges += [(stretch.end_s, -1) for stretch in taken]
    number, full_from_s = 0, 0.0
    for at_s, change in sorted(edges):
        number += change
        if change > 0 and number == places:
            full_from_s = at_s
        elif change < 0 and number == places - 1:
            yield Stretch(full_from_s, at_s)
