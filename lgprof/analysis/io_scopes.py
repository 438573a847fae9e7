"""Which run an operation of a checkpointer, cache or store is part of: a graph or an attempt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from lgprof.analysis.runs import Run
from lgprof.record.event_log import IoEvent


def io_by_scope(
    events: Sequence[IoEvent], attempt_of: Callable[[int], int], nested: Iterable[Run]
) -> dict[int, list[IoEvent]]:
    """Operations by the id of the run that they belong to.

    Args:
        events: As recorded.
        attempt_of: From a run's id to that of the attempt around it.
        nested: Runs of graphs inside nodes: they use the checkpointer of the graph around them.
    """
    if not events:
        return {}
    by_namespace: dict[int, list[Run]] = defaultdict(list)
    if any(event.namespace for event in events):
        for run in nested:
            by_namespace[run.namespace].append(run)
    found: dict[int, list[IoEvent]] = defaultdict(list)
    for event in events:
        begun = (run for run in by_namespace[event.namespace] if run.start_ns <= event.start_ns)
        latest = max(begun, key=lambda run: run.start_ns, default=None)
        if latest is not None:
            found[latest.id].append(event)
        else:
            found[attempt_of(event.scope) if event.kind == "store" else event.scope].append(event)
    return found
