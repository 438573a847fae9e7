"""What the functions of nodes share with one another and may change: globals, closures, objects."""

from __future__ import annotations

import enum
import functools
import inspect
import logging
import re
import sys
import types
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from langchain_core.language_models import BaseLanguageModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langgraph.pregel import Pregel

from lgprof.langgraph_adapter.uses import (
    Use,
    closure_uses,
    global_uses,
    instructions_of,
    is_library_file,
    namespace_of,
    uses_of,
)
from lgprof.langgraph_adapter.walk import TASK_TYPE, own_functions_of, runnables_in

_CONSTANT_TYPES = (
    *(type(None), bool, int, float, complex, str, bytes, range, enum.Enum, re.Pattern, property),
    *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type, logging.Logger),
    *(types.GenericAlias, types.UnionType),
    *(BaseLanguageModel, BaseRetriever, BaseTool, Pregel),
)
_CONTAINERS = (list, dict, set, deque)
_CLASS_DATA = (bool, int, float, str, bytes, *_CONTAINERS)
_NO_CLASS_DATA = {"model_config", "model_fields", "model_computed_fields", "_field_defaults"}
_PLAIN_ANSWERS = {"str", "int", "float", "bool", "bytes", "complex", "None"}
"""What a function with a cache may return and its callers cannot change."""
_DEPTH = 3
SET_ANEW: Any = object()
"""Stands for a variable that functions set: it has no object that could be watched."""


class SharedState:
    """Finds what nodes share; built once for all nodes of a graph, whose code it reads.

    Args:
        parts: What all nodes run.
    """

    def __init__(self, parts: Iterable[object]) -> None:
        self._set_by_nodes: set[tuple[int, str]] = set()
        self._set_in_modules: dict[int, set[tuple[int, str]]] = {}
        self._set_cells: set[int] = set()
        for function in own_functions_of(runnables_in(parts)):
            stored = {o.argval for o in instructions_of(function) if o.opname == "STORE_DEREF"}
            self._set_cells |= {id(cell) for name, cell in _cells(function) if name in stored}
            self._set_by_nodes |= set(_sets(function))

    def of(self, parts: Iterable[object]) -> dict[str, object]:
        """What some nodes share with others, by its label: the object, or `SET_ANEW`."""
        found: dict[str, object] = {}
        runnables = list(runnables_in(parts))
        for part in runnables:
            for name in ("func", "afunc"):
                _add_held(found, getattr(part, name, None))
        for function in own_functions_of(runnables):
            for name, value in closure_uses(function).items():
                _add(found, f"closure {name}", value)
            for name, value in global_uses(function).items():
                _add(found, f"global {name}", value)
            for value in _defaults(function):
                _add(found, f"default of {function.__name__}", value)
            found |= {f"{label} (set anew)": SET_ANEW for label in self._set_anew(function)}
        return found

    def _set_anew(self, function: types.FunctionType) -> Iterator[str]:
        for use in uses_of(function):
            if use.is_set or self._is_set_elsewhere(use):
                yield f"{use.scope} {use.name}".strip()
        for name, cell in _cells(function):
            if id(cell) in self._set_cells:
                yield f"closure {name}"

    def _is_set_elsewhere(self, use: Use) -> bool:
        """Whether a node, or any function of the module that it is from, sets what is read."""
        key = _place(use)
        if key in self._set_by_nodes:
            return True
        module = _module_of(use.holder)
        if module is None:
            return False
        if id(module) not in self._set_in_modules:
            own = _functions_in(module)
            self._set_in_modules[id(module)] = {at for one in own for at in _sets(one)}
        return key in self._set_in_modules[id(module)]


def _sets(function: types.FunctionType) -> Iterator[tuple[int, str]]:
    return (_place(use) for use in uses_of(function) if use.is_set)


def _place(use: Use) -> tuple[int, str]:
    return id(namespace_of(use.holder)), use.attribute


def _module_of(holder: object) -> dict[str, Any] | None:
    """The dictionary of the project's module that a name is looked up in, or whose class it is."""
    if isinstance(holder, types.FunctionType):
        return holder.__globals__
    if isinstance(holder, type):
        holder = sys.modules.get(holder.__module__)
    names = namespace_of(holder)
    if not isinstance(names, dict) or is_library_file(names.get("__file__") or "<frozen"):
        return None
    return names


def _functions_in(names: dict[str, Any]) -> Iterator[types.FunctionType]:
    """The functions of a module and those of its classes."""
    for value in list(names.values()):
        is_own = isinstance(value, type) and value.__module__ == names.get("__name__")
        for item in list(vars(value).values()) if is_own else [value]:
            function = getattr(item, "__func__", item)
            if isinstance(function, types.FunctionType) and function.__globals__ is names:
                yield function


def _defaults(function: types.FunctionType) -> Iterable[object]:
    return (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())


def _cells(function: types.FunctionType) -> Iterable[tuple[str, types.CellType]]:
    return zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)


def _add(found: dict[str, object], label: str, value: object) -> None:
    if isinstance(value, types.MethodType):
        value = value.__self__
    if isinstance(value, type):
        if data := _class_containers(value):
            found.setdefault(f"data of class {value.__name__}", data)
    elif isinstance(value, functools._lru_cache_wrapper):
        if not _answers_plainly(value):
            found.setdefault(f"{label} (lru_cache)", value)
    elif not _is_constant(value):
        found.setdefault(f"{label} ({type(value).__name__})", value)


def _answers_plainly(function: Any) -> bool:
    """Whether what a function returns is said to be of a type that nobody can change."""
    try:
        answer = inspect.unwrap(function).__annotations__.get("return", "")
    except NameError:  # a name for type checkers alone; Python 3.14 looks it up only now
        return False
    return getattr(answer, "__name__", str(answer)) in _PLAIN_ANSWERS


def _class_containers(cls: type) -> dict[str, object]:
    """Lists, dicts and sets that a class of the project holds for all of its objects."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file is None or is_library_file(file) or issubclass(cls, enum.Enum):
        return {}
    return {
        name: item
        for name, item in vars(cls).items()
        if isinstance(item, _CONTAINERS)
        and not name.startswith("__")
        and name not in _NO_CLASS_DATA
    }


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
