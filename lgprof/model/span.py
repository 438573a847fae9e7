"""Requests and their spans: what a what-if needs to rebuild a request's schedule.

All times are seconds since the recording began, on one monotonic clock. Unknown is None, never 0.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SpanKind = Literal[
    "graph",
    "node",
    "attempt",
    "model",
    "tool",
    "retriever",
    "router",
    "checkpoint",
    "store",
    "cache",
]
Outcome = Literal["ok", "failed", "timed_out", "cancelled", "interrupted", "running"]


class Segment(msgspec.Struct, array_like=True):
    """A stretch in which a node held the event loop; written as ``[start_s, wall_s, cpu_s, task]``.

    Profiles of before had no task.
    """

    start_s: float
    wall_s: float
    cpu_s: float
    """CPU time of the loop's thread in it. Wall time without CPU is a blocking call."""
    task: int = 0
    """Which asyncio task of the node's function held it: 0 for that of the function itself."""


class Tokens(msgspec.Struct, kw_only=True):
    """Token counts. ``input`` includes cache reads and writes, ``output`` includes reasoning."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    """Those of the cache writes that are kept for an hour; None where there were none."""
    reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    """Parts of input and output; None where there were none."""
    estimated_share: float | None = None
    """Share of the tokens that were counted by us instead of reported by the provider."""


PROMPT_BLOCK_CHARS = 512
"""About 128 tokens of English, the step in which providers compare prompts."""


class PromptPart(msgspec.Struct, array_like=True):
    """One message of a prompt, or the schemas of its tools, which come first; written as a list."""

    role: str
    """``system``, ``user``, ``assistant``, ``tool`` and so on; ``tools`` for the schemas."""
    chars: int
    blocks: list[str]
    """Salted hashes of all that was sent up to every 512th character of the part, and up to its
    end: equal hashes are equal prefixes."""


class Divergence(msgspec.Struct, kw_only=True):
    """Where a prompt departs from the one that the node sent to the model before."""

    message: int
    """Index from 0; -1 in the schemas of the tools."""
    role: str
    char: int
    """Offset in the message."""
    hint: str | None = None
    """What stands there: ``a timestamp``, ``a date``, ``a UUID``, ``a number``; None for text."""


class Prompt(msgspec.Struct, kw_only=True):
    """The form of what a model was sent, without a word of it."""

    parts: list[PromptPart]
    repeated_chars: int = 0
    """In lines that the model had been sent before, wherever they stood in the prompt."""
    scrubbed_hash: str
    """Of the prompt without its dates, ids and numbers."""
    divergence: Divergence | None = None
    """None where it is the first of its node, or goes on where the one before ended."""


class Said(msgspec.Struct, array_like=True):
    """One message; written as ``[role, text]``."""

    role: str
    text: str


class Content(msgspec.Struct, kw_only=True):
    """What was said in a call, keys, tokens and e-mail addresses redacted."""

    prompt: list[Said]
    answer: Said | None


class ModelCall(msgspec.Struct, kw_only=True):
    """What is known of one model call."""

    name: str
    """The model that answered, else the one that was asked for, else the class of the client."""
    provider: str | None = None
    tokens: Tokens | None = None
    """As reported by the provider, else as we counted; None where neither is known."""
    service_tier: str | None = None
    """Other than the standard one: ``priority`` or ``flex``."""
    llm_cache_hit: bool = False
    """LangChain's LLM cache answered: no tokens, and a cost of 0."""
    cost_usd: float | None = None
    first_token_s: float | None = None
    """Seconds from the call's start to the first non-empty token; None without streaming."""
    chunks: int = 0
    """How many pieces arrived over the wire; 0 without streaming."""
    token_gaps_us: list[tuple[int, int]] | None = None
    """Times between one piece of text and the next: microseconds to three digits, how often."""
    kind: Literal["chat", "embedding"] = "chat"
    attempts: int | None = None
    """Requests that its SDK sent for it; None where none was seen."""
    prompt_blocks: list[str] | None = None
    """One chained, salted hash per prompt message: equal leading hashes are an equal prefix."""
    prompt: Prompt | None = None
    """None where the prompt was not seen: a batch, or a call that went past LangChain."""
    content: Content | None = None
    """Only with ``--capture-content``."""


