"""Synthetic Profiles: requests are written down span by span, and the rows derived from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lgprof.analysis.costs import calls_cost_usd, summed_cost, unpriced_calls
from lgprof.analysis.rows import sum_tokens
from lgprof.histogram import encode_seconds
from lgprof.model import (
    Attribution,
    CriticalPathRow,
    Divergence,
    Edge,
    Environment,
    ErrorRow,
    Failure,
    InputSet,
    LatencySummary,
    ModelCall,
    ModelRow,
    NodeRow,
    Profile,
    PromptCache,
    Request,
    Span,
    Summary,
    Target,
    Tokens,
    ToolRow,
    Visits,
    Warn,
)
from lgprof.stats import mean, percentile


@dataclass
class Recording:
    """One request in the making; ``at`` is when the next node of `run` starts."""

    index: int = 0
    start_s: float = 0.0
    spans: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.at = self.start_s
        self.step = 0
        self.root = self.add("graph", "LangGraph", self.start_s, self.start_s, None)

    def add(
        self, kind: str, name: str, start: float, end: float, parent: Span | None, **more
    ) -> Span:
        path = more.pop("path", parent.path if parent is not None else "")
        span = Span(
            id=len(self.spans),
            parent=None if parent is None else parent.id,
            kind=kind,
            path=path,
            name=name,
            start_s=start,
            end_s=end,
            **more,
        )
        self.spans.append(span)
        return span

    def node(
        self, name: str, start: float, end: float, graph: Span | None = None, step: int = 0, **more
    ) -> Span:
        """A node call with its one attempt; returns the node's span."""
        graph = graph or self.root
        path = f"{graph.path}/{name}" if graph.path else name
        node = self.add("node", name, start, end, graph, path=path, step=step, **more)
        self.add("attempt", name, start, end, node, attempt=1, outcome=node.outcome)
        return node

    def run(self, name: str, seconds: float, **more) -> Span:
        """A node in a superstep of its own, after what ran before."""
        self.step += 1
        node = self.node(name, self.at, self.at + seconds, step=self.step, **more)
        self.at += seconds + 0.001
        return node

    def model(self, node: Span, start: float, end: float, name: str = "gpt-4o", **more) -> Span:
        call = ModelCall(
            name=name,
            provider="openai",
            tokens=more.pop("tokens", Tokens(input=900, output=180, cache_read=300)),
            cost_usd=more.pop("cost_usd", 0.0041),
            first_token_s=more.pop("first_token_s", (end - start) * 0.3),
        )
        return self.add("model", name, start, end, node, model=call, **more)

    def done(self, outcome: str = "ok", **more) -> Request:
        end = max(span.end_s for span in self.spans) + 0.002
        self.root.end_s = end
        return Request(
            index=self.index,
            outcome=outcome,
            start_s=self.start_s,
            end_s=end,
            latency_s=end - self.start_s,
            cpu_s=0.012,
            spans=self.spans,
            **more,
        )


def critical_spans(request: Request) -> set[int]:
    """A stand-in for the analysis: in each superstep the node that ends last, and all inside it."""
    last: dict[tuple[int | None, int | None], Span] = {}
    for span in request.spans:
        if span.kind == "node":
            key = (span.parent, span.step)
            if key not in last or span.end_s >= last[key].end_s:
                last[key] = span
    chosen = {span.id for span in last.values()}
    on_path: set[int] = set()
    for span in request.spans:
        above = span.parent is None or span.parent in on_path
        if above and (span.kind != "node" or span.id in chosen):
            on_path.add(span.id)
    return on_path


def latencies(values: Iterable[float]) -> LatencySummary | None:
    ordered = sorted(values)
    if not ordered:
        return None
    p50, p90, p95, p99 = (percentile(ordered, q) for q in (50, 90, 95, 99))
    return LatencySummary(mean=mean(ordered), p50=p50, p90=p90, p95=p95, p99=p99, max=ordered[-1])


