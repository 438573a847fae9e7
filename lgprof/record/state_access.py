"""Which state keys a node reads and writes.

A plain dict is replaced by a `TrackedDict`. An object (pydantic model, dataclass) stays itself: its
class notes reads for as long as we record. What goes past both (C code that reads memory directly)
is not seen; a use that may touch any key (iteration, ``{**state}``, ``repr``) counts as reading the
whole state, noted as ``*``.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langgraph.func import entrypoint
from langgraph.types import Command, Send
from pydantic import BaseModel

from lgprof.record.tracked_dict import WHOLE, TrackedDict

_WHOLE_ATTRIBUTES = frozenset(
    {"model_dump", "model_dump_json", "model_copy", "copy", "dict", "json", "__iter__", "__dict__"}
)
_DEPTH = 4
"""How deep in a node's result a reference to its state is looked for."""
_INHERITED: Any = object()
_MISSING: Any = object()


class StateObjects:
    """Notes which fields of state objects are read while nodes run.

    Neither the object nor its type is replaced: code that goes by the exact type would not know
    them. Instead the class gets a ``__getattribute__`` that `restore` takes away.
    """

    def __init__(self) -> None:
        self._readers: dict[int, list[set[str]]] = {}
        self._lock = threading.Lock()
        """Nodes that run at once may be given the same object."""
        self._classes: dict[type, frozenset[str] | None] = {}
        """Fields by class; None where reads cannot be seen."""
        self._own: dict[type, Any] = {}

    def open(self, state: Any, reads: set[str]) -> dict[str, Any] | None:
        """Note in the set what is read of an object from now on.

        Returns:
            Its fields as they are now; None where reads cannot be seen.
        """
        cls = type(state)
        if cls not in self._classes:
            self._classes[cls] = self._watched(state)
        fields = self._classes[cls]
        if fields is None:
            return None
        now = {name: value for name in fields if (value := _field(state, name)) is not _MISSING}
        with self._lock:
            self._readers[id(state)] = [*self._readers.get(id(state), ()), reads]
        return now

    def close(self, state: Any, reads: set[str]) -> None:
        """Note no more in the set."""
        with self._lock:
            left = [other for other in self._readers[id(state)] if other is not reads]
            if left:
                self._readers[id(state)] = left
            else:
                del self._readers[id(state)]

    def restore(self) -> None:
        """Leave the classes as they were."""
        for cls, own in self._own.items():
            if own is _INHERITED:
                del cls.__getattribute__
            else:
                cls.__getattribute__ = own  # type: ignore[method-assign]
        self._own.clear()

    def _watched(self, state: Any) -> frozenset[str] | None:
        cls: Any = type(state)
        if not (isinstance(state, BaseModel) or dataclasses.is_dataclass(cls)):
            return None
        fields = field_names(state)
        own = vars(cls).get("__getattribute__", _INHERITED)
        try:
            cls.__getattribute__ = _noting(cls.__getattribute__, fields, self._readers)
        except (TypeError, AttributeError):  # a metaclass that allows no change
            return None
        self._own[cls] = own
        return fields


def _field(state: Any, name: str) -> Any:
    """A field without running code of the user's, such as a property."""
    try:
        own = object.__getattribute__(state, "__dict__")
    except AttributeError:  # slots
        return getattr(state, name, _MISSING)
    return own.get(name, _MISSING)


def _noting(
    get: Callable[[Any, str], Any], fields: frozenset[str], readers: dict[int, list[set[str]]]
) -> Callable[[Any, str], Any]:
    def __getattribute__(self: Any, name: str) -> Any:  # noqa: N807
        noted_in = readers.get(id(self))
        if noted_in is not None and (name in fields or name in _WHOLE_ATTRIBUTES):
            for reads in noted_in:
                reads.add(name if name in fields else WHOLE)
        return get(self, name)

    return __getattribute__


def untracked(twin: TrackedDict, output: Any) -> Any:
    """What a node returned, without the twin that it was given in place of its state.

    Args:
        twin: What the node was given.
        output: What the node returned; changed in place where it holds the twin.
    """
    return _without(twin, output, _DEPTH)


def _without(twin: TrackedDict, value: Any, depth: int) -> Any:
    if value is twin:
        return dict.copy(twin)
    if not depth:
        return value
    if type(value) is dict:
        for key, item in value.items():
            value[key] = _without(twin, item, depth - 1)
    elif type(value) is list:
        value[:] = [_without(twin, item, depth - 1) for item in value]
    elif type(value) is tuple:
        return tuple(_without(twin, item, depth - 1) for item in value)
    elif isinstance(value, Send):
        value.arg = _without(twin, value.arg, depth - 1)
    elif isinstance(value, Command):
        parts = {
            name: _without(twin, getattr(value, name), depth - 1) for name in ("update", "goto")
        }
        return dataclasses.replace(value, **parts)
    return value


def field_names(value: Any) -> frozenset[str]:
    """Names of the fields of a pydantic model or dataclass."""
    if isinstance(value, BaseModel):
        return frozenset(type(value).model_fields)
    return frozenset(field.name for field in dataclasses.fields(value))


def written(output: Any) -> dict[str, Any] | None:
    """State keys and values that a node's returned value writes; None where it cannot be told."""
    if output is None or isinstance(output, Send):
        return {}
    if isinstance(output, Command):
        return written(output.update)
    if isinstance(output, entrypoint.final):
        return written(output.value)
    if isinstance(output, Mapping):
        return {str(key): value for key, value in output.items()}
    if isinstance(output, BaseModel):
        return {name: getattr(output, name) for name in output.model_fields_set}
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        return {field.name: getattr(output, field.name) for field in dataclasses.fields(output)}
    if isinstance(output, Sequence) and not isinstance(output, str | bytes):
        return _written_by_list(output)
    return None


def _written_by_list(outputs: Sequence[Any]) -> dict[str, Any] | None:
    if all(isinstance(item, tuple) and len(item) == 2 for item in outputs):
        return {str(key): value for key, value in outputs}
    together: dict[str, Any] = {}
    for output in outputs:
        keys = written(output)
        if keys is None:
            return None
        together.update(keys)
    return together
