"""What a graph keeps between requests is not written while changes are tried."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import CachePolicy
from typing_extensions import TypedDict

from lgprof.langgraph_adapter.overlay_store import OverlayStore
from lgprof.langgraph_adapter.standins import StandIns
from lgprof.whatif import CacheNode, Durability, SwapCheckpointer
from tests.proving import proven
from tests.virtual_time import VirtualTime


class State(TypedDict, total=False):
    q: int
    a: Any


async def noting(state: State, runtime: Runtime) -> dict[str, Any]:
    before = await runtime.store.asearch(("notes",))
    await runtime.store.aput(("notes",), str(state["q"]), {"q": state["q"]})
    return {"a": len(before)}


def graph_of(node: Any, **compiling: Any) -> Any:
    graph = StateGraph(State)
    graph.add_node("n", node, cache_policy=CachePolicy(key_func=lambda state: str(state["q"])))
    return graph.add_edge(START, "n").compile(**compiling)


class PersistentStore(BaseStore):
    """Stands for a server: once it is frozen, any write fails the test."""

    def __init__(self) -> None:
        self.is_frozen = False
        self.inner = InMemoryStore()
        self.inner.put(("notes",), "old", {"q": -1})
        self.inner.put(("other",), "old", {"q": -2})

    def freeze(self) -> None:
        self.is_frozen = True

    def batch(self, ops: Any) -> list[Any]:
        ops = list(ops)
        if self.is_frozen:
            assert not any(type(op).__name__ == "PutOp" for op in ops)
            assert not any(getattr(op, "refresh_ttl", False) for op in ops)
        return self.inner.batch(ops)

    async def abatch(self, ops: Any) -> list[Any]:
        return self.batch(ops)


def test_memory_is_copied_and_the_original_stays_as_it_was():
    store, saver, cache = InMemoryStore(), InMemorySaver(), InMemoryCache()
    store.put(("notes",), "old", {"q": -1})
    graph = graph_of(noting, store=store, checkpointer=saver, cache=cache)
    kept: list[Any] = []

    def remember() -> None:
        kept.extend(copy.deepcopy((store._data, saver.storage, cache._cache)))

    proof = proven(graph, [Durability("exit")], before_proof=remember)

    assert [store._data, saver.storage, cache._cache] == kept
    assert proof.evidence.control.differing == 0
    assert proof.evidence.notes == ()


def test_each_copy_has_what_it_wrote_itself():
    one, other = StandIns(), StandIns()
    graph = graph_of(noting, store=InMemoryStore(), checkpointer=InMemorySaver())

    first, second = one.prepare(graph), other.prepare(graph)
    first.store.put(("notes",), "k", {})

    assert one.prepare(first) is first
    assert one.prepare(graph).store is first.store
    assert second.store.get(("notes",), "k") is None
    assert graph.store.get(("notes",), "k") is None
    assert first.checkpointer is not second.checkpointer


def test_a_persistent_store_is_read_through_and_never_written():
    store = PersistentStore()

    proof = proven(
        graph_of(noting, store=store),
        [CacheNode("n", ("q",))],
        requests=6,
        before_proof=store.freeze,
    )

    assert proof.evidence.notes == ("writes to PersistentStore were kept in memory",)
    assert proof.evidence.failed == 0
    assert len(store.inner._data[("notes",)]) == 1 + 6  # the Profile's own requests


def test_the_overlay_answers_as_the_store_would():
    real, below = InMemoryStore(), InMemoryStore()
    for store in (real, below):
        for number in range(4):
            store.put(("a", "b"), str(number), {"n": number})
        store.put(("c",), "x", {"n": 9})
    overlay = OverlayStore(below)
    before = copy.deepcopy(below._data)

    for store in (real, overlay):
        store.put(("a", "b"), "1", {"n": 11})
        store.delete(("a", "b"), "2")
        store.put(("d",), "new", {"n": 5})

    for key in ("0", "1", "2", "9"):
        found, expected = overlay.get(("a", "b"), key), real.get(("a", "b"), key)
        assert (found and found.value) == (expected and expected.value)
    assert _values(overlay.search(("a",))) == _values(real.search(("a",)))
    assert _values(overlay.search(("a",), filter={"n": 11})) == [11]
    assert len(overlay.search(("a",), limit=2)) == 2
    assert len(overlay.search((), limit=2, offset=4)) == 1
    assert set(overlay.list_namespaces()) == set(real.list_namespaces())
    assert below._data == before


def _values(items: Any) -> list[int]:
    return sorted(item.value["n"] for item in items)


def test_a_checkpointer_on_disk_is_proven_on_another_file(tmp_path):
    file = tmp_path / "own.sqlite"

    async def plain(state: State) -> dict[str, Any]:
        return {"a": state["q"]}

    with SqliteSaver.from_conn_string(str(file)) as saver:
        saver.setup()
        content = file.read_bytes()
        graph = StateGraph(State).add_node("n", lambda state: {"a": 1}).add_edge(START, "n")
        proof = proven(
            graph.compile(checkpointer=saver),
            [SwapCheckpointer("memory")],
            requests=2,
            mode="sync",
            time=VirtualTime(),
        )
        assert file.read_bytes() == content
    assert proof.evidence.notes == ()
    assert proof.evidence.natural.differing == 0


def test_a_server_s_checkpointer_is_stood_for_in_memory_which_is_said():
    class ServerSaver(AsyncSqliteSaver):
        def __init__(self) -> None:
            self.serde = InMemorySaver().serde

    stand_ins = StandIns()
    graph = graph_of(noting, checkpointer=InMemorySaver())
    graph.checkpointer = ServerSaver()

    assert isinstance(stand_ins.prepare(graph).checkpointer, InMemorySaver)
    assert stand_ins.notes == {"a checkpointer in memory stood for ServerSaver"}


def test_a_graph_without_a_checkpointer_has_no_durability():
    proof = proven(graph_of(lambda state: {"a": 1}), [Durability("exit")])

    assert proof.reasons == ("not tried: the graph has no checkpointer",)


@pytest.mark.parametrize("kind", ["none", "memory"])
def test_checkpointers_are_swapped_on_the_copy(kind):
    async def plain(state: State) -> dict[str, Any]:
        return {"a": state["q"]}

    saver = InMemorySaver()
    proof = proven(graph_of(plain, checkpointer=saver), [SwapCheckpointer(kind)])

    assert proof.evidence.natural.differing == 0
    assert not saver.storage
