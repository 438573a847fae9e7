"""Notes the timers of nodes that fire late: the node was ready to go on, the loop was not.

A sleep of 20 ms takes 30 when the loop is busy with others for the last 10; those are not the
node's own waiting.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any

from lgprof.clock import Clock
from lgprof.record.event_log import Recording
from lgprof.record.origin import origin_in

LATE_FROM_NS = 1_500_000
"""An idle loop wakes up to 1 ms late: the resolution of epoll."""


@contextmanager
def late_timers_noted(
    loop: asyncio.AbstractEventLoop, recording: Recording, clock: Clock
) -> Iterator[None]:
    """Record the late timers of one loop until the context ends."""
    timer_handle: Any = events.TimerHandle
    add, now_ns = recording.loop_waits.add, clock.now_ns

    def noting_run(self: events.TimerHandle) -> None:
        attempt = origin_in(self._context)  # type: ignore[attr-defined]
        if attempt and self._loop is loop:  # type: ignore[attr-defined]
            due_ns = now_ns() - round((loop.time() - self.when()) * 1e9)
            # The timer wakes its task in the loop's next round; this comes just before.
            loop.call_soon(note, due_ns, attempt, context=Context())
        events.Handle._run(self)

    def note(due_ns: int, attempt: int) -> None:
        resumed_ns = now_ns()
        if resumed_ns - due_ns >= LATE_FROM_NS:
            add((due_ns, resumed_ns, attempt))

    timer_handle._run = noting_run
    try:
        yield
    finally:
        del timer_handle._run
