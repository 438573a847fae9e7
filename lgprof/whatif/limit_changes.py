"""How much may run at once: ``max_concurrency``, threads for sync nodes."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from lgprof.whatif.changes import MaxConcurrency, PoolSize
from lgprof.whatif.pieces import Places
from lgprof.whatif.scenario import Scenario


def max_concurrency(change: MaxConcurrency, scenario: Scenario) -> None:
    """Another number of tasks of one graph at once."""
    _set(scenario, lambda places: replace(places, tasks=change.limit))


def pool_size(change: PoolSize, scenario: Scenario) -> None:
    """Another number of threads."""
    _set(scenario, lambda places: replace(places, threads=change.threads))


def _set(scenario: Scenario, change: Callable[[Places], Places]) -> None:
    scenario.schedules[:] = [
        replace(schedule, places=change(schedule.places)) for schedule in scenario.schedules
    ]
