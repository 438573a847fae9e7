"""What LangGraph does around the functions of one superstep, without the siblings' turns in it.

Tasks that start together get the event loop one after another: between a task's start and that of
its function the loop serves all the others as well.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from msgspec.structs import replace

from lgprof.analysis.intervals import covered_s, subtract
from lgprof.analysis.tree import function_window
from lgprof.model import Span
from lgprof.whatif.pieces import Attempt, Hold, Piece, Task, Wait, Work


def uncontended(tasks: Sequence[Task]) -> list[Task]:
    """The tasks of one superstep, each with no more of LangGraph's work around it than its own."""
    by_thread: dict[str | None, list[Attempt]] = defaultdict(list)
    for task in tasks:
        for attempt in task.attempts:
            by_thread[attempt.span.thread].append(attempt)
    starts_s = sorted(one.span.start_s for attempts in by_thread.values() for one in attempts)
    before = {thread: _before(some, starts_s) for thread, some in by_thread.items()}
    after = {thread: _least(some, "after") for thread, some in by_thread.items()}

    def alone(attempt: Attempt) -> Attempt:
        thread = attempt.span.thread
        return replace(attempt, before=before[thread], after=after[thread])

    return [replace(task, attempts=tuple(map(alone, task.attempts))) for task in tasks]


def _least(attempts: Sequence[Attempt], side: str) -> tuple[Piece, ...]:
    """The shortest of LangGraph's work on one side of the function."""
    return min((getattr(attempt, side) for attempt in attempts), key=_length_s)


def _length_s(framework: tuple[Piece, ...]) -> float:
    return math.fsum(piece.wall_s for piece in framework if isinstance(piece, Hold | Work))


def _before(attempts: Sequence[Attempt], starts_s: Sequence[float]) -> tuple[Piece, ...]:
    """LangGraph's work before a function of one kind of thread.

    Args:
        attempts: That ran in such threads.
        starts_s: Of all attempts, ascending.
    """
    least = _least(attempts, "before")
    spans = [attempt.span for attempt in attempts]
    if not least or not isinstance(least[0], Hold):
        return least
    if spans[0].thread == "pool":
        return _to_thread(spans, starts_s, least[0].wall_s)
    hold_s = min(least[0].wall_s, _share_s(spans))
    return (Hold(hold_s, hold_s),)


def _share_s(spans: Sequence[Span]) -> float:
    """Of the time in which the loop got functions started: what each took, on average."""
    starting = [(span.start_s, function_window(span)[0]) for span in spans]
    holds = [
        (hold.start_s, hold.start_s + hold.wall_s) for span in spans for hold in span.segments or ()
    ]
    return covered_s(subtract(starting, holds)) / len(spans)


def _to_thread(
    spans: Sequence[Span], starts_s: Sequence[float], least_s: float
) -> tuple[Piece, ...]:
    """The loop's part, then the time until a thread is awake: it is so once the loop is idle."""
    apart_s = [
        later_s - span.start_s
        for span in spans
        for later_s in starts_s[bisect_right(starts_s, span.start_s) :][:1]
        if later_s < function_window(span)[0]
    ]
    hold_s = min(least_s, median(apart_s)) if apart_s else least_s
    wakes_s = min(
        began_s - starts_s[bisect_right(starts_s, began_s) - 1]
        for began_s, _ in map(function_window, spans)
    )
    return Hold(hold_s, hold_s), Wait(max(0.0, min(wakes_s, least_s - hold_s)))
