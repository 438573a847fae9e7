"""The JSON Schema of what a graph takes, where LangGraph itself cannot tell too."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
import warnings
from collections.abc import Mapping
from typing import Any

import typing_extensions
from langgraph.constants import START
from langgraph.graph.message import add_messages
from pydantic import TypeAdapter

from lgprof.langgraph_adapter.graphs import AnyGraph


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
