"""What may change inside a node: its speed, where it blocks, how it is retried, calls in a row."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lgprof.analysis.attribution import BAD, BLOCKING_FROM_S
from lgprof.model import RetryShape
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
from lgprof.whatif.rewrite import Rewriter
from lgprof.whatif.scenario import Scenario

LANGGRAPH_BACKOFF_FACTOR = 2.0
LANGGRAPH_MAX_INTERVAL_S = 128.0
"""Defaults of its ``RetryPolicy``."""


def faster(change: Faster, scenario: Scenario) -> None:
    """Scale all that the node's function does."""
    scenario.rewrite(_Faster(change))


class _Faster(Rewriter):
    def __init__(self, change: Faster) -> None:
        self._change = change
        self.within = change.node

    def attempt(self, attempt: Attempt) -> Attempt:
        if attempt.span.path != self._change.node or self._change.factor == 1:
            return attempt
        return replace(attempt, body=scaled(attempt.body, self._change.factor))


def scaled(pieces: tuple[Piece, ...], factor: float) -> tuple[Piece, ...]:
    """Everything in the pieces takes so many times as long."""
    return tuple(_scaled(piece, factor) for piece in pieces)


def _scaled(piece: Piece, factor: float) -> Piece:
    if isinstance(piece, Wait):
        return piece if piece.late else Wait(piece.seconds * factor)
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
        Step(
            scaled(step.gap, factor),
            tuple(_scaled_task(task, factor) for task in step.tasks),
            step.saved_s * factor,
        )
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
        self.within = node
        self.computes = False

    def attempt(self, attempt: Attempt) -> Attempt:
        if attempt.span.path != self.within:
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
    rewriters = [_Retry(change, _policy(change.node, scenario)) for _ in scenario.requests]
    scenario.rewrite(rewriters.__getitem__)
    failing = {position for position, one in enumerate(rewriters) if one.fails}
    scenario.failing |= failing
    if failing:
        scenario.note(
            f"{len(failing)} of {len(scenario.requests)} requests needed more than "
            f"{change.max_attempts} attempts of {change.node} and would fail; "
            "their latency is left out"
        )


def _policy(path: str, scenario: Scenario) -> RetryShape | None:
    """The node's policy as it was; None where it is not known."""
    outer, name = scenario.profile.target.owner_of(path)
    graph = scenario.profile.target.graphs.get(outer)
    node = graph.nodes.get(name) if graph else None
    return node.retry if node else None


class _Retry(Rewriter):
    def __init__(self, change: Retry, policy: RetryShape | None) -> None:
        self._change = change
        self._policy = policy
        self.within = change.node
        self.fails = False

    def task(self, task: Task) -> Task:
        change = self._change
        if task.path != change.node or len(task.attempts) < 2:
            return task
        attempts = task.attempts[: change.max_attempts]
        if len(attempts) < len(task.attempts) and task.attempts[-1].span.outcome not in BAD:
            self.fails = True
        backoffs_s = tuple(self._backoff_s(n, task.backoffs_s) for n in range(len(attempts) - 1))
        if attempts == task.attempts and backoffs_s == task.backoffs_s:
            return task
        return replace(task, attempts=attempts, backoffs_s=backoffs_s)

    def _backoff_s(self, number: int, recorded_s: tuple[float, ...]) -> float:
        """The wait after an attempt, from 0; what jitter added to the recorded one stays."""
        change, policy = self._change, self._policy
        if change.initial_interval_s is None and change.backoff_factor is None:
            return recorded_s[number]
        if policy is None:
            initial_s, factor = max(0.0, recorded_s[0] - TIMER_S), LANGGRAPH_BACKOFF_FACTOR
            more_s = TIMER_S
        else:
            initial_s, factor = policy.initial_interval_s, policy.backoff_factor
            more_s = max(0.0, recorded_s[number] - _interval_s(initial_s, factor, number))
        if change.initial_interval_s is not None:
            initial_s = change.initial_interval_s
        if change.backoff_factor is not None:
            factor = change.backoff_factor
        return _interval_s(initial_s, factor, number) + more_s


def _interval_s(initial_s: float, factor: float, number: int) -> float:
    return min(LANGGRAPH_MAX_INTERVAL_S, initial_s * factor**number)


def batch_calls(change: BatchCalls, scenario: Scenario) -> None:
    """Calls of the same thing run side by side; what the function does between them follows."""
    scenario.rewrite(_BatchCalls(change.node))


class _BatchCalls(Rewriter):
    def __init__(self, node: str) -> None:
        self.within = node

    def attempt(self, attempt: Attempt) -> Attempt:
        if attempt.span.path != self.within:
            return attempt
        body = _Batched().pieces(attempt.body)
        return attempt if body is attempt.body else replace(attempt, body=body)


class _Batched(Rewriter):
    def pieces(self, pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
        pieces = super().pieces(pieces)
        rows = _rows([piece for piece in pieces if isinstance(piece, Call)])
        if all(len(row) == 1 for row in rows):
            return pieces
        batched: list[Piece] = []
        started = {id(row[0]): row for row in rows}
        in_rows = {id(call) for row in rows for call in row}
        for piece in pieces:
            row = started.get(id(piece))
            if row is not None and len(row) > 1:
                batched.append(Fork(tuple((call,) for call in row)))
            elif row is not None or id(piece) not in in_rows:
                batched.append(piece)
        return tuple(batched)


def _rows(calls: list[Call]) -> list[list[Call]]:
    """Calls of the same thing, in order; one that needs an earlier answer begins another row."""
    rows: list[list[Call]] = []
    latest: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        key = call.span.kind, call.span.name
        if key in latest and not call.span.uses_earlier:
            latest[key].append(call)
        else:
            latest[key] = [call]
            rows.append(latest[key])
    return rows
