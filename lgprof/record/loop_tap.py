"""Times every callback of one event loop and charges it to the node that it belongs to.

A coroutine driver around the node would miss the child tasks that a node makes (``gather``); they
inherit its context, and here the context is read.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections.abc import Iterator
from contextlib import contextmanager

from lgprof.clock import Clock
from lgprof.record.event_log import BATCH, Recording
from lgprof.record.origin import ORIGIN

SHORTEST_HOLD_NS = 5_000
"""Shorter callbacks are not kept: they would cost more than they tell."""
_CPU_READ_FROM_NS = 100_000
"""Below this wall time a hold counts as CPU throughout, which saves a system call."""


@contextmanager
def tapped(loop: asyncio.AbstractEventLoop, recording: Recording, clock: Clock) -> Iterator[None]:
    """Record the loop's holds until the context ends. Other loops run as before."""
    run = events.Handle._run
    now_ns, cpu_ns = clock.now_ns, clock.thread_cpu_ns
    pending = recording.holds.pending
    append, settle = pending.append, recording.holds.settle

    def tapped_run(self: events.Handle) -> None:
        if self._loop is not loop:  # type: ignore[attr-defined]
            run(self)
            return
        # Read before the callback runs: at its end the node may be over.
        origin = self._context.get(ORIGIN, 0)  # type: ignore[attr-defined]
        cpu_start = cpu_ns()
        start = now_ns()
        recording.open_hold = start, origin
        try:
            run(self)
        finally:
            recording.open_hold = None
            wall = now_ns() - start
            if wall >= SHORTEST_HOLD_NS:
                cpu = wall if wall < _CPU_READ_FROM_NS else cpu_ns() - cpu_start
                append((start, wall, min(cpu, wall), origin))
                if len(pending) >= BATCH:
                    settle()

    events.Handle._run = tapped_run  # type: ignore[method-assign]
    try:
        yield
    finally:
        events.Handle._run = run  # type: ignore[method-assign]
