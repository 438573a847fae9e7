"""A store that reads through to another and keeps what is written to itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    PutOp,
    SearchItem,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

Namespace = tuple[str, ...]


class OverlayStore(BaseStore):
    """Writes to a store in memory over another store, which is only read.

    A search finds what was written here first; of what was written here it knows no meaning: a
    ``query`` ranks the other store's items alone.
    """

    def __init__(self, inner: BaseStore) -> None:
        self._inner = inner
        self._written = InMemoryStore()
        self._touched: set[tuple[Namespace, str]] = set()
        """What was put or deleted here, and so is not looked up below."""
        self.supports_ttl = inner.supports_ttl
        self.ttl_config = getattr(inner, "ttl_config", None)

    def batch(self, ops: Iterable[Any]) -> list[Any]:
        """Answer operations in order."""
        results: list[Any] = []
        for op in ops:
            below = self._below(op)
            found = self._inner.batch([below])[0] if below is not None else None
            results.append(self._answer(op, found))
        return results

    async def abatch(self, ops: Iterable[Any]) -> list[Any]:
        """The same, awaited."""
        results: list[Any] = []
        for op in ops:
            below = self._below(op)
            found = (await self._inner.abatch([below]))[0] if below is not None else None
            results.append(self._answer(op, found))
        return results

    def _below(self, op: Any) -> Any:
        """What to ask the other store: nothing that writes, expiry times included."""
        if isinstance(op, PutOp):
            return None
        if isinstance(op, GetOp):
            is_here = (op.namespace, op.key) in self._touched
            return None if is_here else op._replace(refresh_ttl=False)
        if isinstance(op, SearchOp):
            hidden = len(self._touched_below(op.namespace_prefix))
            return op._replace(refresh_ttl=False, offset=0, limit=op.offset + op.limit + hidden)
        return op

    def _answer(self, op: Any, found: Any) -> Any:
        if isinstance(op, PutOp):
            self._touched.add((op.namespace, op.key))
            self._written.batch([op._replace(ttl=None)])
            return None
        if isinstance(op, GetOp):
            here = (op.namespace, op.key) in self._touched
            return self._written.get(op.namespace, op.key) if here else found
        if isinstance(op, SearchOp):
            return self._searched(op, found)
        if isinstance(op, ListNamespacesOp):
            ours: Any = self._written.batch([op])[0]
            return list(dict.fromkeys([*(found or ()), *ours]))
        return found

    def _searched(self, op: SearchOp, found: Iterable[Item] | None) -> list[SearchItem]:
        touched = self._touched_below(op.namespace_prefix)
        written = op._replace(query=None, offset=0, limit=len(touched) or 1)
        ours: Any = self._written.batch([written])[0]
        below = [item for item in found or () if (item.namespace, item.key) not in touched]
        return [*ours, *below][op.offset : op.offset + op.limit]

    def _touched_below(self, prefix: Namespace) -> set[tuple[Namespace, str]]:
        return {
            (space, key) for space, key in self._touched if space[: len(prefix)] == tuple(prefix)
        }
