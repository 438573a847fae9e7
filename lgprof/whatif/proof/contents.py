"""Contents of outputs and objects as text, so that they can be compared and forgotten."""

from __future__ import annotations

import dataclasses
import enum
import math
import re
import sys
import types
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from lgprof.langgraph_adapter.shared_state import attributes_of

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.I)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.I)
_PLAIN = (bool, int, float, complex, str, bytes)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
_LIBRARY = re.compile(r"[/\\](site|dist)-packages[/\\]")
_DEEPEST = 50
_MOST_VALUES = 20_000
"""In what is looked at after each request."""


class UntoldError(Exception):
    """An object whose content cannot be told."""


def exact(value: Any) -> str:
    """The content of a value. Ids of messages are left out: LangGraph draws them at random.

    Raises:
        UntoldError: Its content cannot be told.
    """
    return "".join(_Teller().tell(value, 0))


def normalised(value: Any) -> str:
    """The same without what differs from run to run by its nature: UUIDs and times.

    UUIDs and ids of tool calls are numbered by their first appearance, so that equal ones stay
    equal.

    Raises:
        UntoldError: Its content cannot be told.
    """
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"<uuid {numbers.setdefault(found[0].lower(), len(numbers))}>"

    text = "".join(_Teller(times=False).tell(value, 0))
    return _UUID.sub(number, _TIMESTAMP.sub("<time>", text))


def plain_content(value: Any) -> str:
    """The content of containers, and of objects of the user's own classes.

    Raises:
        UntoldError: A part of it is an object of a library, which may hold more than it shows; or
            there is too much to look at again and again.
    """
    return "".join(_Teller(libraries=False, most=_MOST_VALUES).tell(value, 0))


class _Teller:
    def __init__(
        self, *, times: bool = True, libraries: bool = True, most: float = math.inf
    ) -> None:
        self._times = times
        self._libraries = libraries
        self._left = most
        self._call_ids: dict[str, int] = {}

    def tell(self, value: Any, depth: int) -> Iterator[str]:
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            raise UntoldError("too deep or too large")
        below = depth + 1
        if value is None or isinstance(value, _PLAIN):
            yield repr(value)
        elif isinstance(value, enum.Enum | type | UUID):
            yield str(value)
        elif isinstance(value, _FUNCTIONS):
            yield value.__qualname__
        elif isinstance(value, date | time):
            yield str(value) if self._times or not isinstance(value, datetime | time) else "<time>"
        elif isinstance(value, BaseMessage):
            yield from self._message(value, below)
        elif isinstance(value, Mapping):
            yield from self._pairs(value, below)
        elif isinstance(value, Set):
            yield from ("{", *sorted("".join(self.tell(item, below)) for item in value), "}")
        elif isinstance(value, Sequence):
            yield "["
            for item in value:
                yield from self.tell(item, below)
                yield ","
            yield "]"
        elif hasattr(value, "tolist"):  # arrays
            yield from self.tell(value.tolist(), below)
        else:
            yield type(value).__qualname__
            yield from self._pairs(self._fields(value), below)

    def _pairs(self, pairs: Mapping[Any, Any], depth: int) -> Iterator[str]:
        told = [
            ("".join(self.tell(key, depth)), "".join(self.tell(item, depth)))
            for key, item in pairs.items()
        ]
        yield from ("{", *(f"{key}:{item}," for key, item in sorted(told)), "}")

    def _message(self, message: BaseMessage, depth: int) -> Iterator[str]:
        parts = {
            "type": message.type,
            "content": message.content,
            "name": message.name,
            "tool_calls": [
                {**call, "id": self._id(call.get("id"))}
                for call in getattr(message, "tool_calls", None) or ()
            ],
            "tool_call_id": self._id(getattr(message, "tool_call_id", None)),
            "artifact": getattr(message, "artifact", None),
        }
        yield from self._pairs(parts, depth)

    def _id(self, call_id: Any) -> Any:
        if self._times or not isinstance(call_id, str):
            return call_id
        return self._call_ids.setdefault(call_id, len(self._call_ids))

    def _fields(self, value: Any) -> Mapping[str, Any]:
        if not self._libraries:
            return _all_fields(value)
        if isinstance(value, BaseModel):
            return {name: getattr(value, name) for name in type(value).model_fields}
        if dataclasses.is_dataclass(value):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        if getattr(value, "__dict__", None) is None:
            raise UntoldError(type(value).__qualname__)
        fields: Mapping[str, Any] = vars(value)
        return fields


def _all_fields(value: Any) -> Mapping[str, Any]:
    """Private ones, and those of the class, too."""
    if _is_library(type(value)) or getattr(value, "__dict__", None) is None:
        raise UntoldError(type(value).__qualname__)
    return {**attributes_of(value), **(getattr(value, "__pydantic_private__", None) or {})}


def _is_library(cls: type) -> bool:
    name = cls.__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if name.partition(".")[0] in sys.stdlib_module_names:
        return name != "__main__"
    return file is None or bool(_LIBRARY.search(file))
