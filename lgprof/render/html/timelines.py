"""The timelines of chosen requests: the median, p95 and slowest, those that failed, and evidence.

Figures are of all requests; only these are shown span by span, so that the page stays small.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lgprof.analysis.call_tree import FAILED_OUTCOMES, IO_KINDS, Call, call_tree
from lgprof.model import Profile, Request, Span
from lgprof.render.html.encoding import Names, number
from lgprof.render.terminal.critical import critical_spans
from lgprof.render.terminal.timeline import drawable_requests, median_request
from lgprof.stats import percentile

MOST_CALLS = 1_500
"""Of one timeline."""
MOST_FAILED = 20
_MOST_EVIDENCE = 10
_SMALL_IO = 0.02
"""State I/O below this share of the request is left out, as on the terminal."""


@dataclass(slots=True)
class Chosen:
    """A request that is shown, and why."""

    request: Request
    why: list[str]


def timelines(profile: Profile, names: Names) -> dict[str, Any]:
    """The chosen requests with their calls, and how many failed ones have none."""
    chosen = choose(profile)
    failed = [each for each in profile.requests if each.outcome in FAILED_OUTCOMES and each.spans]
    shown = {each.request.index for each in chosen}
    return {
        "requests": [_timeline(profile, each, names) for each in chosen],
        "moreFailed": sum(each.index not in shown for each in failed),
    }


def median_timeline(profile: Profile, names: Names) -> dict[str, Any] | None:
    """The one of the median request alone; None where no request can be drawn."""
    succeeded = drawable_requests(profile)
    if not succeeded:
        return None
    return _timeline(profile, Chosen(median_request(profile, succeeded), ["median"]), names)


def choose(profile: Profile) -> list[Chosen]:
    """The median, p95, slowest, failed and evidence requests; each once, with all its reasons."""
    found: dict[int, Chosen] = {}

    def add(request: Request, why: str) -> None:
        found.setdefault(request.index, Chosen(request, [])).why.append(why)

    with_spans = [request for request in profile.requests if request.spans]
    succeeded = drawable_requests(profile)
    if succeeded:
        add(median_request(profile, succeeded), "median")
        if len(succeeded) > 2:
            add(_near_p95(profile, succeeded), "p95")
        add(succeeded[-1], "slowest")
    failed = [request for request in with_spans if request.outcome in FAILED_OUTCOMES]
    for request in _varied(failed)[:MOST_FAILED]:
        add(request, request.outcome.replace("_", " "))
    by_index = {request.index: request for request in with_spans}
    for index in _evidence(profile)[:_MOST_EVIDENCE]:
        if index in by_index:
            add(by_index[index], "evidence")
    return list(found.values())


def _near_p95(profile: Profile, succeeded: Sequence[Request]) -> Request:
    """Of a load test the one nearest to the p95 of all requests: the kept ones are no sample."""
    load = profile.load
    if load is None or load.service_s is None:
        p95_s = percentile([request.latency_s for request in succeeded], 95)
    else:
        p95_s = load.service_s.p95
    return min(succeeded, key=lambda request: abs(request.latency_s - p95_s))


def _varied(failed: Sequence[Request]) -> list[Request]:
    """One of each kind of error first."""
    seen: dict[tuple[str | None, str | None], int] = {}
    ranked = []
    for order, request in enumerate(failed):
        kind = request.error_type, request.error_node
        seen[kind] = seen.get(kind, 0) + 1
        ranked.append((seen[kind], order, request))
    return [request for _, _, request in sorted(ranked, key=lambda each: each[:2])]


def _evidence(profile: Profile) -> list[int]:
    """Requests that advice points at, the first of each advice before the others."""
    indices: dict[int, None] = {}
    for rank in range(max((len(advice.evidence) for advice in profile.advice), default=0)):
        for advice in profile.advice:
            if rank < len(advice.evidence):
                index = advice.evidence[rank].partition("/")[0]
                if index.isdigit():
                    indices.setdefault(int(index))
    return list(indices)


def _timeline(profile: Profile, chosen: Chosen, names: Names) -> dict[str, Any]:
    request = chosen.request
    calls = call_tree(request)
    rows, left_out = _rows(request, calls, MOST_CALLS)
    writer = _Writer(request, names)
    timeline: dict[str, Any] = {
        "index": request.index,
        "why": chosen.why,
        "outcome": request.outcome,
        "latency": number(request.latency_s),
        "duration": number(max(request.end_s - request.start_s, 0.0)),
        "barriers": writer.barriers(calls),
        "calls": [writer.row(call, depth) for call, depth in rows],
        "leftOut": left_out,
        "spans": _aliases(request, rows, _evidence_spans(profile, request.index)),
    }
    if request.intended_s is not None:
        timeline["late"] = number(request.start_s - request.intended_s)
    if request.error_type is not None:
        timeline["error"] = names.of(request.error_type)
        timeline["errorNode"] = names.of(request.error_node) if request.error_node else None
    if request.interrupts:
        timeline["interrupts"] = request.interrupts
    return timeline


def _evidence_spans(profile: Profile, index: int) -> set[int]:
    spans = set()
    for advice in profile.advice:
        for place in advice.evidence:
            request, _, span = place.partition("/")
            if request == str(index) and span.isdigit():
                spans.add(int(span))
    return spans


def _aliases(
    request: Request, rows: Sequence[tuple[Call, int]], wanted: Iterable[int]
) -> dict[str, int]:
    """For spans that advice names and that have no row: the row above that they are part of."""
    shown = {call.span.id for call, _ in rows}
    parents = {span.id: span.parent for span in request.spans}
    aliases = {}
    for span in wanted:
        at: int | None = span
        while at is not None and at not in shown:
            at = parents.get(at)
        if at is not None and at != span:
            aliases[str(span)] = at
    return aliases


def _rows(
    request: Request, calls: Sequence[Call], most: int
) -> tuple[list[tuple[Call, int]], dict[str, Any] | None]:
    """Calls with their depth, in order of start; the longest ``most`` where there are more."""
    small_s = _SMALL_IO * max(request.end_s - request.start_s, 0.0)
    kept: set[int] = set()
    queue: list[tuple[float, int, Call]] = []
    order = 0

    def push(found: Sequence[Call]) -> None:
        nonlocal order
        for call in found:
            if call.span.kind not in IO_KINDS or call.seconds >= small_s:
                heapq.heappush(queue, (-call.seconds, order, call))
                order += 1

    push(calls)
    while queue and len(kept) < most:
        call = heapq.heappop(queue)[2]
        kept.add(id(call))
        push(call.children)
    left_out = {"calls": 0, "seconds": 0.0}
    rows: list[tuple[Call, int]] = []
    _walk(calls, 0, kept, rows, left_out)
    left_out["seconds"] = number(left_out["seconds"]) or 0
    return rows, left_out if left_out["calls"] else None


def _walk(
    calls: Sequence[Call],
    depth: int,
    kept: set[int],
    rows: list[tuple[Call, int]],
    left_out: dict[str, Any],
) -> None:
    stack = [(call, depth, True) for call in reversed(calls)]
    while stack:
        call, depth, alone = stack.pop()
        if id(call) in kept:
            rows.append((call, depth))
        else:
            left_out["calls"] += 1
            if alone:
                left_out["seconds"] += call.seconds
        inside = id(call) in kept
        stack += [(child, depth + 1, inside) for child in reversed(call.children)]


class _Writer:
    """Calls of one request as rows; times count from its start."""

    def __init__(self, request: Request, names: Names) -> None:
        self.start_s = request.start_s
        self.names = names
        self.critical = critical_spans(request)
        self.graphs = {span.id for span in request.spans if span.kind == "graph"}
        self.ends: dict[tuple[int | None, int], float] = {}

    def barriers(self, calls: Sequence[Call]) -> list[float | int | None]:
        """When each superstep of the outermost graph ended, the last one aside."""
        outermost = {call.span.parent for call in calls if call.span.step is not None}
        waiting = list(calls)
        while waiting:
            call = waiting.pop()
            waiting += call.children
            span = call.span
            if span.kind == "node" and span.step is not None and span.parent in self.graphs:
                key = (span.parent, span.step)
                self.ends[key] = max(call.end_s, self.ends.get(key, call.end_s))
        ends = sorted(end for (parent, _), end in self.ends.items() if parent in outermost)
        return [self._at(end) for end in ends[:-1]]

    def row(self, call: Call, depth: int) -> list[Any]:
        """``[id, depth, kind, name, path, start, end, critical, details]``."""
        span = call.span
        return [
            span.id,
            depth,
            span.kind,
            self.names.of(span.name),
            self.names.of(span.path),
            self._at(call.start_s),
            self._at(call.end_s),
            int(span.id in self.critical),
            self._details(call),
        ]

    def _details(self, call: Call) -> dict[str, Any]:
        span = call.span
        details: dict[str, Any] = {}
        bad = [attempt.outcome in FAILED_OUTCOMES for attempt in call.attempts]
        if len(call.attempts) > 1 or any(bad):
            details["attempts"] = [self._attempt(each, call) for each in call.attempts]
        elif span.outcome != "ok":
            details["outcome"] = span.outcome
        error = span.error_type or next((a.error_type for a in call.attempts if a.error_type), None)
        if error:
            details["error"] = self.names.of(error)
        if call.queues:
            details["queues"] = [[self._at(start), self._at(end)] for start, end in call.queues]
        barrier_s = None if span.step is None else self.ends.get((span.parent, span.step))
        if barrier_s is not None and barrier_s > call.end_s:
            details["barrier"] = self._at(barrier_s)
        if span.step is not None:
            details["step"] = span.step
        return details | self._model(span) | self._cpu(call)

    def _attempt(self, attempt: Span, call: Call) -> list[Any]:
        start_s = attempt.start_s if attempt.work_start_s is None else attempt.work_start_s
        end_s = min(attempt.end_s, call.end_s)
        return [self._at(start_s), self._at(end_s), int(attempt.outcome in FAILED_OUTCOMES)]

    def _model(self, span: Span) -> dict[str, Any]:
        model = span.model
        if model is None:
            return {}
        found: dict[str, Any] = {}
        if model.first_token_s:
            found["first"] = number(model.first_token_s)
        if model.tokens is not None:
            found["tokens"] = [model.tokens.input, model.tokens.output, model.tokens.cache_read]
        if model.cost_usd is not None:
            found["cost"] = number(model.cost_usd)
        if model.llm_cache_hit:
            found["cached"] = True
        return found

    def _cpu(self, call: Call) -> dict[str, Any]:
        known = [attempt.cpu_s for attempt in call.attempts if attempt.cpu_s is not None]
        return {"cpu": number(sum(known))} if known else {}

    def _at(self, moment_s: float) -> float | int | None:
        return number(round(moment_s - self.start_s, 7))
