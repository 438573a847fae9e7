"""How far a load test's numbers can be trusted: judges the generator alone, not the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lgprof.model import Fidelity, LatencySummary

LATE_S = 0.005
LATE_SHARE = 0.1
"""A schedule lag (p99) above both, `LATE_S` and this share of the median service time, shows in
the latencies."""
STARVED_SHARE = 0.1
"""Of the time the load's thread waited for a processor that others had."""
HELD_PART = 0.25
"""Of the lag: what a request holds the loop for must reach it to explain the lag."""


@dataclass(frozen=True, slots=True)
class GeneratorFacts:
    """What the verdict rests on."""

    offered: int
    dropped: int
    places: int
    """Requests that may be under way, running and waiting ones."""
    places_wanted: float | None
    """So many would be under way in a graph that nothing slows down; None where there is room, or
    where requests that waited for the graph took it."""
    unsent_by_loss: int
    """Arrivals that no worker took over in time."""
    lost_workers: int
    ends: Sequence[str]
    """How those of them ended that were processes of ours."""
    tolerates_loss: bool
    stuck_workers: int
    saturated: bool
    """The graph could not keep up: then lateness is its doing."""
    at_limit: bool
    """As many requests ran at once as may: then others started late for want of a place."""
    lag_s: LatencySummary | None
    loop_lag_p99_s: float | None
    service_p50_s: float | None
    starved_share: float
    held_s: float
    """How long a request of the sample holds the event loop, computing or blocking."""
    over_range: int


def judge(facts: GeneratorFacts) -> Fidelity:
    """The verdict with its reasons."""
    invalid: list[str] = []
    degraded: list[str] = []
    if not facts.offered:
        invalid.append("nothing was measured: no arrival was due")
    if facts.dropped and facts.places_wanted is not None:
        invalid.append(
            f"{facts.dropped} arrivals were dropped: without load, too, {facts.places_wanted:.0f} "
            f"requests would be under way, and --max-in-flight lets {facts.places} in"
        )
    if facts.lost_workers:
        workers = (
            "a worker was" if facts.lost_workers == 1 else f"{facts.lost_workers} workers were"
        )
        how = f" ({', '.join(facts.ends)})" if facts.ends else ""
        unsent = f"{facts.unsent_by_loss} arrivals were not sent"
        reason = f"{workers} lost{how}: {unsent}"
        (degraded if facts.tolerates_loss else invalid).append(reason)
    if facts.stuck_workers:
        invalid.append("the graph stopped an event loop for good: its arrivals were not sent")
    if facts.starved_share >= STARVED_SHARE:
        degraded.append(
            f"the load's thread waited for a processor for {facts.starved_share:.0%} of the time: "
            "free the machine, or load it less"
        )
    late = _lateness(facts)
    if late:
        degraded.append(late)
    if facts.over_range:
        degraded.append(f"{facts.over_range} latencies above 1 h count as 1 h")
    verdict = "invalid" if invalid else "degraded" if degraded else "ok"
    return Fidelity(verdict=verdict, reasons=[*invalid, *degraded])  # type: ignore[arg-type]


def _lateness(facts: GeneratorFacts) -> str | None:
    if facts.lag_s is None or facts.saturated or facts.at_limit:
        return None
    limit_s = max(LATE_S, LATE_SHARE * (facts.service_p50_s or 0.0))
    if facts.lag_s.p99 <= limit_s:
        return None
    return (
        f"requests started up to {_duration(facts.lag_s.p99)} late (p99): {_why_late(facts)}; "
        "latencies from the intended start contain it"
    )


def _why_late(facts: GeneratorFacts) -> str:
    lag_p99_s = facts.lag_s.p99 if facts.lag_s else 0.0
    if facts.loop_lag_p99_s is None or facts.loop_lag_p99_s < lag_p99_s / 2:
        return "the generator could not keep its pace"
    if facts.held_s >= HELD_PART * lag_p99_s:
        return "the graph holds the event loop"
    return "the load's thread did not get to run, for reasons outside the graph"


def _duration(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
