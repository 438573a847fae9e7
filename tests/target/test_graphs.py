"""The adapter's view of graphs: real ones, of every kind that users write."""

from __future__ import annotations

import functools
import operator
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typing_extensions
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import StructuredTool
from langgraph import types as lg_types
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode
from langgraph.store.memory import InMemoryStore
from langgraph.types import CachePolicy, Command, interrupt
from pydantic import BaseModel, Field

from lgprof.errors import TargetError
from lgprof.langgraph_adapter.graphs import AnyGraph, as_runnable_graph, is_graph, replace_graph
from lgprof.langgraph_adapter.hosting import needs_checkpointer, with_host
from lgprof.langgraph_adapter.input_schema import input_json_schema
from lgprof.langgraph_adapter.mode import preferred_mode
from lgprof.langgraph_adapter.structure import structure
from lgprof.langgraph_adapter.walk import all_graphs
from lgprof.model import Edge
from lgprof.target import inputs_from_schema


class State(typing_extensions.TypedDict, total=False):
    a: int
    items: Annotated[list[int], operator.add]


def add_one(state: State) -> State:
    return {"a": state.get("a", 0) + 1}


async def add_one_async(state: State) -> State:
    return {"a": state.get("a", 0) + 1}


def one_node(node: Any = add_one, **compile_options: Any) -> AnyGraph:
    builder = StateGraph(State).add_node("n", node).add_edge(START, "n")
    return builder.compile(**compile_options)


def edge(source: str, target: str, *, conditional: bool = False) -> Edge:
    return Edge(source=source, target=target, conditional=conditional)


# --- what is a graph ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap",
    [
        lambda graph: graph,
        lambda graph: graph.with_config({"tags": ["x"]}),
        lambda graph: graph.with_retry(),
        lambda graph: graph.with_retry().with_config(tags=["x"]),
        lambda graph: RunnableLambda(lambda x: x) | graph | RunnableLambda(lambda x: x),
        lambda graph: graph.with_fallbacks([RunnableLambda(lambda x: x)]),
    ],
)
def test_a_host_is_given_to_a_copy(wrap: Any) -> None:
    inner = one_node()
    runnable = wrap(inner)
    saver, store = InMemorySaver(), InMemoryStore()
    hosted = with_host(runnable, checkpointer=saver, store=store)
    found = as_runnable_graph(hosted).graph
    assert type(hosted) is type(runnable)
    assert (found.checkpointer, found.store) == (saver, store)
    config = {"configurable": {"thread_id": "t"}}
    assert hosted.invoke({"a": 1, "items": []}, config)["a"] == 2
    assert found.get_state({"configurable": {"thread_id": "t"}}).values["a"] == 2
    mine = as_runnable_graph(runnable).graph
    assert (mine.checkpointer, mine.store) == (None, None)
    assert runnable.invoke({"a": 1, "items": []})["a"] == 2


def test_what_a_graph_has_is_kept() -> None:
    saver, store = InMemorySaver(), InMemoryStore()
    graph = one_node(checkpointer=saver, store=store)
    hosted = with_host(graph, checkpointer=InMemorySaver(), store=InMemoryStore())
    found = as_runnable_graph(hosted).graph
    assert (found.checkpointer, found.store) == (saver, store)
    off = as_runnable_graph(
        with_host(one_node(checkpointer=False), checkpointer=saver, store=None)
    ).graph
    assert off.checkpointer is False


def test_output_types_survive_hosting() -> None:
    class Model(BaseModel):
        a: int

    graph = StateGraph(Model).add_node("n", lambda s: {"a": s.a + 1}).add_edge(START, "n").compile()
    hosted: Any = with_host(graph, checkpointer=None, store=None)
    assert hosted.invoke({"a": 1}, version="v2").value == Model(a=2)


def test_replacing_a_graph_elsewhere_changes_nothing() -> None:
    wrapped = one_node().with_retry()
    assert replace_graph(wrapped, one_node(), one_node()) is wrapped


def test_a_builder_is_compiled_from_a_copy() -> None:
    builder = StateGraph(State).add_node("n", add_one).add_edge(START, "n")
    builder.set_node_defaults(error_handler=add_one)
    before = (set(builder.nodes), builder.compiled)
    for _ in range(2):
        assert as_runnable_graph(builder).graph.invoke({"a": 1})["a"] == 2
    assert (set(builder.nodes), builder.compiled) == before
    builder.compile()
    assert as_runnable_graph(builder).graph.invoke({"a": 1})["a"] == 2


@pytest.mark.parametrize("obj", [3, "x", None, State, RunnableLambda(add_one), add_one, sys])
def test_what_is_no_graph(obj: object) -> None:
    assert not is_graph(obj)
    with pytest.raises(TargetError, match="is not a LangGraph graph"):
        as_runnable_graph(obj)


# --- structure ---------------------------------------------------------------------------------


