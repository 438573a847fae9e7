"""Tells with memray which node allocated memory, and which keeps it.

memray tracks the whole process and notes the Python stack of each allocation. Each call of a node,
and each piece of work that it hands to a thread, gets a frame whose name is the call's id.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FunctionType
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from memray import FileDestination, FileReader, Tracker

from lgprof.clock import Clock
from lgprof.langgraph_adapter.caches import PrivateCaches
from lgprof.langgraph_adapter.entry import entering, functional_tasks_wrapped, with_wrapped_nodes
from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.hook import installed
from lgprof.record.event_log import ID_MASK, Recording
from lgprof.record.origin import carried_into_threads, origin
from lgprof.record.recorder import RecordingHandler
from lgprof.record.tracing import tracing_off

_FILE = "<lgprof node>"
_SNAPSHOT_MS = 5
_Function = Callable[..., Any]
_Frame = tuple[str, str, int]
"""Function, file and line, as memray tells them."""


class Held(NamedTuple):
    """Memory that one stack of code held."""

    origin: int
    """Id of the node's call; 0 outside of nodes."""
    stack: tuple[_Frame, ...]
    """Innermost frame first."""
    size_bytes: int


@dataclass(slots=True)
class Allocations:
    """What memray tells of a pass."""

    peak_bytes: int = 0
    at_peak: list[Held] = field(default_factory=list)
    retained: list[Held] = field(default_factory=list)
    over_time: dict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """By origin: changes of the memory held, by the number of the snapshot."""


class MemoryTracer:
    """Makes copies of graphs whose nodes can be told by their frames."""

    def __init__(self, recording: Recording) -> None:
        self.allocations = Allocations()
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

    def wrap(self, function: _Function, is_async: bool, state_of: str | None) -> _Function:
        """A node's function below a frame that names its call."""

        @wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            return _named(_call, origin())(function, args, kwargs)

        @wraps(function)
        async def named_async(*args: Any, **kwargs: Any) -> Any:
            return await _named(_call_async, origin())(function, args, kwargs)

        return named_async if is_async else named

    def handed_on(self, function: _Function) -> _Function:
        """Work that a node hands to a thread, below a frame that names the node's call."""
        run = origin()
        if not run:
            return function

        def named(*args: Any, **kwargs: Any) -> Any:
            return _named(_call, run)(function, args, kwargs)

        return named


def _call(function: _Function, args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


async def _call_async(function: _Function, args: Any, kwargs: Any) -> Any:
    return await function(*args, **kwargs)


def _named(template: Any, run: int) -> _Function:
    name = f"{run:x}"
    code: CodeType = template.__code__.replace(co_name=name, co_filename=_FILE)
    return FunctionType(code.replace(co_qualname=name), {})


@contextmanager
def memory_traced(recording: Recording, clock: Clock) -> Iterator[MemoryTracer]:
    """Track allocations until the context ends; then the tracer's are filled in.

    Args:
        recording: Takes the calls, by which allocations are placed.
        clock: The source of the calls' times.
    """
    tracer = MemoryTracer(recording)
    with TemporaryDirectory(prefix="lgprof-") as folder:
        file = Path(folder) / "allocations.bin"
        with (
            tracing_off(),
            installed(RecordingHandler(recording, clock)),
            entering(tracer.prepare),
            functional_tasks_wrapped(tracer.wrap),
            carried_into_threads(tracer.handed_on),
            Tracker(
                destination=FileDestination(str(file), overwrite=True),
                memory_interval_ms=_SNAPSHOT_MS,
            ),
        ):
            yield tracer
        _read(file, tracer.allocations)


def _read(file: Path, allocations: Allocations) -> None:
    with FileReader(str(file)) as reader:
        allocations.peak_bytes = reader.metadata.peak_memory
        allocations.at_peak = [
            _held(record) for record in reader.get_high_watermark_allocation_records()
        ]
        allocations.retained = [_held(record) for record in reader.get_leaked_allocation_records()]
        for record in reader.get_temporal_allocation_records(merge_threads=True):
            changes = allocations.over_time[_origin(record.stack_trace())]
            for interval in record.intervals:
                changes[interval.allocated_before_snapshot] += interval.n_bytes
                if interval.deallocated_before_snapshot is not None:
                    changes[interval.deallocated_before_snapshot] -= interval.n_bytes


def _held(record: Any) -> Held:
    stack = tuple(record.stack_trace())
    return Held(_origin(stack), stack, record.size)


def _origin(stack: Any) -> int:
    """The innermost call of a node on a stack."""
    return next((int(function, 16) for function, file, _ in stack if file == _FILE), 0)
