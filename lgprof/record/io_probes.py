"""Times the operations of checkpointers, caches and stores, on copies that share their contents."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from langgraph.cache.base import BaseCache
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.store.base import BaseStore

from lgprof.clock import Clock
from lgprof.record.event_log import IoEvent, Recording
from lgprof.record.origin import origin

Hits = Callable[[Any], tuple[str, ...]]


def _no_hits(result: Any) -> tuple[str, ...]:
    return ()


class IoLog:
    """Where the operations of one graph run are noted."""

    def __init__(self, recording: Recording, clock: Clock, graph_run: int) -> None:
        self._events = recording.io
        self._now_ns = clock.now_ns
        self._graph_run = graph_run

    def timed(
        self, kind: str, name: str, function: Callable[..., Any], hits: Hits = _no_hits
    ) -> Callable[..., Any]:
        """The function, noting each call."""

        @wraps(function)
        def timed_call(*args: Any, **kwargs: Any) -> Any:
            start_ns = self._now_ns()
            result = None
            try:
                result = function(*args, **kwargs)
                return result
            finally:
                self._note(kind, name, start_ns, hits(result), args)

        return timed_call

    def timed_async(
        self, kind: str, name: str, function: Callable[..., Any], hits: Hits = _no_hits
    ) -> Callable[..., Any]:
        """The coroutine function, noting each call."""

        @wraps(function)
        async def timed_call(*args: Any, **kwargs: Any) -> Any:
            start_ns = self._now_ns()
            result = None
            try:
                result = await function(*args, **kwargs)
                return result
            finally:
                self._note(kind, name, start_ns, hits(result), args)

        return timed_call

    def _note(
        self, kind: str, name: str, start_ns: int, hits: tuple[str, ...], args: tuple[Any, ...]
    ) -> None:
        end_ns = self._now_ns()
        scope = (origin() if kind == "store" else 0) or self._graph_run
        namespace = _namespace_of(args[0]) if kind == "checkpoint" and args else ""
        self._events.append(
            IoEvent(kind, name, start_ns, end_ns, scope, hits, hash(namespace) if namespace else 0)
        )


def _namespace_of(config: dict[str, Any]) -> str:
    """Of the graph that a checkpointer is called for."""
    namespace: str = config.get("configurable", {}).get("checkpoint_ns", "")
    return namespace


def probed_saver(saver: BaseCheckpointSaver[Any], log: IoLog) -> BaseCheckpointSaver[Any]:
    """A copy of a checkpointer: same class, same contents."""
    probed = copy.copy(saver)
    for name in ("get_tuple", "put", "put_writes"):
        setattr(probed, name, log.timed("checkpoint", name, getattr(saver, name)))
        setattr(probed, f"a{name}", log.timed_async("checkpoint", name, getattr(saver, f"a{name}")))
    return probed


def probed_cache(cache: BaseCache[Any], log: IoLog) -> BaseCache[Any]:
    """A copy of a node cache: same class, same contents."""
    probed: Any = copy.copy(cache)
    probed.get = log.timed("cache", "get", cache.get, _nodes_of)
    probed.aget = log.timed_async("cache", "get", cache.aget, _nodes_of)
    probed.set = log.timed("cache", "set", cache.set)
    probed.aset = log.timed_async("cache", "set", cache.aset)
    typed: BaseCache[Any] = probed
    return typed


def _nodes_of(found: dict[Any, Any] | None) -> tuple[str, ...]:
    """LangGraph ends a cache key's namespace with the node's name."""
    return tuple(namespace[-1] for namespace, _ in found or ())


def probed_store(store: BaseStore, log: IoLog) -> BaseStore:
    """A store that forwards every operation.

    Not a copy: stores may own a task or connection that ends when a copy is collected.
    """
    return _ProbedStore(store, log)


class _ProbedStore(BaseStore):
    def __init__(self, inner: BaseStore, log: IoLog) -> None:
        self._inner = inner
        self._batch = log.timed("store", "batch", inner.batch)
        self._abatch = log.timed_async("store", "batch", inner.abatch)
        self.supports_ttl = inner.supports_ttl
        self.ttl_config = getattr(inner, "ttl_config", None)

    def batch(self, ops: Iterable[Any]) -> list[Any]:
        result: list[Any] = self._batch(ops)
        return result

    async def abatch(self, ops: Iterable[Any]) -> list[Any]:
        result: list[Any] = await self._abatch(ops)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
