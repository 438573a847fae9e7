"""What a graph is: found behind wrappers, described, hosted on a copy, never changed.

Everything here that touches LangGraph's internals degrades to "unknown" where a version lacks it.
"""

from __future__ import annotations

import copy
import dataclasses
import dis
import functools
import sys
import sysconfig
import types
import typing
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import langgraph.func
import langgraph.types
import typing_extensions
from langchain_core.runnables import (
    Runnable,
    RunnableLambda,
    RunnableParallel,
    RunnableSequence,
    RunnableWithFallbacks,
)
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.config import run_in_executor
from langchain_core.tools import BaseTool
from langgraph._internal._runnable import RunnableCallable, RunnableSeq
from langgraph.constants import END, START
from langgraph.graph.message import add_messages
from langgraph.graph.state import StateGraph
from langgraph.pregel import Pregel
from langgraph.pregel.protocol import PregelProtocol
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, TypeAdapter

from lgprof.errors import TargetError
from lgprof.model import Edge

AnyGraph = Pregel[Any, Any, Any, Any]
AnyRunnable = Runnable[Any, Any]

_STANDARD_LIBRARY = sysconfig.get_path("stdlib")
_TASK_TYPE: Any = getattr(langgraph.func, "_TaskFunction", ())
_FOLLOW_DEPTH = 4
"""How many calls deep a node's own helper functions are followed."""


class RunnableGraph(NamedTuple):
    """Something to invoke, and the graph inside it (the same object where nothing wraps it)."""

    runnable: AnyRunnable
    graph: AnyGraph


# --- what is a graph ---------------------------------------------------------------------------


def is_graph(obj: object) -> bool:
    """Whether an object is a graph: compiled or not, remote, or wrapped in other runnables."""
    if isinstance(obj, StateGraph | PregelProtocol):
        return True
    return isinstance(obj, Runnable) and _inner(obj) is not None


def is_runnable(obj: object) -> bool:
    """Whether an object is made to be invoked, graph or not (a chat model, a tool)."""
    return isinstance(obj, Runnable)


def as_runnable_graph(obj: object) -> RunnableGraph:
    """Make an object invocable and find the graph in it; a builder is compiled from a copy.

    Raises:
        TargetError: It is no graph, a graph that runs elsewhere, or one that does not compile.
    """
    if isinstance(obj, StateGraph):
        compiled = _compile(obj)
        return RunnableGraph(compiled, compiled)
    inner = _inner(obj) if isinstance(obj, Runnable) else None
    if isinstance(inner, Pregel):
        return RunnableGraph(typing.cast(AnyRunnable, obj), inner)
    if inner is not None:
        raise TargetError(
            f"a {type(inner).__name__} runs in another process, where its nodes cannot be seen",
            hint="give lgprof the graph itself, in the project that serves it",
        )
    raise TargetError(
        f"{_describe(obj)} is not a LangGraph graph",
        hint="a target is a StateGraph, a compiled graph, an @entrypoint, or a function that "
        "returns one of them",
    )


def _describe(obj: object) -> str:
    if isinstance(obj, type):
        return f"the class {obj.__name__}"
    if isinstance(obj, types.ModuleType):
        return f"the module {obj.__name__}"
    return f"an object of type {type(obj).__name__}"


def _compile(builder: StateGraph[Any, Any, Any, Any]) -> AnyGraph:
    try:
        return _builder_copy(builder).compile()
    except Exception as error:
        raise TargetError(
            f"the StateGraph does not compile: {error}", hint="check its nodes and edges"
        ) from error


def _builder_copy(builder: StateGraph[Any, Any, Any, Any]) -> StateGraph[Any, Any, Any, Any]:
    """A builder to compile: compile() writes defaults into the nodes, so they are copied too."""
    twin = copy.copy(builder)
    twin.nodes = {name: copy.copy(spec) for name, spec in builder.nodes.items()}
    twin.edges = set(builder.edges)
    twin.waiting_edges = set(builder.waiting_edges)
    twin.branches = defaultdict(dict, {key: dict(b) for key, b in builder.branches.items()})
    twin.compiled = False
    defaults = getattr(builder, "_node_defaults", None)
    if defaults is not None and "__default_error_handler__" in builder.nodes:
        # The user compiled it before: the defaults are in the nodes, and again would be an error.
        twin._node_defaults = type(defaults)()
    return twin


