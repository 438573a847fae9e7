"""Reads the code of nodes for what state tracking cannot see: shared state, clocks, injections."""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
from collections.abc import Iterable, Iterator
from typing import Any

from langchain_core.tools import BaseTool
from langgraph.pregel import Pregel
from langgraph.types import Command, Send

from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.shared_state import SharedState
from lgprof.langgraph_adapter.uses import (
    captured,
    closure_uses,
    global_uses,
    instructions_of,
    named_globals,
    names_in,
)
from lgprof.langgraph_adapter.walk import (
    TASK_TYPE,
    functions_of,
    mentions_goto,
    mentions_interrupt,
    own_functions_of,
    runnables_in,
    tools_of,
)
from lgprof.model import GOTO, NodeHints

_INJECTED = ("config", "store", "runtime", "writer")
_GETTERS = {
    "get_config": "config",
    "get_store": "store",
    "get_runtime": "runtime",
    "get_stream_writer": "writer",
    "stream_writer": "writer",
}
_CLOCK_MODULES = ("random", "secrets", "uuid", "numpy.random")
_CLOCK_NAMES = frozenset(
    {"time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "now", "utcnow"}
    | {"today", "uuid1", "uuid4", "urandom", "token_hex", "token_bytes", "token_urlsafe"}
)
_LOOPS = frozenset({"get_running_loop", "get_event_loop"})
_FILE_MODULES = frozenset({"os", "os.path", "posix", "posixpath", "genericpath", "glob", "pathlib"})
_FILE_NAMES = frozenset(
    {"exists", "isfile", "isdir", "getmtime", "getsize", "stat", "lstat", "listdir", "scandir"}
    | {"is_file", "is_dir", "iterdir", "glob", "rglob", "iglob", "walk"}
)


def node_hints(graph: AnyGraph) -> dict[str, NodeHints]:
    """Hints for each node of a graph by its path, subgraphs and functional tasks included."""
    parts = dict(node_parts(graph))
    shared = SharedState(parts.values())
    return {path: _hints(part, shared) for path, part in parts.items()}


def node_parts(graph: AnyGraph, prefix: str = "") -> Iterator[tuple[str, object]]:
    """(path, what it runs) for each node, task and node of a subgraph, at any depth."""
    yield from _node_parts(graph, prefix, frozenset({id(graph)}))


def _node_parts(
    graph: AnyGraph, prefix: str, within: frozenset[int]
) -> Iterator[tuple[str, object]]:
    for name, node in graph.nodes.items():
        if name != "__start__":
            path = f"{prefix}{name}"
            yield path, node.bound
            yield from _inside(node.bound, node.subgraphs, path, within)


def _inside(
    part: object, declared: Iterable[object], path: str, within: frozenset[int]
) -> Iterator[tuple[str, object]]:
    reached = [
        value
        for function in functions_of(runnables_in([part]))
        for value in (*captured(function).values(), *named_globals(function).values())
    ]
    seen: set[int] = set()
    for inner in (*declared, *reached):
        if id(inner) in within or id(inner) in seen:
            continue
        seen.add(id(inner))
        if isinstance(inner, Pregel):
            yield from _node_parts(inner, f"{path}/", within | {id(inner)})
        elif TASK_TYPE and isinstance(inner, TASK_TYPE):
            task: Any = inner
            yield f"{path}/{task.__name__}", task


def _hints(part: object, shared: SharedState) -> NodeHints:
    runnables = list(runnables_in([part]))
    if any(isinstance(part, Pregel) for part in runnables):
        return NodeHints()  # its nodes have their own
    functions = own_functions_of(runnables)
    return NodeHints(
        shared=list(shared.of([part])),
        clocks=_distinct(clock for function in functions for clock in _clocks(function)),
        context=_distinct([*_injected(runnables, functions), *_files(functions)]),
        tools=_distinct(_tools(runnables, functions)),
        control=_distinct(_control(functions)),
        opaque=not functions_of(runnables),
    )


def _distinct(found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(found))


def _clocks(function: types.FunctionType) -> Iterator[str]:
    for name, value in (*global_uses(function).items(), *closure_uses(function).items()):
        if _is_clock(value):
            yield name
    used = {
        one.argval
        for one in instructions_of(function)
        if one.opname in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM")
    }
    for name in sorted(_CLOCK_NAMES & used):
        yield name
    if "time" in used and _LOOPS & names_in(function):
        yield "loop.time"


def _is_clock(value: object) -> bool:
    if isinstance(value, type):
        return value.__name__ == "SystemRandom"
    module = getattr(value, "__module__", None) or ""
    owner = getattr(value, "__self__", None)
    if not callable(value):
        return False
    if module == "time" or (isinstance(owner, types.ModuleType) and owner.__name__ == "time"):
        return getattr(value, "__name__", "") != "sleep"
    owned_by = type(owner).__module__ if owner is not None else ""
    return any(name.startswith(_CLOCK_MODULES) for name in (module, owned_by))


def _injected(runnables: list[object], functions: list[types.FunctionType]) -> Iterator[str]:
    given = {known for part in runnables for known in _INJECTED if known in _parameters_of(part)}
    named = set().union(*map(names_in, functions))
    given |= {what for name, what in _GETTERS.items() if name in named}
    if "runtime" in given and "store" in named:
        given.add("store")
    yield from (known for known in _INJECTED if known in given)


def _files(functions: list[types.FunctionType]) -> Iterator[str]:
    """Looks at the file system that open no file, and so are not seen while they run."""
    for function in functions:
        used = (*closure_uses(function).values(), *global_uses(function).values())
        modules = {getattr(value, "__module__", None) or "" for value in used}
        modules |= {value.__name__ for value in used if isinstance(value, types.ModuleType)}
        if _FILE_NAMES & names_in(function) and modules & _FILE_MODULES:
            yield "a file"


def _parameters_of(part: object) -> Iterator[str]:
    for name in ("func", "afunc"):
        candidate = getattr(part, name, None)
        if isinstance(candidate, functools.partial) and candidate.args:
            candidate = candidate.args[-1]
        with contextlib.suppress(TypeError, ValueError):  # no function, or no signature
            yield from inspect.signature(candidate).parameters if candidate else ()


def _tools(runnables: list[object], functions: list[types.FunctionType]) -> Iterator[str]:
    reached = [
        value
        for function in functions
        for value in (*closure_uses(function).values(), *global_uses(function).values())
    ]
    for value in (*runnables, *reached):
        if isinstance(value, BaseTool):
            yield value.name
        yield from (str(getattr(tool, "name", tool)) for tool in tools_of(value))


def _control(functions: list[types.FunctionType]) -> Iterator[str]:
    for function in functions:
        if mentions_interrupt(function):
            yield "interrupt"
        used = (*closure_uses(function).values(), *global_uses(function).values())
        if mentions_goto(function):
            yield GOTO
        elif any(value is Command for value in used):
            yield "Command"
        if any(value is Send for value in used):
            yield "Send"
