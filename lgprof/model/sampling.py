"""Where Python code spent its time, from sampled requests.

Sampling slows a graph down, so it is done in requests of their own, after the measured ones. What
is in here are shares of a place's time, not latencies. No file is named by an absolute path.
"""

from __future__ import annotations

import msgspec


class PythonFrame(msgspec.Struct, array_like=True, frozen=True):
    """A function; written as ``[function, file, line, library]``."""

    function: str
    """``Class.method``, where it is one; ``[await]`` for waiting in a coroutine."""
    file: str
    """Relative to where modules are imported from, else the bare name; ``<built-in>`` for functions
    written in C, empty for ``[await]``."""
    line: int = 0
    """Where the function begins; 0 where that is not known."""
    library: str | None = None
    """The installed or standard package that it belongs to; None for the user's own code."""


class StackRow(msgspec.Struct, array_like=True):
    """A frame below the frame of an earlier row; written as ``[parent, frame, line, self_s]``."""

    parent: int
    """Index of the row above; -1 at the top."""
    frame: int
    """Index into `Sampling.frames`."""
    line: int
    """The line that called the frames below; 0 where there are none, and in libraries."""
    self_s: float
    """Seconds in it and in no frame below; the sum over all sampled requests."""


class SampledPlace(msgspec.Struct, kw_only=True):
    """The stacks below a node, or below a call that it makes of a model, tool or retriever."""

    node: str
    """Path of the node."""
    calls: list[tuple[str, str]] = []
    """Kind and name of each call on the way from the node's function, outermost first."""
    wall_s: float
    """How long the sampled requests were there; the rows add up to more where threads worked side
    by side for it."""
    rows: list[StackRow] = []


class Sampling(msgspec.Struct, kw_only=True):
    """The sampled pass as a whole."""

    requests: int
    """Requests that it made."""
    slowdown: float | None
    """Their latency over that of the same requests when measured; None where none succeeded in
    both passes."""
    samples: int
    interval_s: float
    """Least time between two samples of a thread."""
    frames: list[PythonFrame]
    places: list[SampledPlace]
