"""Samples the Python stacks of nodes with pyinstrument.

pyinstrument samples one thread, or one asynchronous context in it. So each run of a node gets a
profiler of its own, in the thread or task where its function runs, and so does all work that a node
hands to a thread or a pool.
"""

from __future__ import annotations

import sys
import threading
from asyncio import events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from pyinstrument import Profiler, stack_sampler

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
from lgprof.record.recorder import RecordingHandler
from lgprof.record.tracing import tracing_off

INTERVAL_S = 0.001
AWAIT = "[await]"
"""Function of the innermost frame while a coroutine waits."""
BUILT_IN = "<built-in>"
"""File of functions written in C."""

_HERE = __file__
_Function = Callable[..., Any]


class Site(NamedTuple):
    """A frame of a stack: a function, where it begins, and the line that was being executed."""

    function: str
    file: str
    first_line: int
    line: int


Stack = tuple[Site, ...]
"""Outermost frame first."""


@dataclass(slots=True, eq=False)
class Stretch:
    """What one profiler saw, without a gap: of one run of a node, or of work that it handed on."""

    origin: int
    """Id of the callback run that the code belongs to."""
    start_ns: int
    handed_at: Stack | None = None
    """From where the work was handed to a thread; None for a node's own run."""
    end_ns: int = 0
    samples: list[tuple[Stack, float]] = field(default_factory=list)
    """Stacks below the node's function, or below that of the work, and the seconds of each."""
    superseded: bool = False
    """The run of a node began in it, and is sampled by itself."""


class Sampler:
    """Makes copies of graphs whose nodes are sampled, and keeps what was seen."""

    def __init__(self, recording: Recording, clock: Clock) -> None:
        # The report tells of the slowdown as it is measured.
        stack_sampler.IGNORE_OVERHEAD_WARNING = True
        self.stretches: list[Stretch] = []
        self.failures = 0
        """Profilers that could not be started or read."""
        self._recording = recording
        self._clock = clock
        self._caches = PrivateCaches()
        self._wrapped: WeakKeyDictionary[AnyGraph, AnyGraph] = WeakKeyDictionary()
        self._threads = threading.local()
        self._stacks: dict[Stack, Stack] = {}
        self._sites: dict[str, Site] = {}

    def prepare(self, graph: AnyGraph, run_id: UUID) -> AnyGraph:
        """The copy to run instead of the graph."""
        self._recording.graphs.add(run_id.int & ID_MASK)
        wrapped = self._wrapped.get(graph)
        if wrapped is None:
            wrapped = self._wrapped[graph] = with_wrapped_nodes(graph, self.wrap)
        return self._caches.private(wrapped)

    def wrap(self, function: _Function, is_async: bool, state_of: str | None) -> _Function:
        """A node's function that is sampled while it runs."""

        @wraps(function)
        def sampled(*args: Any, **kwargs: Any) -> Any:
            with self._sampled(Stretch(origin(), self._clock.now_ns())):
                return function(*args, **kwargs)

        @wraps(function)
        async def sampled_async(*args: Any, **kwargs: Any) -> Any:
            with self._sampled(Stretch(origin(), self._clock.now_ns())):
                return await function(*args, **kwargs)

        return sampled_async if is_async else sampled

    def handed_on(self, function: _Function) -> _Function:
        """What a node hands to a thread, sampled there."""
        run = origin()
        if not run:
            return function
        caller = stack_sampler.build_call_stack(sys._getframe(1), "initial", None)
        handed_at = self._own_part(caller)

        def sampled(*args: Any, **kwargs: Any) -> Any:
            with self._sampled(Stretch(run, self._clock.now_ns(), handed_at)):
                return function(*args, **kwargs)

        return sampled

    @contextmanager
    def _sampled(self, stretch: Stretch) -> Iterator[None]:
        in_loop = events._get_running_loop() is not None
        mode: Literal["enabled", "disabled"] = "enabled" if in_loop else "disabled"
        profiler = Profiler(INTERVAL_S, mode)
        around = getattr(self._threads, "handed", None)
        context = stack_sampler.active_profiler_context_var
        # That of a node around this one sees it as time spent elsewhere.
        outer = context.get() if in_loop else None
        if in_loop:
            context.set(None)
        elif stretch.handed_at is not None:
            self._threads.handed = stretch
        elif around is not None and around.origin == stretch.origin:
            around.superseded = True
        started = self._start(profiler)
        try:
            yield
        finally:
            if started:
                self._keep(profiler, stretch)
            if in_loop:
                context.set(outer)
            else:
                self._threads.handed = around

    def _start(self, profiler: Profiler) -> bool:
        try:
            profiler.start()
        except Exception:  # the user's own profiler, say: it costs the node nothing
            self.failures += 1
            return False
        return True

    def _keep(self, profiler: Profiler, stretch: Stretch) -> None:
        try:
            records = profiler.stop().frame_records
        except Exception:
            self.failures += 1
            return
        stretch.end_ns = self._clock.now_ns()
        stretch.samples = [(self._own_part(infos), seconds) for infos, seconds in records]
        self.stretches.append(stretch)

    def _own_part(self, infos: list[str]) -> Stack:
        """The frames below our own: those of the node, or of the work."""
        sites = [self._site(info) for info in infos]
        ours = [index for index, site in enumerate(sites) if site.file == _HERE]
        stack = tuple(sites[ours[-1] + 1 :] if ours else sites)
        return self._stacks.setdefault(stack, stack)

    def _site(self, info: str) -> Site:
        site = self._sites.get(info)
        if site is None:
            site = self._sites[info] = _parsed(info)
        return site


def _parsed(info: str) -> Site:
    """A frame as pyinstrument writes it: name, file and first line, then marked attributes."""
    identifier, *attributes = info.split("\x01")
    function, file, first_line, *_ = *identifier.split("\x00"), "", "0"
    marked = {attribute[:1]: attribute[1:] for attribute in attributes}
    name = f"{marked['c']}.{function}" if marked.get("c") else function
    return Site(name, file, int(first_line), int(marked.get("l") or first_line))


@contextmanager
def sampling(recording: Recording, clock: Clock) -> Iterator[Sampler]:
    """Sample the nodes of every graph that runs until the context ends.

    Args:
        recording: Takes the calls, by which what was sampled is placed.
        clock: The source of all times but those of the samples.
    """
    sampler = Sampler(recording, clock)
    with (
        tracing_off(),
        installed(RecordingHandler(recording, clock)),
        entering(sampler.prepare),
        functional_tasks_wrapped(sampler.wrap),
        carried_into_threads(sampler.handed_on),
    ):
        yield sampler
