"""Painting claims over a stretch of time: each instant goes to the claim of the best rank."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import accumulate, pairwise
from typing import Any, Generic, NamedTuple, TypeVar

from lgprof.model import ATTRIBUTION_CATEGORIES

RANK: dict[str, int] = {name: rank for rank, name in enumerate(ATTRIBUTION_CATEGORIES)}


class Tile(NamedTuple):
    """A stretch of a request's critical path, and who it belongs to."""

    start_s: float
    end_s: float
    category: str
    """A field of `lgprof.model.Attribution`."""
    path: str
    """Path of the node that it lies in; "" outside any."""
    span: int | None
    """Id of the innermost span that it lies in."""


def paint(claims: Sequence[Tile], start_s: float, end_s: float, rest: Tile) -> list[Tile]:
    """Tile ``[start_s, end_s]`` without gap or overlap.

    Args:
        claims: In any order; clipped to the stretch. Where several hold, the category that comes
            first in `lgprof.model.Attribution` wins, then the claim that lasts longest.
        start_s: Begin of the stretch.
        end_s: End of the stretch.
        rest: Whose category, path and span the instants get that nobody claims.
    """
    if end_s <= start_s:
        return []
    inside = sorted(
        claim
        for claim in claims
        if claim.end_s > start_s and claim.start_s < end_s and claim.end_s > claim.start_s
    )
    if not inside:
        return [Tile(start_s, end_s, rest.category, rest.path, rest.span)]
    edges = sorted(
        {start_s, end_s}
        | {claim.start_s for claim in inside if claim.start_s > start_s}
        | {claim.end_s for claim in inside if claim.end_s < end_s}
    )
    tiles: list[Tile] = []
    active: list[tuple[int, float, int]] = []
    upcoming = 0
    for left, right in pairwise(edges):
        while upcoming < len(inside) and inside[upcoming].start_s <= left:
            claim = inside[upcoming]
            heappush(active, (RANK[claim.category], -claim.end_s, upcoming))
            upcoming += 1
        while active and -active[0][1] <= left:
            heappop(active)
        owner = inside[active[0][2]] if active else rest
        _extend(tiles, left, right, owner)
    return tiles


def _extend(tiles: list[Tile], start_s: float, end_s: float, owner: Tile) -> None:
    if tiles:
        last = tiles[-1]
        if last[2:] == owner[2:]:
            tiles[-1] = last._replace(end_s=end_s)
            return
    tiles.append(Tile(start_s, end_s, owner.category, owner.path, owner.span))


Stretch = TypeVar("Stretch", bound=Any)


class ByTime(Generic[Stretch]):
    """Things with ``start_s`` and ``end_s``, found by the time that they overlap."""

    def __init__(self, stretches: Iterable[Stretch]) -> None:
        self._ordered = sorted(stretches, key=lambda stretch: stretch.start_s)
        self._reach_s = list(accumulate((stretch.end_s for stretch in self._ordered), max))

    def between(self, start_s: float, end_s: float) -> Iterator[Stretch]:
        """Those that overlap the given time, in order of their start."""
        for index in range(bisect_right(self._reach_s, start_s), len(self._ordered)):
            stretch = self._ordered[index]
            if stretch.start_s >= end_s:
                return
            if stretch.end_s > start_s:
                yield stretch


def subtract(
    stretches: Iterable[tuple[float, float]], holes: Iterable[tuple[float, float]]
) -> list[tuple[float, float]]:
    """The stretches less the holes; both as (start, end), the result ascending."""
    ordered = sorted(holes)
    left: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        at = start
        for hole_start, hole_end in ordered:
            if hole_end <= at:
                continue
            if hole_start >= end:
                break
            if hole_start > at:
                left.append((at, hole_start))
            at = hole_end
        if at < end:
            left.append((at, end))
    return left


def covered_s(stretches: Iterable[tuple[float, float]]) -> float:
    """Seconds that at least one of the stretches covers."""
    total = 0.0
    reach = float("-inf")
    for start, end in sorted(stretches):
        if end > reach:
            total += end - max(start, reach)
            reach = end
    return total