def _inner(runnable: AnyRunnable) -> PregelProtocol[Any, Any, Any, Any] | None:
    """The first graph in a runnable, through bindings, retries, fallbacks and sequences."""
    if isinstance(runnable, PregelProtocol):
        return runnable
    found = (_inner(part) for part in _wrapped(runnable))
    return next((graph for graph in found if graph is not None), None)


def _wrapped(runnable: AnyRunnable) -> list[AnyRunnable]:
    if isinstance(runnable, RunnableBindingBase):
        return [runnable.bound]
    if isinstance(runnable, RunnableWithFallbacks):
        return [runnable.runnable]
    if isinstance(runnable, RunnableSequence):
        return list(runnable.steps)
    return []


def replace_graph(runnable: AnyRunnable, old: AnyGraph, new: AnyGraph) -> AnyRunnable:
    """A copy of a runnable in which one graph stands in for another; the original stays.

    Args:
        runnable: What holds ``old``: the graph itself, or wrappers around it.
        old: The graph to replace.
        new: What takes its place.

    Returns:
        ``new`` itself where ``runnable`` is the graph; ``runnable`` where it holds no such graph.
    """
    if runnable is old:
        return new
    parts = _wrapped(runnable)
    replaced = [replace_graph(part, old, new) for part in parts]
    if all(a is b for a, b in zip(parts, replaced, strict=True)):
        return runnable
    return _rewrapped(runnable, replaced)


def _rewrapped(wrapper: AnyRunnable, parts: list[AnyRunnable]) -> AnyRunnable:
    twin = copy.copy(wrapper)
    # Pydantic models, but not validated on assignment: names and configs stay as they are.
    if isinstance(twin, RunnableBindingBase):
        twin.bound = parts[0]
    elif isinstance(twin, RunnableWithFallbacks):
        twin.runnable = parts[0]
    elif isinstance(twin, RunnableSequence):
        twin.first, *twin.middle, twin.last = parts
    return twin


# --- what it looks like ------------------------------------------------------------------------


def structure(graph: AnyGraph) -> tuple[list[str], list[Edge]]:
    """The nodes of a graph (error handlers included) and the edges that it declares.

    Edges from and to ``__start__`` and ``__end__`` are kept; the two are no nodes. Where LangGraph
    cannot draw the graph, there are no edges.
    """
    nodes = [name for name in graph.nodes if name not in (START, END)]
    try:
        drawn = graph.get_graph().edges
    except Exception:  # drawing runs the graph's writers on empty input, which may raise anything
        drawn = []
    conditional: dict[tuple[str, str], bool] = {}
    for edge in drawn:
        pair = (edge.source, edge.target)
        # Two ways between the same nodes are one edge, certain if one of them is.
        conditional[pair] = edge.conditional and conditional.get(pair, True)
    return nodes, [
        Edge(source=source, target=target, conditional=maybe)
        for (source, target), maybe in conditional.items()
    ]


def input_json_schema(graph: AnyGraph) -> dict[str, Any]:
    """The JSON Schema of a graph's input; ``{}`` where it takes anything.

    LangGraph's own answer fails on ``typing.TypedDict`` before Python 3.12 and on fields of
    arbitrary classes: then it is put together from the fields that have one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # defaults without a JSON form only warn
        try:
            schema = graph.get_input_jsonschema()
        except Exception:
            schema = _schema_of_type(_input_type(graph))
    return _with_messages_named(schema, graph)


def _with_messages_named(schema: dict[str, Any], graph: AnyGraph) -> dict[str, Any]:
    """Say of ``Annotated[list, add_messages]`` what its plain ``list`` does not: what is in it."""
    for name, field in schema.get("properties", {}).items():
        takes_messages = getattr(graph.channels.get(name), "operator", None) is add_messages
        if takes_messages and field.get("type") == "array" and not field.get("items"):
            field["items"] = {"title": "BaseMessage", "type": "object"}
    return schema


def _input_type(graph: AnyGraph) -> Any:
    builder = getattr(graph, "builder", None)
    if builder is not None:
        return builder.input_schema
    channel = graph.channels.get(START)
    return getattr(channel, "UpdateType", Any)


def _schema_of_type(kind: Any) -> dict[str, Any]:
    hints = _hints(kind) if isinstance(kind, type) else {}
    if not hints:
        return _type_schema(kind)
    adapters: dict[str, TypeAdapter[Any]] = {}
    for name, hint in hints.items():
        try:
            adapters[name] = TypeAdapter(_accepted_by_pydantic(hint))
            adapters[name].json_schema()
        except Exception:
            adapters[name] = TypeAdapter(Any)
    by_name, shared = TypeAdapter.json_schemas(
        [(name, "validation", adapter) for name, adapter in adapters.items()]
    )
    return {
        "type": "object",
        "title": kind.__name__,
        "properties": {name: schema for (name, _), schema in by_name.items()},
        "required": _required(kind, hints),
        **shared,
    }


def _type_schema(kind: Any) -> dict[str, Any]:
    try:
        return TypeAdapter(_accepted_by_pydantic(kind)).json_schema()
    except Exception:
        return {}


def _hints(kind: type) -> dict[str, Any]:
    """A state class's fields; those of builtins and classes without annotations are none."""
    try:
        return {
            name: hint
            for name, hint in typing_extensions.get_type_hints(kind).items()
            if _origin(hint) is not typing.ClassVar
        }
    except Exception:
        return {}


