"""What the checkpointer did in a graph run, from its spans."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from lgprof.analysis.intervals import covered_s, subtract
from lgprof.model import Span
from lgprof.whatif.pieces import Checkpointing


def checkpointing_of(operations: Sequence[Span], tail_start_s: float) -> Checkpointing | None:
    """What a graph run had its checkpointer do; None without one.

    Args:
        operations: The run's checkpoint spans.
        tail_start_s: When its last node ended.
    """
    puts = [span for span in operations if span.name == "put"]
    if not puts:
        return None
    writes = [(span.start_s, span.end_s) for span in operations if span.name == "put_writes"]
    gets = [span for span in operations if span.name == "get_tuple"]
    return Checkpointing(
        puts=len(puts),
        put_s=statistics.median(_alone_s(put, writes) for put in puts),
        get_s=covered_s((span.start_s, span.end_s) for span in gets),
        tail_s=time_in(operations, tail_start_s, float("inf")),
        beside=sum(span not in gets and span.start_s < tail_start_s for span in operations),
    )


def _alone_s(put: Span, writes: list[tuple[float, float]]) -> float:
    return sum(end - start for start, end in subtract([(put.start_s, put.end_s)], writes))


def time_in(operations: Sequence[Span], start_s: float, end_s: float) -> float:
    """Seconds between two moments in which the checkpointer wrote."""
    return covered_s(
        (max(span.start_s, start_s), min(span.end_s, end_s))
        for span in operations
        if span.name != "get_tuple" and span.end_s > start_s and span.start_s < end_s
    )
