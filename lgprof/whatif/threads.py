"""Whether a changed schedule rests on what cannot be predicted: threads that compute.

Threads share one interpreter lock. Where the machine is busy, each hand-over waits for the
operating system as well: from the same Profile such a change may bring a third of the latency more
or less than predicted.
"""

from __future__ import annotations

from collections.abc import Sequence

from lgprof.whatif.pieces import GraphRun, Schedule, Step, Task, Work
from lgprof.whatif.rewrite import all_pieces

_COMPUTES_FROM_S = 0.001


def computing_threads(recorded: Sequence[Schedule], changed: Sequence[Schedule]) -> list[str]:
    """Nodes that compute in a thread beside others where they did not before."""
    nodes: dict[str, None] = {}
    for before, after in zip(recorded, changed, strict=True):
        if after is before:
            continue
        known = {id(step) for step in _steps(before)}
        for step in _steps(after):
            if id(step) not in known and len(step.tasks) > 1:
                nodes |= dict.fromkeys(
                    t.path for t in step.tasks if _thread_cpu_s(t) > _COMPUTES_FROM_S
                )
    return list(nodes)


def _steps(schedule: Schedule) -> list[Step]:
    runs = (piece for piece in all_pieces(schedule.runs) if isinstance(piece, GraphRun))
    return [step for run in runs for step in run.steps]


def _thread_cpu_s(task: Task) -> float:
    """CPU time of the node's own function in a thread."""
    return sum(piece.cpu_s for piece in all_pieces([task]) if isinstance(piece, Work))
