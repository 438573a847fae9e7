"""Events of each request on their own, while many run at once.

Under load a recording cannot grow with every request. The current request is known by a context
variable, so an event goes straight to it, is looked at when the request ends, and mostly forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from lgprof.record.event_log import (
    END_WIDTH,
    ID_MASK,
    START_WIDTH,
    IoEvent,
    ModelEvent,
    NodeData,
    NodeDigest,
    RateWait,
    Recording,
)

_PROBED_LOGS = ("works", "holds", "loop_waits", "task_calls")
_NONE: Mapping[int, Any] = MappingProxyType({})


class RequestEvents:
    """What was recorded of one request.

    Callbacks alone tell starts and ends; their fields lie one after another, in the order of
    `Recording.starts` and `ends`. What only probes tell has no container of its own in the other
    requests, which are nearly all: each would be one more for the garbage collector.
    """

    __slots__ = (
        *_PROBED_LOGS,
        "digests",
        "ends",
        "graphs",
        "io",
        "models",
        "node_data",
        "rate_waits",
        "starts",
    )

    def __init__(self, *, probed: bool = False) -> None:
        self.starts: list[Any] = []
        self.ends: list[Any] = []
        self.works: Sequence[tuple[Any, ...]] = [] if probed else ()
        self.holds: Sequence[tuple[Any, ...]] = ()
        self.loop_waits: Sequence[tuple[Any, ...]] = ()
        self.task_calls: Sequence[tuple[Any, ...]] = [] if probed else ()
        self.node_data: Sequence[NodeData] = [] if probed else ()
        self.io: Sequence[IoEvent] = [] if probed else ()
        self.rate_waits: Sequence[RateWait] = [] if probed else ()
        self.models: Mapping[int, ModelEvent] = _NONE
        self.graphs: Set[int] = frozenset()
        self.digests: Mapping[int, NodeDigest] = _NONE

    def start_rows(self) -> Iterator[tuple[Any, ...]]:
        """The starts, each as a tuple of `Recording.starts`."""
        return zip(*[iter(self.starts)] * START_WIDTH, strict=True)

    def end_rows(self) -> Iterator[tuple[Any, ...]]:
        """The ends, each as a tuple of `Recording.ends`."""
        return zip(*[iter(self.ends)] * END_WIDTH, strict=True)

    def run_ids(self) -> list[int]:
        """Ids of its runs, in the order in which they started."""
        return [run.int & ID_MASK for run in self.starts[1::START_WIDTH]]

    def into(self, recording: Recording) -> None:
        """Add the events to a recording that is to be analysed."""
        recording.starts.add(self.starts)
        recording.ends.add(self.ends)
        for name in _PROBED_LOGS:
            log = getattr(recording, name)
            for event in getattr(self, name):
                log.add(event)
        recording.node_data += self.node_data
        recording.io += self.io
        recording.rate_waits += self.rate_waits
        recording.models |= self.models
        recording.graphs |= self.graphs
        recording.digests |= self.digests


CURRENT: ContextVar[RequestEvents | None] = ContextVar("lgprof_request", default=None)
"""Where events of the current code belong; None outside any request."""


class RoutedRecording(Recording):
    """A recording that hands each event to the current request instead of keeping it."""

    def __init__(self) -> None:
        super().__init__()
        self.orphans = 0
        """Runs that belong to no request."""
        self.exchanges = None
        self.starts.add = self._add_start
        self.ends.add = _add_end
        self.works.add = _adder(lambda events: events.works)
        self.task_calls.add = _adder(lambda events: events.task_calls)
        # The event loop, who adds these, is in no request: they are filed by their run.
        self._held: dict[int, list[tuple[Any, ...]]] = {}
        self._waited: dict[int, list[tuple[Any, ...]]] = {}
        self.node_data = _Forwarding(lambda events: events.node_data)
        self.io = _Forwarding(lambda events: events.io)
        self.rate_waits = _Forwarding(lambda events: events.rate_waits)

    def close(self, events: RequestEvents) -> None:
        """The request is over: what is filed by its runs' ids becomes its own."""
        if events.works:
            self.settle()
            runs = {work[2] for work in events.works}
            runs.update(events.run_ids())
            events.holds = [hold for run in runs for hold in self._held.pop(run, ())]
            events.loop_waits = [wait for run in runs for wait in self._waited.pop(run, ())]
        if self.models or self.graphs:
            run_ids = events.run_ids()
            events.models = {run: self.models.pop(run) for run in run_ids if run in self.models}
            events.graphs = self.graphs.intersection(run_ids)
            self.graphs -= events.graphs

    def settle(self) -> None:
        """File what the event loop noted by its run."""
        for hold in self.holds.take():
            if hold[3]:
                self._held.setdefault(hold[3], []).append(hold)
        for wait in self.loop_waits.take():
            self._waited.setdefault(wait[2], []).append(wait)

    def forget_unclaimed(self) -> None:
        """No request is left that would ask for what the event loop noted."""
        self.settle()
        self._held.clear()
        self._waited.clear()

    def _add_start(self, event: Sequence[Any]) -> None:
        events = CURRENT.get()
        if events is None:
            self.orphans += 1
            self.models.pop(event[1].int & ID_MASK, None)
        else:
            events.starts.extend(event)


def _add_end(event: Sequence[Any]) -> None:
    events = CURRENT.get()
    if events is not None:
        events.ends.extend(event)


def _adder(
    log_of: Callable[[RequestEvents], Sequence[Any]],
) -> Callable[[Sequence[Any]], None]:
    def add(event: Sequence[Any]) -> None:
        events = CURRENT.get()
        if events is not None:
            log = log_of(events)
            if type(log) is list:  # of a request that is probed
                log.append(event)

    return add


class _Forwarding(list[Any]):
    """A list that stays empty: what is appended goes to the current request."""

    def __init__(self, log_of: Callable[[RequestEvents], Sequence[Any]]) -> None:
        super().__init__()
        self.append = _adder(log_of)  # type: ignore[method-assign]
