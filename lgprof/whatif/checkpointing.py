"""What the checkpointer did in a graph run, from its spans.

LangGraph writes a checkpoint of the input and one after each superstep: before it goes on
(``sync``), beside what follows, each one after the one before (``async``), or one at the end
(``exit``).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from lgprof.analysis.intervals import covered_s
from lgprof.model import Span
from lgprof.whatif.changes import DurabilityMode
from lgprof.whatif.pieces import Checkpointing


class Saves(NamedTuple):
    """Of one graph run: what the checkpointer did, and what is not LangGraph's own time of it."""

    made: Checkpointing
    step_s: list[float]
    """How long it takes to write the checkpoint after each superstep."""
    waits_s: list[float]
    """What LangGraph waited for checkpoints before each superstep, and after the last."""


def saves_of(
    graph: Span, operations: Sequence[Span], supersteps: Sequence[tuple[float, float]]
) -> Saves | None:
    """What a graph run had its checkpointer do; None without one.

    Args:
        graph: The run.
        operations: Its checkpoint spans.
        supersteps: From when to when nodes ran.
    """
    puts = sorted((one for one in operations if one.name == "put"), key=lambda put: put.start_s)
    if not puts:
        return None
    gaps = [*pairwise([graph.start_s, *(at for step in supersteps for at in step), graph.end_s])]
    gaps = gaps[::2]
    written = len(supersteps) - (graph.outcome == "interrupted")
    of_input, of_steps = puts[: max(0, len(puts) - written)], puts[max(0, len(puts) - written) :]
    mode = _mode(of_input, of_steps, gaps)
    waits_s = [_time_in(puts, *gap) for gap in gaps]
    put_s = statistics.median(_unhindered_s(puts, operations))
    if mode == "sync":
        input_s, *step_s = waits_s
    else:
        waits_s[:-1] = [0.0] * len(supersteps)
        input_s = math.fsum(map(_duration_s, of_input)) if mode == "async" else put_s
        after = map(_duration_s, of_steps) if mode == "async" else [put_s] * len(supersteps)
        step_s = [*after, *[0.0] * len(supersteps)][: len(supersteps)]
    made = Checkpointing(
        mode=mode,
        input_s=input_s,
        put_s=put_s,
        get_s=covered_s((one.start_s, one.end_s) for one in operations if one.name == "get_tuple"),
        operations=sum(one.name != "get_tuple" for one in operations),
    )
    return Saves(made, step_s, waits_s)


def _mode(
    of_input: Sequence[Span], of_steps: Sequence[Span], gaps: Sequence[tuple[float, float]]
) -> DurabilityMode:
    """How the checkpoints were written: those that lie between supersteps were waited for."""
    if len(of_input) + len(of_steps) == 1 and len(gaps) > 2:
        return "exit"
    followed = [*((put, gaps[0]) for put in of_input), *zip(of_steps, gaps[1:-1], strict=False)]
    waited = all(
        start_s <= put.start_s and put.end_s <= end_s for put, (start_s, end_s) in followed
    )
    return "sync" if followed and waited else "async"


def _duration_s(span: Span) -> float:
    return span.end_s - span.start_s


def _unhindered_s(puts: Sequence[Span], operations: Sequence[Span]) -> list[float]:
    """How long checkpoints took that did not stand in line behind results; else all."""
    writes = [one for one in operations if one.name == "put_writes"]
    free = [
        _duration_s(put)
        for put in puts
        if not any(write.start_s <= put.start_s < write.end_s for write in writes)
    ]
    return free or [*map(_duration_s, puts)]


def _time_in(puts: Sequence[Span], start_s: float, end_s: float) -> float:
    """Seconds between two moments in which a checkpoint was written."""
    return covered_s(
        (max(put.start_s, start_s), min(put.end_s, end_s))
        for put in puts
        if put.end_s > start_s and put.start_s < end_s
    )
