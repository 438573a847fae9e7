"""``.csv``: a row per request."""

from __future__ import annotations

import csv
import io
from typing import Any

from lgprof.model import Profile, Request

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def request_table(profile: Profile) -> str:
    """The requests in order of their index. Empty cells are not known."""
    rows = [_row(request) for request in sorted(profile.requests, key=lambda each: each.index)]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(_row(_NOTHING)))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


_NOTHING = Request(index=0, outcome="ok", start_s=0, end_s=0, latency_s=0)


def _row(request: Request) -> dict[str, Any]:
    models = [span.model for span in request.spans if span.model]
    tokens = [model.tokens for model in models if model.tokens]
    costs = [model.cost_usd for model in models if model.cost_usd is not None]
    return {
        "index": request.index,
        "outcome": request.outcome,
        "intended_s": request.intended_s,
        "start_s": request.start_s,
        "end_s": request.end_s,
        "latency_s": request.latency_s,
        "cpu_s": request.cpu_s,
        "error_type": _text(request.error_type),
        "error_node": _text(request.error_node),
        "interrupts": request.interrupts,
        "node_calls": sum(span.kind == "node" for span in request.spans),
        "llm_calls": len(models),
        "tool_calls": sum(span.kind == "tool" for span in request.spans),
        "input_tokens": sum(each.input or 0 for each in tokens) if tokens else None,
        "output_tokens": sum(each.output or 0 for each in tokens) if tokens else None,
        "cost_usd": sum(costs) if costs else None,
        "input_hash": request.input_hash,
        "sampled": request.sampled,
    }


def _text(value: str | None) -> str | None:
    """Text that no spreadsheet takes for a formula."""
    return f"'{value}" if value and value.startswith(_FORMULA) else value
