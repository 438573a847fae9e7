"""What the checkpointer did in a graph run, from its spans."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from lgprof.analysis.intervals import covered_s
from lgprof.model import Span
from lgprof.whatif.pieces import Checkpointing


def checkpointing_of(
    operations: Sequence[Span], supersteps: Sequence[tuple[float, float]]
) -> Checkpointing | None:
    """What a graph run had its checkpointer do; None without one.

    Args:
        operations: The run's checkpoint spans.
        supersteps: From when to when nodes ran.
    """
    puts = [span for span in operations if span.name == "put"]
    if not puts:
        return None
    writes = [span for span in operations if span.name == "put_writes"]
    gets = [span for span in operations if span.name == "get_tuple"]
    tail_start_s = supersteps[-1][1] if supersteps else 0.0
    took_s = time_in(operations, 0.0, math.inf)
    return Checkpointing(
        puts=len(puts),
        put_s=statistics.median(_unhindered_s(puts, writes)),
        step_s=took_s / max(1, len(supersteps)),
        get_s=covered_s((span.start_s, span.end_s) for span in gets),
        tail_s=time_in(operations, tail_start_s, math.inf),
        beside=sum(_is_beside(span, supersteps) for span in operations),
    )


def _unhindered_s(puts: list[Span], writes: list[Span]) -> list[float]:
    """How long checkpoints took that did not stand in line behind results; else all."""
    free = [
        put.end_s - put.start_s
        for put in puts
        if not any(write.start_s <= put.start_s < write.end_s for write in writes)
    ]
    return free or [put.end_s - put.start_s for put in puts]


def _is_beside(operation: Span, supersteps: Sequence[tuple[float, float]]) -> bool:
    middle_s = (operation.start_s + operation.end_s) / 2
    return any(start_s <= middle_s < end_s for start_s, end_s in supersteps)


def time_in(operations: Sequence[Span], start_s: float, end_s: float) -> float:
    """Seconds between two moments in which the checkpointer wrote."""
    return covered_s(
        (max(span.start_s, start_s), min(span.end_s, end_s))
        for span in operations
        if span.name != "get_tuple" and span.end_s > start_s and span.start_s < end_s
    )
