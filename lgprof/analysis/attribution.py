"""Where a request's latency went: tiles along its critical path that add up to it.

A pure function of a saved `Request`. The critical path of a superstep is the task that ends last;
inside a node's function it is whatever runs at that instant, by the order of
`lgprof.model.Attribution`.
"""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.analysis.intervals import ByTime, Tile, paint, subtract
from lgprof.analysis.queueing import queue_waits
from lgprof.analysis.tree import SpanTree, function_window
from lgprof.model import Request, Segment, Span

BLOCKING_FROM_S = 0.001
"""A hold of the event loop is a blocking call from this much wall time without CPU."""

HANDLER_OVERLAP_S = 0.002
"""The handler of a node that ran into its time limit starts while the node is still cancelled."""

START_NODE = "__start__"
BAD = ("failed", "timed_out")
"""Outcomes of an attempt that is worth nothing."""
_CALLS = frozenset({"model", "tool", "retriever"})
_IO = frozenset({"checkpoint", "store", "cache"})
# What a nested graph does on the loop itself, seen from the node that runs it.
_CHILD_HOLDS_LOOP = frozenset({"blocked_loop", "node_cpu", "loop_wait", "routing", "framework"})


def attribute(request: Request) -> list[Tile]:
    """The request's critical path, in order of time.

    The tiles' durations add up to ``request.latency_s``.
    """
    return _Walk(request).tiles()


