"""Stand-ins for what a graph keeps between requests, so that trying a change leaves no trace.

Threads, stores and caches of the user are not written: each copy of a graph that is tried gets
stand-ins of its own. What was in an in-memory store or cache is there in the stand-in; of any other
store it can be read through it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from uuid import UUID

from langgraph.cache.base import BaseCache
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from lgprof.langgraph_adapter.caches import PrivateCaches
from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.overlay_store import OverlayStore
from lgprof.langgraph_adapter.rewire import current_form

MakeSaver = Callable[[BaseCheckpointSaver[Any]], BaseCheckpointSaver[Any] | None]
"""A stand-in of the same kind as a checkpointer, or None for one in memory."""


class StandIns:
    """Those of one copy of a graph, made when they are first needed.

    Args:
        make_saver: Makes checkpointers that are not in memory.
    """

    def __init__(self, make_saver: MakeSaver = lambda saver: None) -> None:
        self._make_saver = make_saver
        self._caches = PrivateCaches()
        self._made: dict[int, tuple[Any, Any]] = {}
        """By the original's id; the original is held so that no other takes its id."""
        self.notes: set[str] = set()
        """What stands for what, in words, where it behaves in another way."""

    def prepare(self, graph: AnyGraph, run_id: UUID | None = None) -> AnyGraph:
        """The graph to run in place of one: its current form, with the stand-ins."""
        graph = current_form(graph)
        saver, store, cache = graph.checkpointer, graph.store, graph.cache
        parts = {
            "checkpointer": self._of(saver, self._saver) if _is_saver(saver) else saver,
            "store": self._of(store, self._store) if store is not None else None,
            "cache": self._of(cache, self._cache) if cache is not None else None,
        }
        if all(getattr(graph, name) is part for name, part in parts.items()):
            return graph
        prepared = copy.copy(graph)
        for name, part in parts.items():
            setattr(prepared, name, part)
        return prepared

    def _of(self, original: Any, make: Callable[[Any], Any]) -> Any:
        known = self._made.get(id(original))
        if known is None:
            made = make(original)
            known = self._made[id(original)] = (original, made)
            self._made[id(made)] = (made, made)
        return known[1]

    def _saver(self, saver: BaseCheckpointSaver[Any]) -> BaseCheckpointSaver[Any]:
        if isinstance(saver, InMemorySaver):
            return InMemorySaver(serde=saver.serde)
        made = self._make_saver(saver)
        if made is not None:
            return made
        self.notes.add(f"a checkpointer in memory stood for {type(saver).__name__}")
        return InMemorySaver(serde=saver.serde)

    def _store(self, store: BaseStore) -> BaseStore:
        if isinstance(store, InMemoryStore):
            return _copied(store)
        self.notes.add(f"writes to {type(store).__name__} were kept in memory")
        return OverlayStore(store)

    def _cache(self, cache: BaseCache[Any]) -> BaseCache[Any]:
        private: BaseCache[Any] = self._caches.of(cache)
        if private is not cache:
            return private
        self.notes.add(f"an empty cache in memory stood for {type(cache).__name__}")
        return InMemoryCache()


def _is_saver(checkpointer: object) -> bool:
    return isinstance(checkpointer, BaseCheckpointSaver)


def _copied(store: InMemoryStore) -> InMemoryStore:
    twin: Any = copy.copy(store)
    for name in ("_data", "_vectors"):
        contents = getattr(store, name, None)
        if contents is not None:
            setattr(twin, name, _deep(contents))
    typed: InMemoryStore = twin
    return typed


def _deep(contents: Any) -> Any:
    try:
        return copy.deepcopy(contents)
    except Exception:  # values that refuse to be copied are shared, their places are not
        twin = copy.copy(contents)
        for key, items in contents.items():
            twin[key] = copy.copy(items)
        return twin
