"""How a graph is wired: what a change to its edges and policies has to know."""

from __future__ import annotations

import msgspec


class RetryShape(msgspec.Struct, kw_only=True):
    """A node's ``RetryPolicy``."""

    max_attempts: int
    """The first one included."""
    initial_interval_s: float
    backoff_factor: float
    jitter: bool
    """LangGraph adds up to a second at random."""
    retry_on: list[str] = []
    """Names of the error types that it is for; empty where a function decides."""


class NodeShape(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One node of a graph."""

    function: str | None = None
    """Name of the function; None for what is none, such as a chain, or has no name to write."""
    is_async: bool = False
    is_graph: bool = False
    calls_tools: bool = False
    """It is a ``ToolNode``."""
    destinations: list[str] = []
    """Where its ``Command`` may go, as far as it is declared."""
    defers: bool = False
    caches: bool = False
    """It has a ``CachePolicy``."""
    caches_by_key: bool = False
    """And that one a ``key_func`` of its own."""
    retry: RetryShape | None = None


class Join(msgspec.Struct, array_like=True):
    """An edge that waits for several nodes; written as ``[[source, ...], target]``."""

    sources: list[str]
    target: str


class GraphShape(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One graph, nested ones apart. ``__start__`` and ``__end__`` are no nodes but in its edges."""

    nodes: dict[str, NodeShape] = {}
    edges: list[tuple[str, str]] = []
    joins: list[Join] = []
    branches: dict[str, list[str]] = {}
    """Nodes that are routed from, with the targets, as far as they are declared."""
    reducers: list[str] = []
    """Keys whose new value is added to the old one."""
    messages: list[str] = []
    """Those of them that hold messages (`add_messages`)."""
    inputs: list[str] | None = None
    """Keys of its state that it takes from what it is given; None where that is no dict."""
    managed: list[str] = []
    """Keys that LangGraph fills in itself, such as ``remaining_steps``."""
    pauses: list[str] = []
    """Nodes that a person is waited for before or after."""
    has_cache: bool = False
    state_is_object: bool = False
    """Its state is a pydantic model or a dataclass, whose keys are attributes."""
