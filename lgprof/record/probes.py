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
from lgprof.langgraph_adapter.caches import PrivateCaches
from lgprof.langgraph_adapter.entry import with_wrapped_nodes
from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.record.event_log import CPU_READ_FROM_NS, ID_MASK, Recording, WorkThread
from lgprof.record.in_place import InPlaceWatch
from lgprof.record.io_probes import IoLog, probed_cache, probed_saver, probed_store
from lgprof.record.origin import origin
from lgprof.record.state_access import StateObjects, untracked
from lgprof.record.tracked_dict import TrackedDict
from lgprof.record.trial import TRIAL, Trial

Given = tuple[tuple[Any, ...], set[str] | None, Any, Trial | None]
"""(arguments, keys read, input, trial) of a function that is about to run; with a trial, its node
goes by what it is given."""

_LOOP, _POOL, _CALLER = WorkThread.LOOP, WorkThread.POOL, WorkThread.CALLER


def _own_references() -> int:
    """References to a twin that a probe holds when its node has returned: its arguments'.

    Versions of Python count them apart.
    """
    args = (object(),)
    return getrefcount(args[0])


_OWN_REFERENCES = _own_references()


class GraphProbes:
    """Prepares a copy of each graph that starts: functions wrapped, I/O timed."""

    def __init__(
        self, recording: Recording, clock: Clock, caches: PrivateCaches, *, reads: bool = True
    ) -> None:
        self._recording = recording
        self._caches = caches
        self._clock = clock
        self._notes_reads = reads
        self._wrapped: WeakKeyDictionary[AnyGraph, AnyGraph] = WeakKeyDictionary()
        self.caller_threads: set[int] = set()
        """Threads that call ``invoke`` themselves; all others that run nodes are pool threads."""
        self.in_place: InPlaceWatch | None = None
        """Also notes what nodes change in place, while it is set."""
        self._running: dict[int, tuple[int, WorkThread]] = {}
        self._objects = StateObjects()

    def restore(self) -> None:
        """Leave the classes of the user's states as they were."""
        self._objects.restore()

    def prepare(self, graph: AnyGraph, run_id: UUID) -> AnyGraph:
        """The copy to run instead of the graph; cheap after the first time."""
        number = run_id.int & ID_MASK
        self._recording.graphs.add(number)
        wrapped = self._wrapped.get(graph)
        if wrapped is None:
            wrapped = self._wrapped[graph] = with_wrapped_nodes(graph, self.wrap)
        saver, cache, store = graph.checkpointer, self._caches.of(graph.cache), graph.store
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

    def note_call(self, namespace: str) -> None:
        """A functional task was called, and starts as soon as there is a place for it."""
        self._recording.task_calls.add((self._clock.now_ns(), hash(namespace)))

    def note_unfinished(self) -> int:
        """Record the functions that still run, as if they ended now: those that hang.

        Returns:
            How many they are.
        """
        now_ns = self._clock.now_ns()
        unfinished = list(self._running.items())
        for attempt, (start_ns, thread) in unfinished:
            self._recording.works.add((start_ns, now_ns, attempt, 0, thread))
        return len(unfinished)

    def wrap(
        self, function: Callable[..., Any], is_async: bool, state_of: str | None
    ) -> Callable[..., Any]:
        """A node's function that notes when and where it ran, and what it read and returned."""
        node = state_of if self._notes_reads else None
        return (self._wrap_async if is_async else self._wrap_sync)(function, node)

    def _wrap_sync(self, function: Callable[..., Any], node: str | None) -> Callable[..., Any]:
        now_ns, cpu_ns, thread_of = self._clock.now_ns, self._clock.thread_cpu_ns, self._sync_thread
        given, running, note = self._given, self._running, self._note

        @wraps(function)
        def probe(*args: Any, **kwargs: Any) -> Any:
            attempt, thread = origin(), thread_of()
            args, reads, value, trial = given(args, node)
            if self.in_place is not None:
                self.in_place.open(attempt, value, kwargs)
            output = None
            cpu_start_ns = 0 if thread is _LOOP else cpu_ns()
            start_ns = now_ns()
            running[attempt] = start_ns, thread
            try:
                output = function(*args, **kwargs)
                if (
                    reads is not None
                    and getrefcount(args[0]) > _OWN_REFERENCES
                    and type(args[0]) is TrackedDict
                ):
                    output = untracked(args[0], output)
                if trial is not None and node is not None:
                    trial.returned.add(node)
                return output
            except Exception as error:
                if trial is not None and node is not None:
                    trial.note_failure(node, error)
                raise
            finally:
                end_ns = now_ns()
                used_ns = 0 if thread is _LOOP else end_ns - start_ns
                if used_ns >= CPU_READ_FROM_NS:
                    used_ns = cpu_ns() - cpu_start_ns
                note((start_ns, end_ns, attempt, used_ns, thread), args, reads, value, output)

        return probe

    def _wrap_async(self, function: Callable[..., Any], node: str | None) -> Callable[..., Any]:
        now_ns, given, running, note = self._clock.now_ns, self._given, self._running, self._note

        @wraps(function)
        async def probe(*args: Any, **kwargs: Any) -> Any:
            attempt = origin()
            args, reads, value, trial = given(args, node)
            if self.in_place is not None:
                self.in_place.open(attempt, value, kwargs)
            output = None
            start_ns = now_ns()
            running[attempt] = start_ns, _LOOP
            try:
                output = await function(*args, **kwargs)
                if (
                    reads is not None
                    and getrefcount(args[0]) > _OWN_REFERENCES
                    and type(args[0]) is TrackedDict
                ):
                    output = untracked(args[0], output)
                if trial is not None and node is not None:
                    trial.returned.add(node)
                return output
            except Exception as error:
                if trial is not None and node is not None:
                    trial.note_failure(node, error)
                raise
            finally:
                note((start_ns, now_ns(), attempt, 0, _LOOP), args, reads, value, output)

        return probe

    def _given(self, args: tuple[Any, ...], node: str | None) -> Given:
        """What to call a function with, and what is noted of it."""
        value = args[0] if node is not None and args else None
        if type(value) is dict:
            trial = TRIAL.get()
            if trial is not None and node in trial.untracked:
                return args, None, value, trial
            reads: set[str] = set()
            return (TrackedDict.of(value, reads), *args[1:]), reads, value, trial
        if value is not None:
            noted: set[str] = set()
            fields = self._objects.open(value, noted)
            if fields is not None:
                return args, noted, fields, None
        return args, None, value, None

    def _note(
        self,
        work: tuple[int, int, int, int, WorkThread],
        args: tuple[Any, ...],
        reads: set[str] | None,
        value: Any,
        output: Any,
    ) -> None:
        attempt = work[2]
        self._running.pop(attempt, None)
        if self.in_place is not None:
            self.in_place.close(attempt)
        if reads is not None and type(args[0]) is not TrackedDict:
            self._objects.close(args[0], reads)
        self._recording.works.add(work)
        self._recording.node_data.append((attempt, reads, value, output))

    def _sync_thread(self) -> WorkThread:
        if events._get_running_loop() is not None:
            return _LOOP
        return _CALLER if threading.get_ident() in self.caller_threads else _POOL
