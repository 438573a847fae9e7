"""The tree behind every flame graph: node, call of a model or tool, Python frames.

Its widths are of the measured requests. What was sampled says how the time of a place divides among
the frames below it, never how long that took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from lgprof.analysis.call_tree import IO_KINDS, Call, call_key, call_tree
from lgprof.analysis.critical_flame import critical_flames
from lgprof.analysis.flame_tree import Flame
from lgprof.analysis.intervals import covered_s
from lgprof.analysis.sampled_frames import SampledFrames
from lgprof.model import Profile

By = Literal["time", "cpu", "cost", "tokens"]
WIDTHS: tuple[By, ...] = ("time", "cpu", "cost", "tokens")
View = Literal["node-seconds", "elapsed"]
VIEWS: tuple[View, ...] = ("node-seconds", "elapsed")

_CALLS = frozenset({"model", "tool", "retriever"})
_Calls = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FlameOptions:
    """Which flame graph to draw."""

    view: View = "node-seconds"
    """``node-seconds``: all that ran adds up, also what ran side by side. ``elapsed``: the critical
    path alone, which adds up to the latencies of requests that succeeded or timed out."""
    by: By = "time"
    """What makes a frame wide; ``elapsed`` is of time alone."""


NODE_SECONDS = FlameOptions()


def flame_graph(profile: Profile, options: FlameOptions = NODE_SECONDS) -> Flame:
    """The tree of a run or a load test.

    Raises:
        ValueError: ``elapsed`` by anything but time.
    """
    return next(flame_graphs(profile, [options]))


def flame_graphs(profile: Profile, choices: Iterable[FlameOptions]) -> Iterator[Flame]:
    """Several trees of one Profile, in their order.

    Raises:
        ValueError: ``elapsed`` by anything but time.
    """
    frames = SampledFrames(profile.sampling)
    calls: list[Call] | None = None
    for options in choices:
        if options.view == "elapsed":
            if options.by != "time":
                raise ValueError("the elapsed view is one of time")
            top = critical_flames(profile.requests, frames)
        else:
            calls = _outermost(profile) if calls is None else calls
            top = _flames(calls, (), frames, _WIDEN[options.by], 0.0)
        total = sum(flame.value for flame in top)
        yield Flame("all", profile.target.name, total, len(profile.requests), children=top)


def _outermost(profile: Profile) -> list[Call]:
    calls = [call for request in profile.requests for call in call_tree(request)]
    return [call for call in calls if call.span.kind not in IO_KINDS]


class _Group:
    """All calls of one name below the same group."""

    def __init__(self, members: list[Call], around: _Calls, frames: SampledFrames) -> None:
        first = members[0].span
        self.members = members
        self.key = call_key(members[0])
        self.frames = frames
        self.is_node = first.kind == "node"
        self.is_call = first.kind in _CALLS
        self.calls: _Calls = () if self.is_node else (*around, self.key) if self.is_call else around
        self.place = first.path, self.calls


_Widen = Callable[[_Group, float], tuple[float, list[Flame], float]]
"""(group, what its parent passed on) -> (own value, frames in it, what to pass on)."""


def _flames(
    calls: Iterable[Call], around: _Calls, frames: SampledFrames, widen: _Widen, passed: float
) -> list[Flame]:
    groups: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        groups.setdefault(call_key(call), []).append(call)
    made = [_flame(_Group(members, around, frames), widen, passed) for members in groups.values()]
    return _widest_first(made)


def _flame(group: _Group, widen: _Widen, passed: float) -> Flame:
    own, inside, passed_on = widen(group, passed)
    below = [child for call in group.members for child in call.children]
    children = _flames(below, group.calls, group.frames, widen, passed_on)
    kind, name = group.key
    return Flame(
        kind,
        kind if kind in IO_KINDS else name,
        own + sum(child.value for child in children),
        len(group.members),
        sum(call.failures() for call in group.members),
        children=_widest_first([*inside, *children]),
    )


def _widest_first(flames: Iterable[Flame]) -> list[Flame]:
    return sorted((flame for flame in flames if flame.value > 0), key=lambda flame: -flame.value)


def _by_time(group: _Group, _: float) -> tuple[float, list[Flame], float]:
    own_s = sum(map(_own_s, group.members))
    if not group.is_node and not group.is_call:
        return own_s, [], 0.0
    place = group.frames.beside if group.is_node else group.frames.filling
    inside = place(group.place, own_s)
    return max(own_s, sum(flame.value for flame in inside)), inside, 0.0


def _own_s(call: Call) -> float:
    """Its time outside the calls in it."""
    held_s = covered_s(
        (max(child.start_s, call.start_s), min(child.end_s, call.end_s))
        for child in call.children
        if child.end_s > call.start_s and child.start_s < call.end_s
    )
    return call.seconds - held_s


def _by_cpu(group: _Group, scale: float) -> tuple[float, list[Flame], float]:
    """A node's CPU time is measured as a whole; what was sampled divides it among its calls."""
    if group.is_node:
        cpu_s = sum(map(_cpu_s, group.members))
        busy_s = group.frames.busy_s(group.place[0])
        if busy_s <= 0:
            return cpu_s, [], 0.0
        scale = cpu_s / busy_s
    elif not group.is_call:
        return 0.0, [], scale
    inside = group.frames.busy(group.place, scale)
    return sum(flame.value for flame in inside), inside, scale


def _cpu_s(call: Call) -> float:
    """CPU time of a node's function, without that of nodes inside it that ran in its thread."""
    own_s = _attempts_cpu_s(call)
    threads = {attempt.thread for attempt in call.attempts} - {"loop"}
    # What each node held the loop for is counted apart.
    inner_s = sum(
        _attempts_cpu_s(node)
        for node in _nodes_in(call)
        if any(attempt.thread in threads for attempt in node.attempts)
    )
    return max(0.0, own_s - inner_s)


def _attempts_cpu_s(call: Call) -> float:
    return sum(attempt.cpu_s or 0.0 for attempt in call.attempts)


def _nodes_in(call: Call) -> Iterator[Call]:
    """The outermost nodes below a call."""
    for child in call.children:
        if child.span.kind == "node":
            yield child
        else:
            yield from _nodes_in(child)


def _by_cost(group: _Group, _: float) -> tuple[float, list[Flame], float]:
    models = [call.span.model for call in group.members if call.span.model]
    return sum(model.cost_usd or 0.0 for model in models), [], 0.0


def _by_tokens(group: _Group, _: float) -> tuple[float, list[Flame], float]:
    known = [call.span.model.tokens for call in group.members if call.span.model]
    tokens = [each for each in known if each is not None]
    parts = [
        Flame("input", "input", sum(each.input or 0 for each in tokens)),
        Flame("output", "output", sum(each.output or 0 for each in tokens)),
    ]
    return sum(part.value for part in parts), _widest_first(parts), 0.0


_WIDEN: dict[By, _Widen] = {
    "time": _by_time,
    "cpu": _by_cpu,
    "cost": _by_cost,
    "tokens": _by_tokens,
}
