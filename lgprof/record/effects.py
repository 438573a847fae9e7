"""Sees what nodes do to the world while they run: files they write, programs, connections.

It reads Python's audit events (PEP 578). C code that raises none, and a connection that was opened
before, are not seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

_NODE: ContextVar[str | None] = ContextVar("lgprof_effects_node", default=None)
_EVENTS = frozenset(
    {"socket.connect", "socket.sendto", "sqlite3.connect", "subprocess.Popen", "os.system"}
    | {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.putenv"}
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_MODEL_FRAMES = "langchain_core.language_models"
_watching: list[Effects] = []
_is_hooked = False


class Effects:
    """The effects seen, by node."""

    def __init__(self) -> None:
        self.by_node: dict[str, set[str]] = {}

    def of(self, node: str) -> list[str]:
        """What was seen of a node, in words such as ``socket.connect``."""
        return sorted(self.by_node.get(node, ()))


@contextmanager
def effects_noted() -> Iterator[Effects]:
    """Note the effects of functions wrapped by `as_node` until the context ends.

    The audit hook cannot be taken away again, but does nothing outside the context. Connections of
    LangChain's model clients do not count: they ask, and change nothing.
    """
    global _is_hooked
    if not _is_hooked:
        sys.addaudithook(_audit)
        _is_hooked = True
    effects = Effects()
    _watching.append(effects)
    try:
        yield effects
    finally:
        _watching.remove(effects)


def as_node(node: str, function: Callable[..., Any], is_async: bool) -> Callable[..., Any]:
    """A node's function whose effects are noted under the node's path."""

    @wraps(function)
    async def noted_async(*args: Any, **kwargs: Any) -> Any:
        token = _NODE.set(node)
        try:
            return await function(*args, **kwargs)
        finally:
            _NODE.reset(token)

    @wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        token = _NODE.set(node)
        try:
            return function(*args, **kwargs)
        finally:
            _NODE.reset(token)

    return noted_async if is_async else noted


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _watching:
        return
    node = _NODE.get()
    if node is None:
        return
    name = event if event in _EVENTS else _opening(event, args)
    if name is None or (name == "socket.connect" and _in_a_model_call()):
        return
    for effects in _watching:
        effects.by_node.setdefault(node, set()).add(name)


def _opening(event: str, args: tuple[Any, ...]) -> str | None:
    if event != "open":
        return None
    path, mode, flags = args
    writes = set(mode) & set("wax+") if isinstance(mode, str) else flags & _WRITES
    # Modules that are imported while a node runs are compiled.
    is_cache = isinstance(path, str) and "__pycache__" in path
    return "open for writing" if writes and not is_cache else None


def _in_a_model_call() -> bool:
    frame: Any = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(_MODEL_FRAMES):
            return True
        frame = frame.f_back
    return False
