"""What calls are called on the terminal."""

from __future__ import annotations

from lgprof.analysis.call_tree import IO_KINDS, Call
from lgprof.render.terminal.page import Page

_KIND_PREFIX = {"model": "llm", "tool": "tool", "retriever": "retriever"}


def call_label(page: Page, call: Call, *, alone: bool = True) -> str:
    """What a call, or several of the same name, are called."""
    name = page.name(call.span.name)
    if call.span.kind in IO_KINDS:
        return f"{call.span.kind} {name}" if alone else call.span.kind
    return kind_label(call.span.kind, name)


def kind_label(kind: str, name: str) -> str:
    """A name with its kind where that is a model, tool or retriever."""
    return f"{_KIND_PREFIX[kind]} {name}" if kind in _KIND_PREFIX else name
