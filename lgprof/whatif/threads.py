"""Whether a changed schedule rests on what cannot be predicted: threads that compute.

Threads share one interpreter lock. Where the machine is busy, each hand-over waits for the
operating system as well: from the same Profile such a change may bring a third of the latency more
or less than predicted.
"""

from __future__ import annotations

from collections.abc import Sequence

from lgprof.whatif.pieces import GraphRun, Piece, Task, Work
from lgprof.whatif.rewrite import all_pieces

_COMPUTES_FROM_S = 0.001


def computing_threads(pieces: Sequence[Piece]) -> list[str]:
    """Nodes that compute in a thread beside others.

    Args:
        pieces: All that a change made of a schedule.
    """
    if not any(type(piece) is Work for piece in pieces):
        return []
    return [
        task.path
        for run in pieces
        if type(run) is GraphRun
        for step in run.steps
        if len(step.tasks) > 1
        for task in step.tasks
        if _thread_cpu_s(task) > _COMPUTES_FROM_S
    ]


def _thread_cpu_s(task: Task) -> float:
    """CPU time of the node's own function in a thread."""
    return sum(piece.cpu_s for piece in all_pieces([task]) if type(piece) is Work)
