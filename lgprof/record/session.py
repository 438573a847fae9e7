"""Switches recording on for a while and leaves the process as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lgprof.clock import Clock
from lgprof.langgraph_adapter.entry import entering, functional_tasks_wrapped
from lgprof.langgraph_adapter.hook import installed
from lgprof.record.event_log import Recording
from lgprof.record.loop_tap import tapped
from lgprof.record.origin import carried_into_threads
from lgprof.record.probes import GraphProbes
from lgprof.record.recorder import RecordingHandler
from lgprof.record.tracing import tracing_off


@dataclass(frozen=True, slots=True)
class RecordingSession:
    """What is being recorded; ``probes`` is None with callbacks alone."""

    recording: Recording
    clock: Clock
    probes: GraphProbes | None

    def note_unfinished(self) -> int:
        """Record what still runs, a graph that hangs, as if it ended now.

        Returns:
            How many functions of nodes still run.
        """
        unfinished = self.probes.note_unfinished() if self.probes is not None else 0
        if self.recording.open_hold is not None:
            start_ns, attempt = self.recording.open_hold
            wall_ns = self.clock.now_ns() - start_ns
            self.recording.holds.add((start_ns, wall_ns, 0, attempt))
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
        graph_probes = GraphProbes(recording, clock) if probes else None
        if graph_probes is not None:
            stack.enter_context(entering(graph_probes.prepare))
            stack.enter_context(functional_tasks_wrapped(graph_probes.wrap))
            stack.enter_context(carried_into_threads())
            if loop is not None:
                stack.enter_context(tapped(loop, recording, clock))
        yield RecordingSession(recording, clock, graph_probes)
