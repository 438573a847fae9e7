"""When checkpoints are written, and by what."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from msgspec.structs import replace

from lgprof.whatif.changes import Durability, DurabilityMode, SwapCheckpointer
from lgprof.whatif.overheads import CHECKPOINT_S, SAVER_BESIDE_S
from lgprof.whatif.pieces import Checkpointing, GraphRun, Hold, Piece, Wait, Work
from lgprof.whatif.rewrite import Rewriter, all_pieces
from lgprof.whatif.scenario import Scenario


def durability(change: Durability, scenario: Scenario) -> None:
    """Write checkpoints at other times."""
    modes = _modes(scenario)
    if not modes:
        scenario.note("the graph ran without a checkpointer: nothing changes")
    elif modes == {change.mode}:
        scenario.note(f"checkpoints were written with durability={change.mode!r} already")
    else:
        scenario.rewrite(_Durability(change.mode))


def swap_checkpointer(change: SwapCheckpointer, scenario: Scenario) -> None:
    """Write no checkpoints, or all in memory."""
    if not _modes(scenario):
        scenario.note("the graph ran without a checkpointer: nothing changes")
        return
    scenario.rewrite(_InMemory() if change.kind == "memory" else _Without())


def _modes(scenario: Scenario) -> set[DurabilityMode]:
    return {
        piece.checkpointing.mode
        for schedule in scenario.schedules
        for piece in all_pieces(schedule.runs)
        if isinstance(piece, GraphRun) and piece.checkpointing
    }


class _Checkpoints(Rewriter, ABC):
    def graph(self, run: GraphRun) -> GraphRun:
        return run if run.checkpointing is None else self.checkpointed(run, run.checkpointing)

    @abstractmethod
    def checkpointed(self, run: GraphRun, made: Checkpointing) -> GraphRun:
        """A run that wrote checkpoints, its tasks rewritten."""


class _Durability(_Checkpoints):
    def __init__(self, mode: DurabilityMode) -> None:
        self._mode = mode

    def checkpointed(self, run: GraphRun, made: Checkpointing) -> GraphRun:
        changed = replace(made, mode=self._mode)
        if self._mode == "exit" and run.span.parent is not None:
            changed = replace(changed, put_s=0.0)  # the graph around it writes for both
        return _checkpointed(run, made, changed)


class _InMemory(_Checkpoints):
    def checkpointed(self, run: GraphRun, made: Checkpointing) -> GraphRun:
        if not made.in_threads:
            return run
        changed = replace(made, put_s=0.0, get_s=0.0, input_s=0.0)
        return _checkpointed(_unsaved(run), made, changed)


class _Without(_Checkpoints):
    def checkpointed(self, run: GraphRun, made: Checkpointing) -> GraphRun:
        tail = _longer(run.tail, -CHECKPOINT_S)
        return _checkpointed(replace(_unsaved(run), tail=tail), made, None)


def _unsaved(run: GraphRun) -> GraphRun:
    """A run whose checkpoints take no time."""
    return replace(run, steps=tuple(replace(step, saved_s=0.0) for step in run.steps))


def _checkpointed(run: GraphRun, made: Checkpointing, changed: Checkpointing | None) -> GraphRun:
    """The run with other checkpoints: its gaps change by what LangGraph does for them."""
    count = max(1, len(run.steps))
    more_s = _own_s(changed, count) - _own_s(made, count)
    steps = [replace(step, gap=_longer(step.gap, more_s)) for step in run.steps]
    if steps:
        read_s = (changed.get_s if changed else 0.0) - made.get_s
        steps[0] = replace(steps[0], gap=_longer(steps[0].gap, read_s))
    return replace(run, steps=tuple(steps), checkpointing=changed)


def _own_s(made: Checkpointing | None, steps: int) -> float:
    """Per superstep, what checkpoints cost besides the writing of them."""
    if made is None or made.mode == "exit":
        return 0.0
    beside = made.mode == "async" and made.in_threads
    return CHECKPOINT_S + (SAVER_BESIDE_S * made.operations / steps if beside else 0.0)


def _longer(framework: tuple[Piece, ...], seconds: float) -> tuple[Piece, ...]:
    """LangGraph's work, longer by so much; not shorter than nothing."""
    if seconds >= 0:
        return (*framework, Wait(seconds)) if seconds else framework
    now_s = math.fsum(piece.wall_s for piece in framework if isinstance(piece, Hold | Work))
    left_s = max(0.0, now_s + seconds)
    return tuple(
        type(piece)(left_s, left_s) for piece in framework[:1] if isinstance(piece, Hold | Work)
    )