def _origin(hint: Any) -> Any:
    return typing.get_origin(hint)


def _required(kind: type, hints: Mapping[str, Any]) -> list[str]:
    required_keys = getattr(kind, "__required_keys__", None)
    if required_keys is not None:
        return [name for name in hints if name in required_keys]
    if dataclasses.is_dataclass(kind):
        missing = dataclasses.MISSING
        fields = dataclasses.fields(kind)
        return [f.name for f in fields if f.default is missing and f.default_factory is missing]
    model_fields = getattr(kind, "model_fields", {})
    return [name for name, info in model_fields.items() if info.is_required()]


def _accepted_by_pydantic(hint: Any, within: tuple[Any, ...] = ()) -> Any:
    """A type hint with each ``typing.TypedDict`` in it remade in the form that pydantic takes."""
    if typing_extensions.is_typeddict(hint) and sys.version_info < (3, 12):
        if hint in within:
            return dict[str, Any]
        fields = {
            name: typing_extensions.Required[_accepted_by_pydantic(field, (*within, hint))]
            if name in hint.__required_keys__
            else typing_extensions.NotRequired[_accepted_by_pydantic(field, (*within, hint))]
            for name, field in typing_extensions.get_type_hints(hint).items()
        }
        make: Any = typing_extensions.TypedDict
        return make(hint.__name__, fields)
    origin = _origin(hint)
    arguments = typing.get_args(hint)
    if not arguments or origin in (typing.Literal, typing.Annotated):
        return hint
    remade = tuple(_accepted_by_pydantic(argument, within) for argument in arguments)
    if all(a is b for a, b in zip(arguments, remade, strict=True)):
        return hint
    return typing.Union[remade] if isinstance(hint, types.UnionType) else origin[remade]  # noqa: UP007


# --- what its host supplies --------------------------------------------------------------------


def with_host(runnable: AnyRunnable, *, checkpointer: Any, store: Any) -> AnyRunnable:
    """A copy of a runnable whose graph has what the host of a graph supplies.

    Args:
        runnable: A graph, or wrappers around one. It is not changed.
        checkpointer: For a graph without one; None supplies none. A graph compiled with
            ``checkpointer=False`` stays without.
        store: For a graph without one; None supplies none.
    """
    graph = as_runnable_graph(runnable).graph
    # copy(), because Pregel.copy() drops what compile() sets after construction.
    hosted = copy.copy(graph)
    if (
        checkpointer is not None
        and not _has_checkpointer(graph)
        and graph.checkpointer is not False
    ):
        hosted.checkpointer = checkpointer
    if store is not None and graph.store is None:
        hosted.store = store
    return replace_graph(runnable, graph, hosted)


def _has_checkpointer(graph: AnyGraph) -> bool:
    # True means "the parent's", which a graph that stands alone does not have.
    return graph.checkpointer is not None and not isinstance(graph.checkpointer, bool)


def needs_checkpointer(graph: AnyGraph, *, resumes: bool = False, has_thread: bool = False) -> bool:
    """Whether a graph that has no checkpointer can only work with one.

    Args:
        graph: The graph.
        resumes: Interrupts are to be answered (``--resume``).
        has_thread: The configuration names a ``thread_id``.
    """
    if _has_checkpointer(graph) or graph.checkpointer is False:
        return False
    return (
        resumes
        or has_thread
        or any(
            inner.interrupt_before_nodes
            or inner.interrupt_after_nodes
            or inner.checkpointer is True
            for inner in all_graphs(graph)
        )
        or any(_mentions_interrupt(function) for function in _all_functions(graph))
    )