def profile_of(
    requests: Sequence[Request],
    attribution: dict[str, float] | None = None,
    reads: dict[str, tuple[list[str] | str | None, list[str] | None]] | None = None,
    warnings: Sequence[Warn] = (),
    spec: str = "app.graph:app",
) -> Profile:
    """A Profile of requests. ``attribution`` gives shares of the mean latency."""
    ok = [request for request in requests if request.outcome in ("ok", "timed_out")]
    latency = latencies(request.latency_s for request in ok)
    scale = latency.mean if latency else 0.0
    shares = attribution if attribution is not None else {"node_wait": 0.9, "framework": 0.1}
    seconds = {name: share * scale for name, share in shares.items()}
    nodes = _node_rows(requests, reads or {})
    return Profile(
        kind="run",
        created="2026-11-22T12:00:00Z",
        lgprof="0.1.0",
        target=Target(
            spec=spec,
            name=spec.rpartition(":")[2],
            mode="async",
            nodes=[row.path for row in nodes if "/" not in row.path],
            edges=[Edge(source="__start__", target="a")],
            inputs=InputSet(count=10, distinct=8, sha256="0" * 64, source="inputs.jsonl"),
            checkpointer="InMemorySaver",
        ),
        environment=Environment(
            python="3.11.7",
            langgraph="1.2.22",
            langchain_core="1.1.0",
            cpu_count=2,
            platform="Linux x86_64",
            git_commit="ec187ef0123456789",
            git_dirty=True,
            prices_date="2026-11-09",
            prices_source="genai-prices 0.2.3",
        ),
        summary=_summary(requests, latency),
        attribution_s=Attribution(**seconds),
        nodes=nodes,
        models=_model_rows(requests),
        tools=_tool_rows(requests),
        errors=_error_rows(requests),
        critical_path=_critical_rows(nodes, seconds),
        warnings=list(warnings),
        requests=list(requests),
    )


def _summary(requests: Sequence[Request], latency: LatencySummary | None) -> Summary:
    models = [span for r in requests for span in r.spans if span.kind == "model"]
    tools = [span for r in requests for span in r.spans if span.kind == "tool"]
    outcomes = [request.outcome for request in requests]
    return Summary(
        requests=len(requests),
        succeeded=outcomes.count("ok"),
        failed=outcomes.count("failed"),
        timed_out=outcomes.count("timed_out"),
        error_rate=(outcomes.count("failed") + outcomes.count("timed_out")) / len(requests),
        latency_s=latency,
        failed_latency_s=latencies(r.latency_s for r in requests if r.outcome == "failed"),
        cold_s=latency.max * 1.7 if latency else None,
        warmup=1,
        throughput_rps=0.48,
        llm_calls=len(models),
        tool_calls=len(tools),
        cpu_s=0.0123,
        peak_rss_bytes=132_000_000,
        rss_growth_bytes=1_500_000,
        tokens=Tokens(
            input=900 * len(models), output=180 * len(models), cache_read=300 * len(models)
        ),
        cost_usd=summed_cost(requests),
        histogram=encode_seconds(r.latency_s for r in requests if r.outcome == "ok"),
    )


