"""What the parts of a latency are called."""

from __future__ import annotations

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
"""By field of `lgprof.model.Attribution`."""
