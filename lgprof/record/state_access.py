"""Which state keys a node reads and writes.

`tracked` hands the node an object equal to its input that notes each key it is asked for. What
goes past it (C code that reads the dict directly) is not seen; a use that may touch any key
(iteration, ``{**state}``, ``repr``) counts as reading the whole state, noted as ``*``.
"""

from __future__ import annotations

import copy
import dataclasses
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from langgraph.types import Command, Send
from pydantic import BaseModel

WHOLE = "*"


class TrackedDict(dict[str, Any]):
    """A state dict that notes the keys it is asked for in ``_reads``."""

    __slots__ = ("_reads",)
    __hash__ = None

    _reads: set[str]

    def __getitem__(self, key: str) -> Any:
        self._reads.add(key)
        return dict.__getitem__(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        self._reads.add(key)
        return dict.get(self, key, default)

    def __contains__(self, key: object) -> bool:
        self._reads.add(str(key))
        return dict.__contains__(self, key)

    def pop(self, key: str, *default: Any) -> Any:
        self._reads.add(key)
        return dict.pop(self, key, *default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._reads.add(key)
        return dict.setdefault(self, key, default)

    def __iter__(self) -> Iterator[str]:
        self._reads.add(WHOLE)
        return dict.__iter__(self)

    def __reversed__(self) -> Iterator[str]:
        self._reads.add(WHOLE)
        return dict.__reversed__(self)

    def __len__(self) -> int:
        self._reads.add(WHOLE)
        return dict.__len__(self)

    def __eq__(self, other: object) -> bool:
        self._reads.add(WHOLE)
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        self._reads.add(WHOLE)
        return dict.__repr__(self)

    def keys(self) -> Any:
        self._reads.add(WHOLE)
        return dict.keys(self)

    def values(self) -> Any:
        self._reads.add(WHOLE)
        return dict.values(self)

    def items(self) -> Any:
        self._reads.add(WHOLE)
        return dict.items(self)

    def popitem(self) -> tuple[str, Any]:
        self._reads.add(WHOLE)
        return dict.popitem(self)

    def copy(self) -> dict[str, Any]:
        self._reads.add(WHOLE)
        return dict(self)

    def __or__(self, other: Any) -> Any:
        self._reads.add(WHOLE)
        return dict.__or__(self, other)

    def __ror__(self, other: Any) -> Any:
        self._reads.add(WHOLE)
        return dict.__ror__(self, other)

    def __reduce__(self) -> Any:
        self._reads.add(WHOLE)
        return dict, (dict(self),)


_CURRENT_READS: ContextVar[set[str] | None] = ContextVar("lgprof_reads", default=None)
_WHOLE_ATTRIBUTES = frozenset(
    {"model_dump", "model_dump_json", "model_copy", "copy", "dict", "json", "__iter__", "__dict__"}
)
_PYDANTIC_SLOTS = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
_LIBRARIES = ("pydantic", "typing", "typing_extensions", "langgraph", "langchain_core")
_DEPTH = 4
"""How deep in a node's result a reference to its state is looked for."""
_tracked_classes: dict[type, type | None] = {}


def tracked(state: Any, reads: set[str]) -> Any:
    """The state as the node shall see it, or the state itself where reads cannot be seen.

    Pydantic models and dataclasses stay instances of their class; they note their reads in the
    set that `noting` makes current.
    """
    if type(state) is dict:
        twin = TrackedDict(state)
        twin._reads = reads
        return twin
    if isinstance(state, BaseModel) or (
        dataclasses.is_dataclass(state) and not isinstance(state, type)
    ):
        return _tracked_object(state)
    return None


def _tracked_object(state: Any) -> Any:
    cls = type(state)
    if cls not in _tracked_classes:
        _tracked_classes[cls] = _tracking_class(cls, field_names(state))
    tracking = _tracked_classes[cls]
    if tracking is None:
        return None
    try:
        twin = copy.copy(state)
        object.__setattr__(twin, "__class__", tracking)
    except (TypeError, AttributeError):
        return None
    return twin


def _tracking_class(cls: type, fields: frozenset[str]) -> type | None:
    """A subclass that notes reads; None where making one would run code of the user's."""
    if _has_own_init_subclass(cls):
        return None
    get: Any = cls.__getattribute__

    def noting_getattribute(self: Any, name: str) -> Any:
        if name == "__class__":
            return cls
        reads = _CURRENT_READS.get()
        if reads is not None:
            if name in fields:
                reads.add(name)
            elif name in _WHOLE_ATTRIBUTES:
                reads.add(WHOLE)
        return get(self, name)

    def plain(self: Any) -> Any:
        """An equal object of the user's class: what copies and pickles are made of."""
        new: Any = cls.__new__
        made = new(cls)
        for name in ("__dict__", *_PYDANTIC_SLOTS, *fields):
            with suppress(AttributeError):
                value = get(self, name)
                own = dict(value) if name == "__dict__" else value
                object.__setattr__(made, name, own)
        return made

    namespace: dict[str, Any] = {
        "__getattribute__": noting_getattribute,
        "__copy__": plain,
        "__deepcopy__": lambda self, memo=None: copy.deepcopy(plain(self), memo),
        "__reduce_ex__": lambda self, protocol: plain(self).__reduce_ex__(protocol),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
    }
    if not issubclass(cls, BaseModel):
        namespace["__slots__"] = ()
    try:
        return types.new_class(cls.__name__, (cls,), exec_body=lambda body: body.update(namespace))
    except TypeError:  # a class or metaclass that allows no subclass
        return None


def _has_own_init_subclass(cls: type) -> bool:
    hooks = ("__init_subclass__", "__pydantic_init_subclass__")
    return any(
        hook in vars(base)
        for base in cls.__mro__
        if base is not object and base.__module__.partition(".")[0] not in _LIBRARIES
        for hook in hooks
    )


def untracked(twin: Any, cls: type, output: Any) -> Any:
    """What a node returned, without the twin that it was given in place of its state.

    Args:
        twin: What `tracked` made.
        cls: The state's own class.
        output: What the node returned; changed in place where it holds the twin.
    """
    if cls is dict:
        return _without(twin, output, _DEPTH)
    # From now on whoever kept it holds an object of the user's class.
    object.__setattr__(twin, "__class__", cls)
    return output


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


def must_note(args: tuple[Any, ...], reads: set[str] | None) -> bool:
    """Whether a function needs `noting`: dicts note their own reads, and so does no input."""
    dicts_note = reads is None or type(args[0]) is TrackedDict
    return not dicts_note or _CURRENT_READS.get() is not None


class noting:  # noqa: N801 - reads as a verb: ``with noting(reads):``
    """Make a set the one in which tracked objects note their reads."""

    __slots__ = ("_reads", "_token")

    def __init__(self, reads: set[str]) -> None:
        self._reads = reads

    def __enter__(self) -> None:
        self._token = _CURRENT_READS.set(self._reads)

    def __exit__(self, *_: object) -> None:
        _CURRENT_READS.reset(self._token)


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