def _node_rows(requests: Sequence[Request], flow: dict) -> list[NodeRow]:
    calls: dict[str, list[Span]] = {}
    critical: dict[str, float] = {}
    attempts: dict[str, int] = {}
    visits: dict[tuple[str, int], int] = {}
    for request in requests:
        on_path = critical_spans(request)
        for span in request.spans:
            if span.kind == "attempt":
                attempts[span.path] = attempts.get(span.path, 0) + 1
            if span.kind == "node":
                calls.setdefault(span.path, []).append(span)
                visits[span.path, request.index] = visits.get((span.path, request.index), 0) + 1
                if span.id in on_path:
                    took = span.end_s - span.start_s
                    critical[span.path] = critical.get(span.path, 0.0) + took
    rows = []
    for path, spans in calls.items():
        times = [span.end_s - span.start_s for span in spans]
        most = max(number for (name, _), number in visits.items() if name == path)
        reads, writes = flow.get(path, (None, None))
        rows.append(
            NodeRow(
                path=path,
                calls=len(spans),
                visits=Visits(mean=len(spans) / len(requests), max=most),
                attempts=attempts.get(path, len(spans)),
                errors=sum(span.outcome == "failed" for span in spans),
                retries=attempts.get(path, len(spans)) - len(spans),
                timeouts=0,
                cache_hits=0,
                latency_s=latencies(times),
                critical_s=critical.get(path, 0.0) / len(requests),
                self_s=sum(times) / len(requests),
                cpu_s=0.0012,
                blocking_s=0.0,
                barrier_wait_s=0.0 if most == 1 else 0.18,
                executor_queue_s=0.0,
                failed_attempts_s=0.0,
                backoff_s=0.0,
                llm_calls=0,
                tokens=Tokens(),
                reads=reads,
                writes=writes,
                histogram=encode_seconds(times),
            )
        )
    return rows


def _model_rows(requests: Sequence[Request]) -> list[ModelRow]:
    groups: dict[tuple[str, str], list[Span]] = {}
    for request in requests:
        for span in request.spans:
            if span.kind == "model":
                groups.setdefault((span.path, span.name), []).append(span)
    return [
        ModelRow(
            node=node,
            model=model,
            provider="openai",
            calls=len(spans),
            errors=sum(span.outcome == "failed" for span in spans),
            tokens=sum_tokens(spans),
            cost_usd=calls_cost_usd(spans),
            unpriced_calls=unpriced_calls(spans),
            latency_s=latencies(span.end_s - span.start_s for span in spans),
            time_to_first_token_s=latencies(
                span.model.first_token_s for span in spans if span.model.first_token_s
            ),
            output_tokens_per_s=83.2,
        )
        for (node, model), spans in groups.items()
    ]


def _tool_rows(requests: Sequence[Request]) -> list[ToolRow]:
    groups: dict[tuple[str, str, str], list[Span]] = {}
    for request in requests:
        for span in request.spans:
            if span.kind in ("tool", "retriever"):
                groups.setdefault((span.path, span.name, span.kind), []).append(span)
    return [
        ToolRow(
            node=node,
            tool=tool,
            kind=kind,
            calls=len(spans),
            errors=sum(span.outcome == "failed" for span in spans),
            latency_s=latencies(span.end_s - span.start_s for span in spans),
        )
        for (node, tool, kind), spans in groups.items()
    ]


def _error_rows(requests: Sequence[Request]) -> list[ErrorRow]:
    groups: dict[tuple[str, str | None], int] = {}
    for request in requests:
        if request.error_type:
            key = (request.error_type, request.error_node)
            groups[key] = groups.get(key, 0) + 1
    return [
        ErrorRow(type=kind, message=None, node=node, count=number)
        for (kind, node), number in groups.items()
    ]


def _critical_rows(nodes: Sequence[NodeRow], seconds: dict[str, float]) -> list[CriticalPathRow]:
    total = sum(seconds.values())
    parts = sorted(nodes, key=lambda row: -row.critical_s)[:4]
    weight = sum(row.critical_s for row in parts)
    return [
        CriticalPathRow(
            path=row.path,
            kind=kind,
            share=took / total * row.critical_s / weight,
            mean_s=took * row.critical_s / weight,
        )
        for kind, took in seconds.items()
        for row in parts
        if total and weight
    ]


# ---------------------------------------------------------------- the samples


