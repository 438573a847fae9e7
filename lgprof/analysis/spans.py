"""From a recording to requests with their trees of spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from lgprof.analysis.collector import collector_paused
from lgprof.analysis.io_scopes import io_by_scope
from lgprof.analysis.model_calls import model_call
from lgprof.analysis.runs import Hold, Holds, Run, Work, read_runs, read_works, segments_of
from lgprof.model import Outcome, Request, Span, SpanKind
from lgprof.record.event_log import (
    NO_STEP,
    ClientBuild,
    IoEvent,
    NodeDigest,
    Recording,
    RunKind,
    WorkThread,
)

_THREADS: dict[int, Literal["loop", "pool", "caller"]] = {
    WorkThread.LOOP: "loop",
    WorkThread.POOL: "pool",
    WorkThread.CALLER: "caller",
}
_HANDLER, _DEFAULT_HANDLER = "__error_handler__", "__default_error_handler__"
_NODE_TIMEOUT = "langgraph.errors.NodeTimeoutError"
_CALL_KINDS: dict[int, SpanKind] = {
    RunKind.MODEL: "model",
    RunKind.TOOL: "tool",
    RunKind.RETRIEVER: "retriever",
}


class Leg(msgspec.Struct):
    """One call of the graph: a request has one, and one more for each resume."""

    root: int
    """Id of the call's outermost run."""
    start_ns: int
    end_ns: int


class RequestLog(msgspec.Struct):
    """What the driver knows of one request."""

    index: int
    legs: list[Leg]
    outcome: Outcome
    error_type: str | None = None
    cpu_ns: int | None = None
    max_concurrency: int | None = None
    pool_size: int | None = None
    input_hash: str | None = None


class _Scope(NamedTuple):
    """Where a span's children go."""

    parent: int
    path: str
    end_ns: int


