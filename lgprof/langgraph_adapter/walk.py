"""Walks a graph: the graphs in it, what its nodes are made of, the functions that they call.

What a version of LangGraph lacks is not found: nothing here fails for it.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import langgraph.errors
import langgraph.func
import langgraph.types
from langchain_core.runnables import (
    Runnable,
    RunnableParallel,
    RunnableSequence,
)
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.config import run_in_executor
from langchain_core.tools import BaseTool
from langgraph._internal._runnable import RunnableSeq
from langgraph.pregel import Pregel

from lgprof.langgraph_adapter.graphs import AnyGraph, AnyRunnable, Around
from lgprof.langgraph_adapter.uses import (
    captured,
    closure_uses,
    codes_of,
    global_uses,
    is_library_file,
    is_of_python,
    named_globals,
    names_in,
)

TASK_TYPE: Any = getattr(langgraph.func, "_TaskFunction", ())
_FRAMEWORK = ("langchain", "langchain_core", "langgraph")
_FOLLOW_DEPTH = 4
"""How many calls deep a node's own helper functions are followed."""


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
        candidates: list[object] = [*declared, *parts_of(current), *reached]
        waiting += [sub for sub in candidates if isinstance(sub, Pregel)]


def all_functions(graph: AnyGraph) -> Iterator[types.FunctionType]:
    """Functions of nodes, routers and tools at any depth, and the helpers that these call."""
    for inner in all_graphs(graph):
        yield from _functions(inner)


def _functions(graph: AnyGraph) -> list[types.FunctionType]:
    """The functions of a graph's nodes, routers and tools, and the helpers that these call."""
    return functions_of(parts_of(graph))


def functions_of(parts: Iterable[object]) -> list[types.FunctionType]:
    """The functions that runnables, tools or tasks stand for, and the helpers that these call."""
    found: dict[int, types.FunctionType] = {}
    waiting = [(candidate, 0) for part in parts for candidate in _callables(part)]
    while waiting:
        candidate, depth = waiting.pop()
        for function, owner in _plain_functions(candidate):
            if id(function.__code__) in found or depth > _FOLLOW_DEPTH:
                continue
            found[id(function.__code__)] = function
            waiting += [(helper, depth + 1) for helper in _helpers(function, owner)]
    return list(found.values())


def own_functions_of(parts: Iterable[object]) -> list[types.FunctionType]:
    """The same without those of LangGraph, LangChain and Python itself."""
    return [
        function
        for function in functions_of(parts)
        if (function.__module__ or "").partition(".")[0] not in _FRAMEWORK
        and not is_of_python(function)
    ]


def parts_of(graph: AnyGraph) -> Iterator[AnyRunnable]:
    """The runnables that a graph's nodes and routers are made of."""
    for node in graph.nodes.values():
        yield from leaves(node.bound)
    branches = getattr(getattr(graph, "builder", None), "branches", {})
    for by_name in branches.values():
        for branch in by_name.values():
            yield from leaves(branch.path)


def leaves(runnable: AnyRunnable) -> Iterator[AnyRunnable]:
    """What a runnable is made of, behind bindings, sequences and maps."""
    if isinstance(runnable, Around):
        yield from leaves(runnable.inner)
    elif isinstance(runnable, RunnableBindingBase):
        yield from leaves(runnable.bound)
    elif isinstance(runnable, RunnableSeq | RunnableSequence):
        for step in runnable.steps:
            yield from leaves(step)
    elif isinstance(runnable, RunnableParallel):
        for step in runnable.steps__.values():
            yield from leaves(step)
    else:
        yield runnable


def runnables_in(parts: Iterable[object]) -> Iterator[object]:
    """What parts, runnables or tasks, are made of."""
    for part in parts:
        if isinstance(part, Runnable):
            yield from leaves(part)
        else:
            yield part


def tools_of(part: object) -> list[object]:
    """The tools of a tool node; none of anything else."""
    by_name = getattr(part, "tools_by_name", None)
    return list(by_name.values()) if isinstance(by_name, Mapping) else []


def _callables(part: object) -> list[object]:
    holders = [part, *tools_of(part)]
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
        elif isinstance(candidate, TASK_TYPE):
            candidate = getattr(candidate, "func", None)
        elif isinstance(candidate, Pregel | type) or not callable(candidate):
            return
        else:
            call = getattr(type(candidate), "__call__", None)  # noqa: B004
            if isinstance(call, types.FunctionType):
                candidate, owner = call, candidate
            else:  # what functools makes keeps the function
                candidate = getattr(candidate, "__wrapped__", None)


def _outer_values(function: types.FunctionType) -> list[object]:
    """What a function sees beyond its own scope: captured variables, and globals it names."""
    return [*captured(function).values(), *named_globals(function).values()]


def _helpers(function: types.FunctionType, owner: object) -> Iterator[object]:
    """What a function may call: captured functions, those of its project, its objects' methods."""
    yield from captured(function).values()
    names = names_in(function)
    for value in (*captured(function).values(), *global_uses(function).values(), owner):
        for helper in (value, *_callables_of(value), *_methods_of(value, names)):
            if any(_is_of_project(plain, function) for plain, _ in _plain_functions(helper)):
                yield helper


def _callables_of(value: object) -> list[object]:
    """The callables in a tool, or in a chain at any depth."""
    if isinstance(value, BaseTool):
        return _callables(value)
    if isinstance(value, Runnable) and not isinstance(value, Pregel):
        return [item for item in _held_by(value, _FOLLOW_DEPTH) if not isinstance(item, Runnable)]
    return []


def _held_by(value: object, depth: int) -> Iterator[object]:
    """Runnables and callables in the fields of a runnable, and in theirs."""
    for item in list(getattr(value, "__dict__", {}).values()):
        items = item.values() if isinstance(item, Mapping) else item
        for one in items if isinstance(item, list | tuple | Mapping) else [item]:
            if isinstance(one, tuple):  # condition and branch
                yield from (part for part in one if callable(part))
            if callable(one) or isinstance(one, Runnable):
                yield one
            if depth and isinstance(one, Runnable) and not isinstance(one, Pregel):
                yield from _held_by(one, depth - 1)


def _methods_of(value: object, names: set[str]) -> Iterator[object]:
    """Methods by these names of an object; of a class, all that may run when one is made."""
    if value is None or isinstance(value, types.FunctionType | types.ModuleType | Pregel):
        return
    if isinstance(value, type):
        yield from (item for item in vars(value).values() if isinstance(item, types.FunctionType))
        return
    for name in names:
        method = inspect.getattr_static(type(value), name, None)
        if isinstance(method, types.FunctionType):
            yield types.MethodType(method, value)


def _is_of_project(helper: types.FunctionType, caller: types.FunctionType) -> bool:
    """Whether a helper is the user's own code, or of the same package as its caller."""
    package, caller_package = (
        (plain.__module__ or "").partition(".")[0] for plain in (helper, caller)
    )
    return package == caller_package or not is_library_file(helper.__code__.co_filename)


def mentions_interrupt(function: types.FunctionType) -> bool:
    """Whether a function names what stands still for a person, wherever it is imported."""
    return any(
        value is langgraph.types.interrupt
        or (isinstance(value, type) and issubclass(value, langgraph.errors.GraphInterrupt))
        for value in (*closure_uses(function).values(), *global_uses(function).values())
    )


def mentions_goto(function: types.FunctionType) -> bool:
    """Whether a function gives a call, such as that of a ``Command``, an argument ``goto``."""
    constants = [const for code in codes_of(function) for const in code.co_consts]
    return any(isinstance(const, tuple) and "goto" in const for const in constants)
