"""Changes schedules piece by piece; what does not change stays the same object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from lgprof.whatif.pieces import (
    Attempt,
    Call,
    Fork,
    GraphRun,
    Hold,
    InExecutor,
    Piece,
    Schedule,
    Step,
    Task,
    Wait,
    Work,
)

_Item = TypeVar("_Item")
LEAVES = frozenset({Wait, Hold, Work})
"""Pieces with nothing inside: most are."""


def mapped(items: tuple[_Item, ...], change: Callable[[_Item], _Item]) -> tuple[_Item, ...]:
    """The changed items; the same tuple where none changed."""
    for position, item in enumerate(items):
        changed = change(item)
        if changed is not item:
            return (*items[:position], changed, *map(change, items[position + 1 :]))
    return items


def leads_to(path: str, node: str | None) -> bool:
    """Whether a node is another one, or holds it in a graph of its own."""
    return node is None or (node.startswith(path) and node[len(path) : len(path) + 1] in ("", "/"))


class Rewriter:
    """Walks a schedule from the innermost pieces outwards. Subclasses override what they change."""

    within: str | None = None
    """Path of a node: nothing is changed but its calls and what holds them. None for all."""

    def call(self, call: Call) -> Piece:
        """A call, its inner pieces rewritten."""
        return call

    def attempt(self, attempt: Attempt) -> Attempt:
        """An attempt, its body rewritten."""
        return attempt

    def task(self, task: Task) -> Task:
        """A node call, its attempts rewritten."""
        return task

    def graph(self, run: GraphRun) -> GraphRun:
        """A graph run, its tasks rewritten."""
        return run

    def schedule(self, schedule: Schedule) -> Schedule:
        """A whole request."""
        runs = mapped(schedule.runs, self._graph)
        return schedule if runs is schedule.runs else replace(schedule, runs=runs)

    def _graph(self, run: GraphRun) -> GraphRun:
        steps = mapped(run.steps, self._step)
        return self.graph(run if steps is run.steps else replace(run, steps=steps))

    def _step(self, step: Step) -> Step:
        if not self._concerns(step):
            return step
        tasks = mapped(step.tasks, self._task)
        return step if tasks is step.tasks else replace(step, tasks=tasks)

    def _concerns(self, step: Step) -> bool:
        return any(task.then or leads_to(task.span.path, self.within) for task in step.tasks)

    def _task(self, task: Task) -> Task:
        attempts = task.attempts
        if leads_to(task.span.path, self.within):
            attempts = mapped(attempts, self._attempt)
        then = self.pieces(task.then) if task.then else ()
        if attempts is not task.attempts or then is not task.then:
            task = replace(task, attempts=attempts, then=then)
        return self.task(task)

    def _attempt(self, attempt: Attempt) -> Attempt:
        body = self.pieces(attempt.body)
        return self.attempt(attempt if body is attempt.body else replace(attempt, body=body))

    def pieces(self, pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
        """Pieces of any kind."""
        return mapped(pieces, self._piece)

    def _piece(self, piece: Piece) -> Piece:
        if type(piece) in LEAVES:
            return piece
        if isinstance(piece, Call | InExecutor):
            inner = self.pieces(piece.pieces)
            if inner is not piece.pieces:
                piece = replace(piece, pieces=inner)
            return self.call(piece) if isinstance(piece, Call) else piece
        if isinstance(piece, Fork):
            branches = mapped(piece.branches, self.pieces)
            return piece if branches is piece.branches else Fork(branches)
        if isinstance(piece, Task):
            return self._task(piece)
        if isinstance(piece, GraphRun):
            return self._graph(piece)
        return piece


def all_pieces(pieces: Iterable[Piece], within: str | None = None) -> list[Piece]:
    """The pieces and all inside them; LangGraph's own work around them is left out.

    Args:
        pieces: Where to begin.
        within: Path of a node: other nodes' calls are not looked into. None for all.
    """
    found = list(pieces)
    for piece in found:  # which grows meanwhile
        if type(piece) in LEAVES:
            continue
        if isinstance(piece, Call | InExecutor):
            found += piece.pieces
        elif isinstance(piece, Fork):
            for branch in piece.branches:
                found += branch
        elif isinstance(piece, Task):
            if leads_to(piece.span.path, within):
                for attempt in piece.attempts:
                    found += attempt.body
            found += piece.then
        elif isinstance(piece, GraphRun):
            for step in piece.steps:
                found += step.tasks
    return found