def chain(requests: int = 10) -> Profile:
    """Three nodes in a row."""
    made = []
    for index in range(requests):
        recording = Recording(index, index * 1.0)
        recording.add("checkpoint", "put", recording.at, recording.at + 0.0004, recording.root)
        for name, seconds in (("load", 0.02), ("think", 0.06), ("answer", 0.04)):
            recording.run(name, seconds + index * 0.0003)
        made.append(recording.done())
    flow = {
        "load": ("all", ["question"]),
        "think": (["question"], ["draft", "score"]),
        "answer": (["draft"], []),
    }
    return profile_of(made, {"node_wait": 0.93, "framework": 0.05, "checkpoint": 0.02}, flow)


def fan_out() -> Profile:
    """Ten parallel searches, one of them slow; the last request slower than the others."""
    made = []
    for index in range(10):
        recording = Recording(index, index * 2.0)
        recording.run("plan", 0.05)
        at, slow = recording.at, 0.2 if index < 9 else 0.6
        for branch in range(10):
            took = slow if branch == 4 else 0.02 + branch * 0.001
            recording.node("search", at, at + took, step=2, task=str(branch))
        recording.at = at + slow + 0.001
        recording.step = 2
        recording.run("join", 0.01)
        made.append(recording.done())
    return profile_of(made, {"node_wait": 0.8, "node_cpu": 0.12, "framework": 0.08})


def agent(requests: int = 10) -> Profile:
    """The full report: models with a first token, tools, a retriever, a retry, a subgraph."""
    made = []
    for index in range(requests):
        start, slower = index * 9.0, 1 + (index * 7 % 10) * 0.04
        recording = Recording(index, start)
        plan = recording.run("plan", 1.32 * slower)
        recording.model(plan, plan.start_s + 0.02, plan.end_s - 0.07, "gpt-4o-mini")
        step = recording.add("router", "route", recording.at, recording.at + 0.001, recording.root)
        at = step.end_s
        for branch, took in enumerate((2.07, 3.77 * slower, 1.26)):
            node = recording.node("search", at, at + took, step=2)
            failed = {"outcome": "failed", "error_type": "TimeoutError"} if branch == 2 else {}
            end = node.end_s - 0.4
            recording.add("tool", "web_search", at + 0.02, end, node, **failed)
        recording.at, recording.step = at + 3.77 * slower + 0.001, 2
        _retried(recording, "enrich")
        _nested(recording, slower)
        recording.add("checkpoint", "aput", recording.at, recording.at + 0.21, recording.root)
        made.append(recording.done())
    shares = {
        "model": 0.49,
        "tool": 0.31,
        "retriever": 0.03,
        "backoff": 0.03,
        "failed_attempts": 0.02,
        "blocked_loop": 0.02,
        "node_cpu": 0.05,
        "checkpoint": 0.02,
        "framework": 0.018,
        "routing": 0.001,
        "store": 0.0005,
        "unattributed": 0.0105,
    }
    warnings = [
        Warn(
            code="blocking",
            message="enrich held the event loop for 40 ms at a time: every other request of the "
            "process stood still meanwhile",
            fix="call it with await asyncio.to_thread(...), or use an async client",
        ),
        Warn(code="few", message="10 requests are few for a p95", fix="-n 100"),
    ]
    flow = {
        "plan": (["messages"], ["queries"]),
        "search": (["queries"], ["results"]),
        "enrich": ("all", ["results", "sources"]),
        "write": (["results", "sources", "messages"], ["draft"]),
    }
    return profile_of(made, shares, flow, warnings, "sample_graphs.research:app")


def _retried(recording: Recording, name: str) -> None:
    recording.step += 1
    at = recording.at
    node = recording.add(
        "node", name, at, at + 0.62, recording.root, path=name, step=recording.step
    )
    for number, (begin, end) in enumerate(((0.0, 0.08), (0.18, 0.26), (0.46, 0.62)), 1):
        failed = {"outcome": "failed", "error_type": "ConnectionError"} if number < 3 else {}
        recording.add("attempt", name, at + begin, at + end, node, attempt=number, **failed)
    recording.add("retriever", "vectors", at + 0.48, at + 0.6, node)
    recording.at = at + 0.621


