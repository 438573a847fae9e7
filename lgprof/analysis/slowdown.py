"""Which nodes a load slows down, and why."""

from __future__ import annotations

from lgprof.model import Load, NodeRow, Profile, Saturation

SLOWER = 1.5
"""Times its unloaded latency: from here on a node is called slower under load."""
EXPLAINS = 0.5
"""Of the time that a call lost: a wait this long is what it was lost to."""
LATE_PART = 0.25
"""Of the same, for the event loop's lag: a call comes back to the loop several times."""


def factor(row: NodeRow) -> float | None:
    """How many times its unloaded latency a call takes under load (p50); None where unknown."""
    if row.latency_s is None or not row.unloaded_s:
        return None
    return row.latency_s.p50 / row.unloaded_s


def slowdown(row: NodeRow, profile: Profile) -> str:
    """Why a node is slower under load, in a few words; empty where it is not, or nobody knows.

    Args:
        row: The node's.
        profile: Of a load test.
    """
    load = profile.load
    if load is None:
        return ""
    found = load.saturation
    if found is not None and found.node == row.path:
        return _limits(found, load, profile.target.mode)
    times = factor(row)
    if times is None or times < SLOWER or row.latency_s is None or row.unloaded_s is None:
        return ""
    lost_s = row.latency_s.p50 - row.unloaded_s
    visits = max(1.0, row.visits.mean)
    if (row.executor_queue_s or 0.0) / visits >= EXPLAINS * lost_s:
        return _executor_full(load)
    limited_s = sum(model.rate_limit_s or 0.0 for model in profile.models if model.node == row.path)
    if limited_s / visits >= EXPLAINS * lost_s:
        return "waits at its rate limit"
    return _late_loop(load, lost_s)


def _limits(found: Saturation, load: Load, mode: str) -> str:
    """What the node does that limits the graph."""
    if found.cause == "executor":
        return _executor_full(load) if mode == "async" else "holds all threads"
    return {
        "loop_blocked": "blocks the event loop",
        "loop_cpu": "fills the loop's CPU core",
        "rate_limit": "waits at its rate limit",
    }.get(found.cause, "waits longer inside itself")


def _executor_full(load: Load) -> str:
    size = load.executor_threads
    return f"executor of {size} threads full" if size else "waits for a free thread"


def _late_loop(load: Load, lost_s: float) -> str:
    found, lag_s = load.saturation, load.loop_lag_s
    if found is not None and found.cause == "loop_blocked":
        return f"loop blocked by {found.node}" if found.node else "event loop blocked"
    if found is not None and found.cause == "loop_cpu":
        return "event loop busy" if lag_s is not None else "CPU core busy"
    if lag_s is not None and lag_s.mean >= LATE_PART * lost_s:
        return "event loop late"
    return ""