class _Walk:
    def __init__(self, request: Request) -> None:
        spans = request.spans
        self._tree = SpanTree(spans)
        self._queue_waits = queue_waits(request, self._tree)
        io = [
            Tile(span.start_s, span.end_s, span.kind, span.path, span.id)
            for span in spans
            if span.kind in _IO and span.end_s > span.start_s
        ]
        holds = list(_holds(spans))
        self._outside = ByTime([*io, *holds])
        """What may happen outside any node."""
        self._blocking = ByTime(hold for hold in holds if hold.category == "blocked_loop")
        self._in_loop = False
        self._enclosing: set[int] = set()
        """Attempts around the current span: their holds are the nested graph's own work."""
        self._blocking_claimed = False
        """A function around the current span claims all blocking in its time: once, not once for
        each of its thousands of tasks."""

    def tiles(self) -> list[Tile]:
        tiles: list[Tile] = []
        for root in self._tree.roots:
            self._in_loop = root.thread == "loop"
            tiles += self._graph(root)
        return tiles

    def _graph(self, graph: Span) -> list[Tile]:
        own = Tile(0, 0, "framework", graph.path, graph.id)
        steps = self._tree.supersteps(graph)
        if not steps:
            return self._interior(graph, graph.start_s, graph.end_s, own)
        tiles: list[Tile] = []
        now_s = graph.start_s
        for step in steps:
            ready_s = max(now_s, step[0].start_s)
            tiles += self._gap(now_s, ready_s, own)
            now_s = ready_s
            for node in _critical_chain(step):
                tiles += self._wait_to_start(now_s, node, own)
                inside = self._node(node)
                tiles += inside if node.start_s >= now_s else _clipped(inside, now_s)
                now_s = max(now_s, node.end_s)
        return tiles + self._gap(now_s, graph.end_s, own)

    def _gap(self, start_s: float, end_s: float, own: Tile) -> list[Tile]:
        """Between known events outside any node."""
        if end_s <= start_s:
            return []
        around = self._outside.between(start_s, end_s)
        claims = [claim for claim in around if claim.span not in self._enclosing]
        return paint(claims, start_s, end_s, own)

    def _wait_to_start(self, ready_s: float, node: Span, own: Tile) -> list[Tile]:
        """All tasks of a step are ready at once; one that starts late may wait for a place."""
        tiles: list[Tile] = []
        now_s = ready_s
        for queue in _clipped(self._queue(node), ready_s):
            tiles += [*self._gap(now_s, queue.start_s, own), queue]
            now_s = queue.end_s
        return tiles + self._gap(now_s, node.start_s, own)

    def _queue(self, node: Span) -> list[Tile]:
        """The node call's wait for a place before it started, if there was one."""
        wait = self._queue_waits.get(node.id)
        return [Tile(*wait, "executor_queue", node.path, node.id)] if wait else []

    def _node(self, node: Span) -> list[Tile]:
        tiles: list[Tile] = []
        attempts = self._tree.attempts(node)
        now_s = node.start_s
        for attempt in attempts:
            if attempt.start_s > now_s:
                tiles.append(Tile(now_s, attempt.start_s, "backoff", node.path, node.id))
            if attempt.outcome in BAD or attempt is not attempts[-1]:
                tiles += self._failed_attempt(attempt)
            else:
                tiles += self._attempt(attempt)
            now_s = attempt.end_s
        return tiles

    def _failed_attempt(self, attempt: Span) -> list[Tile]:
        start_s, end_s = function_window(attempt)
        return [
            *self._head(attempt, start_s),
            Tile(start_s, end_s, "failed_attempts", attempt.path, attempt.id),
            *self._gap(end_s, attempt.end_s, _around(attempt)),
        ]

    def _attempt(self, attempt: Span) -> list[Tile]:
        framework = _around(attempt)
        if attempt.work_start_s is None or attempt.work_end_s is None:
            hidden = attempt.name == START_NODE
            unknown = Tile(0, 0, "unattributed", attempt.path, attempt.id)
            rest = framework if hidden else unknown
            return self._interior(attempt, attempt.start_s, attempt.end_s, rest)
        waiting = Tile(0, 0, "node_wait", attempt.path, attempt.id)
        work_start_s, work_end_s = function_window(attempt)
        return [
            *self._head(attempt, work_start_s),
            *self._interior(attempt, work_start_s, work_end_s, waiting),
            *self._tail(attempt, work_end_s, framework),
        ]

    def _head(self, attempt: Span, end_s: float) -> list[Tile]:
        """Before the node's function: its wait for a thread, or LangGraph's own work."""
        if self._in_loop and attempt.thread == "pool":
            queue = Tile(attempt.start_s, end_s, "executor_queue", attempt.path, attempt.id)
            return [queue]
        return self._gap(attempt.start_s, end_s, _around(attempt))

    def _tail(self, attempt: Span, start_s: float, framework: Tile) -> list[Tile]:
        """After the node's function: conditional edges and the writing of its result."""
        tiles: list[Tile] = []
        now_s = start_s
        for router in self._tree.of_kind(attempt, "router"):
            if router.end_s <= now_s:
                continue
            tiles += self._gap(now_s, router.start_s, framework)
            routing = Tile(
                max(now_s, router.start_s), router.end_s, "routing", router.path, router.id
            )
            tiles.append(routing)
            now_s = router.end_s
        return tiles + self._gap(now_s, attempt.end_s, framework)

    def _interior(self, span: Span, start_s: float, end_s: float, rest: Tile) -> list[Tile]:
        """What runs inside a function, a chain or a tool."""
        children = self._tree.children.get(span.id)
        claimed, on_loop = self._blocking_claimed, span.segments is not None
        claims: list[Tile] = []
        if children:
            self._enclosing.add(span.id)
            self._blocking_claimed = claimed or on_loop
            claims += self._claims(children)
            self._blocking_claimed = claimed
            self._enclosing.discard(span.id)
        claims += _rate_limits(span)
        if on_loop:
            claims += self._own_holds(span, claims)
            for wait_start_s, wait_end_s in span.loop_waits or ():
                claims += self._gap(wait_start_s, wait_end_s, _around(span))
        if on_loop and not claimed:
            blocking = self._blocking.between(start_s, end_s)
            claims += [hold for hold in blocking if hold.span != span.id]
        tiles = paint(claims, start_s, end_s, rest)
        if not on_loop and span.cpu_s is not None:
            return _with_cpu(tiles, span, rest)
        return tiles

    def _claims(self, children: list[Span]) -> Iterator[Tile]:
        for child in children:
            if child.kind in _CALLS:
                yield Tile(child.start_s, child.end_s, child.kind, child.path, child.id)
                yield from _rate_limits(child)
                inner = self._tree.children.get(child.id)
                if inner:
                    yield from self._claims(inner)
            elif child.kind in _IO:
                yield Tile(child.start_s, child.end_s, child.kind, child.path, child.id)
            elif child.kind == "graph":
                yield from self._graph(child)
            elif child.kind == "node":
                yield from self._queue(child)
                yield from self._node(child)
            elif child.kind == "router":
                yield Tile(child.start_s, child.end_s, "routing", child.path, child.id)

    def _own_holds(self, span: Span, claims: list[Tile]) -> list[Tile]:
        """The node's own holds of the loop, less what a nested graph did in them."""
        holes = [
            (tile.start_s, tile.end_s) for tile in claims if tile.category in _CHILD_HOLDS_LOOP
        ]
        blocked: list[tuple[float, float]] = []
        computing: list[tuple[float, float]] = []
        for segment in span.segments or ():
            middle_s = _blocked_until_s(segment)
            if middle_s > segment.start_s:
                blocked.append((segment.start_s, middle_s))
            computing.append((middle_s, segment.start_s + segment.wall_s))
        return [
            Tile(start_s, end_s, category, span.path, span.id)
            for category, stretches in (("blocked_loop", blocked), ("node_cpu", computing))
            for start_s, end_s in (subtract(stretches, holes) if holes else stretches)
            if end_s > start_s
        ]