class Span(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One stretch of a request, below its parent.

    A ``node`` span is one call of a node: all its attempts, backoff between them included. An
    ``attempt`` span is one try. ``work_start_s`` and ``work_end_s`` bound the user's own function
    in it: before lies the executor's queue, around both lies the framework.
    """

    id: int
    parent: int | None = None
    kind: SpanKind
    path: str
    """Node path: a node of a subgraph is ``outer/inner``. Other kinds carry their node's path."""
    name: str
    """What ran: the node, model, tool, router, graph or I/O operation."""
    task: str | None = None
    """Same for all attempts of one call of a node."""
    attempt: int | None = None
    """From 1."""
    step: int | None = None
    """The superstep in the graph above."""
    ready_s: float | None = None
    """When an ``@task`` was called. None for nodes: those of a superstep are ready together."""
    start_s: float
    end_s: float
    work_start_s: float | None = None
    work_end_s: float | None = None
    thread: Literal["loop", "pool", "caller"] | None = None
    """Where the node's function ran: on the event loop, in a pool thread, or in the thread that
    called ``invoke``."""
    cpu_s: float | None = None
    """CPU time of the node's function."""
    outcome: Outcome = "ok"
    error_type: str | None = None
    segments: list[Segment] | None = None
    """On-loop holds of an async node; the rest of its function is waiting."""
    task_makers: list[int] | None = None
    """Of the asyncio tasks 1, 2 and so on that ran in it: the task that made each."""
    loop_waits: list[tuple[float, float]] | None = None
    """Stretches in which it was ready to go on and the event loop in other hands: start, end."""
    reads: dict[str, str | None] | None = None
    """State keys that were read, with a salted hash of each value; ``*`` for the whole state."""
    writes: dict[str, str | None] | None = None
    output_hash: str | None = None
    read_bytes: int | None = None
    """Size of what it read of the state, as JSON."""
    write_bytes: int | None = None
    clients_built: int | None = None
    """HTTP clients that the node's function made anew."""
    clients_s: float | None = None
    """How long that took."""
    input_hash: str | None = None
    """Of a call: salted hash of what a tool, retriever or model was asked."""
    uses_earlier: bool | None = None
    """Of a call: whether it was asked about what an earlier call of the same function had
    answered, word for word; None where that cannot be told."""
    rate_limited: list[tuple[float, float]] | None = None
    """Stretches in which it waited for a rate limiter, or for a provider that had refused it (429
    or 5xx) to be asked again; the refused requests are part of them: start, end."""
    hits: int | None = None
    """Of a ``cache`` lookup: how many calls it answered. ``name`` is then the node's."""
    model: ModelCall | None = None


class Request(msgspec.Struct, kw_only=True):
    """One request: one input, run to its end, resumes included."""

    index: int
    outcome: Outcome
    start_s: float
    end_s: float
    intended_s: float | None = None
    """When it should have started; None in a run, where each waits for the one before."""
    latency_s: float
    """Time in the graph: start to end, less the time between an interrupt and its resume."""
    cpu_s: float | None = None
    """CPU time of the process during it; None where requests overlapped."""
    input_hash: str | None = None
    error_type: str | None = None
    error_node: str | None = None
    interrupts: int = 0
    max_concurrency: int | None = None
    """Tasks at once, as configured; None for LangGraph's own limits."""
    sampled: bool | None = None
    """Of a load test: whether it belongs to the uniform sample that the attribution is of; the
    others were kept because they failed or were slow, and were not probed."""
    pool_size: int | None = None
    """Threads for nodes: those of the pool of a sync run, or of the loop's default executor."""
    spans: list[Span] = []