def _nested(recording: Recording, slower: float) -> None:
    write = recording.run("write", 3.09 * slower)
    at = write.start_s
    inner = recording.add("graph", "writer", at + 0.01, write.end_s - 0.01, write)
    draft = recording.node("draft", at + 0.02, at + 2.1 * slower, graph=inner, step=1)
    recording.model(draft, at + 0.05, at + 2.05 * slower)
    review = recording.node("review", at + 2.11 * slower, write.end_s - 0.02, graph=inner, step=2)
    recording.model(review, review.start_s + 0.02, review.end_s - 0.03)


def retries() -> Profile:
    """A node with two failed attempts, and requests that fail at last."""
    made = []
    for index in range(10):
        recording = Recording(index, float(index))
        recording.run("load", 0.05)
        _retried(recording, "fetch")
        failed = index % 3 == 2
        recording.run("save", 0.03, outcome="failed" if failed else "ok")
        how = {"error_type": "builtins.ValueError", "error_node": "save"} if failed else {}
        made.append(recording.done("failed" if failed else "ok", **how))
    shares = {"failed_attempts": 0.23, "backoff": 0.43, "node_wait": 0.33, "framework": 0.01}
    return profile_of(made, shares)


def failures() -> list[Failure]:
    lines = [
        "Traceback (most recent call last):",
        '  File "/home/me/project/app/graph.py", line 42, in save',
        "    store(state['draft'])",
        '  File "/home/me/project/app/storage.py", line 7, in store',
        "    raise ValueError(f'no such table: {name}')",
        "ValueError: no such table: drafts",
    ]
    first = Failure("builtins.ValueError", "no such table: drafts", "save", "\n".join(lines), 3)
    return [first, Failure("builtins.KeyError", "'draft'", None, "KeyError: 'draft'", 1)]


def loop() -> Profile:
    """650 supersteps of two nodes."""
    recording = Recording()
    for index in range(325):
        think = recording.run("think", 0.012)
        recording.model(think, think.start_s + 0.001, think.end_s - 0.001)
        recording.run("act", 0.004 + 0.05 * (index == 200))
    return profile_of([recording.done()])


def nested() -> Profile:
    """Graphs within graphs, three deep."""
    recording = Recording()
    outer = recording.run("outer", 0.5)
    graph = recording.add("graph", "middle graph", 0.01, 0.49, outer)
    middle = recording.node("middle", 0.02, 0.48, graph=graph, step=1)
    graph = recording.add("graph", "inner graph", 0.03, 0.47, middle)
    recording.node("leaf one", 0.04, 0.2, graph=graph, step=1)
    leaf = recording.node("leaf.two", 0.21, 0.46, graph=graph, step=2)
    recording.model(leaf, 0.22, 0.45)
    return profile_of([recording.done()])


HOSTILE_NAMES = (
    "[red]x[/red]",
    "\x1b[31mred\x1b[0m\x07\n two",
    "検索する" * 6,
    "long_" * 16,
    "emoji \U0001f680 \u202egnp",
    "",
)


def hostile() -> Profile:
    """Names and messages that try to break the terminal."""
    recording = Recording()
    for name in HOSTILE_NAMES:
        node = recording.run(name, 0.1)
        recording.model(node, node.start_s, node.end_s - 0.01, name)
        recording.add("tool", name, node.start_s, node.end_s, node, outcome="failed")
    request = recording.done(
        "failed", error_type="[bold]E[/bold]\x1b[2J", error_node="検索する" * 9
    )
    warning = Warn(
        code="x", message="\x1b]0;title\x07[link]w[/link]" + "界" * 90, fix="do[/]it" * 30
    )
    names = list(HOSTILE_NAMES)
    flow = dict.fromkeys(HOSTILE_NAMES, (names, names))
    profile = profile_of([request, _again(request)], None, flow, [warning], "m:" + HOSTILE_NAMES[1])
    profile.target.inputs.source = "[/]\x1b[31m" + "入力" * 80
    return profile


