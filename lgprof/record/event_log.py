"""The recorder's memory: fixed-size records in byte buffers, about 70 bytes a span.

Nothing is worked out while the graph runs; `lgprof.analysis` reads a `Recording` afterwards.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, get_args

from lgprof.model import Outcome

ID_MASK = 0xFFFF_FFFF_FFFF_FFFF
"""Run ids are kept as their low 64 bits: 62 of them vary from run to run, also in UUIDv7."""

START = struct.Struct("<qQQqIiB")
"""t_ns, id, parent, checkpoint namespace's hash, name, superstep, `RunKind`."""
END = struct.Struct("<qQIB")
"""t_ns, id, error type's name, number of the `Outcome`."""
WORK = struct.Struct("<qqQqB")
"""start_ns, end_ns, attempt, cpu_ns, `WorkThread`."""
HOLD = struct.Struct("<qqqQ")
"""start_ns, wall_ns, cpu_ns, attempt (0 outside any node)."""

NO_STEP = -1

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
OUTCOME_NUMBER: dict[Outcome, int] = {outcome: i for i, outcome in enumerate(OUTCOMES)}


class RunKind(IntEnum):
    """What a callback run is, as far as its start tells."""

    CHAIN = 0
    LATER_STEP = 1
    """A chain that is the second or a later step of a sequence, as conditional edges are."""
    MODEL = 2
    TOOL = 3
    RETRIEVER = 4


class WorkThread(IntEnum):
    """Where a node's function ran."""

    LOOP = 0
    POOL = 1
    CALLER = 2


@dataclass(slots=True)
class ModelEvent:
    """What the callbacks told of one model call."""

    provider: str | None
    prompt: Any
    """The messages, held until they are hashed."""
    prompt_blocks: list[str] | None = None
    first_chunk_ns: int | None = None
    first_token_ns: int | None = None
    chunks: int = 0
    usage: dict[str, Any] | None = None
    served_model: str | None = None


@dataclass(slots=True)
class NodeData:
    """State that one attempt read and what it returned, held until it is hashed."""

    attempt: int
    keys: set[str] | None
    """Read keys, ``*`` for all; None where reads cannot be seen."""
    input: Any
    output: Any = None


@dataclass(frozen=True, slots=True)
class NodeDigest:
    """What remains of a `NodeData`: keys and salted hashes, no values."""

    reads: dict[str, str | None] | None
    writes: dict[str, str | None] | None
    output_hash: str | None
    marked_failed: bool
    """``failed_when`` holds for the returned values."""


@dataclass(slots=True)
class IoEvent:
    """One operation of a checkpointer, store or cache."""

    kind: str
    name: str
    start_ns: int
    end_ns: int
    scope: int
    """Id of the graph run or attempt that asked for it."""
    hits: tuple[str, ...] = ()
    """Of a cache lookup: names of the nodes that it answered."""


class Names:
    """Interns strings as small numbers; 0 is the empty string."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._lock = threading.Lock()
        self.number_of: Callable[[str], int | None] = self._numbers.get

    def intern(self, name: str) -> int:
        """The number of a name that `number_of` does not know yet."""
        with self._lock:
            return self._numbers.setdefault(name, len(self._numbers))

    def as_list(self) -> list[str]:
        """All names, by number."""
        return list(self._numbers)


@dataclass(slots=True)
class Recording:
    """All events since the recorder was made (or last cleared)."""

    starts: bytearray = field(default_factory=bytearray)
    ends: bytearray = field(default_factory=bytearray)
    works: bytearray = field(default_factory=bytearray)
    holds: bytearray = field(default_factory=bytearray)
    open_hold: tuple[int, int] | None = None
    """(start_ns, attempt) of the loop's current callback."""
    names: Names = field(default_factory=Names)
    models: dict[int, ModelEvent] = field(default_factory=dict)
    node_data: list[NodeData] = field(default_factory=list)
    digests: dict[int, NodeDigest] = field(default_factory=dict)
    io: list[IoEvent] = field(default_factory=list)
    graphs: set[int] = field(default_factory=set)
    """Ids of runs that are graphs, where the probes saw them start."""

    def clear(self) -> None:
        """Forget everything but the names."""
        for buffer in (self.starts, self.ends, self.works, self.holds):
            buffer.clear()
        self.models.clear()
        self.node_data.clear()
        self.digests.clear()
        self.io.clear()
        self.graphs.clear()
