"""Whether a graph kept up with its load, and what held it back where it did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lgprof.model import Attribution, LoadInterval, NodeRow, Saturation
from lgprof.model.load import SaturationCause

KEPT_UP_SHARE = 0.97
"""Answered per due in the second half of the schedule: below it the graph falls behind."""
LEFT_SHARE = 0.1
"""Of what was due by the schedule's end: so much unanswered, or not even begun, is a queue that
grew."""
LEAST_BACKLOG = 10
"""So many answers fewer than were due are no accident."""
BUSY_CPU_SHARE = 0.85
"""Of one core and worker: from here on there is no room for bursts."""
BUSY_SHARE = 0.8
"""Of an event loop's time, computing and blocked together: the rest is lost between callbacks."""
BLOCKED_LAG_S = 0.02
"""A loop that runs so late at the median is held by somebody."""
BLOCKED_PART = 0.5
"""Blocking against CPU: from here on it is blocking that a change should go for first."""
QUEUE_SHARE = 0.2
"""Of the latency: waiting for a free thread is then what holds the graph back."""


@dataclass(frozen=True, slots=True)
class LoadFacts:
    """What the judgement rests on, beside the rows of the Profile."""

    series: Sequence[LoadInterval]
    duration_s: float
    """Of the schedule."""
    dropped: int
    workers: int
    in_loop: bool
    """Whether the graph is async."""
    pool_size: int | None
    loop_lag_p50_s: float | None
    service_mean_s: float | None
    unloaded_s: float | None
    """An answer is due so long after its request was: a slow graph is no saturated one."""
    offered_rps: float | None = None
    """As planned for the schedule's second half; None in a closed model."""
    max_concurrent: int | None = None
    """The user's limit on requests running at once in a worker."""
    executor_queued: float = 0.0
    """Calls that waited for a thread of the event loop's executor, on average."""
    starved_share: float = 0.0
    """Of the time, ready to compute while other processes had the processor."""


def find_saturation(
    facts: LoadFacts, nodes: Sequence[NodeRow], attribution: Attribution
) -> Saturation | None:
    """The finding; None where the graph kept up.

    Args:
        facts: Of the load.
        nodes: Rows, whose CPU, blocking and queues are seconds per request of the sample.
        attribution: Of the sample.
    """
    half = _second_half(facts)
    if not half:
        return None
    begin_s, end_s = half[0].t_s, half[-1].t_s + half[-1].duration_s
    unloaded_s = facts.unloaded_s or 0.0
    answered = sum(interval.rps * interval.duration_s for interval in half)
    due = _offered_between(facts.series, begin_s - unloaded_s, end_s - unloaded_s)
    fell_behind = answered < KEPT_UP_SHARE * due and due - answered >= LEAST_BACKLOG
    cause, node, detail = _cause(facts, half, nodes, attribution)
    is_saturated = (
        fell_behind or facts.dropped or _left_behind(facts, end_s) or _queue_grew(facts, half)
    )
    if not is_saturated:
        if cause not in ("loop_blocked", "loop_cpu"):
            return None
        return Saturation(
            saturated=False, node=node, cause=cause, message=f"near its limit: {detail}"
        )
    answering_s = end_s - max(begin_s, min(unloaded_s, half[-1].t_s))
    max_rps = answered / answering_s if answered else None
    offered_rps = facts.offered_rps or _offered_between(half, begin_s, end_s) / (end_s - begin_s)
    outcome = (
        f"the graph answers none of the {offered_rps:.3g} requests per second by then"
        if max_rps is None
        else f"the graph serves {max_rps:.3g} requests per second and was offered {offered_rps:.3g}"
    )
    return Saturation(
        saturated=True,
        node=node,
        cause=cause,
        max_rps=max_rps,
        message=f"{outcome}: {detail}",
    )


def _left_behind(facts: LoadFacts, end_s: float) -> bool:
    """Whether far more is unanswered at the end than a graph without load would have under way."""
    due = _offered_between(facts.series, 0.0, end_s - (facts.unloaded_s or 0.0))
    answered = sum(
        found.rps * found.duration_s
        for found in facts.series
        if found.t_s + found.duration_s <= end_s + 1e-6
    )
    return due - answered >= max(LEAST_BACKLOG, LEFT_SHARE * due)


def _queue_grew(facts: LoadFacts, half: Sequence[LoadInterval]) -> bool:
    """Whether at the schedule's end too many waited for their start.

    It tells of a test that is shorter than a request, too: none of its answers is due by then.
    """
    offered = sum(found.offered_rps * found.duration_s for found in facts.series)
    return half[-1].queued >= max(LEAST_BACKLOG, LEFT_SHARE * offered)


def _second_half(facts: LoadFacts) -> list[LoadInterval]:
    """Of the schedule; all of one that is too short for halves."""
    inside = [
        interval
        for interval in facts.series
        if interval.t_s + interval.duration_s <= facts.duration_s + interval.duration_s / 2
    ]
    return [found for found in inside if facts.duration_s / 2 <= found.t_s] or inside


def _offered_between(series: Sequence[LoadInterval], begin_s: float, end_s: float) -> float:
    """Arrivals in a stretch of time, which may cut through intervals."""
    return sum(
        interval.offered_rps
        * max(0.0, min(interval.t_s + interval.duration_s, end_s) - max(interval.t_s, begin_s))
        for interval in series
    )


