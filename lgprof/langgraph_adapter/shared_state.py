"""What the functions of nodes share with one another and may change: globals, closures, objects."""

from __future__ import annotations

import enum
import functools
import logging
import re
import types
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from langchain_core.language_models import BaseLanguageModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langgraph.pregel import Pregel

from lgprof.langgraph_adapter.walk import (
    GLOBAL_LOADS,
    TASK_TYPE,
    captured,
    global_uses,
    instructions_of,
    own_functions_of,
    runnables_in,
)

_CONSTANT_TYPES = (
    *(type(None), bool, int, float, complex, str, bytes, range, enum.Enum, re.Pattern, property),
    *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type, logging.Logger),
    *(types.GenericAlias, types.UnionType, functools._lru_cache_wrapper),
    *(BaseLanguageModel, BaseRetriever, BaseTool, Pregel),
)
_CLASS_DATA = (bool, int, float, str, bytes, list, dict, set, deque)
_DEPTH = 3
SET_ANEW: Any = object()
"""Stands for a variable that functions set: it has no object that could be watched."""


class SharedState:
    """Finds what nodes share; built once for all nodes of a graph, whose code it reads.

    Args:
        parts: What all nodes run.
    """

    def __init__(self, parts: Iterable[object]) -> None:
        self._stored_by_module: dict[int, set[str]] = {}
        self._stored_cells: set[int] = set()
        for function in own_functions_of(runnables_in(parts)):
            stored = {o.argval for o in instructions_of(function) if o.opname == "STORE_DEREF"}
            self._stored_cells |= {id(cell) for name, cell in _cells(function) if name in stored}

    def of(self, parts: Iterable[object]) -> dict[str, object]:
        """What some nodes share with others, by its label: the object, or `SET_ANEW`."""
        found: dict[str, object] = {}
        runnables = list(runnables_in(parts))
        for part in runnables:
            for name in ("func", "afunc"):
                _add_held(found, getattr(part, name, None))
        for function in own_functions_of(runnables):
            for name, value in captured(function).items():
                _add(found, f"closure {name}", value)
            for name, value in global_uses(function).items():
                _add(found, f"global {name}", value)
            for value in (
                *(function.__defaults__ or ()),
                *(function.__kwdefaults__ or {}).values(),
            ):
                _add(found, f"default of {function.__name__}", value)
            found |= {f"{label} (set anew)": SET_ANEW for label in self._set_anew(function)}
        return found

    def _set_anew(self, function: types.FunctionType) -> Iterator[str]:
        stored = self._stored_in_module(function.__globals__)
        for name in (*_stored_names(function), *(n for n in global_uses(function) if n in stored)):
            yield f"global {name}"
        for name, cell in _cells(function):
            if id(cell) in self._stored_cells:
                yield f"closure {name}"

    def _stored_in_module(self, names: dict[str, Any]) -> set[str]:
        """Globals that any function of a module sets."""
        if id(names) not in self._stored_by_module:
            own = [
                value
                for value in list(names.values())
                if isinstance(value, types.FunctionType) and value.__globals__ is names
            ]
            stored = {name for function in own for name in _stored_names(function)}
            self._stored_by_module[id(names)] = stored
        return self._stored_by_module[id(names)]


def _defaults(function: types.FunctionType) -> Iterable[object]:
    return (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())


def _cells(function: types.FunctionType) -> Iterable[tuple[str, types.CellType]]:
    return zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)


def _add(found: dict[str, object], label: str, value: object) -> None:
    if isinstance(value, types.MethodType):
        value = value.__self__
    if not _is_constant(value):
        found.setdefault(f"{label} ({type(value).__name__})", value)


def _add_held(found: dict[str, object], candidate: object) -> None:
    """What partials, methods and callable objects hold."""
    while isinstance(candidate, functools.partial):
        for value in (*candidate.args, *candidate.keywords.values()):
            if not callable(value):
                _add(found, "argument", value)
        # run_in_executor(None, function) comes as a partial too.
        candidate = next(filter(callable, reversed(candidate.args)), candidate.func)
    if isinstance(candidate, types.MethodType):
        candidate = candidate.__self__
    if not _is_constant(candidate) and attributes_of(candidate):
        found.setdefault(f"attributes of {type(candidate).__name__}", candidate)


def attributes_of(value: object) -> dict[str, object]:
    """What an object holds, with the data that its classes hold for all of their objects."""
    held: dict[str, object] = {}
    for cls in reversed(type(value).__mro__[:-1]):
        held |= {
            name: item
            for name, item in vars(cls).items()
            if not name.startswith("__") and isinstance(item, _CLASS_DATA)
        }
    return held | getattr(value, "__dict__", {})


def _is_constant(value: object, depth: int = _DEPTH) -> bool:
    """Whether a value cannot change, or is made to be used from many calls at once."""
    if isinstance(value, _CONSTANT_TYPES) or (TASK_TYPE and isinstance(value, TASK_TYPE)):
        return True
    if isinstance(value, tuple | frozenset):
        return depth > 0 and all(_is_constant(item, depth - 1) for item in value)
    if isinstance(value, functools.partial):
        return all(map(_is_constant, (value.func, *value.args, *value.keywords.values())))
    module = type(value).__module__.partition(".")[0]
    if isinstance(value, Runnable):
        return module in ("langchain_core", "langgraph", "langchain")
    return module in ("typing", "typing_extensions", "langgraph") and not isinstance(value, dict)


def _stored_names(function: types.FunctionType) -> Iterator[str]:
    """Globals, and attributes of globals, that a function sets."""
    instructions = list(instructions_of(function))
    for before, one in zip([None, *instructions], instructions, strict=False):
        if one.opname == "STORE_GLOBAL":
            yield str(one.argval)
        elif one.opname == "STORE_ATTR" and before is not None and before.opname in GLOBAL_LOADS:
            yield f"{before.argval}.{one.argval}"
