"""Events of each request on their own, while many run at once.

Under load a recording cannot grow with every request. The current request is known by a context
variable, so an event goes straight to it, is looked at when the request ends, and mostly forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from lgprof.record.event_log import (
    ID_MASK,
    IoEvent,
    ModelEvent,
    NodeData,
    NodeDigest,
    RateWait,
    Recording,
)

_LOGS = ("starts", "ends", "works", "holds", "loop_waits", "task_calls")


@dataclass(slots=True)
class RequestEvents:
    """What was recorded of one request."""

    starts: list[tuple[Any, ...]] = field(default_factory=list)
    ends: list[tuple[Any, ...]] = field(default_factory=list)
    works: list[tuple[Any, ...]] = field(default_factory=list)
    holds: list[tuple[Any, ...]] = field(default_factory=list)
    loop_waits: list[tuple[Any, ...]] = field(default_factory=list)
    task_calls: list[tuple[Any, ...]] = field(default_factory=list)
    node_data: list[NodeData] = field(default_factory=list)
    io: list[IoEvent] = field(default_factory=list)
    rate_waits: list[RateWait] = field(default_factory=list)
    models: dict[int, ModelEvent] = field(default_factory=dict)
    graphs: set[int] = field(default_factory=set)
    digests: dict[int, NodeDigest] = field(default_factory=dict)

    def into(self, recording: Recording) -> None:
        """Add the events to a recording that is to be analysed."""
        for name in _LOGS:
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
            runs.update(start[1].int & ID_MASK for start in events.starts)
            for run in runs:
                events.holds += self._held.pop(run, ())
                events.loop_waits += self._waited.pop(run, ())
        models, graphs = self.models, self.graphs
        if not models and not graphs:
            return
        for event in events.starts:
            run_id = event[1].int & ID_MASK
            if run_id in models:
                events.models[run_id] = models.pop(run_id)
            if run_id in graphs:
                graphs.discard(run_id)
                events.graphs.add(run_id)

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

    def _add_start(self, event: tuple[Any, ...]) -> None:
        events = CURRENT.get()
        if events is None:
            self.orphans += 1
            self.models.pop(event[1].int & ID_MASK, None)
        else:
            events.starts.append(event)


def _add_end(event: tuple[Any, ...]) -> None:
    events = CURRENT.get()
    if events is not None:
        events.ends.append(event)


def _adder(
    log_of: Callable[[RequestEvents], list[Any]],
) -> Callable[[tuple[Any, ...]], None]:
    def add(event: tuple[Any, ...]) -> None:
        events = CURRENT.get()
        if events is not None:
            log_of(events).append(event)

    return add


class _Forwarding(list[Any]):
    """A list that stays empty: what is appended goes to the current request."""

    def __init__(self, log_of: Callable[[RequestEvents], list[Any]]) -> None:
        super().__init__()
        self.append = _adder(log_of)  # type: ignore[method-assign]
