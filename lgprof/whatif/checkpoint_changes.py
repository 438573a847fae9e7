"""When checkpoints are written, and by what."""

from __future__ import annotations

import math

from msgspec.structs import replace

from lgprof.stats import mean
from lgprof.whatif.changes import Durability, DurabilityMode, SwapCheckpointer
from lgprof.whatif.overheads import CHECKPOINT_S, SAVER_BESIDE_S
from lgprof.whatif.pieces import Checkpointing, GraphRun, Hold, Piece, Step, Wait, Work
from lgprof.whatif.rewrite import Rewriter, all_pieces
from lgprof.whatif.scenario import Scenario

_IN_THREADS_FROM_S = 0.0002
"""A checkpoint that takes longer is written by a thread or over a connection, else in memory."""


def durability(change: Durability, scenario: Scenario) -> None:
    """Write checkpoints at other times."""
    runs = _checkpointed(scenario)
    if not runs:
        scenario.note("the graph ran without a checkpointer: nothing changes")
    elif _recorded_mode(runs) == change.mode:
        scenario.note(f"checkpoints were written with durability={change.mode!r} already")
    else:
        scenario.rewrite(_Durability(change.mode))


def swap_checkpointer(change: SwapCheckpointer, scenario: Scenario) -> None:
    """Write no checkpoints, or all in memory."""
    if not _checkpointed(scenario):
        scenario.note("the graph ran without a checkpointer: nothing changes")
        return
    scenario.rewrite(_InMemory() if change.kind == "memory" else _Without())


def _checkpointed(scenario: Scenario) -> list[GraphRun]:
    return [
        piece
        for schedule in scenario.schedules
        for piece in all_pieces(schedule.runs)
        if isinstance(piece, GraphRun) and piece.checkpointing
    ]


def _recorded_mode(runs: list[GraphRun]) -> DurabilityMode:
    """LangGraph's default is ``async``: a checkpoint is written beside the next superstep."""
    written = [(run, run.checkpointing) for run in runs if run.checkpointing]
    if all(made.puts == 1 and len(run.steps) > 1 for run, made in written):
        return "exit"
    before = mean([step.saving_s for run in runs for step in run.steps[1:]] or [0.0])
    put_s = mean([made.put_s for _, made in written])
    return "sync" if put_s > _IN_THREADS_FROM_S and before > put_s / 2 else "async"


class _Checkpoints(Rewriter):
    def graph(self, run: GraphRun) -> GraphRun:
        return run if run.checkpointing is None else self.checkpointed(run, run.checkpointing)

    def checkpointed(self, run: GraphRun, made: Checkpointing) -> GraphRun:
        raise NotImplementedError


class _Durability(_Checkpoints):
    def __init__(self, mode: DurabilityMode) -> None:
        self._mode = mode

    def checkpointed(self, run: GraphRun, made: Checkpointing) -> GraphRun:
        if self._mode == "exit":
            gone_s = CHECKPOINT_S + _beside_s(run, made)
            once = replace(made, puts=1, tail_s=made.put_s, beside=0)
            return _changed(run, once, gone_s, made.tail_s - made.put_s)
        if self._mode == "sync":
            steps = tuple(
                replace(step, gap=_longer(step.gap, made.step_s), saving_s=made.step_s)
                for step in run.steps
            )
            return replace(run, steps=steps, checkpointing=replace(made, beside=0))
        return _changed(run, replace(made, beside=made.puts), 0.0, 0.0)


class _InMemory(_Checkpoints):
    def checkpointed(self, run: GraphRun, made: Checkpointing) -> GraphRun:
        if made.put_s < _IN_THREADS_FROM_S:
            return run
        steps = (_shorter_gap(run.steps[0], made.get_s), *run.steps[1:]) if run.steps else ()
        kept = replace(made, put_s=0.0, get_s=0.0, tail_s=0.0)
        return _changed(replace(run, steps=steps), kept, _beside_s(run, made), made.tail_s)


class _Without(_Checkpoints):
    def checkpointed(self, run: GraphRun, made: Checkpointing) -> GraphRun:
        steps = (_shorter_gap(run.steps[0], made.get_s), *run.steps[1:]) if run.steps else ()
        gone_s = CHECKPOINT_S + _beside_s(run, made)
        return _changed(replace(run, steps=steps), None, gone_s, made.tail_s + CHECKPOINT_S)


def _beside_s(run: GraphRun, made: Checkpointing) -> float:
    """Per superstep, what a saver's thread takes from the nodes that it runs beside."""
    if made.put_s < _IN_THREADS_FROM_S or not run.steps:
        return 0.0
    return SAVER_BESIDE_S * made.beside / len(run.steps)


def _changed(run: GraphRun, made: Checkpointing | None, step_s: float, tail_s: float) -> GraphRun:
    """The run with shorter gaps and tail: less what each step and the tail lose."""
    steps = tuple(_shorter_gap(step, step.saving_s + step_s) for step in run.steps)
    return replace(run, steps=steps, tail=_longer(run.tail, -tail_s), checkpointing=made)


def _shorter_gap(step: Step, seconds: float) -> Step:
    return replace(step, gap=_longer(step.gap, -seconds), saving_s=0.0)


def _longer(framework: tuple[Piece, ...], seconds: float) -> tuple[Piece, ...]:
    """LangGraph's work, longer by so much; not shorter than nothing."""
    now_s = math.fsum(piece.wall_s for piece in framework if isinstance(piece, Hold | Work))
    if seconds >= 0:
        return (*framework, Wait(seconds))
    left_s = max(0.0, now_s + seconds)
    return tuple(
        type(piece)(left_s, left_s) for piece in framework[:1] if isinstance(piece, Hold | Work)
    )
