"""Node caches in memory: the user's keep their contents, lgprof's requests fill copies."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

from langgraph.cache.memory import InMemoryCache

from lgprof.langgraph_adapter.graphs import AnyGraph


class PrivateCaches:
    """One copy of each `InMemoryCache`, with what it held when it was first asked for."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[Any, Any]] = {}
        """By the original's id; the original is held so that no other takes its id."""

    def of(self, cache: Any) -> Any:
        """The copy of a cache in memory; any other cache itself."""
        contents = getattr(cache, "_cache", None)
        if not isinstance(cache, InMemoryCache) or not isinstance(contents, dict):
            return cache
        known = self._copies.get(id(cache))
        if known is None:
            private: Any = copy.copy(cache)
            with cache._lock:
                private._cache = {space: dict(entries) for space, entries in contents.items()}
            known = self._copies.setdefault(id(cache), (cache, private))
        return known[1]

    def prepare(self, graph: AnyGraph, run_id: UUID) -> AnyGraph:
        """The graph, or a copy of it with the private cache."""
        return self.private(graph)

    def private(self, graph: AnyGraph) -> AnyGraph:
        """The same, of a run without an id."""
        private = self.of(graph.cache)
        if private is graph.cache:
            return graph
        prepared = copy.copy(graph)
        prepared.cache = private
        return prepared
