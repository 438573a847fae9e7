"""Sees what nodes do to the world while they run: files they write, programs, connections.

It reads Python's audit events (PEP 578). C code that raises none, and a connection that was opened
before, are not seen.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lgprof.record.origin import node_path

_EVENTS = {
    "socket.connect": "connect to a server",
    "socket.sendto": "send to a server",
    "sqlite3.connect": "open a database",
    "subprocess.Popen": "start a program",
    "os.system": "start a program",
    "os.posix_spawn": "start a program",
    "os.remove": "delete a file",
    "os.rename": "rename a file",
    "os.mkdir": "make a folder",
    "os.rmdir": "delete a folder",
    "os.truncate": "write a file",
    "os.putenv": "set an environment variable",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_READ = "read a file"
_NO_DATA = re.compile(
    r"\.(py[cdo]?|so|dll|dist-info.*)$|__pycache__|/(site|dist)-packages/|^/(proc|sys|dev)/"
)
"""Files that are code, or the system's."""
_MODEL_FRAMES = "langchain_core.language_models"
_watching: list[Effects] = []
_is_hooked = False


class Effects:
    """The effects seen, by the path of the node."""

    def __init__(self) -> None:
        self._by_node: dict[str, set[str]] = {}

    def note(self, node: str, effect: str) -> None:
        """A node was seen to do something."""
        self._by_node.setdefault(node, set()).add(effect)

    def of(self, node: str) -> list[str]:
        """What a node, and those in it, were seen to do: ``write a file``."""
        return sorted(self._seen(node) - {_READ})

    def reads_files(self, node: str) -> bool:
        """Whether a node, or one in it, was seen to read a file other than code."""
        return _READ in self._seen(node)

    def _seen(self, node: str) -> set[str]:
        inside = (
            effects
            for path, effects in self._by_node.items()
            if path == node or path.startswith(f"{node}/")
        )
        return set().union(*inside)


@contextmanager
def effects_noted() -> Iterator[Effects]:
    """Note what nodes do until the context ends; in threads, with `carried_into_threads`.

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


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _watching:
        return
    effect = _EVENTS.get(event) or _opening(event, args)
    if effect is None:
        return
    node = node_path()
    if node and not (event == "socket.connect" and _in_a_model_call()):
        for effects in _watching:
            effects.note(node, effect)


def _opening(event: str, args: tuple[Any, ...]) -> str | None:
    if event != "open":
        return None
    path, mode, flags = args
    # Modules that are imported while a node runs are read, and compiled.
    if not isinstance(path, str) or _NO_DATA.search(path):
        return None
    writes = set(mode) & set("wax+") if isinstance(mode, str) else flags & _WRITES
    return "write a file" if writes else _READ


def _in_a_model_call() -> bool:
    frame: Any = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(_MODEL_FRAMES):
            return True
        frame = frame.f_back
    return False
