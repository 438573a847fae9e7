"""How long schedules take: what runs by itself adds up, and only the rest is simulated."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lgprof.whatif.pieces import Call, GraphRun, InExecutor, Piece, Places, Schedule, Step, Wait
from lgprof.whatif.rewrite import LEAVES
from lgprof.whatif.simulate import simulated_s


def schedule_s(schedule: Schedule) -> float:
    """How long a request takes; infinity where its tasks would wait for one another for ever."""
    return sum(_run_s(run, schedule.places) for run in schedule.runs)


def _run_s(run: GraphRun, places: Places) -> float:
    if run.checkpointing is not None:  # written beside the supersteps, perhaps longer than one
        return simulated_s(Schedule((run,), places))
    return sum(_step_s(step, run, places) for step in run.steps) + _sum_s(run.tail)


def _step_s(step: Step, run: GraphRun, places: Places) -> float:
    if _is_alone(step):
        inside = (
            _sum_s(attempt.before) + _sum_s(attempt.body) + _sum_s(attempt.after)
            for task in step.tasks
            for attempt in task.attempts
        )
        return _sum_s(step.gap) + sum(inside)
    return simulated_s(Schedule((replace(run, steps=(step,), tail=()),), places))


def _is_alone(step: Step) -> bool:
    """Whether nothing in it competes for the loop, for threads or for places."""
    if len(step.tasks) > 1:
        return False
    return all(
        len(task.attempts) <= 1
        and not task.then
        and all(_is_in_a_row(attempt.body) for attempt in task.attempts)
        for task in step.tasks
    )


def _is_in_a_row(pieces: Iterable[Piece]) -> bool:
    return all(
        type(piece) in LEAVES
        or (isinstance(piece, Call | InExecutor) and _is_in_a_row(piece.pieces))
        for piece in pieces
    )


def _sum_s(pieces: Iterable[Piece]) -> float:
    """How long pieces in a row take."""
    total_s = 0.0
    for piece in pieces:
        if type(piece) is Wait:
            total_s += piece.seconds
        elif isinstance(piece, Call | InExecutor):
            total_s += _sum_s(piece.pieces)
        else:
            total_s += piece.wall_s  # type: ignore[union-attr]
    return total_s
