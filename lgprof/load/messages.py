"""What master and workers tell each other. Every message is one MessagePack document."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from lgprof.load.tally import Balance, Counted
from lgprof.model import Environment, Failure, Request, Stage, Target
from lgprof.run.plan import Unanswered

M = TypeVar("M", bound=msgspec.Struct)

HELLO, SETUP, READY, REFUSED = "lg_hello", "lg_setup", "lg_ready", "lg_refused"
BASELINE, BASELINED, GO, SHARE = "lg_baseline", "lg_baselined", "lg_go", "lg_share"
BATCH, STOP, CANCEL, DONE, QUIT = "lg_batch", "lg_stop", "lg_cancel", "lg_done", "lg_quit"


class Hello(msgspec.Struct):
    """A worker has imported its target (or could not)."""

    version: str
    host: str
    pid: int
    spec: str
    target_hash: str
    """Of the target's name and its module's source: equal on all workers."""
    refusal: Refusal | None = None


class Refusal(msgspec.Struct):
    """An error of lgprof's in a worker, as the master shall show it."""

    kind: str
    """Name of the error's class in `lgprof.errors`."""
    message: str
    hint: str | None = None
    user_traceback: str | None = None


class Setup(msgspec.Struct):
    """How requests are made."""

    request: dict[str, Any]
    """Fields of `RunOptions`, but ``failed_when``."""
    failed_when: str | None
    inputs: list[Any] | None
    """None: made from the graph's input schema."""
    inputs_source: str
    salt: bytes
    """Of all hashes in the Profile."""
    keep: int
    seed: int
    max_concurrent: int | None
    max_in_flight: int
    cold_index: int
    """Number of the first request that the worker makes."""
    prices: dict[str, dict[str, float]] = {}
    """The user's own, as settings write them."""


class Ready(msgspec.Struct):
    """The graph is open and has answered, or failed, its first request."""

    target: Target
    environment: Environment
    mode: str
    cold_s: float | None
    """Latency of the first request; None if it failed."""
    live_hosts: list[str]
    """Where the first request connected to beyond this machine."""
    llm_calls: int
    tool_calls: int
    tokens: int | None
    """Input and output tokens of the first request, where the provider reported them."""
    pool_size: int | None
    """Threads of the loop's executor, or that call a sync graph."""
    cost_usd: float | None = None
    """Of the first request; None where the cost of no call is known."""
    unpriced_calls: int = 0
    """Calls of the first request whose cost is not known."""
    not_supplied: list[str] = []
    synthesized: bool = False
    """The input was made from the schema."""


class Baselined(msgspec.Struct):
    """Latencies without load: medians of the requests made one by one."""

    graph_s: float | None
    nodes_s: dict[str, float]


class Baseline(msgspec.Struct):
    """Make some requests one by one."""

    first_index: int
    most: int
    within_s: float


class ShareOf(msgspec.Struct):
    """From arrival ``first`` on, every ``of``-th one, the ``slot``-th of each group, is yours."""

    first: int
    slot: int
    of: int


class Go(msgspec.Struct):
    """Begin."""

    share: ShareOf
    start_in_s: float
    """From the message's arrival to the first arrival of the warm-up; in a closed model, whose
    users begin at once, to the first measured one."""
    stages: list[Stage]
    warmup_stages: list[Stage]
    arrivals: str
    warmup_index: int
    limit: int | None
    """Closed model: so many requests over all workers; None by time."""
    users: int | None
    """Closed model: this worker's users."""
    think_s: float
    duration_s: float | None
    """None: until the limit."""
    sample_share: float | None
    """Closed model: what share of the requests to sample."""


class Quit(msgspec.Struct):
    """Leave."""

    reason: str | None = None
    """None: the test is over."""
    code: int = 0
    """What the worker's process tells its caller."""


class Batch(msgspec.Struct):
    """What a worker counted since its last batch, and how it stands."""

    seq: int
    t_s: float
    """Seconds since the first measured arrival was due; negative in warm-up."""
    balance: Balance
    """Since the beginning."""
    counted: Counted
    in_flight: int
    queued: int
    cpu_s: float
    """CPU time of the process since the beginning of the test."""
    starved_s: float
    """Time that its load thread was ready to run and other processes had the processor; 0 where the
    platform does not tell."""
    rss_bytes: int
    peak_in_flight: int
    peak_queued: int
    warm_up_requests: int
    warm_up_failed: int
    executor_queued: int
    """Calls that wait for a thread of the event loop's executor."""
    consumed: int
    """Number of the next arrival of the schedule that it will look at."""
    finished: bool = False
    """All its arrivals are over: nothing more comes but `Done`."""


class Done(msgspec.Struct):
    """The last word of a worker."""

    batch: Batch
    elapsed_s: float
    """First arrival due to last completion."""
    requests: list[Request]
    failures: list[Failure]
    orphans: int
    unanswered: list[Unanswered]
    left_threads: int
    left_behind: int
    stuck: bool
    """The event loop stands still; what ran on it was booked as timed out."""


def encode(message: msgspec.Struct) -> bytes:
    """As sent; characters that no encoding has, as an exception's text may hold, become ``?``."""
    try:
        return msgspec.msgpack.encode(message)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(message, builtin_types=(bytes,))
        return msgspec.msgpack.encode(_writable(plain))


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_writable(key): _writable(found) for key, found in value.items()}
    return [_writable(found) for found in value] if isinstance(value, list | tuple) else value


def decode(data: bytes, kind: type[M]) -> M:
    """As received.

    Raises:
        msgspec.DecodeError: It is no such message.
    """
    return msgspec.msgpack.decode(data, type=kind)


def envelope(message: msgspec.Struct | None) -> dict[str, Any]:
    """What Locust is given to send."""
    return {"body": encode(message) if message is not None else b""}


def body_of(data: Any) -> bytes:
    """What is in an envelope; nothing where it is none of ours."""
    body = data.get("body") if isinstance(data, dict) else None
    return body if isinstance(body, bytes) else b""
