"""What a node's function did, as pieces: waits, holds and the calls, graphs and tasks inside it.

Of things that ran at once inside a function, each is taken to follow whatever ended last before it
began, by the delay that was seen: so two chains that ``gather`` ran stay two chains.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from lgprof.analysis.intervals import subtract
from lgprof.analysis.tree import SpanTree
from lgprof.model import Segment, Span
from lgprof.whatif.asyncio_tasks import Strand, strands
from lgprof.whatif.long_holds import LoopWaits
from lgprof.whatif.pieces import Call, Fork, Hold, Piece, Wait, Work

_CALLS = ("model", "tool", "retriever")
_JOINED_S = 0.001
"""Holds that nearly touch are one, up to this length: nobody gets in between them for long."""
_TOUCH_S = 0.0001
_JUST_BEFORE_S = 0.0004
_AFTER_SIBLINGS_S = 0.002
"""Who has waited for the loop has his turn when others have had theirs."""
_TOO_SHORT_S = 0.00003
"""A hold that keeps nobody waiting."""
_ANOTHER_TURN = Wait(0.0), Hold(0.0, 0.0)
"""The loop given away, and wanted again at once."""

Inner = Callable[[Span], Piece]
"""From a nested graph's or a functional task's span to its piece."""
_Child = Span | Strand


_Follower = tuple[_Child, "OwnTime", float]
"""What follows something else: its own time, and how long after."""


class OwnTime(Protocol):
    """The time of a function that no call inside it covers."""

    def pieces(self, start_s: float, end_s: float) -> tuple[Piece, ...]:
        """What the function did then."""

    def in_call(self) -> OwnTime:
        """The same inside a model, tool or retriever call."""

    def shared(self, children: Sequence[Span]) -> list[OwnTime]:
        """The time of each of some children that overlap."""


class LoopTime:
    """Of a function on the event loop.

    Args:
        segments: Its holds, in order of time.
        waits: When it was ready and did not run: what it queued for the loop is left out.
    """

    def __init__(self, segments: Sequence[Segment], waits: LoopWaits) -> None:
        self._holds = _joined(segments)
        self._ends = [end_s for _, end_s, _ in self._holds]
        self._waits = waits

    def of_task(self, segments: Sequence[Segment]) -> LoopTime:
        """The same for one asyncio task: with its holds, and what it waited for before them."""
        starts_s = [segment.start_s for segment in segments]

        def ours(stretches: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
            return [wait for wait in stretches if _goes_on(starts_s, wait)]

        return LoopTime(segments, LoopWaits(ours(self._waits.queued), ours(self._waits.late)))

    def pieces(self, start_s: float, end_s: float) -> tuple[Piece, ...]:
        """Waits and holds."""
        pieces: list[Piece] = []
        now_s = start_s
        for from_s, until_s, cpu_s in self._between(start_s, end_s):
            if from_s > now_s:
                self._wait(now_s, from_s, pieces)
                now_s = from_s
            until_s = min(until_s, end_s)
            wall_s = until_s - now_s
            pieces.append(Hold(wall_s, min(cpu_s, wall_s)))
            now_s = until_s
        if end_s > now_s:
            self._wait(now_s, end_s, pieces)
        return tuple(pieces)

    def in_call(self) -> LoopTime:
        """Itself: the holds tell what a call computes."""
        return self

    def shared(self, children: Sequence[Span]) -> list[OwnTime]:
        """Each hold belongs to the child that begins or ends nearest to it."""
        shares: list[list[Segment]] = [[] for _ in children]
        if not children:
            return []
        last_s = max(child.end_s for child in children)
        for start_s, end_s, cpu_s in self._between(children[0].start_s, last_s):
            around = [
                (min(abs(start_s - child.start_s), abs(end_s - child.end_s)), number)
                for number, child in enumerate(children)
                if child.start_s < end_s and child.end_s > start_s
            ]
            if around:
                shares[min(around)[1]].append(Segment(start_s, end_s - start_s, cpu_s))
        return [LoopTime(share, self._waits) for share in shares]

    def _wait(self, start_s: float, end_s: float, pieces: list[Piece]) -> None:
        """Waits, and where it queued for the loop another turn of it."""
        queued = _touching(self._waits.queued, start_s, end_s)
        late = _touching(self._waits.late, start_s, end_s)
        if not (queued or late):
            pieces.append(Wait(end_s - start_s))
            return
        now_s = start_s
        for from_s, until_s in subtract([(start_s, end_s)], queued):
            if from_s > now_s:
                pieces += _ANOTHER_TURN
            own_s = math.fsum(b - a for a, b in subtract([(from_s, until_s)], late))
            pieces.append(Wait(own_s))
            if own_s < until_s - from_s:
                pieces.append(Wait(until_s - from_s - own_s, late=True))
            now_s = until_s
        if end_s > now_s:
            pieces += _ANOTHER_TURN

    def _between(self, start_s: float, end_s: float) -> list[tuple[float, float, float]]:
        first = last = bisect_right(self._ends, start_s)
        while last < len(self._holds) and self._holds[last][0] < end_s:
            last += 1
        return self._holds[first:last]


def _touching(
    stretches: Sequence[tuple[float, float]], start_s: float, end_s: float
) -> list[tuple[float, float]]:
    return [one for one in stretches if one[0] < end_s and one[1] > start_s]


def _joined(segments: Sequence[Segment]) -> list[tuple[float, float, float]]:
    """Holds as start, end and CPU time: those that nearly touch as one, the shortest left out."""
    holds: list[tuple[float, float, float]] = []
    start_s, end_s, cpu_s = math.inf, -math.inf, 0.0
    for segment in segments:
        from_s = segment.start_s
        until_s = from_s + segment.wall_s
        if from_s - end_s < _TOUCH_S and until_s - start_s < _JOINED_S:
            end_s, cpu_s = until_s, cpu_s + segment.cpu_s
            continue
        if end_s - start_s >= _TOO_SHORT_S:
            holds.append((start_s, end_s, cpu_s))
        start_s, end_s, cpu_s = from_s, until_s, segment.cpu_s
    if end_s - start_s >= _TOO_SHORT_S:
        holds.append((start_s, end_s, cpu_s))
    return holds


def _goes_on(starts_s: Sequence[float], wait: tuple[float, float]) -> bool:
    """Whether who held the loop at some moments waited for it: his next turn came soon after."""
    start_s, end_s = wait
    following = bisect_right(starts_s, start_s)
    if following == len(starts_s):
        return False
    return end_s - _JUST_BEFORE_S <= starts_s[following] < end_s + _AFTER_SIBLINGS_S


class ThreadTime:
    """Of a function in a thread. Where it used the CPU is not known: evenly, outside its calls.

    Args:
        cpu_share: CPU seconds per second of it.
    """

    def __init__(self, cpu_share: float) -> None:
        self._cpu_share = cpu_share

    def pieces(self, start_s: float, end_s: float) -> tuple[Piece, ...]:
        """One stretch of work."""
        if end_s <= start_s:
            return ()
        wall_s = end_s - start_s
        return (Work(wall_s, wall_s * self._cpu_share) if self._cpu_share else Wait(wall_s),)

    def in_call(self) -> ThreadTime:
        """Waiting."""
        return ThreadTime(0.0)

    def shared(self, children: Sequence[Span]) -> list[OwnTime]:
        """Waiting: the function's CPU time is in what no child covers."""
        return [ThreadTime(0.0) for _ in children]


