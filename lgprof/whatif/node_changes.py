"""What may change inside a node: its speed, where it blocks, how it is retried, calls in a row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from msgspec.structs import replace

from lgprof.analysis.attribution import BAD, BLOCKING_FROM_S
from lgprof.stats import percentile
from lgprof.whatif.changes import BatchCalls, Faster, Retry, Unblock
from lgprof.whatif.overheads import THREAD_HOP_S, TIMER_S
from lgprof.whatif.pieces import (
    Attempt,
    Call,
    Fork,
    GraphRun,
    Hold,
    InExecutor,
    Piece,
    Step,
    Task,
    Wait,
    Work,
)
from lgprof.whatif.rewrite import Rewriter, all_pieces
from lgprof.whatif.scenario import Scenario

LANGGRAPH_BACKOFF_FACTOR = 2.0


def faster(change: Faster, scenario: Scenario) -> None:
    """Scale all that the node's function does."""
    scenario.rewrite(_Faster(change))


class _Faster(Rewriter):
    def __init__(self, change: Faster) -> None:
        self._change = change

    def attempt(self, attempt: Attempt) -> Attempt:
        if attempt.span.path != self._change.node or self._change.factor == 1:
            return attempt
        return replace(attempt, body=scaled(attempt.body, self._change.factor))


def scaled(pieces: tuple[Piece, ...], factor: float) -> tuple[Piece, ...]:
    """Everything in the pieces takes so many times as long."""
    return tuple(_scaled(piece, factor) for piece in pieces)


def _scaled(piece: Piece, factor: float) -> Piece:
    if isinstance(piece, Wait):
        return Wait(piece.seconds * factor)
    if isinstance(piece, Hold | Work):
        return type(piece)(piece.wall_s * factor, piece.cpu_s * factor)
    if isinstance(piece, InExecutor):
        return InExecutor(scaled(piece.pieces, factor))
    if isinstance(piece, Call):
        return _scaled_call(piece, factor)
    if isinstance(piece, Fork):
        return Fork(tuple(scaled(branch, factor) for branch in piece.branches))
    if isinstance(piece, Task):
        return _scaled_task(piece, factor)
    return _scaled_graph(piece, factor)


def _scaled_call(call: Call, factor: float) -> Call:
    model = call.model
    if model is not None and model.first_token_s is not None:
        model = replace(model, first_token_s=model.first_token_s * factor)
    return replace(call, pieces=scaled(call.pieces, factor), model=model)


def _scaled_task(task: Task, factor: float) -> Task:
    attempts = tuple(
        replace(
            attempt,
            before=scaled(attempt.before, factor),
            body=scaled(attempt.body, factor),
            after=scaled(attempt.after, factor),
        )
        for attempt in task.attempts
    )
    backoffs_s = tuple(seconds * factor for seconds in task.backoffs_s)
    return replace(task, attempts=attempts, backoffs_s=backoffs_s, then=scaled(task.then, factor))


def _scaled_graph(run: GraphRun, factor: float) -> GraphRun:
    steps = tuple(
        Step(scaled(step.gap, factor), tuple(_scaled_task(task, factor) for task in step.tasks))
        for step in run.steps
    )
    return replace(run, steps=steps, tail=scaled(run.tail, factor))


def unblock(change: Unblock, scenario: Scenario) -> None:
    """Move what blocks the event loop into a thread."""
    rewriter = _Unblock(change.node)
    scenario.rewrite(rewriter)
    if rewriter.computes:
        scenario.unmeasured.append(
            f"{change.node} also computes where it blocks: threads that compute share one "
            "interpreter lock, which a profile cannot tell the price of"
        )


class _Unblock(Rewriter):
    def __init__(self, node: str) -> None:
        self._node = node
        self.computes = False

    def attempt(self, attempt: Attempt) -> Attempt:
        if attempt.span.path != self._node:
            return attempt
        body = _Threaded(self).pieces(attempt.body)
        return attempt if body is attempt.body else replace(attempt, body=body)


