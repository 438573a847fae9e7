"""From sampled stacks to the shares of each place: a node, or a call that it makes.

The spans of the sampled requests say when which model, tool or nested graph ran; a sample goes to
the innermost of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lgprof.analysis.intervals import ByTime
from lgprof.analysis.sites import SitePrinter, call_body, is_of_sampler, user_part
from lgprof.model import PythonFrame, SampledPlace, Span, StackRow
from lgprof.record.sampler import AWAIT, BUILT_IN, Site, Stack, Stretch

_CALLS = frozenset({"model", "tool", "retriever"})
_NESTED = frozenset({"graph", "node"})
_WAITS_FOR_OTHERS = frozenset({"acquire", "join", "poll", "select", "wait"})
LEAST_SHARE = 0.0005
"""Frames with less of all sampled time are part of the frame above."""

_Place = tuple[str, tuple[tuple[str, str], ...]]
"""A node's path, and kind and name of the calls in it."""


class _Inside(NamedTuple):
    """Something that a node's function calls, and when."""

    start_s: float
    end_s: float
    depth: int
    place: _Place | None
    """None for a nested graph, whose nodes are sampled by themselves."""


@dataclass(slots=True)
class _Frame:
    """A frame below the same frames."""

    self_s: float = 0.0
    below: dict[tuple[PythonFrame, int], _Frame] = field(default_factory=dict)

    def total_s(self) -> float:
        return self.self_s + sum(frame.total_s() for frame in self.below.values())


@dataclass(slots=True)
class _Sampled:
    """What was seen at one place."""

    wall_s: float = 0.0
    top: _Frame = field(default_factory=_Frame)


@dataclass(frozen=True, slots=True)
class Stacks:
    """Sampled stacks, by place."""

    frames: list[PythonFrame]
    places: list[SampledPlace]
    samples: int


def place_stacks(
    stretches: Sequence[Stretch],
    spans: Iterable[Span],
    span_around: Callable[[int], Span | None],
    second_of: Callable[[int], float],
) -> Stacks:
    """Add up what was sampled at each place.

    Args:
        stretches: What the profilers saw.
        spans: Those of all sampled requests.
        span_around: From the id of a callback run to its span, or that around it.
        second_of: From nanoseconds of the clock to seconds as the spans have them.
    """
    return _Placing(spans, span_around, second_of).of(
        [stretch for stretch in stretches if not stretch.superseded]
    )


class _Placing:
    def __init__(
        self,
        spans: Iterable[Span],
        span_around: Callable[[int], Span | None],
        second_of: Callable[[int], float],
    ) -> None:
        self._spans = {span.id: span for span in spans}
        self._children: dict[int | None, list[Span]] = defaultdict(list)
        for span in self._spans.values():
            self._children[span.parent].append(span)
        self._span_around = span_around
        self._second_of = second_of
        self._places: dict[_Place, _Sampled] = {}
        self._sites = SitePrinter()
        self._samples = 0

    def of(self, stretches: Sequence[Stretch]) -> Stacks:
        handed: dict[int, list[_Inside]] = defaultdict(list)
        for stretch in stretches:
            if stretch.handed_at is not None:
                start_s, end_s = map(self._second_of, (stretch.start_ns, stretch.end_ns))
                handed[stretch.origin].append(_Inside(start_s, end_s, 0, None))
        working = {origin: ByTime(stretches) for origin, stretches in handed.items()}
        for stretch in stretches:
            span = self._span_around(stretch.origin)
            if span is not None and span.id in self._spans:
                self._place(stretch, span, working.get(stretch.origin))
        return self._stacks()

    def _place(self, stretch: Stretch, span: Span, working: ByTime[_Inside] | None) -> None:
        base = self._place_of(span)
        inside = ByTime(self._inside(span, base, 1))
        now_s = self._second_of(stretch.start_ns)
        for stack, seconds in stretch.samples:
            at_s = now_s + seconds / 2
            now_s += seconds
            if is_of_sampler(stack):
                continue
            inner = max(inside.between(at_s, at_s), key=_order, default=None)
            place = inner.place if inner else base
            if place is None:
                continue
            sampled = self._places.setdefault(place, _Sampled())
            if stretch.handed_at is None:
                sampled.wall_s += seconds
                if working and _waits(stack) and working.between(at_s, at_s):
                    # What it waits for is sampled where it runs.
                    continue
            self._samples += 1
            self._add(sampled.top, (*(stretch.handed_at or ()), *stack), len(place[1]), seconds)

    def _place_of(self, span: Span) -> _Place:
        calls: list[tuple[str, str]] = []
        at: Span | None = span
        while at is not None and at.kind not in ("attempt", "node", "graph"):
            if at.kind in _CALLS:
                calls.insert(0, (at.kind, at.name))
            at = self._spans.get(at.parent or 0)
        return span.path, tuple(calls)

    def _inside(self, span: Span, place: _Place, depth: int) -> Iterator[_Inside]:
        for child in self._children.get(span.id, ()):
            if child.kind in _NESTED:
                yield _Inside(child.start_s, child.end_s, depth, None)
            elif child.kind in _CALLS:
                own = place[0], (*place[1], (child.kind, child.name))
                yield _Inside(child.start_s, child.end_s, depth, own)
                yield from self._inside(child, own, depth + 1)

    def _add(self, top: _Frame, stack: Stack, calls: int, seconds: float) -> None:
        body: Sequence[Site] = call_body(stack) if calls else stack
        frame = top
        for shown, line in self._sites.frames(user_part(body)):
            frame = frame.below.setdefault((shown, line), _Frame())
        frame.self_s += seconds

    def _stacks(self) -> Stacks:
        total_s = sum(sampled.top.total_s() for sampled in self._places.values())
        numbers: dict[PythonFrame, int] = {}
        places = []
        for (node, calls), sampled in self._places.items():
            rows: list[StackRow] = []
            _write(sampled.top, -1, rows, numbers, LEAST_SHARE * total_s)
            places.append(
                SampledPlace(node=node, calls=list(calls), wall_s=sampled.wall_s, rows=rows)
            )
        return Stacks(list(numbers), places, self._samples)


def _order(inside: _Inside) -> tuple[int, float]:
    return inside.depth, inside.start_s


def _waits(stack: Stack) -> bool:
    """Whether the stack is of code that only waits for a task or thread."""
    leaf = stack[-1] if stack else None
    if leaf is None:
        return False
    name = leaf.function.rpartition(".")[2]
    return leaf.function == AWAIT or (leaf.file == BUILT_IN and name in _WAITS_FOR_OTHERS)


def _write(
    frame: _Frame, at: int, rows: list[StackRow], numbers: dict[PythonFrame, int], least_s: float
) -> None:
    """The frames below a frame, the longest first; small ones become part of it."""
    below = sorted(frame.below.items(), key=lambda item: -item[1].total_s())
    for (shown, line), child in below:
        if child.total_s() < least_s:
            if at >= 0:
                rows[at].self_s += child.total_s()
            continue
        number = numbers.setdefault(shown, len(numbers))
        rows.append(StackRow(at, number, line, child.self_s))
        _write(child, len(rows) - 1, rows, numbers, least_s)