def body_pieces(
    span: Span, window: tuple[float, float], own: OwnTime, tree: SpanTree, inner: Inner
) -> tuple[Piece, ...]:
    """The pieces of a function, or of a call.

    Args:
        span: Whose children are what ran inside.
        window: From when to when it ran.
        own: Its own time.
        tree: The request's spans.
        inner: Reads nested graphs and functional tasks.
    """
    calls, body = inside(span, window, tree), _Body(tree, inner)
    # Where functional tasks are called, asyncio tasks are LangGraph's.
    if (
        isinstance(own, LoopTime)
        and span.task_makers
        and all(call.kind != "node" for call in calls)
    ):
        root = strands(span, window, calls)
        if root.made:  # else all holds and waits are of one
            return body.strand(root, own)
    return body.pieces(calls, window, own)


def inside(span: Span, window: tuple[float, float], tree: SpanTree) -> list[Span]:
    """Calls, graphs and tasks that ran in a span's window, in order of their start."""
    start_s, end_s = window
    return sorted(
        (
            child
            for child in tree.children.get(span.id, ())
            if (child.kind in _CALLS or child.kind in ("graph", "node"))
            and child.start_s >= start_s
            and child.end_s <= end_s
        ),
        key=_begin_s,
    )


def _begin_s(child: _Child) -> float:
    """When it was called: a functional task may have had to wait for a place."""
    if isinstance(child, Strand) or child.ready_s is None:
        return child.start_s
    return child.ready_s


