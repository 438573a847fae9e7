"""What a request's schedule is made of. Immutable: a changed schedule shares what did not change.

GraphRun   supersteps one after another, a gap before each
Step       tasks side by side: the next one waits for the slowest
Task       one call of a node: attempts, backoff between them
Attempt    LangGraph's work before, the node's function, LangGraph's work after
Fork       what a function runs at once, such as the calls of a ``gather``
Call       a model, tool or retriever call
Wait       time in which nothing is needed
Hold       time on the event loop, of which one thing has the use at a time
InExecutor what needs a thread of the event loop's executor
Work       time in a thread: CPU time needs the interpreter lock, the rest is waiting
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lgprof.model import ModelCall, Span
from lgprof.whatif.changes import DurabilityMode

IN_THREADS_FROM_S = 0.0002
"""A checkpoint that takes longer is written by a thread or over a connection, else in memory."""


class Wait(msgspec.Struct, frozen=True):
    """Waiting: for a timer, an answer, a lock."""

    seconds: float
    late: bool = False
    """Not the node's doing: the machine did not wake it in time."""


class Hold(msgspec.Struct, frozen=True):
    """A hold of the event loop; wall time without CPU is a blocking call."""

    wall_s: float
    cpu_s: float


class Work(msgspec.Struct, frozen=True):
    """A stretch of a function in a thread."""

    wall_s: float
    cpu_s: float


class Call(msgspec.Struct, frozen=True):
    """A call that a function made."""

    span: Span
    pieces: tuple[Piece, ...]
    model: ModelCall | None = None
    """What is known of a model call: as recorded, or changed."""


class InExecutor(msgspec.Struct, frozen=True):
    """What runs in a thread of the event loop's executor."""

    pieces: tuple[Piece, ...]


class Fork(msgspec.Struct, frozen=True):
    """Branches that start together; over when all are."""

    branches: tuple[tuple[Piece, ...], ...]


class Attempt(msgspec.Struct, frozen=True):
    """One try of a node call."""

    span: Span
    before: tuple[Piece, ...]
    body: tuple[Piece, ...]
    after: tuple[Piece, ...]


class Task(msgspec.Struct, frozen=True):
    """One call of a node."""

    span: Span
    attempts: tuple[Attempt, ...]
    """None of a call that the node cache answered."""
    backoffs_s: tuple[float, ...] = ()
    """Between the attempts."""
    then: tuple[Piece, ...] = ()
    """What follows in the same place: the handler of its error, a node that waits for it alone."""

    @property
    def path(self) -> str:
        """The node's path."""
        return self.span.path


class Step(msgspec.Struct, frozen=True):
    """One superstep."""

    gap: tuple[Piece, ...]
    """LangGraph's work before it."""
    tasks: tuple[Task, ...]
    saved_s: float = 0.0
    """How long it takes to write the checkpoint after it."""


class Checkpointing(msgspec.Struct, frozen=True):
    """When a graph run writes checkpoints, and what else its checkpointer does."""

    mode: DurabilityMode
    input_s: float
    """Writing what the run begins with."""
    put_s: float
    """The median of how long it takes to write one checkpoint that has to wait for nothing."""
    get_s: float
    """Reading the thread's last one."""
    operations: int
    """Checkpoints and results written."""

    @property
    def in_threads(self) -> bool:
        """Whether it writes over a connection or in a thread, not in memory."""
        return self.put_s >= IN_THREADS_FROM_S


class GraphRun(msgspec.Struct, frozen=True):
    """One run of a graph, nested or not."""

    span: Span
    steps: tuple[Step, ...]
    tail: tuple[Piece, ...]
    """LangGraph's work after the last superstep."""
    on_loop: bool
    """Whether its tasks run on an event loop, else each in a thread."""
    checkpointing: Checkpointing | None = None

    @property
    def saves_beside(self) -> bool:
        """Whether checkpoints are written while nodes run, which the run's end waits for."""
        made = self.checkpointing
        return made is not None and made.mode == "async" and made.in_threads


Piece = Wait | Hold | Work | InExecutor | Call | Fork | Task | GraphRun


class Places(msgspec.Struct, frozen=True):
    """How much may run at once."""

    tasks: int | None
    """Tasks of one graph run; None for any number."""
    threads: int
    """Threads for sync nodes."""


class Schedule(msgspec.Struct, frozen=True):
    """One request."""

    runs: tuple[GraphRun, ...]
    """The graph's runs: one, and one more for each resume."""
    places: Places


def calls_tasks(tasks: Iterable[Task]) -> bool:
    """Whether the function of a node's call calls functional tasks, in the same graph."""
    open_ = [piece for task in tasks for attempt in task.attempts for piece in attempt.body]
    while open_:
        piece = open_.pop()
        if isinstance(piece, Task):
            return True
        if isinstance(piece, Call | InExecutor):
            open_ += piece.pieces
        elif isinstance(piece, Fork):
            for branch in piece.branches:
                open_ += branch
    return False