def default_context(graph: AnyGraph) -> dict[str, Any] | None:
    """The context where nobody gives one: empty if every field of its schema has a default.

    None where there is no such schema, so that the graph runs without.
    """
    schema: Any = graph.context_schema
    if not (
        isinstance(schema, type)
        and (dataclasses.is_dataclass(schema) or issubclass(schema, BaseModel))
    ):
        return None
    try:
        schema()
    except (TypeError, ValueError):  # a field without a default; pydantic's error is a ValueError
        return None
    return {}


def server_runtime() -> object:
    """What the LangGraph server gives to a graph factory besides the configuration."""
    store = InMemoryStore()
    fields: dict[str, Any] = {"access_context": "threads.create_run", "user": None, "store": store}
    try:
        from langgraph_sdk.runtime import _ExecutionRuntime

        return _ExecutionRuntime(**fields, context=None)
    except (ImportError, TypeError):  # not in every version, and not stable yet
        runtime = types.SimpleNamespace(**fields, context=None)
        runtime.execution_runtime = runtime
        return runtime


# --- how it runs -------------------------------------------------------------------------------


def preferred_mode(graph: AnyGraph) -> Literal["async", "sync"]:
    """How a graph wants to be run: async as soon as a part of it has no synchronous form.

    What has both forms, or hides which it has (a chat model, a prebuilt tool node), decides
    nothing.
    """
    graphs = list(all_graphs(graph))
    parts = [part for inner in graphs for part in _parts(inner)]
    hosts = [host for inner in graphs for host in (inner.checkpointer, inner.store)]
    only_async = (
        any(_is_async_only(part) for part in parts)
        or any(_is_async_tool(tool) for part in parts for tool in _tools(part))
        or any(type(host).__name__.startswith("Async") for host in hosts)
    )
    return "async" if only_async else "sync"


def _is_async_only(part: object) -> bool:
    if not isinstance(part, RunnableCallable | RunnableLambda):
        return False
    afunc = getattr(part, "afunc", None)
    is_native = afunc is not None and getattr(afunc, "func", None) is not run_in_executor
    return is_native and getattr(part, "func", None) is None


def _is_async_tool(tool: object) -> bool:
    coroutine = getattr(tool, "coroutine", None)
    return coroutine is not None and getattr(tool, "func", None) is None


# --- walking a graph ---------------------------------------------------------------------------


def all_graphs(graph: AnyGraph) -> Iterator[AnyGraph]:
    """A graph and those in its nodes, at any depth, also those called inside plain functions."""
    seen: set[int] = set()
    waiting = [graph]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        declared = [sub for node in current.nodes.values() for sub in node.subgraphs]
        reached = [value for function in _functions(current) for value in _outer_values(function)]
        candidates: list[object] = [*declared, *_parts(current), *reached]
        waiting += [sub for sub in candidates if isinstance(sub, Pregel)]


def _all_functions(graph: AnyGraph) -> Iterator[types.FunctionType]:
    for inner in all_graphs(graph):
        yield from _functions(inner)


def _functions(graph: AnyGraph) -> list[types.FunctionType]:
    """The functions of a graph's nodes, routers and tools, and the helpers that these call."""
    found: dict[int, types.FunctionType] = {}
    waiting = [(candidate, 0) for part in _parts(graph) for candidate in _callables(part)]
    while waiting:
        candidate, depth = waiting.pop()
        for function, owner in _plain_functions(candidate):
            if id(function.__code__) in found or depth > _FOLLOW_DEPTH:
                continue
            found[id(function.__code__)] = function
            waiting += [(helper, depth + 1) for helper in _helpers(function, owner)]
    return list(found.values())


def _parts(graph: AnyGraph) -> Iterator[AnyRunnable]:
    """The runnables that a graph's nodes and routers are made of."""
    for node in graph.nodes.values():
        yield from _leaves(node.bound)
    branches = getattr(getattr(graph, "builder", None), "branches", {})
    for by_name in branches.values():
        for branch in by_name.values():
            yield from _leaves(branch.path)


def _leaves(runnable: AnyRunnable) -> Iterator[AnyRunnable]:
    if isinstance(runnable, RunnableBindingBase):
        yield from _leaves(runnable.bound)
    elif isinstance(runnable, RunnableSeq | RunnableSequence):
        for step in runnable.steps:
            yield from _leaves(step)
    elif isinstance(runnable, RunnableParallel):
        for step in runnable.steps__.values():
            yield from _leaves(step)
    else:
        yield runnable