def test_structure_of_a_graph_with_everything() -> None:
    builder = StateGraph(State)
    builder.add_node("a.b c", add_one)
    builder.add_node("goes", lambda state: Command(goto="last"), destinations=("last",))
    builder.add_node("last", add_one, error_handler=add_one)
    builder.add_edge(START, "a.b c")
    builder.add_conditional_edges("a.b c", lambda state: END, ["goes", END])
    nodes, edges = structure(builder.compile())
    assert sorted(nodes) == ["__error_handler__last", "a.b c", "goes", "last"]
    assert [one for one in edges if "__error" not in one.target] == [
        edge("__start__", "a.b c"),
        edge("a.b c", "__end__", conditional=True),
        edge("a.b c", "goes", conditional=True),
        edge("goes", "last", conditional=True),
        edge("last", "__end__"),
    ]


def test_edges_are_drawn_without_asking_for_cache_keys():
    builder = StateGraph(State)
    policy = CachePolicy(key_func=lambda state: state["missing"])
    builder.add_node("n", lambda state: {}, cache_policy=policy)
    graph = builder.add_edge(START, "n").compile(cache=InMemoryCache())
    assert [(edge.source, edge.target) for edge in structure(graph)[1]][:1] == [(START, "n")]
    assert graph.nodes["n"].cache_policy is policy


def test_structure_of_the_functional_api() -> None:
    @entrypoint()
    def flow(x: int) -> int:
        return x

    assert structure(flow)[0] == ["flow"]


def test_structure_without_a_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = one_node()
    monkeypatch.setattr(graph, "get_graph", lambda: 1 / 0)
    assert structure(graph) == (["n"], [])


# --- input schema ------------------------------------------------------------------------------


class Odd:
    pass


@dataclass
class DataState:
    q: str
    odd: Odd | None = None
    n: int = 4


class ModelState(BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    q: str = Field(min_length=9)
    odd: Odd | None = None


def _legacy_typed_dicts() -> dict[str, Any]:
    # Built by typing's own TypedDict, which pydantic refuses before Python 3.12.
    import typing

    inner = typing.TypedDict("inner", {"x": int, "y": typing_extensions.NotRequired[str]})  # noqa: UP013
    fields = {
        "q": str,
        "rows": list[inner],  # type: ignore[valid-type]
        "inner": inner | None,  # type: ignore[dict-item]
        "odd": Odd,
        "messages": Annotated[list[BaseMessage], add_messages],
        "plain": Annotated[list[Any], add_messages],
    }
    return {"outer": typing.TypedDict("outer", fields)}  # type: ignore[operator,misc]


def graph_of(state: Any) -> AnyGraph:
    builder: Any = StateGraph(state)
    return builder.add_node("n", lambda state: {}).add_edge(START, "n").compile()  # type: ignore[no-any-return]


def test_schema_of_typed_dicts_with_odd_fields() -> None:
    schema = input_json_schema(graph_of(_legacy_typed_dicts()["outer"]))
    assert set(schema["required"]) == {"q", "rows", "inner", "odd", "messages", "plain"}
    hello = [{"role": "user", "content": "Hello"}]
    assert inputs_from_schema(schema).items == [
        {
            "q": "example",
            "rows": [],
            "inner": {"x": 1, "y": "example"},
            "odd": {},
            "messages": hello,
            "plain": hello,
        }
    ]


@pytest.mark.parametrize(
    ("state", "required", "made"),
    [
        (DataState, ["q"], {"q": "example", "n": 1}),
        (ModelState, ["q"], {"q": "example"}),
    ],
)
def test_schema_of_classes_with_odd_fields(state: Any, required: list[str], made: Any) -> None:
    schema = input_json_schema(graph_of(state))
    assert schema["required"] == required
    assert made.items() <= inputs_from_schema(schema).items[0].items() | made.items()


def test_schema_of_pydantic_and_messages() -> None:
    class Clean(BaseModel):
        q: str = Field(min_length=9)
        n: int = Field(ge=5)
        kind: str = "fixed"

    made = inputs_from_schema(input_json_schema(graph_of(Clean))).items[0]
    assert made == {"q": "exampleee", "n": 5, "kind": "fixed"}
    assert Clean(**made)
    messages = inputs_from_schema(input_json_schema(graph_of(MessagesState))).items
    assert messages == [{"messages": [{"role": "user", "content": "Hello"}]}]


def test_schema_of_the_functional_api() -> None:
    @entrypoint()
    def typed(x: int) -> int:
        return x

    @entrypoint()
    def untyped(x):  # type: ignore[no-untyped-def]
        return x

    @entrypoint()
    def odd(x: Odd) -> None:
        return None

    assert inputs_from_schema(input_json_schema(typed)).items == [1]
    assert inputs_from_schema(input_json_schema(untyped)).items == [{}]
    assert inputs_from_schema(input_json_schema(odd)).items == [{}]


# --- what needs a checkpointer -----------------------------------------------------------------


def asks(state: State) -> State:
    return {"a": interrupt("how many?")}


def asks_by_module(state: State) -> State:
    return {"a": lg_types.interrupt("how many?")}


def asks_by_local_import(state: State) -> State:
    from langgraph.types import interrupt as ask

    return {"a": ask("how many?")}


def asks_in_comprehension(state: State) -> State:
    return {"a": sum(interrupt(i) for i in range(2))}


def helper() -> int:
    return helpers_helper()


def helpers_helper() -> int:
    return int(interrupt("how many?"))


def asks_by_helper(state: State) -> State:
    return {"a": helper()}


def logged(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


class Agent:
    def node(self, state: State) -> State:
        return {"a": self._ask()}

    def _ask(self) -> int:
        return int(interrupt("how many?"))

    def __call__(self, state: State) -> State:
        return asks(state)


async def asks_async(state: State) -> State:
    return {"a": interrupt("how many?")}


def interrupt_in_name_only(state: State) -> State:
    signal: Any = state
    return {"a": signal.interrupt}


def ask_human(question: str) -> str:
    """Ask."""
    return str(interrupt(question))


SUBGRAPH = one_node(asks)


def calls_subgraph(state: State) -> State:
    return SUBGRAPH.invoke(state)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (asks, True),
        (asks_by_module, True),
        (asks_by_local_import, True),
        (asks_in_comprehension, True),
        (asks_by_helper, True),
        (logged(asks), True),
        (functools.partial(asks), True),
        (Agent().node, True),
        (Agent(), True),
        (asks_async, True),
        (RunnableLambda(asks) | RunnableLambda(add_one), True),
        (RunnableLambda(asks).with_config(tags=["x"]), True),
        (SUBGRAPH, True),
        (calls_subgraph, True),
        (ToolNode([StructuredTool.from_function(ask_human)]), True),
        (one_node(interrupt_before=["n"]), True),
        (one_node(checkpointer=True), True),
        (add_one, False),
        (logged(add_one), False),
        (interrupt_in_name_only, False),
        (one_node(), False),
        (ToolNode([StructuredTool.from_function(len, name="x", description="x")]), False),
        (FakeListChatModel(responses=["x"]), False),
    ],
)
def test_needs_a_checkpointer_by_its_nodes(node: Any, expected: bool) -> None:
    assert needs_checkpointer(one_node(node)) is expected


