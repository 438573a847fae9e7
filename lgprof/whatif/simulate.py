"""Plays a schedule through: how long it takes where things compete for the loop and for threads.

A discrete-event simulation. Each task, and each branch of a fork, is a process: a generator that
yields what it needs next. The event loop serves one callback after another, first come, first
served; holds of one process with nothing between them are one callback.
Threads compete for places in a pool, and for the interpreter lock (`interpreter_lock.py`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterable
from typing import Any

from lgprof.whatif.interpreter_lock import InterpreterLock, LockClient
from lgprof.whatif.pieces import (
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
    calls_tasks,
)
from lgprof.whatif.timeline import Timeline


class _Seats:
    """Places of which a task takes one for as long as it runs."""

    __slots__ = ("free", "queue")

    def __init__(self, number: int) -> None:
        self.free = number
        self.queue: deque[_Process] = deque()


class _Take:
    __slots__ = ("seats",)

    def __init__(self, seats: _Seats) -> None:
        self.seats = seats


class _Leave(_Take):
    pass


class _Branches:
    __slots__ = ("generators",)

    def __init__(self, generators: list[_Steps]) -> None:
        self.generators = generators


_Need = Wait | Hold | Work | _Take | _Leave | _Branches
_Steps = Generator[_Need, None, None]


class _Process:
    __slots__ = ("client", "parent", "steps", "unfinished")

    def __init__(self, steps: _Steps, parent: _Process | None) -> None:
        self.steps = steps
        self.parent = parent
        self.unfinished = 0
        """Branches that it waits for."""
        self.client = LockClient()


def simulated_s(schedule: Schedule) -> float:
    """How long the request takes; infinity where tasks wait for places that they hold themselves.

    Args:
        schedule: As recorded, or changed.
    """
    return _Machine(schedule).run()


class _Machine:
    def __init__(self, schedule: Schedule) -> None:
        self._runs = schedule.runs
        self._places = schedule.places
        self._threads = _Seats(max(1, schedule.places.threads))
        """Of the event loop's default executor."""
        self._time = Timeline()
        self._end_s = math.inf
        self._active = 1
        """Processes that wait for no branch of theirs."""
        self._lock = InterpreterLock(self._time)
        self._loop_client = LockClient()
        self._loop_busy = False
        self._loop_queue: deque[tuple[_Process, Hold]] = deque()
        self._in_callback: _Process | None = None
        """Whose hold has just ended: what it holds next is in the same callback."""

    def run(self) -> float:
        self._advance(_Process(self._whole(), None))
        self._time.run()
        return self._end_s

    # What runs, as generators of needs

    def _whole(self) -> _Steps:
        for run in self._runs:
            yield from self._graph(run)
        self._end_s = self._time.now_s

    def _graph(self, run: GraphRun) -> _Steps:
        made = run.checkpointing
        written_s = self._time.now_s + made.get_s if made else 0.0
        if made:
            written_s = yield from self._save(made.mode, made.input_s, written_s)
        seats = self._seats(run)
        for step in run.steps:
            yield from self._pieces(step.gap, None)
            yield from self._step(step, seats)
            if made:
                written_s = yield from self._save(made.mode, step.saved_s, written_s)
        if made:
            at_end_s = made.put_s if made.mode == "exit" else written_s - self._time.now_s
            yield Wait(max(0.0, at_end_s))
        yield from self._pieces(run.tail, None)

    def _save(self, mode: str, seconds: float, written_s: float) -> Generator[_Need, None, float]:
        """Write a checkpoint.

        Args:
            mode: LangGraph's ``durability``.
            seconds: How long it takes.
            written_s: When the one before is written.

        Returns:
            When it is written.
        """
        if mode == "sync":
            yield Wait(seconds)
        elif mode == "async":
            return max(self._time.now_s, written_s) + seconds
        return self._time.now_s

    def _step(self, step: Step, seats: _Seats | None) -> _Steps:
        if len(step.tasks) == 1:
            (task,) = step.tasks
            if seats and not _has_place(task):
                yield from self._task(task, seats)
            else:
                yield from self._seated(task, seats)
        elif step.tasks:
            yield _Branches([self._seated(task, seats) for task in step.tasks])

    def _seats(self, run: GraphRun) -> _Seats | None:
        """Places for the tasks of one graph. A sync run has a thread pool of its own."""
        places = self._places
        if run.on_loop:
            return None if places.tasks is None else _Seats(places.tasks)
        # While it runs functional tasks, LangGraph waits for their output in a thread of the pool.
        waits = any(calls_tasks(step.tasks) for step in run.steps)
        return _Seats(max(1, (places.tasks or places.threads) - waits))

    def _seated(self, task: Task, seats: _Seats | None) -> _Steps:
        if seats is None:
            yield from self._task(task, None)
            return
        yield _Take(seats)
        yield from self._task(task, seats)
        yield _Leave(seats)

    def _task(self, task: Task, seats: _Seats | None) -> _Steps:
        """A call; functional tasks in it need places of the same graph."""
        for number, attempt in enumerate(task.attempts):
            if number:
                yield Wait(task.backoffs_s[number - 1])
            yield from self._pieces(attempt.before, None)
            yield from self._pieces(attempt.body, seats)
            yield from self._pieces(attempt.after, None)
        yield from self._pieces(task.then, None)

    def _pieces(self, pieces: Iterable[Piece], seats: _Seats | None) -> _Steps:
        for piece in pieces:
            kind = type(piece)
            if kind is Wait or kind is Hold or kind is Work:
                yield piece  # type: ignore[misc]
            elif isinstance(piece, Call):
                yield from self._pieces(piece.pieces, seats)
            elif isinstance(piece, InExecutor):
                yield _Take(self._threads)
                yield from self._pieces(piece.pieces, seats)
                yield _Leave(self._threads)
            elif isinstance(piece, Fork):
                yield _Branches([self._pieces(branch, seats) for branch in piece.branches])
            elif isinstance(piece, Task):
                yield from self._seated(piece, seats)
            elif isinstance(piece, GraphRun):
                yield from self._graph(piece)

    # How needs are met

    def _advance(self, process: _Process) -> None:
        """Let a process run until it has to wait."""
        for need in process.steps:
            kind = type(need)
            if kind is Wait:
                if self._active > 1:
                    self._time.at(need.seconds, self._advance, process)  # type: ignore[union-attr]
                    return
                self._time.now_s += need.seconds  # type: ignore[union-attr]
            elif kind is Hold or kind is Work:
                if self._active > 1:
                    self._occupy(process, need)
                    return
                self._time.now_s += need.wall_s  # type: ignore[union-attr]
            elif isinstance(need, _Leave):
                self._leave(need.seats)
            elif isinstance(need, _Take):
                if not need.seats.free:
                    need.seats.queue.append(process)
                    return
                need.seats.free -= 1
            elif isinstance(need, _Branches) and self._fork(process, need):
                return
        self._finish(process)

    def _occupy(self, process: _Process, need: Any) -> None:
        if type(need) is Hold:
            if process is self._in_callback:
                self._loop_queue.appendleft((process, need))
            else:
                self._loop_queue.append((process, need))
            self._serve_loop()
        else:
            rest = (max(0.0, need.wall_s - need.cpu_s), self._advance, process)
            self._lock.request(process.client, need.cpu_s, lambda: self._time.at(*rest))

    def _serve_loop(self) -> None:
        if self._loop_busy or not self._loop_queue:
            return
        self._loop_busy = True
        process, hold = self._loop_queue.popleft()
        self._lock.request(self._loop_client, hold.cpu_s, lambda: self._computed(process, hold))

    def _computed(self, process: _Process, hold: Hold) -> None:
        idle_s = hold.wall_s - hold.cpu_s
        if idle_s > 0:
            self._time.at(idle_s, self._release_loop, process)
        else:
            self._release_loop(process)

    def _release_loop(self, process: _Process) -> None:
        self._loop_busy = False
        self._in_callback = process
        self._advance(process)
        self._in_callback = None
        self._serve_loop()

    def _leave(self, seats: _Seats) -> None:
        if seats.queue:
            self._time.at(0.0, self._advance, seats.queue.popleft())
        else:
            seats.free += 1

    def _fork(self, process: _Process, need: _Branches) -> bool:
        """Start branches; whether there are any to wait for."""
        branches = [_Process(steps, process) for steps in need.generators]
        if not branches:
            return False
        process.unfinished = len(branches)
        self._active += len(branches) - 1
        for branch in branches:
            self._time.at(0.0, self._advance, branch)
        return True

    def _finish(self, process: _Process) -> None:
        parent = process.parent
        if parent is None:
            return
        parent.unfinished -= 1
        if parent.unfinished:
            self._active -= 1
        else:
            self._advance(parent)


def _has_place(task: Task) -> bool:
    """Whether a call that is alone in its superstep takes a place: one that calls others does."""
    first = task.attempts[0].span.thread if task.attempts else None
    return first != "caller" and calls_tasks([task])
