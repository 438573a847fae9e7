"""The recorder's memory: fixed-size records in byte buffers, about 70 bytes a span.

Nothing is worked out while the graph runs; `lgprof.analysis` reads a `Recording` afterwards.
"""

from __future__ import annotations

import struct
import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple, get_args

from langgraph.constants import START as START_NODE

from lgprof.llm.wire import CallKind
from lgprof.model import Content, Outcome, Prompt
from lgprof.record.exchanges import Asked, Exchange

ID_MASK = 0xFFFF_FFFF_FFFF_FFFF
"""Run ids are kept as their low 64 bits: 62 of them vary from run to run, also in UUIDv7."""

START = struct.Struct("<qQQqIiB")
"""t_ns, id, parent, checkpoint namespace's hash, name, superstep, `RunKind`."""
END = struct.Struct("<qQIB")
"""t_ns, id, error type's name, number of the `Outcome`."""
WORK = struct.Struct("<qqQqB")
"""start_ns, end_ns, attempt, cpu_ns, `WorkThread`."""
HOLD = struct.Struct("<qqqQII")
"""start_ns, wall_ns, cpu_ns, attempt (0 outside any node), asyncio task and the one that made it.

The last two are numbers of the recording's own; 0 where they are not known."""

CALL = struct.Struct("<qq")
"""t_ns, checkpoint namespace's hash."""

LOOP_WAIT = struct.Struct("<qqQ")
"""start_ns, end_ns, attempt."""

NO_STEP = -1

CPU_READ_FROM_NS = 100_000
"""Functions that ran for less wall time count as CPU throughout, which saves a system call."""

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


_FIRST_STEP, _ANY_STEP = "seq:step:1", "seq:step:"
_CHAIN, _LATER_STEP = int(RunKind.CHAIN), int(RunKind.LATER_STEP)


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
    model: str = ""
    """As it was asked for."""
    namespace: str = ""
    """LangGraph's checkpoint namespace: the nodes around it, with the ids of their tasks."""
    tools: Any = None
    """Schemas of the tools that were offered, held as long."""
    answer: Any = None
    """The message or text, held as long where the provider reported no usage."""
    counted: tuple[int, int] | None = None
    """Input and output tokens, counted where none were reported."""
    shape: Prompt | None = None
    """What remains of the prompt."""
    first_token_ns: int | None = None
    last_token_ns: int = 0
    chunks: int = 0
    gaps_ns: array[int] = field(default_factory=lambda: array("q"))
    """Between one piece of text and the next."""
    usage: dict[str, Any] | None = None
    served_model: str | None = None
    kind: CallKind = "chat"
    attempts: int = 0
    """Requests that were sent to the provider for it; 0 where none was seen."""
    content: Content | None = None
    """What was said, where that is wanted."""

    def note_text(self, now_ns: int, pieces: int = 1) -> None:
        """Text has arrived, in so many pieces at once."""
        self.chunks += pieces
        if self.first_token_ns is None:
            self.first_token_ns = now_ns
            pieces -= 1
        gap_ns = (now_ns - (self.last_token_ns or now_ns)) // max(pieces, 1)
        self.gaps_ns.extend([gap_ns] * pieces)
        self.last_token_ns = now_ns

    def add_usage(self, usage: dict[str, Any] | None, model: str | None) -> None:
        """What the wire told, of a call that LangChain tells no usage of."""
        self.served_model = model or self.served_model
        if usage is not None and self.usage is not None:  # a batch of texts in several requests
            counts = ("input_tokens", "output_tokens")
            usage = {name: (self.usage.get(name) or 0) + (usage.get(name) or 0) for name in counts}
        self.usage = usage or self.usage

    @property
    def node(self) -> str:
        """Path of the node around it."""
        return "/".join(part.partition(":")[0] for part in self.namespace.split("|"))


NodeData = tuple[int, set[str] | None, Any, Any]
"""(attempt, keys read, input, output): what one attempt read and returned, held until it is hashed.

The keys are ``*`` for all, and None where reads cannot be seen.
"""


@dataclass(frozen=True, slots=True)
class NodeDigest:
    """What remains of `NodeData`: keys and salted hashes, no values."""

    reads: dict[str, str | None] | None
    writes: dict[str, str | None] | None
    output_hash: str | None
    read_bytes: int | None
    """Size of what it read, as JSON."""
    write_bytes: int | None
    marked_failed: bool
    """``failed_when`` holds for the returned values."""


class ClientBuild(NamedTuple):
    """An HTTP client that a node built, or a part of one by itself."""

    scope: int
    """Id of the attempt, or of a run in it."""
    clients: int
    """1; 0 for a part."""
    taken_ns: int


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
    namespace: int = 0
    """Of a checkpointer's: hash of the namespace of the graph whose checkpoint it is; 0 for the
    outermost one's."""


RateWait = tuple[int, int, int]
"""(start_ns, end_ns, run): the run waited for a rate limit, its own or the provider's."""


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


