"""The sampled frames of each place, as branches of a flame graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from lgprof.analysis.flame_tree import Flame
from lgprof.model import PythonFrame, SampledPlace, Sampling

Place = tuple[str, tuple[tuple[str, str], ...]]
"""A node's path, and kind and name of the calls in it."""

_WAITING_SHARE = 0.9
_LEAST_S = 1e-9
"""A clock tells no less: there is nothing to divide by."""
_AWAIT = "[await]"
_BUILT_IN = "<built-in>"
_WAITS = frozenset(
    {"accept", "acquire", "connect", "getaddrinfo", "join", "poll"}
    | {"read", "recv", "recv_into", "select", "sleep", "wait"}
)
"""Functions written in C that use no CPU while they last, by the end of their name."""


@dataclass(slots=True)
class _Function:
    """A function below the same functions, whatever lines it was called from."""

    frame: PythonFrame
    self_s: float = 0.0
    lines: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds below by the line that called it."""
    below: dict[PythonFrame, _Function] = field(default_factory=dict)

    def seconds(self, *, busy: bool) -> float:
        """Seconds in it and below; of those that used the CPU, if so asked."""
        if busy and _waits(self.frame):
            return 0.0
        return self.self_s + sum(child.seconds(busy=busy) for child in self.below.values())

    def _only_waits(self) -> bool:
        waits = [child for child in self.below.values() if _waits(child.frame)]
        return len(waits) == len(self.below) and (
            sum(child.self_s for child in waits) > _WAITING_SHARE * self.seconds(busy=False)
        )

    def flame(self, scale: float, *, busy: bool) -> Flame:
        """The branch, in units of ``scale`` a second."""
        frame, below = self.frame, list(self.below.values())
        if frame.library and self._only_waits():
            # What a library does to wait says no more than that it waits.
            return Flame("await", _name(frame), self.seconds(busy=busy) * scale, file=frame.file)
        hot_line = max(self.lines, key=lambda line: (self.lines[line], -line), default=0)
        return Flame(
            _kind(frame),
            _name(frame),
            self.seconds(busy=busy) * scale,
            file=frame.file,
            line=hot_line or frame.line,
            children=flames(below, scale, busy=busy),
        )


class SampledFrames:
    """The sampled part of a Profile, by place; empty without one."""

    def __init__(self, sampling: Sampling | None) -> None:
        frames = sampling.frames if sampling else []
        self._wall_s: dict[Place, float] = {}
        self._tops: dict[Place, list[_Function]] = {}
        self._places_of: dict[str, list[Place]] = defaultdict(list)
        for sampled in sampling.places if sampling else ():
            place = sampled.node, tuple(sampled.calls)
            self._wall_s[place] = sampled.wall_s
            self._tops[place] = _functions(sampled, frames)
            self._places_of[sampled.node].append(place)

    def filling(self, place: Place, seconds: float) -> list[Flame]:
        """The frames of a place, that make up a time together."""
        return self._scaled(place, seconds, self._seconds(place, busy=False))

    def beside(self, place: Place, seconds: float) -> list[Flame]:
        """The frames of a place that took a time by the clock.

        Together they are wider where threads worked side by side for it, and narrower where some
        of the samples saw nothing but what is around the place's function.
        """
        return self._scaled(place, seconds, self._wall_s.get(place, 0.0))

    def _scaled(self, place: Place, seconds: float, sampled_s: float) -> list[Flame]:
        if sampled_s < _LEAST_S or seconds <= 0:
            return []
        return flames(self._tops[place], seconds / sampled_s, busy=False)

    def busy(self, place: Place, scale: float) -> list[Flame]:
        """The frames of a place that used the CPU, in units of ``scale`` a sampled second."""
        return flames(self._tops.get(place, ()), scale, busy=True)

    def busy_s(self, node: str) -> float:
        """Sampled seconds of a node, its calls included, that used the CPU."""
        return sum(self._seconds(place, busy=True) for place in self._places_of.get(node, ()))

    def _seconds(self, place: Place, *, busy: bool) -> float:
        return sum(top.seconds(busy=busy) for top in self._tops.get(place, ()))


def flames(functions: Iterable[_Function], scale: float, *, busy: bool) -> list[Flame]:
    """Branches of a flame graph, the widest first; those that would be empty are left out."""
    made = [function.flame(scale, busy=busy) for function in functions]
    return sorted((flame for flame in made if flame.value > 0), key=lambda flame: -flame.value)


def _functions(sampled: SampledPlace, frames: list[PythonFrame]) -> list[_Function]:
    top: dict[PythonFrame, _Function] = {}
    made: list[_Function] = []
    total_s = [row.self_s for row in sampled.rows]
    for index in range(len(sampled.rows) - 1, -1, -1):
        parent = sampled.rows[index].parent
        if parent >= 0:
            total_s[parent] += total_s[index]
    for row, seconds in zip(sampled.rows, total_s, strict=True):
        around = top if row.parent < 0 else made[row.parent].below
        frame = frames[row.frame]
        function = around.setdefault(frame, _Function(frame))
        function.self_s += row.self_s
        if row.line:
            function.lines[row.line] += seconds
        made.append(function)
    return list(top.values())


def _name(frame: PythonFrame) -> str:
    return f"{frame.library}.{frame.function}" if frame.library else frame.function


def _kind(frame: PythonFrame) -> str:
    if frame.function == _AWAIT:
        return "await"
    if frame.file == _BUILT_IN:
        return "builtin"
    return "library" if frame.library else "python"


def _waits(frame: PythonFrame) -> bool:
    if frame.file == _BUILT_IN:
        return frame.function.rpartition(".")[2] in _WAITS
    return frame.function == _AWAIT
