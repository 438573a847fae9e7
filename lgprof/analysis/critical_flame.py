"""The critical path as a flame graph: what it is spent on, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lgprof.analysis.attribution import attribute
from lgprof.analysis.flame_tree import Flame
from lgprof.analysis.intervals import Tile
from lgprof.analysis.sampled_frames import SampledFrames
from lgprof.model import Request, Span

_CALLS = frozenset({"model", "tool", "retriever"})
_OWN_CODE = frozenset({"node_cpu", "node_wait", "blocked_loop", "unattributed"})
"""Parts of the latency in which a node's own function runs."""


@dataclass(slots=True)
class _Part:
    """A node, a call in it, or a part of the latency that is neither."""

    kind: str
    name: str
    place: tuple[str, tuple[tuple[str, str], ...]]
    spans: set[int] = field(default_factory=set)
    failures: int = 0
    own_s: float = 0.0
    """On the critical path, in its own code."""
    below: dict[tuple[str, str], _Part] = field(default_factory=dict)

    def inner(self, kind: str, name: str) -> _Part:
        """The part of a name in this one."""
        part = self.below.get((kind, name))
        if part is None:
            path, calls = self.place
            if kind == "node":
                path, calls = f"{path}/{name}" if path else name, ()
            elif kind in _CALLS:
                calls = (*calls, (kind, name))
            part = self.below[kind, name] = _Part(kind, name, (path, calls))
        return part

    def flames(self, frames: SampledFrames) -> list[Flame]:
        """The parts in it."""
        made = [part.flame(frames) for part in self.below.values()]
        return sorted((flame for flame in made if flame.value > 0), key=lambda flame: -flame.value)

    def flame(self, frames: SampledFrames) -> Flame:
        """This part and all in it."""
        inside = [*frames.filling(self.place, self.own_s), *self.flames(frames)]
        below_s = sum(part.value for part in self.flames(frames))
        return Flame(
            self.kind,
            self.name,
            self.own_s + below_s,
            len(self.spans),
            self.failures,
            children=sorted(inside, key=lambda flame: -flame.value),
        )


def critical_flames(requests: Iterable[Request], frames: SampledFrames) -> list[Flame]:
    """The outermost parts of the critical paths, the widest first; they add up to the latencies."""
    top = _Part("all", "", ("", ()))
    for request in requests:
        if request.outcome in ("ok", "timed_out"):
            spans = {span.id: span for span in request.spans}
            for tile in attribute(request):
                _add(top, tile, spans)
    return top.flames(frames)


def _add(top: _Part, tile: Tile, spans: dict[int, Span]) -> None:
    part = top
    for span in _way_to(tile, spans):
        part = part.inner(span.kind, span.name)
        part.spans.add(span.id)
    if part is top or tile.category not in (*_OWN_CODE, *_CALLS):
        part = part.inner(tile.category, tile.category)
    part.own_s += tile.end_s - tile.start_s


def _way_to(tile: Tile, spans: dict[int, Span]) -> Iterator[Span]:
    """The nodes and calls around a tile, outermost first."""
    chain: list[Span] = []
    span = spans.get(tile.span) if tile.span is not None else None
    while span is not None:
        chain.append(span)
        span = spans.get(span.parent) if span.parent is not None else None
    for span in reversed(chain):
        # What LangGraph does around a node is of what is around it.
        if len(span.path) > len(tile.path):
            return
        if span.kind == "node" or span.kind in _CALLS:
            yield span
