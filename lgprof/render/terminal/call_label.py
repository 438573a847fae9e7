"""What calls are called on the terminal."""

from __future__ import annotations

from lgprof.analysis.call_tree import IO_KINDS, Call
from lgprof.render.flame_text import KIND_PREFIX
from lgprof.render.terminal.page import Page


def call_label(page: Page, call: Call, *, alone: bool = True) -> str:
    """What a call, or several of the same name, are called."""
    name = page.name(call.span.name)
    if call.span.kind in IO_KINDS:
        return f"{call.span.kind} {name}" if alone else call.span.kind
    prefix = KIND_PREFIX.get(call.span.kind)
    return f"{prefix} {name}" if prefix else name
