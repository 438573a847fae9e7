"""Callback runs out of a recording, before it is known what kind of span each is."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lgprof.analysis.collector import collector_paused
from lgprof.model import Outcome
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


class Holds:
    """Holds of the event loop, by attempt and by time."""

    def __init__(self, rows: list[tuple[int, int, int, int]]) -> None:
        rows.sort()
        self._by_attempt: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for start_ns, wall_ns, cpu_ns, attempt in rows:
            self._by_attempt[attempt].append((start_ns, wall_ns, cpu_ns))
        self._rows = rows
        self._starts = [row[0] for row in rows]

    def of(self, attempt: int, start_ns: int) -> list[tuple[int, int, int]]:
        """The attempt's holds, led by the one during which its function began."""
        own = self._by_attempt.get(attempt, [])
        at = bisect_right(self._starts, start_ns) - 1
        if at >= 0:
            start, wall_ns, cpu_ns, other = self._rows[at]
            if other != attempt and start + wall_ns > start_ns:
                return [(start, wall_ns, cpu_ns), *own]
        return own
