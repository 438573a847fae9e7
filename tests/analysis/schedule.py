"""Rebuilds a request's schedule from its saved spans and plays it through again.

Nothing is read off but relative facts: gaps between supersteps, delays of a task behind its
step's first, attempts, backoff, holds of the loop and waits. It is what a what-if starts from, so
it shows that the spans hold enough.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from lgprof.model import Request, Span


def replayed_latency_s(request: Request) -> float:
    children: dict[int | None, list[Span]] = defaultdict(list)
    for span in request.spans:
        children[span.parent].append(span)
    return sum(_graph_s(root, children) for root in children[None])


def _graph_s(graph: Span, children: dict[int | None, list[Span]]) -> float:
    steps: dict[int, list[Span]] = defaultdict(list)
    for child in children[graph.id]:
        if child.kind == "node":
            steps[child.step].append(child)
    if not steps:
        return graph.end_s - graph.start_s
    clock_s, recorded_s = 0.0, graph.start_s
    for number in sorted(steps):
        tasks = steps[number]
        first_s = min(task.start_s for task in tasks)
        clock_s += first_s - recorded_s
        clock_s += max(task.start_s - first_s + _node_s(task, children) for task in tasks)
        recorded_s = max(task.end_s for task in tasks)
    return clock_s + graph.end_s - recorded_s


def _node_s(node: Span, children: dict[int | None, list[Span]]) -> float:
    attempts = [child for child in children[node.id] if child.kind == "attempt"]
    backoff_s = sum(after.start_s - before.end_s for before, after in pairwise(attempts))
    return backoff_s + sum(_attempt_s(attempt, children) for attempt in attempts)


def _attempt_s(attempt: Span, children: dict[int | None, list[Span]]) -> float:
    """Queue, function, writes; a nested graph is played through where nothing overlaps it."""
    if attempt.work_start_s is None or attempt.work_end_s is None:
        return attempt.end_s - attempt.start_s
    inner = sorted(
        (c for c in children[attempt.id] if c.kind in ("graph", "node")), key=lambda c: c.start_s
    )
    overlap = any(b.start_s < a.end_s for a, b in pairwise(inner))
    work_s = attempt.work_end_s - attempt.work_start_s
    if attempt.segments is not None:
        held_s = sum(segment.wall_s for segment in attempt.segments)
        waited_s = work_s - held_s
        assert waited_s >= -1e-6, "the loop was held for longer than the function ran"
        work_s = held_s + waited_s
    if not overlap:
        for child in inner:
            replay = _graph_s if child.kind == "graph" else _node_s
            work_s += replay(child, children) - (child.end_s - child.start_s)
    before_s = attempt.work_start_s - attempt.start_s
    after_s = attempt.end_s - attempt.work_end_s
    return before_s + work_s + after_s
