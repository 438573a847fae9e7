"""Samples the Python stacks of nodes with pyinstrument.

pyinstrument samples one thread, or one asynchronous context in it. So each run of a node gets a
profiler of its own, in the thread or task where its function runs, and so does all work that a node
hands to a thread or a pool.
"""

from __future__ import annotations

import threading
from asyncio import events
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Literal, NamedTuple

from pyinstrument import Profiler, stack_sampler

from lgprof.clock import Clock
from lgprof.record.event_log import Recording
from lgprof.record.node_work import Function, Work, work_watched

INTERVAL_S = 0.001
AWAIT = "[await]"
"""Function of the innermost frame while a coroutine waits."""
BUILT_IN = "<built-in>"
"""File of functions written in C."""

_HERE = __file__


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
    """Samples the work of nodes, and keeps what was seen."""

    def __init__(self, clock: Clock) -> None:
        # The report tells of the slowdown as it is measured.
        stack_sampler.IGNORE_OVERHEAD_WARNING = True
        self.stretches: list[Stretch] = []
        self.failures = 0
        """Profilers that could not be started or read."""
        self._clock = clock
        self._threads = threading.local()
        self._stacks: dict[Stack, Stack] = {}
        self._sites: dict[str, Site] = {}

    def handed_at(self, caller: FrameType) -> Stack:
        """From where a node hands work on."""
        return self._own_part(stack_sampler.build_call_stack(caller, "initial", None))

    def call(self, work: Work, function: Function, args: Any, kwargs: Any) -> Any:
        """Sample work."""
        with self._sampled(work):
            return function(*args, **kwargs)

    async def call_async(self, work: Work, function: Function, args: Any, kwargs: Any) -> Any:
        """Sample work that awaits."""
        with self._sampled(work):
            return await function(*args, **kwargs)

    @contextmanager
    def _sampled(self, work: Work) -> Iterator[None]:
        stretch = Stretch(work.origin, self._clock.now_ns(), work.handed_at)
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
    sampler = Sampler(clock)
    with work_watched(sampler, recording, clock):
        yield sampler
