"""The parts of a latency."""

from __future__ import annotations

import msgspec


class Attribution(msgspec.Struct, kw_only=True):
    """Mean seconds per request along the critical path; the fields add up to the mean latency.

    An instant goes to the first field, in this order, that claims it.
    """

    failed_attempts: float = 0.0
    """Attempts of a node that ended in an error and were retried or handled."""
    backoff: float = 0.0
    """Waiting between attempts."""
    executor_queue: float = 0.0
    """Ready to run, waiting for a free thread or a free place under ``max_concurrency``."""
    rate_limit: float | None = None
    """Waiting for LangChain's rate limiters, or for a provider that had refused a request (429 or
    5xx) to be asked again; None: not measured."""
    model: float = 0.0
    tool: float = 0.0
    retriever: float = 0.0
    checkpoint: float = 0.0
    store: float = 0.0
    cache: float = 0.0
    blocked_loop: float = 0.0
    """The event loop stood still: a node held it without using CPU."""
    node_cpu: float = 0.0
    """Own code of a node, computing."""
    node_wait: float = 0.0
    """Own code of a node, waiting: a sleep, a lock, I/O other than the calls above."""
    loop_wait: float = 0.0
    """Outside a node, or in one whose timer was due, while another node held the event loop."""
    routing: float = 0.0
    """Functions of conditional edges."""
    framework: float = 0.0
    """LangGraph's own work: entry, exit, gaps between supersteps, around nodes' functions."""
    unattributed: float = 0.0
    """Inside a node, and not known."""


ATTRIBUTION_CATEGORIES: tuple[str, ...] = Attribution.__struct_fields__
"""Field names of `Attribution` in order of their claim."""

CATEGORY_LABELS: dict[str, str] = {
    "failed_attempts": "failed attempts",
    "backoff": "backoff",
    "executor_queue": "executor queue",
    "rate_limit": "rate limit",
    "model": "model calls",
    "tool": "tool calls",
    "retriever": "retrievers",
    "checkpoint": "checkpoints",
    "store": "store",
    "cache": "cache",
    "blocked_loop": "blocked event loop",
    "node_cpu": "own code, computing",
    "node_wait": "own code, waiting",
    "loop_wait": "loop held by others",
    "routing": "routing",
    "framework": "LangGraph",
    "unattributed": "unattributed",
}
"""What people call them."""
