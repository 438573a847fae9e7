"""Two flame graphs as one: each frame as wide as it is now, with how wide it was.

After Brendan Gregg's differential flame graphs (2014), with one difference: a frame's change is of
all that is in it, not of its own part alone, so that it agrees with the frame's width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from lgprof.analysis.flame import NODE_SECONDS, FlameOptions, flame_graph
from lgprof.analysis.flame_tree import Flame
from lgprof.model import Profile


@dataclass(slots=True)
class FlameDiff:
    """A frame of both flame graphs, and those below it, the widest of the new one first."""

    kind: str
    """As of `lgprof.analysis.flame_tree.Flame`."""
    name: str
    base: float
    """Seconds, USD or tokens per request; 0 where it was not there."""
    value: float
    """The same of the new one; 0 where it is gone. It is the frame's width."""
    calls: int = 0
    """Of the new one, over all requests."""
    children: list[FlameDiff] = field(default_factory=list)

    @property
    def difference(self) -> float:
        """By how much it became wider, per request."""
        return self.value - self.base

    @property
    def change(self) -> float | None:
        """Relative to the base; None where it is new."""
        return self.difference / self.base if self.base > 0 else None

    def gone(self) -> list[FlameDiff]:
        """The outermost frames of the base that are no more, the widest first."""
        if self.value <= 0:
            return [self] if self.base > 0 else []
        found = [frame for child in self.children for frame in child.gone()]
        return sorted(found, key=lambda frame: -frame.base)


def flame_diff(base: Profile, new: Profile, options: FlameOptions = NODE_SECONDS) -> FlameDiff:
    """Join the flame graphs of two Profiles by kind and name, from the outermost frame down.

    Widths are means per request, so that different numbers of requests compare. Python frames are
    left out where one side alone was sampled.

    Raises:
        ValueError: ``elapsed`` by anything but time.
    """
    if base.sampling is None or new.sampling is None:
        base, new = (msgspec.structs.replace(each, sampling=None) for each in (base, new))
    before, after = flame_graph(base, options), flame_graph(new, options)
    after.name = before.name = new.target.name
    return _joined([before], [after], (_per_request(before), _per_request(after)))


def _per_request(flame: Flame) -> float:
    return 1 / flame.calls if flame.calls else 0.0


def _joined(
    before: Sequence[Flame], after: Sequence[Flame], scale: tuple[float, float]
) -> FlameDiff:
    """One frame of all those of its kind and name below the same one."""
    first = (*after, *before)[0]
    below = [[child for flame in flames for child in flame.children] for flames in (before, after)]
    groups = [_grouped(children) for children in below]
    children = [
        _joined(groups[0].get(key, []), groups[1].get(key, []), scale)
        for key in dict.fromkeys([*groups[1], *groups[0]])
    ]
    return FlameDiff(
        first.kind,
        first.name,
        sum(flame.value for flame in before) * scale[0],
        sum(flame.value for flame in after) * scale[1],
        sum(flame.calls for flame in after),
        sorted(children, key=lambda child: -child.value),
    )


def _grouped(flames: Sequence[Flame]) -> dict[tuple[str, str], list[Flame]]:
    groups: dict[tuple[str, str], list[Flame]] = {}
    for flame in flames:
        groups.setdefault((flame.kind, flame.name), []).append(flame)
    return groups
