"""``.trace.json``: Chrome trace events, for Perfetto (https://ui.perfetto.dev) and chrome://tracing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lgprof.model import Profile
from lgprof.render.lanes import Bar, bar_name, lanes_of
from lgprof.render.terminal.text import clean

_PROCESS = 1


def chrome_trace(profile: Profile) -> str:
    """All requests as complete events, a thread for each lane. Times are microseconds."""
    lanes = lanes_of(profile.requests)
    events = [_named("process_name", 0, clean(profile.target.name))]
    for number, lane in enumerate(lanes, 1):
        events.append(_named("thread_name", number, f"lane {number}"))
        events += [event for bar in lane for event in _events(bar, number)]
    return json.dumps({"displayTimeUnit": "ms", "traceEvents": events}, separators=(",", ":"))


def _named(what: str, thread: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "pid": _PROCESS, "tid": thread, "name": what, "args": {"name": name}}


def _events(bar: Bar, thread: int) -> Iterator[dict[str, Any]]:
    # Begin and end in whole nanoseconds, so that rounding takes no bar out of the one around it.
    start_ns, end_ns = round(bar.start_s * 1e9), round(bar.end_s * 1e9)
    yield {
        "ph": "X",
        "pid": _PROCESS,
        "tid": thread,
        "ts": start_ns / 1e3,
        "dur": (end_ns - start_ns) / 1e3,
        "name": clean(bar_name(bar)),
        "cat": bar.call.span.kind if bar.call else "request",
        "args": _arguments(bar),
    }
    for inner in bar.inside:
        yield from _events(inner, thread)


def _arguments(bar: Bar) -> dict[str, Any]:
    if bar.call is None:
        request = bar.request
        told: dict[str, Any] = {"outcome": request.outcome, "error": request.error_type}
    else:
        span = bar.call.span
        model = span.model
        tokens = model.tokens if model else None
        told = {
            "path": clean(span.path),
            "outcome": None if span.outcome == "ok" else span.outcome,
            "error": span.error_type,
            "attempts": len(bar.call.attempts) if len(bar.call.attempts) > 1 else None,
            "provider": model.provider if model else None,
            "input_tokens": tokens.input if tokens else None,
            "output_tokens": tokens.output if tokens else None,
            "cost_usd": model.cost_usd if model else None,
            "first_token_s": model.first_token_s if model else None,
        }
    return {name: value for name, value in told.items() if value is not None}
