"""The recorder's memory: fixed-size records in byte buffers, about 70 bytes a span.

Nothing is worked out while the graph runs; `lgprof.analysis` reads a `Recording` afterwards.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


BATCH = 256
"""How many events wait to be packed at most."""


class EventLog:
    """Events of one kind in the order in which they came, as fixed-size records.

    Events are appended to ``pending`` and packed in batches: the graph's own code drives the
    packer out of the processor's caches, and packing one event at a time would cost a multiple.
    """

    def __init__(
        self, record: struct.Struct, fields: Callable[[Any], tuple[int, ...]] | None = None
    ) -> None:
        self.pending: list[Any] = []
        """Events: the record's fields, or what ``fields`` makes them of."""
        self._record = record
        self._fields = fields
        self._packed = bytearray()
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._packed) // self._record.size + len(self.pending)

    def settle(self) -> None:
        """Pack what is pending. Other threads may go on appending."""
        pack, fields = self._record.pack, self._fields
        with self._lock:
            batch = self.pending[:]
            del self.pending[: len(batch)]
            records = [pack(*event) for event in (map(fields, batch) if fields else batch)]
            self._packed += b"".join(records)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """All events as the record's fields."""
        self.settle()
        return self._record.iter_unpack(bytes(self._packed))

    def clear(self) -> None:
        """Forget all events."""
        self.pending.clear()
        self._packed.clear()


class Recording:
    """All events since the recorder was made (or last cleared)."""

    def __init__(self) -> None:
        self.names = Names()
        self.starts = EventLog(START, self._start_fields)
        """(t_ns, run's UUID, parent's UUID or id, checkpoint namespace, name, superstep, kind)."""
        self.ends = EventLog(END, self._end_fields)
        """(t_ns, run's UUID, error type's name, number of the `Outcome`)."""
        self.works = EventLog(WORK)
        self.holds = EventLog(HOLD)
        self.open_hold: tuple[int, int] | None = None
        """(start_ns, attempt) of the loop's current callback."""
        self.models: dict[int, ModelEvent] = {}
        self.node_data: list[NodeData] = []
        self.digests: dict[int, NodeDigest] = {}
        self.io: list[IoEvent] = []
        self.graphs: set[int] = set()
        """Ids of runs that are graphs, where the probes saw them start."""

    def settle(self) -> None:
        """Pack the events that are pending."""
        for log in (self.starts, self.ends, self.works, self.holds):
            log.settle()

    def clear(self) -> None:
        """Forget everything but the names."""
        for log in (self.starts, self.ends, self.works, self.holds):
            log.clear()
        self.models.clear()
        self.node_data.clear()
        self.digests.clear()
        self.io.clear()
        self.graphs.clear()

    def _start_fields(self, event: tuple[Any, ...]) -> tuple[int, ...]:
        t_ns, run_id, parent, namespace, name, step, kind = event
        return (
            t_ns,
            run_id.int & ID_MASK,
            parent if isinstance(parent, int) else parent.int & ID_MASK,
            hash(namespace) if namespace else 0,
            self._number(name),
            step,
            kind,
        )

    def _end_fields(self, event: tuple[Any, ...]) -> tuple[int, ...]:
        t_ns, run_id, error, outcome = event
        return t_ns, run_id.int & ID_MASK, self._number(error) if error else 0, outcome

    def _number(self, name: str) -> int:
        return self.names.number_of(name) or self.names.intern(name)
