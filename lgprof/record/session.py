"""Switches recording on for a while and leaves the process as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from lgprof.clock import Clock
from lgprof.langgraph_adapter.caches import PrivateCaches
from lgprof.langgraph_adapter.entry import entering, functional_tasks_wrapped
from lgprof.langgraph_adapter.hook import installed
from lgprof.langgraph_adapter.task_calls import task_calls_noted
from lgprof.record.client_builds import client_builds_noted
from lgprof.record.event_log import Recording
from lgprof.record.late_timers import late_timers_noted
from lgprof.record.loop_tap import tapped
from lgprof.record.origin import ThreadWork, carried_into_threads
from lgprof.record.past_callbacks import calls_past_callbacks
from lgprof.record.probes import GraphProbes
from lgprof.record.recorder import RecordingHandler
from lgprof.record.routing import RoutedRecording
from lgprof.record.tracing import tracing_off
from lgprof.record.tracked_dict import written_by_yaml


@dataclass(frozen=True, slots=True)
class RecordingSession:
    """What is being recorded; ``probes`` is None with callbacks alone."""

    recording: Recording
    probes: GraphProbes | None
    thread_work: ThreadWork
    note_open_hold: Callable[[], None]

    def note_unfinished(self) -> int:
        """Record what still runs, a graph that hangs, as if it ended now.

        Returns:
            How many functions of nodes still run.
        """
        unfinished = self.probes.note_unfinished() if self.probes is not None else 0
        self.note_open_hold()
        return unfinished


@contextmanager
def recording_session(
    clock: Clock, *, probes: bool, loop: asyncio.AbstractEventLoop | None
) -> Iterator[RecordingSession]:
    """Record every graph run of the process until the context ends.

    Args:
        clock: The source of all times.
        probes: Also look into the graphs (function times, state access, I/O). Without, callbacks
            alone are recorded.
        loop: The event loop to tap; None in a run without one.
    """
    recording = Recording()
    with ExitStack() as stack:
        stack.enter_context(tracing_off())
        stack.enter_context(installed(RecordingHandler(recording, clock)))
        thread_work = ThreadWork()
        note_open_hold = _nothing
        caches = PrivateCaches()
        graph_probes = GraphProbes(recording, clock, caches) if probes else None
        if graph_probes is None:
            stack.enter_context(entering(caches.prepare))
        else:
            stack.callback(graph_probes.restore)
            stack.enter_context(written_by_yaml())
            stack.enter_context(entering(graph_probes.prepare))
            stack.enter_context(functional_tasks_wrapped(graph_probes.wrap))
            stack.enter_context(task_calls_noted(graph_probes.note_call))
            stack.enter_context(calls_past_callbacks(recording, clock))
            stack.enter_context(client_builds_noted(recording, clock))
            thread_work = stack.enter_context(carried_into_threads())
            if loop is not None:
                note_open_hold = stack.enter_context(tapped(loop, recording, clock))
                stack.enter_context(late_timers_noted(loop, recording, clock))
        yield RecordingSession(recording, graph_probes, thread_work, note_open_hold)


def _nothing() -> None:
    """There is no loop whose holds could be open."""


PROBED: ContextVar[bool] = ContextVar("lgprof_probed", default=False)
"""Whether the current request is one that `routed_session` probes."""


@contextmanager
def routed_session(clock: Clock) -> Iterator[tuple[RoutedRecording, GraphProbes]]:
    """Record every graph run by callbacks, and those of requests that set `PROBED` by probes too.

    The probes do not look at what nodes read, and no loop is tapped: that is for the caller to do
    while a probed request runs (`watched_loop`).
    """
    recording = RoutedRecording()
    caches = PrivateCaches()
    probes = GraphProbes(recording, clock, caches, reads=False)
    with ExitStack() as stack:
        stack.enter_context(tracing_off())
        stack.enter_context(installed(RecordingHandler(recording, clock)))
        stack.enter_context(entering(probes.prepare, caches.private, PROBED.get))
        stack.enter_context(functional_tasks_wrapped(probes.wrap, wanted=PROBED.get))
        stack.enter_context(task_calls_noted(probes.note_call))
        stack.enter_context(calls_past_callbacks(recording, clock))
        stack.enter_context(carried_into_threads())
        yield recording, probes


@contextmanager
def watched_loop(
    loop: asyncio.AbstractEventLoop, recording: RoutedRecording, clock: Clock
) -> Iterator[None]:
    """Record who holds a loop, and who waits for it, until the context ends.

    Of requests that are not probed, only what keeps others waiting.
    """
    with tapped(loop, recording, clock, PROBED), late_timers_noted(loop, recording, clock):
        yield
    recording.forget_unclaimed()
