"""Times every callback of one event loop and charges it to the run that it belongs to.

A coroutine driver around the node would miss the child tasks that a node makes (``gather``); they
inherit its context, and here the context is read. When a callback was long, those who were ready to
run all the while are noted as well: what they waited for was the loop.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from itertools import count
from typing import Any

from lgprof.clock import Clock
from lgprof.record.event_log import BATCH, Recording
from lgprof.record.origin import origin_in

SHORTEST_HOLD_NS = 5_000
"""Shorter callbacks are not kept: they would cost more than they tell."""
_IDLE_FROM_NS = 20_000
"""The loop slept if this much time lies between two callbacks."""
_CPU_READ_FROM_NS = 500_000
"""Shorter holds count as CPU throughout: they are no blocking calls, and a reading of the CPU clock
may cost more than all the rest."""
_CPU_READ_EVERY_NS = 1_000_000
_KEEPS_WAITING_FROM_NS = 1_500_000
"""Shorter holds are not worth a look at who waits."""


_TASK: ContextVar[tuple[int, int, int]] = ContextVar("lgprof_asyncio_task")
"""Number of an asyncio task, that of its maker, and the identity of the task's context: a task runs
in a copy of its maker's context."""
_NO_TASK = 0, 0, 0
_FIRST_STEP = "TaskStepMethWrapper"
"""Type of the callback that a task begins with."""
_numbers = count(1)


def _number(context: Context) -> None:
    """Give the task that begins in a context a number; it may begin again after ``sleep(0)``."""
    maker, _, known = context.get(_TASK, _NO_TASK)
    if known != id(context):
        context.run(_TASK.set, (next(_numbers), maker, id(context)))


@contextmanager
def tapped(
    loop: asyncio.AbstractEventLoop,
    recording: Recording,
    clock: Clock,
    wanted: ContextVar[bool] | None = None,
) -> Iterator[Callable[[], None]]:
    """Record the loop's holds until the context ends. Other loops run as before.

    Args:
        loop: The event loop.
        recording: Gets the holds.
        clock: The source of all times.
        wanted: Set where holds are of interest; None for everywhere. Who keeps others waiting for
            long is noted in either case.

    Yields:
        A function that records the callback that still runs, if any, as if it ended now. It may be
        called later and from another thread: for a node that never gives the loop back.
    """
    run = events.Handle._run
    now_ns, cpu_ns = clock.now_ns, clock.thread_cpu_ns
    pending = recording.holds.pending
    add, settle = recording.holds.add, recording.settle
    note_ready = _noting_ready(loop, recording)
    # A reading of the CPU clock is a system call; while one callback follows the other at once,
    # the CPU time at the start of the next is that of the last reading plus the time since.
    start = read_at = cpu_read = last_end = 0
    current: Any = None

    def tapped_run(self: events.Handle) -> None:
        nonlocal start, read_at, cpu_read, last_end, current
        if self._loop is not loop:  # type: ignore[attr-defined]
            run(self)
            return
        if type(self._callback).__name__ == _FIRST_STEP:  # type: ignore[attr-defined]
            _number(self._context)  # type: ignore[attr-defined]
        start = now_ns()
        if start - last_end >= _IDLE_FROM_NS or start - read_at >= _CPU_READ_EVERY_NS:
            cpu_read = cpu_ns()
            read_at = start = now_ns()
        current = self
        try:
            run(self)
        finally:
            current = None
            last_end = now_ns()
            wall = cpu = last_end - start
            if wall >= SHORTEST_HOLD_NS:
                if wall >= _CPU_READ_FROM_NS:
                    cpu_start, cpu_read = cpu_read + start - read_at, cpu_ns()
                    cpu, read_at = max(0, min(cpu_read - cpu_start, wall)), last_end
                context: Context = self._context  # type: ignore[attr-defined]
                is_wanted = wanted is None or context.get(wanted)
                keeps_waiting = wall >= _KEEPS_WAITING_FROM_NS
                origin = origin_in(context) if is_wanted or keeps_waiting else 0
                if keeps_waiting:
                    note_ready(start, last_end, origin)
                if origin and is_wanted:
                    task, maker, _ = context.get(_TASK, _NO_TASK)
                    add((start, wall, cpu, origin, task, maker))
                    if len(pending) >= BATCH:
                        settle()

    def note_unfinished() -> None:
        if current is None:
            return
        wall = now_ns() - start
        cpu_end = clock.cpu_ns_of(loop._thread_id)  # type: ignore[attr-defined]
        cpu = 0 if cpu_end is None else cpu_end - (cpu_read + start - read_at)
        context = current._context
        task, maker, _ = context.get(_TASK, _NO_TASK)
        add((start, wall, max(0, min(cpu, wall)), origin_in(context), task, maker))

    events.Handle._run = tapped_run  # type: ignore[method-assign]
    try:
        yield note_unfinished
    finally:
        events.Handle._run = run  # type: ignore[method-assign]


def _noting_ready(
    loop: asyncio.AbstractEventLoop, recording: Recording
) -> Callable[[int, int, int], None]:
    """What records who was ready while a callback ran, given its start, end and origin.

    Whatever the loop's queue holds when a callback ends was there when it began, but for what the
    callback itself has woken, and threads, whose wake-ups belong to no run. An answer from the
    network is not in it: the loop asks for those between its rounds only.
    """
    ready = getattr(loop, "_ready", ())
    add = recording.loop_waits.add

    def note(start_ns: int, end_ns: int, holder: int) -> None:
        waiting = {origin_in(handle._context) for handle in tuple(ready)}
        for origin in waiting - {0, holder}:
            add((start_ns, end_ns, origin))

    return note
