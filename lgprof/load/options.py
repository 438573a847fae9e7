"""The options of a load test."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from lgprof.load.abort import AbortRule
from lgprof.load.arrivals import ArrivalKind, Schedule, stages_between, steady
from lgprof.model.load import Stage
from lgprof.run.options import Billing, RunOptions

DEFAULT_PORT = 5557
RPS_PER_WORKER = 200
"""One event loop serves about 550 trivial graphs a second; at this rate it has room to be exact."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to load a graph. The defaults are those of the command line."""

    request: RunOptions = field(default_factory=RunOptions)
    """How each request is made; its counts and its concurrency are not used."""
    rps: float = 10.0
    duration_s: float = 30.0
    requests: int | None = None
    """Stop after this many arrivals instead of after ``duration_s``."""
    stages: tuple[tuple[float, float], ...] = ()
    """(rate, seconds) of each stage; they replace ``rps`` and ``duration_s``."""
    ramp_s: float = 5.0
    """How long the rate takes from one stage's to the next one's."""
    arrivals: ArrivalKind = "constant"
    seed: int = 0
    users: int | None = None
    """A closed model instead: so many users, each waiting for its answer."""
    think_s: float = 0.0
    """A user's pause between an answer and the next request."""
    warmup_s: float = 5.0
    """Arrivals at the first stage's rate before the measured ones; kept apart."""
    workers: int | None = None
    """Processes; None chooses by rate and cores."""
    max_concurrent: int | None = None
    """Requests running at once in each worker; None lets the load find the level."""
    max_in_flight: int = 10_000
    """Queued plus running ones in each worker; an arrival beyond it is dropped."""
    keep: int = 200
    """Requests of the uniform sample whose spans are kept, over all workers."""
    billing: Billing = field(default_factory=Billing)
    abort_on: tuple[AbortRule, ...] = ()
    tolerate_worker_loss: bool = False

    def schedule(self) -> Schedule:
        """When the measured requests arrive (open model)."""
        return Schedule(self._stages(), self.arrivals, self.seed)

    def warmup_schedule(self) -> Schedule:
        """When the requests of the warm-up arrive."""
        return Schedule(steady(self._stages()[0].from_rps, self.warmup_s), self.arrivals, self.seed)

    def _stages(self) -> tuple[Stage, ...]:
        if self.stages:
            return stages_between(self.stages, self.ramp_s)
        duration_s = self.duration_s if self.requests is None else self.requests / self.rps
        return steady(self.rps, duration_s)


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """Where master and workers meet."""

    host: str = "127.0.0.1"
    """Where the master listens; beyond loopback, anybody who reaches the port can join."""
    port: int | None = None
    """None takes a free one."""
    expect_workers: int | None = None
    """Wait for so many workers from other machines instead of starting our own."""
    ui: bool = False


def wanted_workers(options: LoadOptions, fleet: FleetOptions) -> int:
    """How many workers take part: as many as were asked for, or by the rate and the cores here."""
    asked_for = fleet.expect_workers or options.workers
    if asked_for or options.users:
        return asked_for or 1
    peak_rps = max(max(stage.from_rps, stage.to_rps) for stage in options.schedule().stages)
    cores = os.cpu_count() or 1
    return max(1, min(cores - 1, round(peak_rps / RPS_PER_WORKER)))
