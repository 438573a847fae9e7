"""Does something around the work of a graph's nodes, besides recording its calls.

Work is one call of a node's function, or what a node hands to a thread or a pool.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import Any, NamedTuple, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from lgprof.clock import Clock
from lgprof.langgraph_adapter.caches import PrivateCaches
from lgprof.langgraph_adapter.entry import (
    entering,
    functional_tasks_wrapped,
    with_wrapped_nodes,
)
from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.hook import installed
from lgprof.record.event_log import ID_MASK, Recording
from lgprof.record.origin import carried_into_threads, origin
from lgprof.record.past_callbacks import calls_past_callbacks
from lgprof.record.recorder import RecordingHandler
from lgprof.record.tracing import tracing_off

Function = Callable[..., Any]


class Work(NamedTuple):
    """Work of a node, and of which call."""

    origin: int
    """Id of the callback run that it belongs to."""
    handed_at: Any = None
    """Of what was handed on: what `Around.handed_at` told; None for a node's own function."""


class Around(Protocol):
    """What is done around work."""

    def handed_at(self, caller: FrameType) -> Any:
        """What shall be known of the place where a node hands work on."""

    def call(self, work: Work, function: Function, args: Any, kwargs: Any) -> Any:
        """Call the function that does the work."""

    async def call_async(self, work: Work, function: Function, args: Any, kwargs: Any) -> Any:
        """Call the function that does the work, and await it."""


@contextmanager
def work_watched(around: Around, recording: Recording, clock: Clock) -> Iterator[None]:
    """Watch the nodes' work in every graph that runs until the context ends.

    Args:
        around: Calls what does the work.
        recording: Takes the nodes' calls, by which what was seen is placed.
        clock: The source of the calls' times.
    """
    watch = _Watch(around, recording)
    with (
        tracing_off(),
        installed(RecordingHandler(recording, clock)),
        entering(watch.prepare),
        functional_tasks_wrapped(watch.wrap),
        carried_into_threads(watch.handed_on),
        calls_past_callbacks(recording, clock),
    ):
        yield


class _Watch:
    """Makes copies of graphs whose work is watched."""

    def __init__(self, around: Around, recording: Recording) -> None:
        self._around = around
        self._recording = recording
        self._caches = PrivateCaches()
        self._wrapped: WeakKeyDictionary[AnyGraph, AnyGraph] = WeakKeyDictionary()

    def prepare(self, graph: AnyGraph, run_id: UUID) -> AnyGraph:
        """The copy to run instead of the graph."""
        self._recording.graphs.add(run_id.int & ID_MASK)
        wrapped = self._wrapped.get(graph)
        if wrapped is None:
            wrapped = self._wrapped[graph] = with_wrapped_nodes(graph, self.wrap)
        return self._caches.private(wrapped)

    def wrap(self, function: Function, is_async: bool, state_of: str | None) -> Function:
        """A node's function that is watched while it runs."""
        around = self._around

        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            return around.call(Work(origin()), function, args, kwargs)

        @wraps(function)
        async def watched_async(*args: Any, **kwargs: Any) -> Any:
            return await around.call_async(Work(origin()), function, args, kwargs)

        return watched_async if is_async else watched

    def handed_on(self, function: Function) -> Function:
        """What a node hands to a thread, watched there."""
        run = origin()
        if not run:
            return function
        work = Work(run, self._around.handed_at(sys._getframe(1)))

        def watched(*args: Any, **kwargs: Any) -> Any:
            return self._around.call(work, function, args, kwargs)

        return watched
