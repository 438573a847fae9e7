"""From a saved request to its schedule: what it did, without the times at which it did it.

Loops and branches stay as the request took them. What a task waited for because a sibling had the
event loop or the last thread is left out where it can be told: the simulation brings it back, or
does not where a change takes the cause away.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import msgspec

from lgprof.analysis.attribution import BAD, HANDLER_OVERLAP_S, START_NODE
from lgprof.analysis.intervals import covered_s
from lgprof.analysis.queueing import QUEUE_FROM_S
from lgprof.analysis.tree import SpanTree, function_window
from lgprof.model import Request, Span
from lgprof.whatif.checkpointing import saves_of
from lgprof.whatif.contention import uncontended
from lgprof.whatif.function_body import LoopTime, OwnTime, ThreadTime, body_pieces, inside
from lgprof.whatif.long_holds import LongHolds
from lgprof.whatif.pieces import (
    Attempt,
    GraphRun,
    Hold,
    InExecutor,
    Piece,
    Places,
    Schedule,
    Step,
    Task,
    Wait,
    Work,
)

HANDLER = "__error_handler__"
DEFAULT_HANDLER = "__default_error_handler__"


def schedule_of(request: Request, default_threads: int, holds: LongHolds | None = None) -> Schedule:
    """The request's schedule.

    Args:
        request: With its spans.
        default_threads: Threads of the executor where the request does not tell.
        holds: Of all requests that may have run at once; None for its own.
    """
    return _Reader(request, holds or LongHolds([request])).schedule(default_threads)


class _Reader:
    def __init__(self, request: Request, holds: LongHolds) -> None:
        self._request = request
        self._holds = holds
        self._tree = SpanTree(request.spans)

    def schedule(self, default_threads: int) -> Schedule:
        request = self._request
        runs = [self._graph(root, on_loop=root.thread == "loop") for root in self._tree.roots]
        places = Places(request.max_concurrency, request.pool_size or default_threads)
        return Schedule(tuple(runs), places)

    def _graph(self, graph: Span, *, on_loop: bool) -> GraphRun:
        supersteps = self._tree.supersteps(graph)
        windows = [(nodes[0].start_s, max(node.end_s for node in nodes)) for nodes in supersteps]
        saves = saves_of(graph, self._tree.of_kind(graph, "checkpoint"), windows)
        waits_s = saves.waits_s if saves else [0.0] * (len(windows) + 1)
        saved_s = saves.step_s if saves else [0.0] * len(windows)
        steps: list[Step] = []
        now_s = graph.start_s
        for nodes, window, wait_s, step_s in zip(
            supersteps, windows, waits_s[:-1], saved_s, strict=True
        ):
            gap = _framework(window[0] - now_s - wait_s, on_loop)
            steps.append(Step(gap, self._tasks(nodes, on_loop), step_s))
            now_s = window[1]
        tail = _framework(graph.end_s - now_s - waits_s[-1], on_loop)
        return GraphRun(graph, tuple(steps), tail, on_loop, saves.made if saves else None)

    def _tasks(self, nodes: list[Span], on_loop: bool) -> tuple[Task, ...]:
        tasks = [self._task(node, on_loop) for node in nodes]
        return tuple(_with_handlers(uncontended(tasks))) if len(tasks) > 1 else tuple(tasks)

    def _task(self, node: Span, on_loop: bool) -> Task:
        spans = self._tree.attempts(node)
        attempts = [self._attempt(span, on_loop) for span in spans]
        backoffs_s = [max(0.0, after.start_s - before.end_s) for before, after in pairwise(spans)]
        return Task(node, tuple(attempts), tuple(backoffs_s))

    def _attempt(self, span: Span, on_loop: bool) -> Attempt:
        window = start_s, end_s = function_window(span)
        if span.name == START_NODE:
            body = _framework(end_s - start_s, on_loop)
        else:
            own = self._own_time(span, window)
            body = body_pieces(span, window, own, self._tree, partial(self._inner, on_loop))
            if on_loop and span.thread == "pool":
                body = (InExecutor(body),)
        return Attempt(
            span,
            before=_framework(start_s - span.start_s, on_loop),
            body=body,
            after=_framework(span.end_s - end_s, on_loop),
        )

    def _own_time(self, span: Span, window: tuple[float, float]) -> OwnTime:
        if span.segments is not None:
            return LoopTime(span.segments, self._holds.waits(span))
        children = inside(span, window, self._tree)
        own_s = window[1] - window[0] - covered_s((c.start_s, c.end_s) for c in children)
        return ThreadTime(min(1.0, (span.cpu_s or 0.0) / own_s) if own_s > 0 else 0.0)

    def _inner(self, on_loop: bool, span: Span) -> GraphRun | Task:
        """A graph that a function called, or a functional task."""
        if span.kind == "node":
            return _called(self._task(span, on_loop))
        threads = {
            attempt.thread
            for node in self._tree.nodes(span)
            for attempt in self._tree.attempts(node)
        }
        return self._graph(span, on_loop="loop" in threads or (on_loop and "caller" not in threads))


def _called(task: Task) -> Task:
    """A functional task, with what lies between its call and its start unless it was in line."""
    ready_s = task.span.start_s if task.span.ready_s is None else task.span.ready_s
    lead_s = task.span.start_s - ready_s
    if not 0 < lead_s < QUEUE_FROM_S or not task.attempts:
        return task
    first, *others = task.attempts
    first = msgspec.structs.replace(first, before=(Wait(lead_s), *first.before))
    return msgspec.structs.replace(task, attempts=(first, *others))


def _framework(seconds: float, on_loop: bool) -> tuple[Piece, ...]:
    """LangGraph's own work."""
    if seconds <= 0:
        return ()
    return (Hold(seconds, seconds) if on_loop else Work(seconds, seconds),)


def _with_handlers(tasks: list[Task]) -> list[Task]:
    """The handler of a node's error runs in the same superstep, once the node has failed."""
    placed: list[Task] = []
    for task in tasks:
        failed = next((t for t in placed if _handles(task, t)), None)
        if failed is None:
            placed.append(task)
        else:
            delay_s = max(0.0, task.span.start_s - failed.span.end_s)
            then = (*failed.then, Wait(delay_s), task)
            placed[placed.index(failed)] = msgspec.structs.replace(failed, then=then)
    return placed


def _handles(task: Task, other: Task) -> bool:
    return (
        task.span.name in (f"{HANDLER}{other.span.name}", DEFAULT_HANDLER)
        and other.span.outcome in BAD
        and other.span.end_s <= task.span.start_s + HANDLER_OVERLAP_S
    )
