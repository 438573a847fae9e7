"""What a node's code may touch besides its state: reasons to doubt that a change to it is safe."""

from __future__ import annotations

import msgspec

GOTO = "Command(goto=...)"
"""Of a node that says itself, at least sometimes, which one is next."""


class NodeHints(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was found in a node's functions, in words such as ``global sent (list)``.

    They are hints, not facts: code is read, not run, and what C code does is not seen. No value is
    told, only names and types.
    """

    shared: list[str] = []
    """What may change and outlives a call: globals, closures, attributes, default arguments."""
    clocks: list[str] = []
    """Time and chance: ``time.time``, ``random.random``, ``uuid.uuid4``."""
    context: list[str] = []
    """What it is given besides the state: ``config``, ``store``, ``runtime``, ``writer``; and
    ``a file`` where it was seen to read one, or asks whether there is one."""
    tools: list[str] = []
    """Tools by name: what they do to the world is not known."""
    control: list[str] = []
    """``Command``, ``Send``, ``interrupt``, `GOTO`: the node steers the graph."""
    effects: list[str] = []
    """What it was seen to do while it ran: ``write a file``, ``connect to a server``."""
    opaque: bool = False
    """It has no Python function that could be read."""
