"""Painting claims over a stretch of time: each instant goes to the claim of the best rank."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
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
    if not claims:
        return [Tile(start_s, end_s, rest.category, rest.path, rest.span)]
    inside = sorted(
        claim
        for claim in claims
        if claim.end_s > start_s and claim.start_s < end_s and claim.end_s > claim.start_s
    )
    if not inside:
        return [Tile(start_s, end_s, rest.category, rest.path, rest.span)]
    if all(left.end_s <= right.start_s for left, right in pairwise(inside)):
        return _lay(inside, start_s, end_s, rest)
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


def _lay(claims: list[Tile], start_s: float, end_s: float, rest: Tile) -> list[Tile]:
    """`paint` claims that follow one another: no two hold at once."""
    tiles: list[Tile] = []
    now_s = start_s
    for claim in claims:
        if claim.start_s > now_s:
            _extend(tiles, now_s, claim.start_s, rest)
            now_s = claim.start_s
        until_s = min(claim.end_s, end_s)
        _extend(tiles, now_s, until_s, claim)
        now_s = until_s
    if now_s < end_s:
        _extend(tiles, now_s, end_s, rest)
    return tiles


def _extend(tiles: list[Tile], start_s: float, end_s: float, owner: Tile) -> None:
    _, _, category, path, span = owner
    if tiles:
        last_start_s, _, last_category, last_path, last_span = tiles[-1]
        if span == last_span and category == last_category and path == last_path:
            tiles[-1] = Tile(last_start_s, end_s, category, path, span)
            return
    tiles.append(Tile(start_s, end_s, category, path, span))


Stretch = TypeVar("Stretch", bound=Any)


class ByTime(Generic[Stretch]):
    """Things with ``start_s`` and ``end_s``, found by the time that they overlap."""

    def __init__(self, stretches: Iterable[Stretch]) -> None:
        self._ordered = sorted(stretches, key=lambda stretch: stretch.start_s)
        self._reach_s = list(accumulate((stretch.end_s for stretch in self._ordered), max))

    def between(self, start_s: float, end_s: float) -> list[Stretch]:
        """Those that overlap the given time, in order of their start."""
        found: list[Stretch] = []
        for index in range(bisect_right(self._reach_s, start_s), len(self._ordered)):
            stretch = self._ordered[index]
            if stretch.start_s >= end_s:
                break
            if stretch.end_s > start_s:
                found.append(stretch)
        return found


def subtract(
    stretches: Iterable[tuple[float, float]], holes: Iterable[tuple[float, float]]
) -> list[tuple[float, float]]:
    """The stretches less the holes; both as (start, end), the result ascending."""
    apart = _merged(holes)
    left: list[tuple[float, float]] = []
    first = 0
    for start, end in sorted(stretches):
        while first < len(apart) and apart[first][1] <= start:
            first += 1
        at = start
        for index in range(first, len(apart)):
            hole_start, hole_end = apart[index]
            if hole_start >= end:
                break
            if hole_start > at:
                left.append((at, hole_start))
            at = hole_end
        if at < end:
            left.append((at, end))
    return left


def _merged(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same time as stretches that neither touch nor overlap, ascending."""
    apart: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def covered_s(stretches: Iterable[tuple[float, float]]) -> float:
    """Seconds that at least one of the stretches covers."""
    total = 0.0
    reach = float("-inf")
    for start, end in sorted(stretches):
        if end > reach:
            total += end - max(start, reach)
            reach = end
    return total
