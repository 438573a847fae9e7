"""What became of the load: could the graph keep up, and how far can the numbers be trusted?"""

from __future__ import annotations

from collections.abc import Sequence

from lgprof.analysis.saturation import LoadFacts, find_saturation
from lgprof.load.fidelity import GeneratorFacts, judge
from lgprof.load.outcome import Outcome
from lgprof.model import Attribution, Fidelity, LoadInterval, NodeRow, Saturation


def graph_finding(
    outcome: Outcome,
    series: Sequence[LoadInterval],
    nodes: Sequence[NodeRow],
    attribution: Attribution,
) -> Saturation | None:
    """Whether the graph kept up; None where it did, or where too few requests were let in.

    Args:
        outcome: Of the test.
        series: Its intervals.
        nodes: Rows of all requests.
        attribution: Of the sample.
    """
    if outcome.book.balance.dropped and _places_wanted(outcome) is not None:
        return None
    return find_saturation(_load_facts(outcome, series), nodes, attribution)


def generator_verdict(
    outcome: Outcome, saturation: Saturation | None, attribution: Attribution
) -> Fidelity:
    """How far the numbers can be trusted.

    Args:
        outcome: Of the test.
        saturation: The finding about the graph: lateness is its doing where it could not keep up.
        attribution: Of the sample.
    """
    book = outcome.book
    loop_lag = book.total.histogram("loop_lag")
    service = book.total.histogram("service")
    return judge(
        GeneratorFacts(
            offered=book.balance.offered,
            dropped=book.balance.dropped,
            places=_places(outcome),
            places_wanted=_places_wanted(outcome),
            unsent_by_loss=book.unsent_by_loss,
            lost_workers=outcome.lost - sum(done.stuck for done in outcome.done),
            ends=outcome.ends,
            tolerates_loss=outcome.plan.options.tolerate_worker_loss,
            stuck_workers=sum(done.stuck for done in outcome.done),
            saturated=saturation is not None and saturation.saturated,
            at_limit=_is_at_limit(outcome),
            lag_s=book.total.histogram("lag").summary() if outcome.plan.schedule else None,
            loop_lag_p99_s=loop_lag.percentile_s(99) if loop_lag.total else None,
            service_p50_s=service.percentile_s(50) if service.total else None,
            starved_share=_starved_share(outcome),
            held_s=attribution.blocked_loop + attribution.node_cpu,
            over_range=book.total.over_range,
        )
    )


def _load_facts(outcome: Outcome, series: Sequence[LoadInterval]) -> LoadFacts:
    book = outcome.book
    loop_lag = book.total.histogram("loop_lag")
    service = book.total.histogram("service").summary()
    return LoadFacts(
        series=series,
        duration_s=outcome.duration_s,
        dropped=book.balance.dropped,
        workers=max(1, len(book.workers)),
        in_loop=outcome.ready.mode == "async",
        pool_size=outcome.ready.pool_size,
        loop_lag_p50_s=loop_lag.percentile_s(50) if loop_lag.total else None,
        service_mean_s=service.mean if service else None,
        unloaded_s=outcome.baseline.graph_s,
        offered_rps=_planned_rps(outcome),
        max_concurrent=outcome.plan.options.max_concurrent,
        starved_share=_starved_share(outcome),
        executor_queued=_executor_queued(outcome),
    )


def _planned_rps(outcome: Outcome) -> float | None:
    """The schedule's mean rate over its second half; None without one."""
    plan, end_s = outcome.plan, outcome.duration_s
    if plan.schedule is None or end_s <= 0:
        return None
    return (plan.due_by(end_s) - plan.due_by(end_s / 2)) / (end_s / 2)


def _places(outcome: Outcome) -> int:
    """How many requests may be under way in all workers together."""
    return outcome.plan.options.max_in_flight * outcome.plan.workers


def _places_wanted(outcome: Outcome) -> float | None:
    """How many requests are under way where nothing slows them down, if that is more than may be.

    By rate and latency (J. D. C. Little, *A Proof for the Queuing Formula L = λW*, 1961). None also
    where the places were taken by requests that waited for their start: then the graph is slow.
    """
    unloaded_s, schedule = outcome.baseline.graph_s, outcome.plan.schedule
    last = [found.last for found in outcome.book.workers.values() if found.last]
    running = sum(batch.peak_in_flight for batch in last)
    if schedule is None or unloaded_s is None or running < sum(b.peak_queued for b in last):
        return None
    peak_rps = max(max(stage.from_rps, stage.to_rps) for stage in schedule.stages)
    wanted = peak_rps * unloaded_s
    return wanted if wanted > _places(outcome) else None


def _executor_queued(outcome: Outcome) -> float:
    """Calls that waited for a thread, on average over the reports of the schedule's time."""
    found = [
        interval.executor_queued
        for interval in outcome.book.intervals.values()
        if interval.number * outcome.book.interval_s < outcome.duration_s
    ]
    return sum(found) / len(found) if found else 0.0


def _starved_share(outcome: Outcome) -> float:
    last = [found.last for found in outcome.book.workers.values() if found.last]
    seconds = sum(max(batch.t_s + outcome.plan.warmup_s, 0.0) for batch in last)
    return sum(batch.starved_s for batch in last) / seconds if seconds > 0 else 0.0


def _is_at_limit(outcome: Outcome) -> bool:
    limit = outcome.plan.options.max_concurrent
    if limit is None and outcome.ready.mode == "sync":
        limit = outcome.ready.pool_size
    last = [found.last for found in outcome.book.workers.values() if found.last]
    return limit is not None and any(batch.peak_in_flight >= limit for batch in last)