def _cause(
    facts: LoadFacts,
    half: Sequence[LoadInterval],
    nodes: Sequence[NodeRow],
    attribution: Attribution,
) -> tuple[SaturationCause, str | None, str]:
    latency_s = facts.service_mean_s or 0.0
    if latency_s and attribution.executor_queue > QUEUE_SHARE * latency_s:
        top = _top(nodes, "executor_queue_s")
        size = f" of {facts.pool_size} threads" if facts.pool_size else ""
        return "executor", _path(top), f"calls of {_name(top)} wait for the executor{size}"
    if facts.in_loop and facts.executor_queued >= 1:
        top = _slowed(nodes)
        size = f" of {facts.pool_size} threads" if facts.pool_size else ""
        return "executor", _path(top), f"calls of {_name(top)} wait for the executor{size}"
    known = [interval.cpu_share for interval in half if interval.cpu_share is not None]
    cpu_share = sum(known) / len(known) / facts.workers if known else 0.0
    held = _held_loop(facts, half, nodes, cpu_share) if facts.in_loop else None
    if held is not None:
        return held
    if cpu_share + facts.starved_share >= BUSY_CPU_SHARE:
        top = _top(nodes, "cpu_s")
        share = f"{cpu_share:.0%} of a core per worker"
        most = f", most of it in {top.path}" if top else ""
        thread = "event loop" if facts.in_loop else "process"
        return "loop_cpu", _path(top), f"the {thread} is busy ({share}{most})"
    if not facts.in_loop and facts.pool_size and _is_taken(facts.pool_size, facts, half):
        top = _top(nodes, "self_s")
        return (
            "executor",
            _path(top),
            f"all {facts.pool_size} threads are taken, most of the time in {_name(top)}",
        )
    if facts.in_loop and facts.max_concurrent and _is_taken(facts.max_concurrent, facts, half):
        most = f"--max-concurrent lets {facts.max_concurrent} run at once in a worker"
        return "max_concurrent", None, f"{most}, and each takes {latency_s:.3g} s"
    top = _slowed(nodes)
    return (
        "unknown",
        _path(top),
        f"{_name(top)} waits longer under load: for a limiter, a connection pool, or the service "
        "behind it",
    )


def _held_loop(
    facts: LoadFacts, half: Sequence[LoadInterval], nodes: Sequence[NodeRow], cpu_share: float
) -> tuple[SaturationCause, str | None, str] | None:
    """Blocking calls that leave the loop no time, or make it late; None where they do not."""
    top, blocked_share = _top(nodes, "blocking_s"), _blocked_share(facts, half, nodes)
    if top is None or (blocked_share < BLOCKED_PART * cpu_share and cpu_share >= BUSY_CPU_SHARE):
        return None
    busy_share = cpu_share + blocked_share + facts.starved_share
    if busy_share < BUSY_SHARE and not _is_late(facts):
        return None
    return (
        "loop_blocked",
        top.path,
        f"{top.path} blocks the event loop for {(top.blocking_s or 0.0) * 1e3:.3g} ms per "
        f"request ({blocked_share:.0%} of the time, beside {cpu_share:.0%} of computing)",
    )


def _blocked_share(
    facts: LoadFacts, half: Sequence[LoadInterval], nodes: Sequence[NodeRow]
) -> float:
    """Of each worker's time: its loop stood still in a blocking call of a node at the innermost."""
    answered = sum(interval.rps * interval.duration_s for interval in half)
    seconds = sum(interval.duration_s for interval in half)
    outer = {row.path.rpartition("/")[0] for row in nodes}
    blocking_s = sum(row.blocking_s or 0.0 for row in nodes if row.path not in outer)
    return min(1.0, blocking_s * answered / seconds / facts.workers)


def _is_late(facts: LoadFacts) -> bool:
    return facts.loop_lag_p50_s is not None and facts.loop_lag_p50_s >= BLOCKED_LAG_S


def _is_taken(places: int, facts: LoadFacts, half: Sequence[LoadInterval]) -> bool:
    """Whether as many requests as may ran at once in each worker, most of the time."""
    most = places * facts.workers
    return sum(interval.in_flight >= most for interval in half) * 2 >= len(half)


def _top(nodes: Sequence[NodeRow], field: str) -> NodeRow | None:
    """The innermost node with most of something."""
    best = max(nodes, key=lambda row: (getattr(row, field) or 0.0, len(row.path)), default=None)
    return best if best is not None and getattr(best, field) else None


def _slowed(nodes: Sequence[NodeRow]) -> NodeRow | None:
    """The innermost node that lost most time against its latency without load."""

    def lost_s(row: NodeRow) -> float:
        if row.latency_s is None or row.unloaded_s is None:
            return 0.0
        return row.latency_s.p50 - row.unloaded_s

    best = max(nodes, key=lambda row: (lost_s(row), len(row.path)), default=None)
    return best if best is not None and lost_s(best) > 0 else None


def _path(row: NodeRow | None) -> str | None:
    return row.path if row else None


def _name(row: NodeRow | None) -> str:
    return row.path if row else "a node"
