from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.target.synthesis import synthesize

HELLO = [{"role": "user", "content": "Hello"}]
MESSAGE = {"$ref": "#/$defs/HumanMessage"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, {}),
        ({"type": "string"}, "example"),
        ({"type": "string", "enum": ["red", "blue"]}, "red"),
        ({"enum": [3, 4]}, 3),
        ({"const": "only"}, "only"),
        ({"type": "string", "default": "d", "enum": ["a", "d"]}, "d"),
        ({"type": "string", "examples": ["e"]}, "e"),
        ({"type": "string", "minLength": 9}, "exampleee"),
        ({"type": "string", "maxLength": 3}, "exa"),
        ({"type": "string", "format": "date"}, "2024-01-01"),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "integer", "multipleOf": 5}, 5),
        ({"type": "integer", "minimum": 2.5}, 3),
        ({"type": "number", "minimum": 0, "maximum": 0.5}, 0.5),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.75),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "array"}, []),
        ({"type": "array", "minItems": 2, "items": {"type": "integer"}}, [1, 1]),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]},
            ["example", None],
        ),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, "example"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, None),
        ({"oneOf": [{"type": "integer"}]}, 1),
        ({"type": "object"}, {}),
        ({"type": "array", "items": {"anyOf": [MESSAGE, {}]}}, HELLO),
        ({"type": "array", "items": {"title": "BaseMessage"}}, HELLO),
        (
            {
                "type": "object",
                "properties": {
                    "simple": {"type": "string"},
                    "left_out": {"type": "object"},
                    "list_left_out": {"type": "array"},
                    "messages": {"type": "array", "items": {"oneOf": [MESSAGE]}},
                    "inner": {"$ref": "#/$defs/Inner"},
                },
                "required": ["inner", "unknown"],
                "$defs": {"Inner": {"type": "object", "properties": {"x": {"type": "integer"}}}},
            },
            {"simple": "example", "messages": HELLO, "inner": {"x": 1}, "unknown": "example"},
        ),
        (
            {
                "allOf": [
                    {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "string"}}, "required": ["b"]},
                ]
            },
            {"a": 1, "b": "example"},
        ),
        ({"$ref": "#/$defs/gone"}, {}),
        ({"properties": {"x": True}, "required": ["x"]}, {"x": {}}),
    ],
)
def test_values(schema: dict[str, Any], value: object) -> None:
    assert synthesize(schema) == value


def test_a_schema_that_contains_itself_ends() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert "next" in synthesize(tree)
    assert synthesize({"$ref": "#"}) == {}


SCALARS = st.one_of(
    st.builds(
        lambda low, room, unit: {"type": unit, "minimum": low, "maximum": low + room},
        st.integers(-50, 50),
        st.integers(0, 9),
        st.sampled_from(["integer", "number"]),
    ),
    st.builds(
        lambda low, room: {
            "type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + room,
        },
        st.integers(-50, 50),
        st.integers(1, 9),
    ),
    st.builds(lambda low: {"type": "integer", "exclusiveMinimum": low}, st.integers(-50, 50)),
    st.builds(lambda high: {"type": "integer", "exclusiveMaximum": high}, st.integers(-50, 50)),
    st.builds(
        lambda low, step: {"type": "integer", "minimum": low, "multipleOf": step},
        st.integers(-50, 50),
        st.integers(1, 9),
    ),
    st.builds(
        lambda low, room: {"type": "string", "minLength": low, "maxLength": low + room},
        st.integers(0, 12),
        st.integers(0, 12),
    ),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(lambda values: {"enum": values}, st.lists(st.text(), min_size=1)),
    st.just({"$ref": "#/$defs/Shared"}),
)  # fmt: skip


def _containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.builds(
            lambda items, least: {"type": "array", "items": items, "minItems": least},
            inner,
            st.integers(0, 2),
        ),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(
            lambda properties, kept: {
                "type": "object",
                "properties": properties,
                "required": [name for name in properties if name in kept],
                "additionalProperties": False,
            },
            st.dictionaries(st.sampled_from("abcd"), inner),
            st.sets(st.sampled_from("abcd")),
        ),
    )


@given(schema=st.recursive(SCALARS, _containers, max_leaves=8))
def test_what_is_made_fits_the_schema(schema: dict[str, Any]) -> None:
    shared = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    schema = {**schema, "$defs": {"Shared": shared}}
    jsonschema.validate(synthesize(schema), schema)