def test_needs_a_checkpointer_by_router() -> None:
    builder = StateGraph(State).add_node("n", add_one).add_edge(START, "n")
    builder.add_conditional_edges("n", lambda state: str(interrupt("where?")), [END])
    assert needs_checkpointer(builder.compile())


def test_needs_a_checkpointer_by_request() -> None:
    graph = one_node()
    assert not needs_checkpointer(graph)
    assert needs_checkpointer(graph, resumes=True)
    assert needs_checkpointer(graph, has_thread=True)
    assert needs_checkpointer(one_node(interrupt_after="*"))
    assert not needs_checkpointer(one_node(asks, checkpointer=InMemorySaver()), resumes=True)
    assert not needs_checkpointer(one_node(asks, checkpointer=False), has_thread=True)


def test_needs_a_checkpointer_in_the_functional_api() -> None:
    @entrypoint()
    def flow(x: int) -> int:
        return int(interrupt(x))

    @task
    def ask(x: int) -> int:
        return int(interrupt(x))

    @entrypoint()
    def by_task(x: int) -> int:
        return ask(x).result()

    assert needs_checkpointer(flow)
    assert needs_checkpointer(by_task)


# --- mode --------------------------------------------------------------------------------------


class AsyncOnlySaver(InMemorySaver):
    pass


async def look_up(x: int) -> int:
    """Look up."""
    return x


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (add_one, "sync"),
        (add_one_async, "async"),
        (functools.partial(add_one_async), "async"),
        (one_node(add_one_async), "async"),
        (one_node(one_node(add_one_async)), "async"),
        (RunnableLambda(add_one) | RunnableLambda(add_one_async), "async"),
        (RunnableLambda(add_one, afunc=add_one_async), "sync"),
        (FakeListChatModel(responses=["x"]), "sync"),
        (ToolNode([StructuredTool.from_function(ask_human)]), "sync"),
        (ToolNode([StructuredTool.from_function(coroutine=look_up)]), "async"),
    ],
)
def test_mode_by_nodes(node: Any, expected: str) -> None:
    assert preferred_mode(one_node(node)) == expected


def test_mode_by_router_host_and_entrypoint() -> None:
    async def route(state: State) -> str:
        return END

    @entrypoint()
    async def flow(x: int) -> int:
        return x

    @entrypoint()
    def sync_flow(x: int) -> int:
        return x

    builder = StateGraph(State).add_node("n", add_one).add_edge(START, "n")
    builder.add_conditional_edges("n", route, [END])
    assert preferred_mode(builder.compile()) == "async"
    assert preferred_mode(one_node(checkpointer=AsyncOnlySaver())) == "async"
    assert preferred_mode(one_node(checkpointer=InMemorySaver())) == "sync"
    assert preferred_mode(flow) == "async"
    assert preferred_mode(sync_flow) == "sync"


def test_all_graphs_finds_those_called_in_functions() -> None:
    outer = one_node(one_node(calls_subgraph))
    found = list(all_graphs(outer))
    assert len(found) == 3
    assert found[0] is outer
    assert SUBGRAPH in found