class _Threaded(Rewriter):
    """Blocking holds become work in the executor."""

    def __init__(self, owner: _Unblock) -> None:
        self._owner = owner

    def pieces(self, pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
        pieces = super().pieces(pieces)
        if not any(map(_blocks, pieces)):
            return pieces
        return tuple(part for piece in pieces for part in self._moved(piece))

    def _moved(self, piece: Piece) -> Iterator[Piece]:
        if not (isinstance(piece, Hold) and _blocks(piece)):
            yield piece
            return
        self._owner.computes = self._owner.computes or piece.cpu_s > BLOCKING_FROM_S
        yield InExecutor((Work(piece.wall_s, piece.cpu_s),))
        yield Hold(THREAD_HOP_S, THREAD_HOP_S)


def _blocks(piece: Piece) -> bool:
    return isinstance(piece, Hold) and piece.wall_s - piece.cpu_s > BLOCKING_FROM_S


def retry(change: Retry, scenario: Scenario) -> None:
    """Fewer attempts, other waits between them."""
    first_s = change.initial_interval_s
    if first_s is None and change.backoff_factor is not None:
        first_s = _first_backoff_s(change.node, scenario)
    failing: set[int] = set()
    scenario.rewrite(lambda position: _Retry(change, first_s, failing, position))
    scenario.failing |= failing
    if failing:
        scenario.note(
            f"{len(failing)} of {len(scenario.requests)} requests needed more than "
            f"{change.max_attempts} attempts of {change.node} and would fail; "
            "their latency is left out"
        )


def _first_backoff_s(node: str, scenario: Scenario) -> float:
    seen = sorted(
        piece.backoffs_s[0]
        for schedule in scenario.schedules
        for piece in all_pieces(schedule.runs)
        if isinstance(piece, Task) and piece.path == node and piece.backoffs_s
    )
    return max(0.0, percentile(seen, 50) - TIMER_S) if seen else 0.0


class _Retry(Rewriter):
    def __init__(
        self, change: Retry, first_s: float | None, failing: set[int], position: int
    ) -> None:
        self._change = change
        self._first_s = first_s
        self._failing = failing
        self._position = position

    def task(self, task: Task) -> Task:
        change = self._change
        if task.path != change.node or len(task.attempts) < 2:
            return task
        attempts = task.attempts[: change.max_attempts]
        if len(attempts) < len(task.attempts) and task.attempts[-1].span.outcome not in BAD:
            self._failing.add(self._position)
        backoffs_s = task.backoffs_s[: len(attempts) - 1]
        if self._first_s is not None:
            factor = change.backoff_factor or LANGGRAPH_BACKOFF_FACTOR
            backoffs_s = tuple(
                self._first_s * factor**number + TIMER_S for number in range(len(backoffs_s))
            )
        return replace(task, attempts=attempts, backoffs_s=backoffs_s)


def batch_calls(change: BatchCalls, scenario: Scenario) -> None:
    """Calls in a row run side by side; what the function does between them follows."""
    scenario.rewrite(_BatchCalls(change.node))


class _BatchCalls(Rewriter):
    def __init__(self, node: str) -> None:
        self._node = node

    def attempt(self, attempt: Attempt) -> Attempt:
        if attempt.span.path != self._node:
            return attempt
        body = _Batched().pieces(attempt.body)
        return attempt if body is attempt.body else replace(attempt, body=body)


class _Batched(Rewriter):
    def pieces(self, pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
        pieces = super().pieces(pieces)
        calls = [piece for piece in pieces if isinstance(piece, Call)]
        rows = [
            list(row) for _, row in groupby(calls, lambda call: (call.span.kind, call.span.name))
        ]
        if all(len(row) == 1 for row in rows):
            return pieces
        batched: list[Piece] = []
        started = {id(row[0]): row for row in rows}
        in_rows = {id(call) for call in calls}
        for piece in pieces:
            row = started.get(id(piece))
            if row is not None and len(row) > 1:
                batched.append(Fork(tuple((call,) for call in row)))
            elif row is not None or id(piece) not in in_rows:
                batched.append(piece)
        return tuple(batched)
