"""The schedule of arrivals: made before the test from a seed, and the same for any worker count.

Constant arrivals are evenly spaced. Poisson ones are conditioned on their number: as many uniform
order statistics as the rate asks for, so that every seed offers the same load (L. Devroye,
*Non-Uniform Random Variate Generation*, 1986, ch. VI.1).
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from lgprof.model.load import Stage

ArrivalKind = Literal["constant", "poisson"]

_BLOCK = 1000
"""Poisson arrivals are drawn in blocks of this many, so that a long schedule needs no memory."""


@dataclass(frozen=True)
class Schedule:
    """When each request should start, in seconds from the first moment of the test.

    Args:
        stages: At least one; each with a positive duration, and arrivals in all.
        kind: Even spacing, or a Poisson process.
        seed: Of the Poisson process.
    """

    stages: tuple[Stage, ...]
    kind: ArrivalKind = "constant"
    seed: int = 0

    @property
    def duration_s(self) -> float:
        """Length of all stages."""
        return math.fsum(stage.duration_s for stage in self.stages)

    @property
    def count(self) -> int:
        """How many arrivals there are."""
        return math.floor(self._expected[-1] + 1e-9)

    @property
    def mean_rps(self) -> float:
        """Arrivals per second over the whole schedule."""
        return self.count / self.duration_s

    @property
    def _expected(self) -> list[float]:
        """Arrivals by the end of each stage."""
        return list(
            accumulate(
                (stage.from_rps + stage.to_rps) / 2 * stage.duration_s for stage in self.stages
            )
        )

    def times_s(self, first: int = 0) -> Iterator[float]:
        """The arrivals' times in order, from the given one on."""
        positions = self._positions(first)
        ends = self._expected
        starts_s = [0.0, *accumulate(stage.duration_s for stage in self.stages)]
        for position in positions:
            at = min(bisect_right(ends, position), len(self.stages) - 1)
            before = ends[at - 1] if at else 0.0
            yield starts_s[at] + _time_in_stage_s(self.stages[at], position - before)

    def due_by(self, time_s: float) -> int:
        """How many arrivals are due before a time."""
        if time_s >= self.duration_s:
            return self.count
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if next(self.times_s(middle)) < time_s:
                low = middle + 1
            else:
                high = middle
        return low

    def _positions(self, first: int) -> Iterator[float]:
        """Each arrival's place on the axis of expected arrivals: 2.5 lies halfway to the third."""
        if self.kind == "constant":
            yield from map(float, range(first, self.count))
            return
        block = first // _BLOCK
        for start in range(block * _BLOCK, self.count, _BLOCK):
            size = min(_BLOCK, self.count - start)
            draw = random.Random(f"{self.seed}:{start}").random
            ordered = sorted(start + size * draw() for _ in range(size))
            yield from ordered[max(0, first - start) :]


def _time_in_stage_s(stage: Stage, arrivals: float) -> float:
    """When the n-th arrival of a stage is due: the inverse of its rate's integral."""
    slope = (stage.to_rps - stage.from_rps) / stage.duration_s
    if abs(slope) < 1e-12:
        return arrivals / stage.from_rps if stage.from_rps else 0.0
    inside = max(0.0, stage.from_rps**2 + 2 * slope * arrivals)
    return (math.sqrt(inside) - stage.from_rps) / slope


def steady(rps: float, duration_s: float) -> tuple[Stage, ...]:
    """One stage with one rate."""
    return (Stage(from_rps=rps, to_rps=rps, duration_s=duration_s),)


def stages_between(levels: Sequence[tuple[float, float]], ramp_s: float) -> tuple[Stage, ...]:
    """Stages of (rate, seconds), each reached over a ramp from the one before.

    Args:
        levels: Rate and duration of each stage.
        ramp_s: Seconds of each ramp, taken from the stage that it leads to: half of it at most.
    """
    stages: list[Stage] = []
    before: float | None = None
    for rps, duration_s in levels:
        ramp = 0.0 if before is None or before == rps else min(ramp_s, duration_s / 2)
        if ramp and before is not None:
            stages.append(Stage(from_rps=before, to_rps=rps, duration_s=ramp))
        if duration_s - ramp > 0:
            stages.append(Stage(from_rps=rps, to_rps=rps, duration_s=duration_s - ramp))
        before = rps
    return tuple(stages)


@dataclass(frozen=True, slots=True)
class Share:
    """Which arrivals are one worker's: from ``first`` on, every ``of``-th."""

    first: int
    slot: int
    of: int


class Shares:
    """A worker's shares over time: a lost worker's part goes to the others from some arrival on."""

    def __init__(self, share: Share) -> None:
        self._shares = [share]

    def take_over(self, share: Share) -> None:
        """From ``share.first`` on, this one holds."""
        self._shares.append(share)

    def has(self, number: int) -> bool:
        """Whether an arrival is this worker's."""
        for share in reversed(self._shares):
            if number >= share.first:
                return number % share.of == share.slot
        return False


class Assignments:
    """All workers' shares over time, as the master hands them out."""

    def __init__(self, workers: int) -> None:
        self._eras: list[tuple[int, list[int]]] = [(0, list(range(workers)))]

    def hand_over(self, first: int, workers: Sequence[int]) -> None:
        """From arrival ``first`` on, these workers share all arrivals."""
        self._eras.append((first, list(workers)))

    def owner(self, number: int) -> int | None:
        """The worker that an arrival is assigned to; None of none."""
        for first, workers in reversed(self._eras):
            if number >= first:
                return workers[number % len(workers)] if workers else None
        return None

    def count(self, worker: int, first: int, end: int) -> int:
        """How many of the arrivals from ``first`` to before ``end`` are a worker's."""
        return sum(self.owner(number) == worker for number in range(first, end))
