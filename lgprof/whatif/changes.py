"""Changes to a graph whose effect can be predicted from a Profile. They compose.

A node is named by its path: ``outer/inner`` for a node of a subgraph. Times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DurabilityMode = Literal["sync", "async", "exit"]
CheckpointerKind = Literal["none", "memory"]


@dataclass(frozen=True, slots=True)
class CacheNode:
    """LangGraph's node cache: calls with equal values of the keys are answered without a call."""

    node: str
    keys: tuple[str, ...] | None = None
    """State keys that identify a call; None for all that the node read in any recorded request."""
    ttl_s: float | None = None
    """None: an entry is never too old."""


@dataclass(frozen=True, slots=True)
class Parallel:
    """Nodes that ran one after another run side by side, in the superstep of the first."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Faster:
    """The node's own function takes another share of its time; 1 changes nothing."""

    node: str
    factor: float


@dataclass(frozen=True, slots=True)
class Unblock:
    """What blocks the event loop in an async node runs in a thread instead."""

    node: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Another retry policy for a node. What is None stays as it was."""

    node: str
    max_attempts: int | None = None
    """The first attempt included, as in LangGraph's ``RetryPolicy``."""
    initial_interval_s: float | None = None
    backoff_factor: float | None = None


@dataclass(frozen=True, slots=True)
class Durability:
    """When checkpoints are written: before the next superstep, beside it, or once at the end."""

    mode: DurabilityMode


@dataclass(frozen=True, slots=True)
class SwapCheckpointer:
    """Another checkpointer: in memory, or none."""

    kind: CheckpointerKind


@dataclass(frozen=True, slots=True)
class RemoveBarrier:
    """``after`` starts when ``before`` has ended, not when the slowest of its superstep has."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MaxConcurrency:
    """LangGraph's ``max_concurrency``: tasks of one graph at once."""

    limit: int | None
    """None for LangGraph's own limits."""


@dataclass(frozen=True, slots=True)
class PoolSize:
    """Threads for sync nodes."""

    threads: int


@dataclass(frozen=True, slots=True)
class SwapModel:
    """The node's model calls go to another model."""

    node: str
    model: str | None = None
    """Its name, to price the same tokens by; speed as in the Profile where it was seen there."""
    price_factor: float | None = None
    """Of what the calls cost now; None to go by the name."""
    duration_factor: float | None = None
    """Of what the calls take now; None to go by the name."""


@dataclass(frozen=True, slots=True)
class FewerOutputTokens:
    """The node's model calls generate another share of their output tokens."""

    node: str
    factor: float


@dataclass(frozen=True, slots=True)
class PromptCacheUsed:
    """The provider's cache answers for what an earlier prompt of the node's model began with."""

    node: str
    reordered: bool = False
    """With what is sent again and again put first."""


@dataclass(frozen=True, slots=True)
class BatchCalls:
    """Calls of one model, tool or retriever, one after another in a node, run side by side.

    One that was asked about an earlier answer waits for those before it.
    """

    node: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Calls that are not made, of nodes, models or tools; a superstep of which none is left goes.

    Of the recorded requests alone: it has no name in ``--what-if``.
    """

    spans: frozenset[tuple[int, int]]
    """Index of the request and id of the span."""


@dataclass(frozen=True, slots=True)
class NoStraggler:
    """Where a node runs several times in a superstep, no call takes longer than their median."""

    node: str


Change = (
    CacheNode
    | Parallel
    | Faster
    | Unblock
    | Retry
    | Durability
    | SwapCheckpointer
    | RemoveBarrier
    | MaxConcurrency
    | PoolSize
    | SwapModel
    | FewerOutputTokens
    | PromptCacheUsed
    | BatchCalls
    | Skip
    | NoStraggler
)
