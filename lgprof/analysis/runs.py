"""Callback runs out of a recording, before it is known what kind of span each is."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lgprof.analysis.collector import collector_paused
from lgprof.model import Outcome, Segment
from lgprof.record.event_log import OUTCOMES, Recording


class Work(NamedTuple):
    """When and where a node's function ran, as a probe saw it."""

    start_ns: int
    end_ns: int
    cpu_ns: int
    thread: int


@dataclass(slots=True)
class Run:
    """One callback run, before it is known what kind of span it is."""

    id: int
    parent: int
    start_ns: int
    namespace: int
    name: str
    step: int
    kind: int
    end_ns: int = 0
    error: str = ""
    outcome: Outcome = "running"
    children: list[Run] = field(default_factory=list)
    is_attempt: bool = False


@collector_paused()
def read_runs(recording: Recording) -> dict[int, Run]:
    """All runs by their ids, in order of their start."""
    rows = recording.starts.rows()
    recording.ends.settle()
    names = recording.names.as_list()
    runs = {
        run_id: Run(run_id, parent, t_ns, namespace, names[name], step, kind)
        for t_ns, run_id, parent, namespace, name, step, kind in rows
    }
    for t_ns, run_id, error, outcome in recording.ends.rows():
        run = runs.get(run_id)
        if run is not None:
            run.end_ns, run.error, run.outcome = t_ns, names[error], OUTCOMES[outcome]
    return runs


def read_works(recording: Recording) -> Iterator[tuple[Work, int]]:
    """What the probes saw, each with the id of the run that it was in."""
    for start_ns, end_ns, run, cpu_ns, thread in recording.works.rows():
        yield Work(start_ns, end_ns, cpu_ns, thread), run


class Hold(NamedTuple):
    """A hold of the event loop."""

    start_ns: int
    wall_ns: int
    cpu_ns: int
    attempt: int
    task: int
    maker: int
    """Numbers of the asyncio task that held it, and of the task that made this one."""


class Holds:
    """Holds of the event loop, by attempt and by time."""

    def __init__(self, rows: list[Hold]) -> None:
        rows.sort()
        self._by_attempt: dict[int, list[Hold]] = defaultdict(list)
        for hold in rows:
            self._by_attempt[hold.attempt].append(hold)
        self._rows = rows
        self._starts = [row[0] for row in rows]

    def of(self, attempt: int, work: Work) -> list[Hold]:
        """The attempt's holds, led by the one during which its function began."""
        own = self._by_attempt.get(attempt, [])
        at = bisect_right(self._starts, work.start_ns) - 1
        if at >= 0:
            hold = self._rows[at]
            if hold.attempt != attempt and hold.start_ns + hold.wall_ns > work.start_ns:
                return [hold, *own]
        return own


def segments_of(
    holds: list[Hold], work: Work, origin_ns: int
) -> tuple[list[Segment], list[int] | None]:
    """A function's own holds, led by the part of the one in which it began.

    Args:
        holds: The attempt's.
        work: When the function ran.
        origin_ns: Begin of the recording.

    Returns:
        The holds, and the maker of each asyncio task beside the function's own; None without one.
    """
    segments: list[Segment] = []
    numbers: dict[int, int] = {}
    makers: list[int] = []
    for hold in holds:
        start_ns = max(hold.start_ns, work.start_ns)
        inside_ns = min(hold.start_ns + hold.wall_ns, work.end_ns) - start_ns
        if inside_ns <= 0:
            continue
        # Idle time counts first: what is cut off of a hold was CPU.
        cpu_ns = max(0, inside_ns - (hold.wall_ns - hold.cpu_ns))
        if hold.task not in numbers:
            numbers[hold.task] = len(numbers)
            makers.append(numbers.get(hold.maker, 0))
        start_s = (start_ns - origin_ns) / 1e9
        segments.append(Segment(start_s, inside_ns / 1e9, cpu_ns / 1e9, numbers[hold.task]))
    return segments, makers[1:] or None