START_WIDTH, END_WIDTH = 7, 4
"""Values of an event."""

BATCH = 2048
"""How many values wait to be packed at most: those of some 300 events."""


class EventLog:
    """Events of one kind in the order in which they came, as fixed-size records.

    Events are packed in batches: the graph's own code drives the packer out of the processor's
    caches, so packing one event at a time would cost a multiple. Until then their values lie one
    after another in ``pending``, where they make no work for the garbage collector.
    """

    def __init__(
        self,
        record: struct.Struct,
        width: int,
        pack: Callable[[Iterable[Any]], Iterable[bytes]] | None = None,
    ) -> None:
        self.pending: list[Any] = []
        self.add: Callable[[Sequence[Any]], None] = self.pending.extend
        """Append events: ``width`` values each, which ``pack`` makes a record of."""
        self._record = record
        self._width = width
        self._pack = pack or (lambda events: [record.pack(*event) for event in events])
        self._packed = bytearray()
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._packed) // self._record.size + len(self.pending) // self._width

    def settle(self) -> None:
        """Pack what is pending. Other threads may go on adding."""
        with self._lock:
            batch = self.pending[:]
            del self.pending[: len(batch)]
            events = zip(*[iter(batch)] * self._width, strict=True)
            self._packed += b"".join(self._pack(events))

    def take(self) -> Iterator[tuple[Any, ...]]:
        """The pending events as they were added; they leave the log unpacked."""
        with self._lock:
            batch = self.pending[:]
            del self.pending[: len(batch)]
        return zip(*[iter(batch)] * self._width, strict=True)

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
        self.keeps_answers = False
        """Whether the answers of models are held until they are digested, reported usage or not."""
        self.starts = EventLog(START, START_WIDTH, self._pack_starts)
        """t_ns, run's UUID, parent's UUID or id, checkpoint namespace, name, superstep, `RunKind`
        or, of a chain, its tags."""
        self.ends = EventLog(END, END_WIDTH, self._pack_ends)
        """t_ns, run's UUID, error type's name, number of the `Outcome`."""
        self.works = EventLog(WORK, 5)
        self.holds = EventLog(HOLD, 6)
        self.loop_waits = EventLog(LOOP_WAIT, 3)
        """When an attempt, or a run in it, was ready and the loop busy: start_ns, end_ns, run."""
        self.task_calls = EventLog(CALL, 2)
        """Calls of functional tasks: t_ns, checkpoint namespace's hash."""
        self.models: dict[int, ModelEvent] = {}
        self.exchanges: dict[int, Exchange] | None = {}
        """Calls by their run's id, until they are read; None where they are not kept."""
        self.asked: dict[int, Asked] = {}
        """What remains of them."""
        self.clients: list[ClientBuild] = []
        self.node_data: list[NodeData] = []
        self.digests: dict[int, NodeDigest] = {}
        self.io: list[IoEvent] = []
        self.rate_waits: list[RateWait] = []
        self.graphs: set[int] = set()
        """Ids of runs that are graphs, where the probes saw them start."""

    def any_node_ran(self) -> bool:
        """Whether a graph got past its input."""
        start = self.names.number_of(START_NODE)
        return any(
            namespace and name != start for _, _, _, namespace, name, _, _ in self.starts.rows()
        )

    def _logs(self) -> tuple[EventLog, ...]:
        logs = (self.starts, self.ends, self.works, self.holds)
        return *logs, self.loop_waits, self.task_calls

    def settle(self) -> None:
        """Pack the events that are pending."""
        for log in self._logs():
            log.settle()

    def clear(self) -> None:
        """Forget everything but the names."""
        for log in self._logs():
            log.clear()
        self.models.clear()
        self.asked.clear()
        self.clients.clear()
        self.node_data.clear()
        self.digests.clear()
        self.io.clear()
        self.rate_waits.clear()
        self.graphs.clear()

    def _pack_starts(self, events: Iterable[Any]) -> list[bytes]:
        pack, number_of, intern = START.pack, self.names.number_of, self.names.intern
        return [
            pack(
                t_ns,
                run_id.int & ID_MASK,
                parent if isinstance(parent, int) else parent.int & ID_MASK,
                hash(namespace) if namespace else 0,
                number_of(name) or intern(name),
                step,
                kind if isinstance(kind, int) else kind_of(kind),
            )
            for t_ns, run_id, parent, namespace, name, step, kind in events
        ]

    def _pack_ends(self, events: Iterable[Any]) -> list[bytes]:
        pack, number_of, intern = END.pack, self.names.number_of, self.names.intern
        return [
            pack(t_ns, run_id.int & ID_MASK, (number_of(error) or intern(error)), outcome)
            for t_ns, run_id, error, outcome in events
        ]


def kind_of(tags: list[str] | None) -> int:
    """The `RunKind` of a chain, by its tags."""
    later = tags and tags[0].startswith(_ANY_STEP) and tags[0] != _FIRST_STEP
    return _LATER_STEP if later else _CHAIN
