"""A made-up value that fits a JSON Schema: the input of a graph for which nobody gave one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_Schema = Mapping[str, Any]

_MESSAGES = [{"role": "user", "content": "Hello"}]
_MESSAGE_TYPES = ("HumanMessage", "BaseMessage")
_SIMPLE_TYPES = {"string", "integer", "number", "boolean"}
_BY_FORMAT = {
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "user@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}
_DEPTH = 12
"""Schemas that contain themselves are followed no deeper."""


def synthesize(schema: _Schema) -> Any:
    """Make a value for a JSON Schema.

    Defaults, constants, examples and enumerations win; chat messages become one greeting; objects
    get what they require and every simple property; arrays are as short as they may be.
    """
    return _Maker(schema).value(schema, _DEPTH)


class _Maker:
    def __init__(self, root: _Schema) -> None:
        self._root = root

    def value(self, schema: _Schema, depth: int) -> Any:
        schema = self._resolved(schema)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        if depth == 0:
            return None
        return self._typed(schema, depth - 1)

    def _typed(self, schema: _Schema, depth: int) -> Any:
        kind = _type(schema)
        if kind == "string":
            return _string(schema)
        if kind in ("integer", "number"):
            return _number(schema, whole=kind == "integer")
        if kind == "array":
            return self._array(schema, depth)
        if kind in ("boolean", "null"):
            return False if kind == "boolean" else None
        return self._object(schema, depth)

    def _object(self, schema: _Schema, depth: int) -> dict[str, Any]:
        properties: Mapping[str, _Schema] = schema.get("properties", {})
        required = schema.get("required", [])
        names = [
            name for name in properties if name in required or self._is_simple(properties[name])
        ]
        made = {name: self.value(properties[name], depth) for name in names}
        return {**made, **{name: "example" for name in required if name not in properties}}

    def _array(self, schema: _Schema, depth: int) -> list[Any]:
        if self._is_messages(schema):
            return [dict(message) for message in _MESSAGES]
        prefix = schema.get("prefixItems", [])
        items = [self.value(item, depth) for item in prefix[: schema.get("minItems", len(prefix))]]
        missing = schema.get("minItems", 0) - len(items)
        rest = schema.get("items") or {}
        return items + [self.value(rest, depth) for _ in range(missing)]

    def _resolved(self, schema: object) -> _Schema:
        """A schema with its references followed, its alternatives chosen, its parts merged."""
        if not isinstance(schema, Mapping):  # true and false are schemas too
            return {}
        for _ in range(_DEPTH):
            choice = self._choice(schema)
            if choice is None:
                return schema
            merged = {key: value for key, value in schema.items() if key not in _INDIRECT}
            schema = {**choice, **merged}
        return {}

    def _choice(self, schema: _Schema) -> _Schema | None:
        if "$ref" in schema:
            return self._referenced(schema["$ref"])
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                options = [option for option in schema[key] if option.get("type") != "null"]
                return dict((options or schema[key])[0])
        if schema.get("allOf"):
            return _merged([self._resolved(part) for part in schema["allOf"]])
        return None

    def _referenced(self, reference: str) -> _Schema:
        found: Any = self._root
        for word in reference.removeprefix("#").split("/")[1:]:
            key = word.replace("~1", "/").replace("~0", "~")
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
        return dict(found) if isinstance(found, Mapping) else {}

    def _is_simple(self, schema: _Schema) -> bool:
        resolved = self._resolved(schema)
        return (
            "default" in resolved
            or "const" in resolved
            or bool(resolved.get("enum"))
            or _type(resolved) in _SIMPLE_TYPES
            or self._is_messages(resolved)
        )

    def _is_messages(self, schema: _Schema) -> bool:
        items = schema.get("items")
        return isinstance(items, Mapping) and any(
            option.get("$ref", "").endswith(_MESSAGE_TYPES) or option.get("title") in _MESSAGE_TYPES
            for option in (items, *items.get("anyOf", ()), *items.get("oneOf", ()))
        )


_INDIRECT = ("$ref", "anyOf", "oneOf", "allOf")


def _merged(parts: list[_Schema]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged = {**merged, **part}
        if properties:
            merged.update(properties=properties, required=required)
    return merged


def _type(schema: _Schema) -> str | None:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        return "array" if "items" in schema else None
    return str(kind)


def _string(schema: _Schema) -> str:
    text = _BY_FORMAT.get(schema.get("format", ""), "example")
    return text.ljust(schema.get("minLength", 0), "e")[: schema.get("maxLength")]


def _number(schema: _Schema, *, whole: bool) -> int | float:
    """1 where it is allowed, else the allowed number that is closest to the nearer bound."""
    step = schema.get("multipleOf", 1 if whole else None)
    low, high = _bounds(schema, step or 0.0)
    value = max(1, low) if high is None else min(max(1, low), high)
    if step is None:
        return float(value) if isinstance(value, float) else int(value)
    rounded = math.ceil(value / step) * step
    if high is not None and rounded > high:
        rounded = math.floor(value / step) * step
    return int(rounded) if whole else rounded


def _bounds(schema: _Schema, step: float) -> tuple[float, float | None]:
    low = schema.get("minimum", -math.inf)
    high = schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    below = schema.get("exclusiveMaximum")
    if above is not None and above >= low:
        low = above + (step or _between(above, below if high is None else high))
    if below is not None and (high is None or below <= high):
        high = below - (step or _between(low, below))
    return low, high


def _between(low: float, high: float | None) -> float:
    """Half the room between two bounds, or 1 where there is plenty."""
    return min(1.0, (high - low) / 2) if high is not None and math.isfinite(low) else 1.0
