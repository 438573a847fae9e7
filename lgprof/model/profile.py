"""The Profile: schema ``lgprof/1``, a public contract for CI scripts.

Fields may be added; none changes meaning within ``lgprof/1``. Times are seconds, money is USD,
sizes are bytes. Unknown is None, never 0.

Rows (`NodeRow`, `ModelRow`, `ToolRow`): counts, tokens and costs are totals over all requests;
scalar ``_s`` fields are seconds per request, summed over the calls in it; ``latency_s`` objects
describe single calls.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from lgprof.model.advice import Advice
from lgprof.model.attribution import Attribution
from lgprof.model.hints import NodeHints
from lgprof.model.load import Load
from lgprof.model.memory import Memory
from lgprof.model.sampling import Sampling
from lgprof.model.shape import GraphShape
from lgprof.model.span import Divergence, Request, Tokens
from lgprof.model.summary import LatencySummary

SCHEMA = "lgprof/1"


class InputSet(msgspec.Struct, kw_only=True):
    """What was sent to the graph; ``sha256`` identifies the set without revealing it."""

    count: int
    distinct: int
    sha256: str
    source: str
    """Where they came from, in words: ``-i``, a file's name, the settings, or the input schema."""


class Edge(msgspec.Struct, kw_only=True):
    """A possible transition between two nodes."""

    source: str
    target: str
    conditional: bool = False


class Target(msgspec.Struct, kw_only=True):
    """What was measured."""

    spec: str
    name: str
    mode: Literal["async", "sync"]
    nodes: list[str]
    edges: list[Edge]
    inputs: InputSet
    checkpointer: str | None = None
    """Class of the checkpointer that was used, ours or the graph's; None without."""
    graphs: dict[str, GraphShape] = {}
    """How the graph is wired, under ``""``, and those in its nodes, by the node's path."""
    hints: dict[str, NodeHints] = {}
    """What the code of nodes may touch besides their state, by path."""

    def owner_of(self, path: str) -> tuple[str, str]:
        """Where a node is: the path of the graph, as a key of ``graphs``, and its name in it.

        A node's name may hold slashes itself, so the wiring decides; without it, the last slash.
        """
        for outer, graph in self.graphs.items():
            name = path.removeprefix(f"{outer}/") if outer else path
            if name in graph.nodes and (not outer or name != path):
                return outer, name
        outer, _, name = path.rpartition("/")
        return outer, name


class Environment(msgspec.Struct, kw_only=True):
    """Where it was measured. Nothing here names a person or a path."""

    python: str
    langgraph: str
    langchain_core: str
    cpu_count: int
    platform: str
    git_commit: str | None = None
    git_dirty: bool | None = None
    prices_date: str | None = None
    """Of the newest listed price that was in force, ``YYYY-MM-DD``."""
    prices_source: str | None = None
    """Package and version that the listed prices come from."""


class CostDistribution(msgspec.Struct, kw_only=True):
    """USD per request."""

    mean: float
    p50: float
    p95: float
    max: float


class Cost(msgspec.Struct, kw_only=True):
    """Money; None where the cost of no call is known. With unpriced calls, at least so much."""

    total: float | None = None
    per_request: CostDistribution | None = None
    """Over all requests."""
    failed_requests: float | None = None
    """What was spent on requests that failed or timed out."""
    failed_attempts: float | None = None
    """What was spent in attempts of nodes that ended in an error and were retried or handled."""
    unpriced_calls: int = 0
    """Calls whose price or usage is not known, but for those answered with an error and no usage:
    providers do not bill these."""


class Summary(msgspec.Struct, kw_only=True):
    """The measured requests as a whole; warm-up and the cold first run are apart."""

    requests: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int = 0
    error_rate: float
    """(failed + timed out) / started."""
    latency_s: LatencySummary | None
    """Of successful and timed-out requests; None where there is none."""
    failed_latency_s: LatencySummary | None = None
    cold_s: float | None = None
    """Latency of the first request in the process; None if warm-up was off or it failed."""
    warmup: int = 0
    throughput_rps: float
    """Completed requests / seconds from the first start to the last end."""
    concurrency: int = 1
    llm_calls: int
    tool_calls: int
    cpu_s: float | None
    """Mean CPU time of the process per request; None where requests overlapped."""
    peak_rss_bytes: int | None
    rss_growth_bytes: int | None = None
    """Resident memory at the end less that before the first measured request."""
    tokens: Tokens
    cost_usd: Cost
    histogram: str
    """Latencies as an HdrHistogram in microseconds, base64."""


class Visits(msgspec.Struct, kw_only=True):
    """How often a node was called in one request."""

    mean: float
    max: int


