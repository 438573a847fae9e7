"""Graphs: found behind wrappers, made invocable, replaced in a copy, never changed."""

from __future__ import annotations

import copy
import types
import typing
from abc import abstractmethod
from collections import defaultdict
from typing import Any, NamedTuple

from langchain_core.runnables import (
    Runnable,
    RunnableSequence,
    RunnableWithFallbacks,
)
from langchain_core.runnables.base import RunnableBindingBase
from langgraph.graph.state import StateGraph
from langgraph.pregel import Pregel
from langgraph.pregel.protocol import PregelProtocol

from lgprof.errors import TargetError

AnyGraph = Pregel[Any, Any, Any, Any]
AnyRunnable = Runnable[Any, Any]


class Around(Runnable[Any, Any]):
    """Runs another runnable in its own way."""

    inner: AnyRunnable

    @abstractmethod
    def around(self, inner: AnyRunnable) -> AnyRunnable:
        """The same around something else."""


class RunnableGraph(NamedTuple):
    """Something to invoke, and the graph inside it (the same object where nothing wraps it)."""

    runnable: AnyRunnable
    graph: AnyGraph


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
        return builder_copy(builder).compile()
    except Exception as error:
        raise TargetError(
            f"the StateGraph does not compile: {error}", hint="check its nodes and edges"
        ) from error


def builder_copy(builder: StateGraph[Any, Any, Any, Any]) -> StateGraph[Any, Any, Any, Any]:
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
    if isinstance(runnable, Around):
        return [runnable.inner]
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
    if isinstance(wrapper, Around):
        return wrapper.around(parts[0])
    twin = copy.copy(wrapper)
    # Pydantic models, but not validated on assignment: names and configs stay as they are.
    if isinstance(twin, RunnableBindingBase):
        twin.bound = parts[0]
    elif isinstance(twin, RunnableWithFallbacks):
        twin.runnable = parts[0]
    elif isinstance(twin, RunnableSequence):
        twin.first, *twin.middle, twin.last = parts
    return twin