def _again(request: Request) -> Request:
    return Request(
        index=1,
        outcome="ok",
        start_s=request.start_s,
        end_s=request.end_s,
        latency_s=request.latency_s,
        spans=request.spans,
    )


def hostile_failures() -> list[Failure]:
    text = "\x1b[2J[red]boom[/red] 例外 \udcff\n" + "x" * 300
    return [Failure("[bold]E[/bold]\x1b[2J", text, "検索する" * 9, text * 3, 1)]


def costs() -> Profile:
    """Models with cached and reasoning tokens, one without a price, one without usage."""
    made = []
    for index in range(10):
        recording = Recording(index, float(index))
        node = recording.run("plan", 0.2)
        thought = Tokens(input=400, output=900, cache_read=0, reasoning=760, estimated_share=0.0)
        recording.model(node, node.start_s, node.end_s, "o3", cost_usd=0.008, tokens=thought)
        for _ in range(1 + 3 * (index == 6)):
            node = recording.run("write/draft", 0.3)
            recording.model(node, node.start_s, node.end_s, cost_usd=0.0041)
        node = recording.run("check", 0.1)
        recording.model(node, node.start_s, node.end_s, "team-small", cost_usd=None)
        node = recording.run("rank", 0.1)
        recording.model(node, node.start_s, node.end_s, "local", cost_usd=None, tokens=None)
        how = {"error_type": "builtins.ValueError", "error_node": "rank"} if index == 3 else {}
        made.append(recording.done("failed" if how else "ok", **how))
    profile = profile_of(made)
    profile.settings["monthly_requests"] = 1e6
    profile.summary.tokens.estimated_share = 0.12
    for row in profile.models:
        row.duplicate_calls, row.near_duplicate_calls = 0, 3
        row.prompt_cache = PromptCache(
            cacheable_share=0.0,
            actual_share=None,
            saving_usd=None if row.cost_usd is None else 0.0,
            reordered_share=0.0,
            reordered_saving_usd=None if row.cost_usd is None else 0.0,
        )
        if row.node == "write/draft":
            row.duplicate_calls, row.input_growth_tokens = 4, 312.0
            row.prompt_cache = PromptCache(
                cacheable_share=0.21,
                actual_share=0.0,
                saving_usd=0.0011,
                reordered_share=0.86,
                reordered_saving_usd=0.0049,
                divergence=Divergence(message=0, role="system", char=17, hint="a timestamp"),
                diverging_calls=9,
            )
    return profile


def none_succeeded() -> Profile:
    made = []
    for index in range(4):
        recording = Recording(index, float(index))
        recording.run("load", 0.05, outcome="failed", error_type="builtins.ValueError")
        how = {"error_type": "builtins.ValueError", "error_node": "load"}
        made.append(recording.done("failed", **how))
    return profile_of(made, {})


def one() -> Profile:
    return chain(1)


def many_spans(spans: int = 100_000) -> Profile:
    """Ten requests with wide fan-outs, loops and checkpoints: so many spans in all."""
    made, each = [], spans // 10
    for index in range(10):
        recording = Recording(index, index * 100.0)
        while len(recording.spans) < each:
            number = len(recording.spans) % 7
            node = recording.run(f"node {number}", 0.01)
            recording.model(node, node.start_s, node.end_s)
            at = recording.at
            recording.add("checkpoint", "put", at, at + 0.0001, recording.root)
        made.append(recording.done())
    return profile_of(made)


SAMPLES = {
    "agent": agent,
    "chain": chain,
    "costs": costs,
    "fan_out": fan_out,
    "hostile": hostile,
    "loop": loop,
    "nested": nested,
    "none_succeeded": none_succeeded,
    "one": one,
    "retries": retries,
}
FAILURES = {"retries": failures, "hostile": hostile_failures}