class NodeRow(msgspec.Struct, kw_only=True):
    """All calls of one node, by its path."""

    path: str
    calls: int
    visits: Visits
    attempts: int
    errors: int
    """Calls that ended in an error after their retries, or were marked by ``failed_when``."""
    retries: int
    timeouts: int
    cache_hits: int
    latency_s: LatencySummary | None
    """From the start of a call's first function to the end of its last one, backoff between them
    and the queue before them included. Without probes: of its attempts."""
    unloaded_s: float | None = None
    """Median latency of a call before the load began; None in a run."""
    critical_s: float
    """On the critical path, what runs inside it included; compares with the latency."""
    self_s: float
    """In it but in no model, tool, retriever or nested graph."""
    cpu_s: float | None
    blocking_s: float | None
    """On the event loop without using CPU."""
    longest_hold_s: float | None = None
    """The longest that a call held the event loop in one stretch, computing or blocking: so long
    nothing else ran. Of a load test, the longest in the uniform sample; None without probes."""
    barrier_wait_s: float
    """Finished, waiting for the slowest of its superstep."""
    executor_queue_s: float | None
    """Ready to run, waiting for a thread or a place under ``max_concurrency``."""
    failed_attempts_s: float
    backoff_s: float
    llm_calls: int
    tokens: Tokens
    cost_usd: float | None = None
    reads: list[str] | Literal["all"] | None
    writes: list[str] | None
    histogram: str


class PromptCache(msgspec.Struct, kw_only=True):
    """What a provider's prompt cache could save on the input of a node's calls of a model."""

    cacheable_share: float
    """Of the input tokens: in a prefix that was sent before, within the provider's lifetime and
    above its minimum."""
    actual_share: float | None
    """Of the input tokens: reported as read from the cache; None where no call reported it."""
    saving_usd: float | None
    """What reading all of the cacheable tokens from the cache would have saved, less what writing
    them costs; None without a price."""
    reordered_share: float
    """The cacheable share if each prompt began with the lines that are sent again and again."""
    reordered_saving_usd: float | None
    """What it would have saved in that order; at least ``saving_usd``."""
    divergence: Divergence | None = None
    """Where prompts depart from the ones before, at the place that costs most cacheable tokens."""
    diverging_calls: int = 0
    """How many calls depart there."""


class ModelRow(msgspec.Struct, kw_only=True):
    """All calls of one model from one node."""

    node: str
    model: str
    provider: str | None
    kind: Literal["chat", "embedding"] = "chat"
    calls: int
    errors: int
    retries: int | None = None
    """Requests that SDKs sent again; None where their requests were not seen."""
    rate_limit_s: float | None = None
    """Waiting for a rate limit, its own or the provider's."""
    llm_cache_hits: int | None = None
    tokens: Tokens
    cost_usd: float | None = None
    unpriced_calls: int = 0
    latency_s: LatencySummary | None
    time_to_first_token_s: LatencySummary | None
    inter_token_s: LatencySummary | None = None
    """Between one piece of a streamed answer and the next."""
    output_tokens_per_s: float | None
    prompt_cache: PromptCache | None = None
    """None where no prompt was seen, as of calls that go past LangChain."""
    duplicate_calls: int | None = None
    """Calls whose prompt had been sent before, in the same request or for another input: repeats
    of an input by the measurement are no duplicates."""
    near_duplicate_calls: int | None = None
    """Calls that differ from an earlier one in dates, ids and numbers alone."""
    input_growth_tokens: float | None = None
    """By how much the input grows from one call of a request to the next, on average; None where
    no request calls the model more than once."""


class ToolRow(msgspec.Struct, kw_only=True):
    """All calls of one tool (or retriever) from one node."""

    node: str
    tool: str
    kind: Literal["tool", "retriever"] = "tool"
    calls: int
    errors: int
    latency_s: LatencySummary | None


class ErrorRow(msgspec.Struct, kw_only=True):
    """Errors that ended requests, grouped by type and node."""

    type: str
    message: str | None
    node: str | None
    count: int


class CriticalPathRow(msgspec.Struct, kw_only=True):
    """One part of the critical path; the shares add up to 1."""

    path: str
    kind: str
    """A field of `Attribution`."""
    share: float
    mean_s: float


class Warn(msgspec.Struct, kw_only=True):
    """Something that the reader should know, and the option or change that answers it."""

    code: str
    message: str
    fix: str | None = None


class Profile(msgspec.Struct, kw_only=True):
    """A whole measurement: what ``lgprof run`` and ``lgprof load`` save."""

    schema: str = SCHEMA
    kind: Literal["run", "load"]
    created: str
    """RFC 3339, UTC."""
    lgprof: str
    target: Target
    environment: Environment
    settings: dict[str, Any] = {}
    """The options that shaped the measurement."""
    summary: Summary
    attribution_s: Attribution
    nodes: list[NodeRow]
    models: list[ModelRow]
    tools: list[ToolRow]
    errors: list[ErrorRow]
    critical_path: list[CriticalPathRow]
    advice: list[Advice] = []
    """Ranked by saving; without ``lgprof advise``, the few that the report names."""
    warnings: list[Warn] = []
    load: Load | None = None
    """None in a run."""
    sampling: Sampling | None = None
    """Python frames, from requests after the measured ones; None where none were sampled."""
    memory: Memory | None = None
    """Memory by node, from requests after the measured ones; None where it was not asked for."""
    interrupted: bool = False
    """Ctrl-C ended it early: it holds what was measured until then."""
    requests: list[Request]