def _rate_limits(span: Span) -> Iterator[Tile]:
    """When a call, or a node's own code, waited for a rate limit."""
    for start_s, end_s in span.rate_limited or ():
        yield Tile(start_s, min(end_s, span.end_s), "rate_limit", span.path, span.id)


def _holds(spans: list[Span]) -> Iterator[Tile]:
    """Each hold of the event loop, as it looks from outside its node."""
    for span in spans:
        for segment in span.segments or ():
            middle_s, end_s = _blocked_until_s(segment), segment.start_s + segment.wall_s
            if middle_s > segment.start_s:
                yield Tile(segment.start_s, middle_s, "blocked_loop", span.path, span.id)
            if end_s > middle_s:
                yield Tile(middle_s, end_s, "loop_wait", span.path, span.id)


def _blocked_until_s(segment: Segment) -> float:
    """Where in a hold the CPU was used is not known: the idle part is drawn first."""
    idle_s = segment.wall_s - segment.cpu_s
    return segment.start_s + (idle_s if idle_s > BLOCKING_FROM_S else 0.0)


def _around(span: Span) -> Tile:
    """What LangGraph does for a node is not the node's, but of what is around it."""
    return Tile(0, 0, "framework", span.path[: -len(span.name) - 1], span.id)


def _clipped(tiles: list[Tile], start_s: float) -> list[Tile]:
    return [
        tile if tile.start_s >= start_s else tile._replace(start_s=start_s)
        for tile in tiles
        if tile.end_s > start_s
    ]


def _critical_chain(step: list[Span]) -> list[Span]:
    """The task that ends last (of several, the one that started last).

    Before it comes the failed one whose error handler it is.
    """
    if len(step) == 1:
        return step
    last = max(reversed(step), key=lambda span: span.end_s)
    failed = [
        span
        for span in step
        if span is not last
        and span.outcome in BAD
        and span.end_s <= last.start_s + HANDLER_OVERLAP_S
    ]
    return [max(failed, key=lambda span: span.end_s), last] if failed else [last]


def _with_cpu(tiles: list[Tile], span: Span, rest: Tile) -> list[Tile]:
    """Split a thread's own time into CPU and waiting; where the CPU was used is not known."""
    own_s = sum(tile.end_s - tile.start_s for tile in tiles if tile[2:] == rest[2:])
    nested_s = sum(
        tile.end_s - tile.start_s for tile in tiles if tile.category in ("node_cpu", "framework")
    )
    cpu_s = max(0.0, min(own_s, (span.cpu_s or 0.0) - nested_s))
    if own_s <= 0 or cpu_s <= 0:
        return tiles
    share = cpu_s / own_s
    split: list[Tile] = []
    for tile in tiles:
        if tile[2:] != rest[2:]:
            split.append(tile)
            continue
        middle_s = tile.start_s + (tile.end_s - tile.start_s) * share
        split.append(tile._replace(end_s=middle_s, category="node_cpu"))
        if middle_s < tile.end_s:
            split.append(tile._replace(start_s=middle_s))
    return split