def _tools(part: object) -> list[object]:
    by_name = getattr(part, "tools_by_name", None)
    return list(by_name.values()) if isinstance(by_name, Mapping) else []


def _callables(part: object) -> list[object]:
    holders = [part, *_tools(part)]
    return [
        getattr(holder, name, None) for holder in holders for name in ("func", "afunc", "coroutine")
    ]


def _plain_functions(candidate: object) -> Iterator[tuple[types.FunctionType, object]]:
    """The Python functions behind a callable, each with the object whose method it is, or None.

    Behind partials, methods, decorators that keep what they wrap, tasks and callable objects.
    """
    owner: object = None
    while True:
        if isinstance(candidate, functools.partial):
            runs_in_executor = candidate.func is run_in_executor
            candidate = candidate.args[-1] if runs_in_executor else candidate.func
        elif isinstance(candidate, types.MethodType):
            owner = candidate.__self__
            candidate = candidate.__func__
        elif isinstance(candidate, types.FunctionType):
            yield candidate, owner
            candidate = getattr(candidate, "__wrapped__", None)
        elif isinstance(candidate, _TASK_TYPE):
            candidate = getattr(candidate, "func", None)
        elif isinstance(candidate, Pregel | type) or not callable(candidate):
            return
        else:
            call = getattr(type(candidate), "__call__", None)  # noqa: B004
            if not isinstance(call, types.FunctionType):
                return
            candidate, owner = call, candidate


def _codes(function: types.FunctionType) -> list[types.CodeType]:
    """A function's code and that of the functions, lambdas and comprehensions in it."""
    codes = [function.__code__]
    for code in codes:
        codes += [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return codes


def _names(function: types.FunctionType) -> set[str]:
    """Names of globals, attributes and imports."""
    return {name for code in _codes(function) for name in code.co_names}


def _outer_values(function: types.FunctionType) -> list[object]:
    """What a function sees beyond its own scope: captured variables, and globals it names."""
    return [*_captured_values(function), *_named_globals(function)]


def _captured_values(function: types.FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a variable that is not set yet
            continue


def _named_globals(function: types.FunctionType) -> list[object]:
    instructions = [one for code in _codes(function) for one in dis.get_instructions(code)]
    names = {one.argval for one in instructions if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return [function.__globals__[name] for name in names if name in function.__globals__]


def _helpers(function: types.FunctionType, owner: object) -> Iterator[object]:
    """What a function may call: captured functions, those of its project, its object's methods."""
    yield from _captured_values(function)
    for value in _named_globals(function):
        for helper in [value, *(_callables(value) if isinstance(value, BaseTool) else ())]:
            if any(_is_of_project(plain, function) for plain, _ in _plain_functions(helper)):
                yield helper
    if owner is not None:
        methods = (getattr(type(owner), name, None) for name in _names(function))
        yield from (types.MethodType(m, owner) for m in methods if callable(m))


def _is_of_project(helper: types.FunctionType, caller: types.FunctionType) -> bool:
    """Whether a helper is the user's own code, or of the same package as its caller."""
    package, caller_package = (
        (plain.__module__ or "").partition(".")[0] for plain in (helper, caller)
    )
    return package == caller_package or not _is_library_file(helper.__code__.co_filename)


def _is_library_file(path: str) -> bool:
    in_packages = "site-packages" in path or "dist-packages" in path
    return in_packages or path.startswith((_STANDARD_LIBRARY, "<frozen"))


def _mentions_interrupt(function: types.FunctionType) -> bool:
    if any(value is langgraph.types.interrupt for value in _outer_values(function)):
        return True
    names = _names(function)
    # ``types.interrupt(...)``, or an import inside the function.
    return "interrupt" in names and (
        "langgraph.types" in names
        or any(value is langgraph.types for value in _outer_values(function))
        or ("langgraph" in names and "types" in names)
    )


__all__ = [
    "AnyGraph",
    "AnyRunnable",
    "RunnableGraph",
    "all_graphs",
    "as_runnable_graph",
    "input_json_schema",
    "is_graph",
    "is_runnable",
    "needs_checkpointer",
    "preferred_mode",
    "replace_graph",
    "server_runtime",
    "structure",
    "with_host",
]
