"""Memory by node, from a pass of its own."""

from __future__ import annotations

import msgspec


class AllocationSite(msgspec.Struct, kw_only=True):
    """Code that held memory."""

    function: str
    file: str
    """Relative to where modules are imported from, else the bare name."""
    line: int
    size_bytes: int


class NodeMemory(msgspec.Struct, kw_only=True):
    """What was allocated while a node's function ran, in its own or in a thread that it started."""

    path: str
    """The node's; empty for all code outside of nodes."""
    peak_bytes: int
    """Most that was held at once, of all that the node's calls had allocated."""
    retained_bytes: float
    """Still held after the last request, per request."""
    sites: list[AllocationSite] = []
    """The user's code that held most at the process's peak, the largest first; of a node that held
    nothing then, the code that still holds most."""


class Memory(msgspec.Struct, kw_only=True):
    """The memory pass as a whole."""

    requests: int
    peak_bytes: int
    """Most that was held at once of all that was allocated during the pass."""
    nodes: list[NodeMemory]