class SpanBuilder:
    """Builds the spans of all requests of one recording.

    Args:
        recording: The events; values in it already digested.
        origin_ns: The instant that becomes 0 s.
        in_loop: Whether the graphs ran on an event loop.
        last_id: The spans are numbered from the next one on.
    """

    def __init__(
        self, recording: Recording, origin_ns: int, *, in_loop: bool, last_id: int = 0
    ) -> None:
        self._recording = recording
        self._origin_ns = origin_ns
        self._root_thread: Literal["loop", "caller"] = "loop" if in_loop else "caller"
        self._runs = read_runs(recording)
        self._works: dict[int, Work] = {}
        self._holds = Holds([])
        self._loop_waits: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self._digests: dict[int, NodeDigest] = {}
        self._clients: dict[int, list[ClientBuild]] = defaultdict(list)
        """By attempt: how long it took to build each HTTP client."""
        self._io: Mapping[int, Sequence[IoEvent]] = {}
        self._rate_waits: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self.last_id = last_id
        self._called_ns: dict[int, int] = {}
        """By checkpoint namespace: when a functional task was first called."""
        for t_ns, namespace in recording.task_calls.rows():
            self._called_ns.setdefault(namespace, t_ns)
        self.orphans = 0
        """Runs that belong to no request, by what can be told."""
        self._span_of_run: dict[int, Span] = {}

    @collector_paused()
    def requests(self, logs: list[RequestLog], others: Sequence[RequestLog] = ()) -> list[Request]:
        """The requests, each with its spans in order of their start.

        Args:
            logs: The requests that count.
            others: Requests of the recording that do not.
        """
        self._link([*logs, *others])
        self._assign_to_attempts()
        return [self._request(log) for log in logs]

    def span_around(self, run_id: int) -> Span | None:
        """The span of a run, else of the nearest run around it that has one."""
        run = self._runs.get(run_id)
        while run is not None and run.id not in self._span_of_run:
            run = self._runs.get(run.parent)
        return self._span_of_run[run.id] if run else None

    def _link(self, logs: list[RequestLog]) -> None:
        roots = {leg.root for log in logs for leg in log.legs}
        legs = [leg for log in logs for leg in log.legs]
        for run in self._runs.values():
            parent = self._runs.get(run.parent)
            if parent is None and run.id not in roots:
                parent = self._only_root_at(run.start_ns, legs)
                if parent is None:
                    self.orphans += 1
                    continue
            if parent is not None:
                parent.children.append(run)
                if run.kind <= RunKind.LATER_STEP:
                    run.is_attempt = bool(run.namespace) and run.namespace != parent.namespace

    def _assign_to_attempts(self) -> None:
        """What the probes saw: a node that is a chain of its own ran below its attempt."""
        for work, run in read_works(self._recording):
            attempt = self._attempt_of(run)
            first = self._works.get(attempt)
            if first is None or work.start_ns < first.start_ns:
                self._works[attempt] = work
        self._holds = Holds(
            [
                Hold(start_ns, wall_ns, cpu_ns, self._attempt_of(run), task, maker)
                for start_ns, wall_ns, cpu_ns, run, task, maker in self._recording.holds.rows()
            ]
        )
        for start_ns, end_ns, waiting in self._recording.loop_waits.rows():
            known = self._runs.get(waiting)
            if known is None or not self._is_graph(known):  # each task in a graph has its own
                wait = self._s(start_ns), self._s(end_ns)
                self._loop_waits[self._attempt_of(waiting)].append(wait)
        for start_ns, end_ns, scope in self._recording.rate_waits:
            known = self._runs.get(scope)
            is_call = known is not None and known.kind == RunKind.MODEL
            waiting = scope if is_call else self._attempt_of(scope)
            self._rate_waits[waiting].append((self._s(start_ns), self._s(end_ns)))
        self._io = io_by_scope(self._recording.io, self._attempt_of, self._nested_graphs())
        for build in self._recording.clients:
            self._clients[self._attempt_of(build.scope)].append(build)
        self._digests = {
            self._attempt_of(run): digest for run, digest in self._recording.digests.items()
        }

    def _nested_graphs(self) -> Iterator[Run]:
        for run in self._runs.values():
            if run.namespace and not run.is_attempt and self._is_graph(run):
                yield run

    def _attempt_of(self, run_id: int) -> int:
        """The attempt that is, or is around, a run."""
        run = self._runs.get(run_id)
        while run is not None and not run.is_attempt:
            run = self._runs.get(run.parent)
        return run.id if run else run_id

    def _only_root_at(self, t_ns: int, legs: list[Leg]) -> Run | None:
        """The root of the one call that was under way; None where there were several."""
        found = [leg for leg in legs if leg.start_ns <= t_ns <= leg.end_ns]
        return self._runs.get(found[0].root) if len(found) == 1 else None

    def _request(self, log: RequestLog) -> Request:
        spans: list[Span] = []
        for leg in log.legs:
            root = self._runs.get(leg.root)
            if root is not None:
                self._add_root(root, leg, spans)
        start_ns, end_ns = log.legs[0].start_ns, log.legs[-1].end_ns
        return Request(
            index=log.index,
            outcome=log.outcome,
            start_s=self._s(start_ns),
            end_s=self._s(end_ns),
            latency_s=sum(leg.end_ns - leg.start_ns for leg in log.legs) / 1e9,
            cpu_s=None if log.cpu_ns is None else log.cpu_ns / 1e9,
            input_hash=log.input_hash,
            error_type=log.error_type,
            error_node=_failing_node(spans) if log.outcome in ("failed", "timed_out") else None,
            interrupts=len(log.legs) - 1,
            max_concurrency=log.max_concurrency,
            pool_size=log.pool_size,
            spans=spans,
        )

    def _add_root(self, root: Run, leg: Leg, spans: list[Span]) -> None:
        """The call as a graph span from end to end: entry and exit are part of it."""
        span = self._span(root, "graph", None, "", leg.end_ns)
        span.thread = self._root_thread
        span.start_s, span.end_s = self._s(leg.start_ns), self._s(leg.end_ns)
        spans.append(span)
        inside = _Scope(span.id, "", leg.end_ns)
        if self._is_graph(root):
            self._add_io(root.id, inside, spans)
        self._add_children(root, inside, spans)

    def _add_children(self, run: Run, scope: _Scope, spans: list[Span]) -> None:
        attempts: dict[int, list[Run]] = {}
        for child in run.children:
            if child.is_attempt:
                attempts.setdefault(child.namespace, []).append(child)
            elif child.kind > RunKind.LATER_STEP:
                self._add_call(child, scope, spans)
            elif run.is_attempt and self._is_router(child, run):
                spans.append(self._span(child, "router", scope.parent, scope.path, scope.end_ns))
            elif self._is_graph(child):
                self._add_graph(child, scope, spans)
            else:
                self._add_children(child, scope, spans)
        for group in attempts.values():
            last = max(group, key=lambda child: child.start_ns)
            if last.outcome == "cancelled" and _ended_by_timeout(last, run):
                last.outcome, last.error = "timed_out", _NODE_TIMEOUT
            self._add_node(group, scope, spans)

    def _is_router(self, run: Run, attempt: Run) -> bool:
        """Conditional edges run in the attempt of their source, after its function."""
        work = self._works.get(attempt.id)
        if work is None:
            return run.kind == RunKind.LATER_STEP
        return run.start_ns >= work.end_ns

    def _is_graph(self, run: Run) -> bool:
        return run.id in self._recording.graphs or any(child.is_attempt for child in run.children)

    def _add_graph(self, run: Run, scope: _Scope, spans: list[Span]) -> None:
        span = self._span(run, "graph", scope.parent, scope.path, scope.end_ns)
        spans.append(span)
        inside = _Scope(span.id, scope.path, self._end_ns(run, scope.end_ns))
        self._add_io(run.id, inside, spans)
        self._add_children(run, inside, spans)

    def _add_node(self, attempts: list[Run], scope: _Scope, spans: list[Span]) -> None:
        attempts.sort(key=lambda run: run.start_ns)
        first, last = attempts[0], attempts[-1]
        path = f"{scope.path}/{first.name}" if scope.path else first.name
        node = self._span(last, "node", scope.parent, path, scope.end_ns)
        node.start_s = self._s(first.start_ns)
        node.step = None if first.step == NO_STEP else first.step
        called_ns = self._called_ns.get(first.namespace)
        node.ready_s = None if called_ns is None else self._s(called_ns)
        node.task = f"{first.namespace & 0xFFFFFFFF:08x}"
        spans.append(node)
        for number, run in enumerate(attempts, 1):
            if run is not last and run.outcome == "cancelled":
                run.outcome, run.error = "timed_out", _NODE_TIMEOUT
            attempt = self._add_attempt(run, number, node, scope.end_ns, spans)
            node.outcome, node.error_type = attempt.outcome, attempt.error_type

    def _add_attempt(
        self, run: Run, number: int, node: Span, end_ns: int, spans: list[Span]
    ) -> Span:
        span = self._span(run, "attempt", node.id, node.path, end_ns)
        span.attempt, span.task, span.step = number, node.task, node.step
        span.rate_limited = self._rate_waits.get(run.id)
        self._add_work(run, span, self._end_ns(run, end_ns))
        builds = self._clients.get(run.id, ())
        if clients := sum(build.clients for build in builds):
            span.clients_built = clients
            span.clients_s = sum(build.taken_ns for build in builds) / 1e9
        digest = self._digests.get(run.id)
        if digest is not None:
            span.reads, span.writes = digest.reads, digest.writes
            span.output_hash = digest.output_hash
            span.read_bytes, span.write_bytes = digest.read_bytes, digest.write_bytes
            if digest.marked_failed and span.outcome == "ok":
                span.outcome, span.error_type = "failed", "failed_when"
        spans.append(span)
        inside = _Scope(span.id, node.path, self._end_ns(run, end_ns))
        self._add_io(run.id, inside, spans)
        self._add_children(run, inside, spans)
        return span

    def _add_work(self, run: Run, span: Span, end_ns: int) -> None:
        work = self._works.get(run.id)
        if work is None:
            return
        span.work_start_s, span.work_end_s = self._s(work.start_ns), self._s(work.end_ns)
        span.thread = _THREADS[work.thread]
        if work.thread == WorkThread.LOOP:
            own = self._holds.of(run.id, work)
            span.segments, span.task_makers = segments_of(own, work, self._origin_ns)
            span.cpu_s = sum(segment.cpu_s for segment in span.segments)
            span.loop_waits = self._loop_waits.get(run.id)
        else:
            span.cpu_s = work.cpu_ns / 1e9

    def _add_call(self, run: Run, scope: _Scope, spans: list[Span]) -> None:
        kind = _CALL_KINDS[run.kind]
        span = self._span(run, kind, scope.parent, scope.path, scope.end_ns)
        if span.outcome == "running":
            # langchain-core reports no end of a call that was cancelled.
            span.outcome = "cancelled"
        event = self._recording.models.get(run.id) if kind == "model" else None
        if event is not None:
            span.model = model_call(run, event)
            span.rate_limited = self._rate_waits.get(run.id)
            span.name = span.model.name
        if asked := self._recording.asked.get(run.id):
            span.input_hash, span.uses_earlier = asked
        spans.append(span)
        inside = _Scope(span.id, scope.path, self._end_ns(run, scope.end_ns))
        self._add_children(run, inside, spans)

    def _add_io(self, scope_id: int, scope: _Scope, spans: list[Span]) -> None:
        for event in self._io.get(scope_id, ()):
            kind: SpanKind = event.kind  # type: ignore[assignment]
            for node in event.hits or ("",):
                path = "/".join(part for part in (scope.path, node) if part)
                spans.append(
                    Span(
                        id=self._new_id(),
                        parent=scope.parent,
                        kind=kind,
                        path=path,
                        name=node or event.name,
                        start_s=self._s(event.start_ns),
                        end_s=self._s(event.end_ns),
                        hits=1 if node else None,
                    )
                )

    def _span(self, run: Run, kind: SpanKind, parent: int | None, path: str, end_ns: int) -> Span:
        span = Span(
            id=self._new_id(),
            parent=parent,
            kind=kind,
            path=path,
            name=run.name,
            start_s=(run.start_ns - self._origin_ns) / 1e9,
            end_s=((run.end_ns or max(run.start_ns, end_ns)) - self._origin_ns) / 1e9,
            outcome=run.outcome,
            error_type=run.error or None,
        )
        self._span_of_run[run.id] = span
        return span

    def _end_ns(self, run: Run, limit_ns: int) -> int:
        """A run that never ended (a hang, an abandoned generator) ends with what is around it."""
        return run.end_ns or max(run.start_ns, limit_ns)

    def _s(self, t_ns: int) -> float:
        return (t_ns - self._origin_ns) / 1e9

    def _new_id(self) -> int:
        self.last_id += 1
        return self.last_id


def _ended_by_timeout(attempt: Run, graph: Run) -> bool:
    """LangGraph cancels an attempt at its time limit and raises above it, or calls a handler."""
    return graph.error.endswith("NodeTimeoutError") or any(
        other.is_attempt
        and other.name in (f"{_HANDLER}{attempt.name}", _DEFAULT_HANDLER)
        and other.start_ns > attempt.start_ns
        for other in graph.children
    )


def _failing_node(spans: list[Span]) -> str | None:
    """Path of the deepest attempt that ended badly; the last one where there are several."""
    bad = [
        span
        for span in spans
        if span.kind == "attempt" and span.outcome in ("failed", "timed_out", "running")
    ] or [span for span in spans if span.kind == "attempt" and span.outcome == "cancelled"]
    return max(bad, key=lambda span: (span.path.count("/"), span.end_s)).path if bad else None
