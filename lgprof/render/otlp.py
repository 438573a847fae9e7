"""``.otlp.json``: requests as OpenTelemetry traces, in OTLP's JSON encoding.

Names and attributes are those of the semantic conventions for generative AI, version 1.41, where a
graph is a workflow. What the conventions have no name for is below ``lgprof.``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import lgprof
from lgprof.model import ModelCall, Profile, Request, Span, Tokens
from lgprof.render.terminal.text import clean

_SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"
_BATCH_SPANS = 5000
_INTERNAL, _CLIENT = 1, 3
_OK, _ERROR = 1, 2
_FAILED = frozenset({"failed", "timed_out"})


def otlp(profile: Profile) -> str:
    """All requests, a trace for each. Prompts and answers are not part of a Profile."""
    return _document(profile, profile.requests)


def otlp_batches(profile: Profile) -> Iterator[str]:
    """The same in documents of a size that a collector takes."""
    batch: list[Request] = []
    spans = 0
    for request in profile.requests:
        if batch and spans + len(request.spans) > _BATCH_SPANS:
            yield _document(profile, batch)
            batch, spans = [], 0
        batch.append(request)
        spans += len(request.spans)
    if batch:
        yield _document(profile, batch)


def _document(profile: Profile, requests: Sequence[Request]) -> str:
    # The moment of the first request is reckoned back from when the Profile was made, and may be
    # off by some seconds; times between requests are exact.
    made_ns = int(datetime.fromisoformat(profile.created).timestamp() * 1e9)
    last_s = max((request.end_s for request in profile.requests), default=0.0)
    begin_ns = made_ns - round(last_s * 1e9)
    spans = [span for request in requests for span in _Trace(profile, request, begin_ns).spans()]
    resource = {
        "service.name": clean(profile.target.name) or "langgraph",
        "telemetry.sdk.name": "lgprof",
        "telemetry.sdk.version": lgprof.__version__,
        "telemetry.sdk.language": "python",
        "process.runtime.version": profile.environment.python,
    }
    scope = {"name": "lgprof", "version": lgprof.__version__}
    scoped = {"scope": scope, "spans": spans, "schemaUrl": _SCHEMA_URL}
    traces = {
        "resource": {"attributes": _attributes(resource)},
        "scopeSpans": [scoped],
        "schemaUrl": _SCHEMA_URL,
    }
    return json.dumps({"resourceSpans": [traces]}, separators=(",", ":"))


class _Trace:
    """The spans of one request."""

    def __init__(self, profile: Profile, request: Request, begin_ns: int) -> None:
        self._request = request
        self._name = clean(profile.target.name)
        self._begin_ns = begin_ns
        known = f"{profile.created} {profile.target.spec} {request.index} {request.start_s!r}"
        self._trace_id = hashlib.sha256(known.encode()).hexdigest()[:32]

    def spans(self) -> list[dict[str, Any]]:
        return [self._root(), *map(self._span, self._request.spans)]

    def _root(self) -> dict[str, Any]:
        request = self._request
        told = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": self._name,
            "error.type": request.error_type,
            "lgprof.request.index": request.index,
            "lgprof.outcome": request.outcome,
            "lgprof.latency_s": request.latency_s,
        }
        return {
            "traceId": self._trace_id,
            "spanId": self._id(None),
            "name": f"invoke_workflow {self._name}",
            "kind": _INTERNAL,
            **self._times(request.start_s, request.end_s),
            "attributes": _attributes(told),
            "status": _status(request.outcome, request.error_type),
        }

    def _span(self, span: Span) -> dict[str, Any]:
        told = {
            "error.type": span.error_type,
            "lgprof.kind": span.kind,
            "lgprof.path": clean(span.path),
            "lgprof.attempt": span.attempt,
            "lgprof.superstep": span.step,
            "lgprof.thread": span.thread,
            "lgprof.cpu_s": span.cpu_s,
            **_gen_ai(span),
        }
        return {
            "traceId": self._trace_id,
            "spanId": self._id(span.id),
            "parentSpanId": self._id(span.parent),
            "name": _name(span),
            "kind": _CLIENT if span.kind == "model" else _INTERNAL,
            **self._times(span.start_s, span.end_s),
            "attributes": _attributes(told),
            "status": _status(span.outcome, span.error_type),
        }

    def _id(self, number: int | None) -> str:
        return hashlib.sha256(f"{self._trace_id} {number}".encode()).hexdigest()[:16]

    def _times(self, start_s: float, end_s: float) -> dict[str, str]:
        start_ns, end_ns = (self._begin_ns + round(at_s * 1e9) for at_s in (start_s, end_s))
        return {"startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(max(start_ns, end_ns))}


def _name(span: Span) -> str:
    name = clean(span.name)
    operation = {"model": "chat", "tool": "execute_tool", "retriever": "retrieval"}.get(span.kind)
    return f"{operation or span.kind} {name}"


def _gen_ai(span: Span) -> dict[str, Any]:
    """Attributes of the semantic conventions."""
    name = clean(span.name)
    if span.kind == "tool":
        return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
    if span.kind == "retriever":
        return {"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": name}
    if span.kind == "graph":
        return {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": name}
    return _model(span.model) if span.model is not None else {}


def _model(model: ModelCall) -> dict[str, Any]:
    tokens = model.tokens or Tokens()
    usage = {
        "gen_ai.usage.input_tokens": tokens.input,
        "gen_ai.usage.output_tokens": tokens.output,
        "gen_ai.usage.cache_read.input_tokens": tokens.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": tokens.cache_write,
        "gen_ai.usage.reasoning.output_tokens": tokens.reasoning,
    }
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": model.provider,
        "gen_ai.request.model": clean(model.name),
        "gen_ai.response.model": clean(model.name),
        "lgprof.first_token_s": model.first_token_s,
        "lgprof.cost_usd": model.cost_usd,
        **usage,
    }


def _status(outcome: str, error_type: str | None) -> dict[str, Any]:
    if outcome in _FAILED:
        return {"code": _ERROR, "message": error_type or outcome}
    return {"code": _OK} if outcome == "ok" else {}


def _attributes(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that are known."""
    return [
        {"key": key, "value": _value(value)} for key, value in told.items() if value is not None
    ]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"intValue": str(value)}  # 64 bits, which JSON's numbers may not hold
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}
