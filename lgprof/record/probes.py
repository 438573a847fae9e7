"""Probes in the graph: true function times, state access, and I/O of its checkpointer and cache."""

from __future__ import annotations

import copy
import threading
from asyncio import events
from collections.abc import Callable
from functools import wraps
from sys import getrefcount
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from langgraph.checkpoint.base import BaseCheckpointSaver

from lgprof.clock import Clock
from lgprof.langgraph_adapter.entry import AnyGraph, current_run_id, with_wrapped_nodes
from lgprof.record.event_log import CPU_READ_FROM_NS, ID_MASK, Recording, WorkThread
from lgprof.record.io_probes import IoLog, probed_cache, probed_saver, probed_store
from lgprof.record.origin import ORIGIN
from lgprof.record.state_access import must_note, noting, tracked, untracked

Mark = tuple[int, set[str] | None, Any, int, int]
"""(attempt, reads, input, start_ns, cpu_ns) of a function that runs."""

_LOOP, _POOL, _CALLER = WorkThread.LOOP, WorkThread.POOL, WorkThread.CALLER


def _returned(twin: Any, state: Any, output: Any) -> Any:
    """The node's result; the twin that stood for its state is cut out where somebody kept it."""
    cls = type(state)
    if cls is dict and _references(twin) <= _OWN_REFERENCES:
        return output
    return untracked(twin, cls, output)


def _references(twin: Any) -> int:
    return getrefcount(twin)


def _own_references() -> int:
    """How many references to a twin are ours when a node has returned; versions count them apart.

    As in a probe: the arguments hold one, `_returned` and `_references` are called with it.
    """
    args = (object(),)

    def returned(twin: Any) -> int:
        return _references(twin)

    return returned(args[0])


_OWN_REFERENCES = _own_references()


class GraphProbes:
    """Prepares a copy of each graph that starts: functions wrapped, I/O timed."""

    def __init__(self, recording: Recording, clock: Clock) -> None:
        self._recording = recording
        self._clock = clock
        self._now_ns, self._cpu_ns = clock.now_ns, clock.thread_cpu_ns
        self._wrapped: WeakKeyDictionary[AnyGraph, AnyGraph] = WeakKeyDictionary()
        self.caller_threads: set[int] = set()
        """Threads that call ``invoke`` themselves; all others that run nodes are pool threads."""
        self._open: dict[int, tuple[int, WorkThread]] = {}

    def prepare(self, graph: AnyGraph, run_id: UUID) -> AnyGraph:
        """The copy to run instead of the graph; cheap after the first time."""
        number = run_id.int & ID_MASK
        self._recording.graphs.add(number)
        wrapped = self._wrapped.get(graph)
        if wrapped is None:
            wrapped = self._wrapped[graph] = with_wrapped_nodes(graph, self.wrap)
        saver, cache, store = graph.checkpointer, graph.cache, graph.store
        if not isinstance(saver, BaseCheckpointSaver) and cache is None and store is None:
            return wrapped
        log = IoLog(self._recording, self._clock, number)
        probed = copy.copy(wrapped)
        if isinstance(saver, BaseCheckpointSaver):
            probed.checkpointer = probed_saver(saver, log)
        if cache is not None:
            probed.cache = probed_cache(cache, log)
        if store is not None:
            probed.store = probed_store(store, log)
        return probed

    def note_unfinished(self) -> int:
        """Record the functions that still run, as if they ended now: those that hang.

        Returns:
            How many they are.
        """
        now_ns = self._clock.now_ns()
        unfinished = list(self._open.items())
        for attempt, (start_ns, thread) in unfinished:
            self._recording.works.add((start_ns, now_ns, attempt, 0, thread))
        return len(unfinished)

    def wrap(
        self, function: Callable[..., Any], is_async: bool, takes_input: bool
    ) -> Callable[..., Any]:
        """A node's function that notes when and where it ran, and what it read and returned."""
        return (self._wrap_async if is_async else self._wrap_sync)(function, takes_input)

    def _wrap_sync(self, function: Callable[..., Any], takes_input: bool) -> Callable[..., Any]:
        @wraps(function)
        def probe(*args: Any, **kwargs: Any) -> Any:
            thread = self._sync_thread()
            args, mark = self._enter(args, takes_input, thread)
            token = ORIGIN.set(mark[0])
            output = None
            try:
                if must_note(args, mark[1]):
                    with noting(mark[1] if mark[1] is not None else set()):
                        output = function(*args, **kwargs)
                else:
                    output = function(*args, **kwargs)
                if mark[1] is not None:
                    output = _returned(args[0], mark[2], output)
                return output
            finally:
                ORIGIN.reset(token)
                self._leave(mark, output, thread)

        return probe

    def _wrap_async(self, function: Callable[..., Any], takes_input: bool) -> Callable[..., Any]:
        @wraps(function)
        async def probe(*args: Any, **kwargs: Any) -> Any:
            args, mark = self._enter(args, takes_input, _LOOP)
            token = ORIGIN.set(mark[0])
            output = None
            try:
                if must_note(args, mark[1]):
                    with noting(mark[1] if mark[1] is not None else set()):
                        output = await function(*args, **kwargs)
                else:
                    output = await function(*args, **kwargs)
                if mark[1] is not None:
                    output = _returned(args[0], mark[2], output)
                return output
            finally:
                ORIGIN.reset(token)
                self._leave(mark, output, _LOOP)

        return probe

    def _enter(
        self, args: tuple[Any, ...], takes_input: bool, thread: WorkThread
    ) -> tuple[tuple[Any, ...], Mark]:
        run_id = current_run_id()
        attempt = run_id.int & ID_MASK if run_id else ORIGIN.get()
        reads: set[str] | None = None
        value = args[0] if takes_input and args else None
        if value is not None:
            noted: set[str] = set()
            twin = tracked(value, noted)
            if twin is not None:
                reads, args = noted, (twin, *args[1:])
        cpu_ns = 0 if thread is _LOOP else self._cpu_ns()
        start_ns = self._now_ns()
        self._open[attempt] = start_ns, thread
        return args, (attempt, reads, value, start_ns, cpu_ns)

    def _leave(self, mark: Mark, output: Any, thread: WorkThread) -> None:
        attempt, reads, value, start_ns, cpu_start_ns = mark
        end_ns = self._now_ns()
        self._open.pop(attempt, None)
        if thread is _LOOP:
            cpu_ns = 0
        elif end_ns - start_ns < CPU_READ_FROM_NS:
            cpu_ns = end_ns - start_ns
        else:
            cpu_ns = self._cpu_ns() - cpu_start_ns
        self._recording.works.add((start_ns, end_ns, attempt, cpu_ns, thread))
        self._recording.node_data.append((attempt, reads, value, output))

    def _sync_thread(self) -> WorkThread:
        if events._get_running_loop() is not None:
            return _LOOP
        return _CALLER if threading.get_ident() in self.caller_threads else _POOL