class _Body:
    def __init__(self, tree: SpanTree, inner: Inner) -> None:
        self._tree = tree
        self._inner = inner

    def strand(self, strand: Strand, own: LoopTime) -> tuple[Piece, ...]:
        """What one asyncio task did, with those that it made."""
        children: list[_Child] = [*strand.calls, *strand.made]
        children.sort(key=_begin_s)
        return self.pieces(children, (strand.start_s, strand.end_s), own.of_task(strand.segments))

    def pieces(
        self, children: Sequence[_Child], window: tuple[float, float], own: OwnTime
    ) -> tuple[Piece, ...]:
        now_s, end_s = window
        pieces: list[Piece] = []
        for group in _overlapping(children):
            pieces += own.pieces(now_s, _begin_s(group[0]))
            if len(group) == 1:
                pieces += self._child(group[0], own)
            else:
                pieces.append(self._fork(group, own))
            now_s = max(child.end_s for child in group)
        pieces += own.pieces(now_s, end_s)
        return tuple(pieces)

    def _child(self, child: _Child, own: OwnTime) -> tuple[Piece, ...]:
        if isinstance(child, Strand):
            assert isinstance(own, LoopTime)
            return self.strand(child, own)
        if child.kind not in _CALLS:
            return (self._inner(child),)
        window = child.start_s, child.end_s
        pieces = self.pieces(inside(child, window, self._tree), window, own.in_call())
        return (Call(child, pieces, child.model),)

    def _fork(self, group: list[_Child], own: OwnTime) -> Fork:
        followers: dict[int | None, list[_Follower]] = defaultdict(list)
        spans = [child for child in group if not isinstance(child, Strand)]
        shares = {id(span): share for span, share in zip(spans, own.shared(spans), strict=True)}
        for child in group:
            begin_s = _begin_s(child)
            before = [other for other in group if other.end_s <= begin_s]
            last = max(before, key=lambda other: other.end_s, default=None)
            since_s = last.end_s if last else _begin_s(group[0])
            share = shares.get(id(child), own)
            followers[id(last) if last else None].append((child, share, begin_s - since_s))
        return self._branches(followers, None)

    def _branches(self, followers: dict[int | None, list[_Follower]], after: int | None) -> Fork:
        branches: list[tuple[Piece, ...]] = []
        for child, time, delay_s in followers[after]:
            branch: list[Piece] = [Wait(delay_s)] if delay_s > 0 else []
            branch += self._child(child, time)
            if id(child) in followers:
                branch.append(self._branches(followers, id(child)))
            branches.append(tuple(branch))
        return Fork(tuple(branches))


def _overlapping(children: Sequence[_Child]) -> Iterator[list[_Child]]:
    """Groups of children, each overlapping another one of its group."""
    group: list[_Child] = []
    reach_s = 0.0
    for child in children:
        if group and _begin_s(child) >= reach_s:
            yield group
            group = []
        reach_s = max(reach_s, child.end_s) if group else child.end_s
        group.append(child)
    if group:
        yield group
