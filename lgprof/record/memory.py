"""Tells with memray which node allocated memory, and which keeps it.

memray tracks the whole process and notes the Python stack of each allocation. Each call of a node,
and each piece of work that it hands to a thread, gets a frame whose name is the call's id.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

from memray import FileDestination, FileReader, Tracker

from lgprof.clock import Clock
from lgprof.record.event_log import Recording
from lgprof.record.node_work import Function, Work, work_watched

_FILE = "<lgprof node>"
_SNAPSHOT_MS = 5
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


class _NamedCalls:
    """Lets work run below a frame that names the node's call."""

    def handed_at(self, caller: FrameType) -> None:
        """Nothing is to be known of it."""

    def call(self, work: Work, function: Function, args: Any, kwargs: Any) -> Any:
        """Call what does the work."""
        return _named(_call, work.origin)(function, args, kwargs)

    async def call_async(self, work: Work, function: Function, args: Any, kwargs: Any) -> Any:
        """Call what does the work, and await it."""
        return await _named(_call_async, work.origin)(function, args, kwargs)


def _call(function: Function, args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


async def _call_async(function: Function, args: Any, kwargs: Any) -> Any:
    return await function(*args, **kwargs)


def _named(template: Any, run: int) -> Function:
    name = f"{run:x}"
    code: CodeType = template.__code__.replace(co_name=name, co_filename=_FILE)
    return FunctionType(code.replace(co_qualname=name), {})


@contextmanager
def memory_traced(recording: Recording, clock: Clock) -> Iterator[Allocations]:
    """Track allocations until the context ends; then they are filled in.

    Args:
        recording: Takes the calls, by which allocations are placed.
        clock: The source of the calls' times.
    """
    allocations = Allocations()
    with TemporaryDirectory(prefix="lgprof-") as folder:
        file = Path(folder) / "allocations.bin"
        destination = FileDestination(str(file), overwrite=True)
        with (
            work_watched(_NamedCalls(), recording, clock),
            Tracker(destination=destination, memory_interval_ms=_SNAPSHOT_MS),
        ):
            yield allocations
        _read(file, allocations)


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
