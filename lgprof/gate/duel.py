"""One pair: two fresh processes that take turns with the same requests.

The procedure is that of duet benchmarking (Bulej et al. 2020, "Duet Benchmarking: Improving
Measurement Accuracy in the Cloud") with turns instead of running side by side: both see the same
state of the machine, on the same core, and A B B A cancels what drifts.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from lgprof.gate import protocol
from lgprof.gate.process import SideProcess, Version, side_environment
from lgprof.gate.protocol import RequestRow
from lgprof.model import Failure

_Answer = TypeVar("_Answer", bound=msgspec.Struct)

_START_WITHIN_S = 120.0
_SLACK_S = 15.0
_WARM_UP_FIRST = 1_000_000_000
"""Index of the first warm-up request: measured ones begin at 0."""
_WARM_UP_MOST = 60
_WARM_UP_S = 0.4
_SHORT_REQUEST_S = 0.005
_SHORT_BLOCK = 4


@dataclass(frozen=True, slots=True)
class Course:
    """How the requests of a pair are made."""

    first_index: int
    requests: int
    """Per side; a multiple of two blocks."""
    block: int
    """Requests of one side in a row. The first of a block finds the processor's caches cold, so
    short requests come in several."""
    core: int | None
    """Where both sides run; None for where the system puts them."""


@dataclass(frozen=True, slots=True)
class PairRows:
    """What the two sides of a pair did, request by request."""

    base: list[RequestRow]
    new: list[RequestRow]
    stuck: list[str]
    """Names of the versions that a request has left hanging."""
    failures: list[Failure]
    """Of the candidate."""

    def both(self) -> list[tuple[RequestRow, RequestRow]]:
        """The requests that both sides made, base and candidate: one may have been given up."""
        new = {row.index: row for row in self.new}
        return [(row, new[row.index]) for row in self.base if row.index in new]

    def succeeded(self) -> list[tuple[RequestRow, RequestRow]]:
        """Those that came to a good end on both sides: only their times compare."""
        return [
            (base, new) for base, new in self.both() if base.outcome == "ok" and new.outcome == "ok"
        ]


def block_size(request_s: float) -> int:
    """How many requests of one side are made in a row."""
    return _SHORT_BLOCK if request_s < _SHORT_REQUEST_S else 1


def usable_cores() -> list[int]:
    """Cores that a process can be kept on; empty where the system knows no affinity."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


class Pair:
    """The two processes of a pair, open."""

    def __init__(
        self, base: SideProcess, new: SideProcess, timeout_s: float, chance: random.Random
    ) -> None:
        self.base, self.new = base, new
        self._timeout_s, self._chance = timeout_s, chance

    def open(self, question: Callable[[Version], protocol.Open]) -> tuple[protocol.Opened, ...]:
        """Load both versions and make their first request, at the same time.

        Returns:
            What the base and the candidate answer.

        Raises:
            LgprofError: One cannot be loaded. The candidate's problem comes first.
        """
        for side in (self.base, self.new):
            side.ask(question(side.version))
        within_s = _START_WITHIN_S + self._timeout_s
        new = self.new.answer(protocol.Opened, within_s)
        return self.base.answer(protocol.Opened, within_s), new

    def warm_up(self) -> tuple[protocol.WarmedUp, ...]:
        """Warm both sides up at the same time, for as long."""
        for side in (self.base, self.new):
            side.ask(protocol.WarmUp(_WARM_UP_FIRST, _WARM_UP_MOST, _WARM_UP_S))
        within_s = _WARM_UP_S + self._timeout_s + _SLACK_S
        new = self.new.answer(protocol.WarmedUp, within_s)
        return self.base.answer(protocol.WarmedUp, within_s), new

    def run(self, course: Course) -> PairRows:
        """Make the requests of both sides, in turns."""
        if course.core is not None:
            self._both(protocol.Pin(course.core), protocol.Done)
        stuck: list[str] = []
        for side, first_index in self._turns(course):
            side.ask(protocol.Run(first_index, course.block))
            within_s = self._timeout_s * course.block + _SLACK_S
            if side.answer(protocol.Ran, within_s).stuck:
                stuck.append(side.version.name)
                break
        base, new = self._both(protocol.Report(), protocol.Reported)
        return PairRows(base.rows, new.rows, stuck, new.failures)

    def _turns(self, course: Course) -> Iterator[tuple[SideProcess, int]]:
        end = course.first_index + course.requests
        for first in range(course.first_index, end, 2 * course.block):
            a, b = self.base, self.new
            if self._chance.random() < 0.5:
                a, b = b, a
            yield from ((a, first), (b, first))
            yield from ((b, first + course.block), (a, first + course.block))

    def _both(self, question: protocol.Question, kind: type[_Answer]) -> tuple[_Answer, _Answer]:
        for side in (self.base, self.new):
            side.ask(question)
        new = self.new.answer(kind, _SLACK_S + self._timeout_s)
        return self.base.answer(kind, _SLACK_S + self._timeout_s), new


@contextmanager
def fresh_pair(
    base: Version, candidate: Version, root: Path, timeout_s: float, chance: random.Random
) -> Iterator[Pair]:
    """Start both processes together, in an order by chance and with one hash seed."""
    seed = chance.randrange(1, 2**32)
    processes: dict[str, SideProcess] = {}
    try:
        for version in chance.sample([base, candidate], k=2):
            environment = side_environment(version, seed, root)
            processes[version.name] = SideProcess(version, environment)
        yield Pair(processes[base.name], processes[candidate.name], timeout_s, chance)
        for process in processes.values():
            process.leave()
        for process in processes.values():
            process.wait()
    finally:
        for process in processes.values():
            process.kill()
