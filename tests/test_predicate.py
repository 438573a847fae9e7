from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from lgprof.errors import UsageError
from lgprof.predicate import parse_predicate


class Result(BaseModel):
    status: str
    tries: list[int] = []


@dataclass
class Step:
    name: str
    result: Result


STATE: dict[str, Any] = {
    "status": "error",
    "retry_count": 3,
    "score": 0.5,
    "ok": True,
    "empty": [],
    "nothing": None,
    "detail": {"code": 500, "with space": 1, "tags": ["a", "b"]},
    "messages": [AIMessage("hi"), AIMessage("bye")],
    "step": Step("s", Result(status="bad", tries=[1, 2])),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('status == "error"', True),
        ("status == 'ok'", False),
        ('status != "ok"', True),
        ("retry_count >= 3", True),
        ("retry_count > 3", False),
        ("1 < retry_count <= 3", True),
        ("1 < retry_count < 3", False),
        ("score > -1.5", True),
        ("ok == true", True),
        ("ok == True and not empty", True),
        ("ok", True),
        ("empty", False),
        ("not empty", True),
        ("nothing == null", True),
        ("nothing != null", False),
        ("status == null", False),
        ("status != None", True),
        ("detail.code == 500", True),
        ('detail["with space"] == 1', True),
        ('detail.tags[0] == "a"', True),
        ('detail.tags[-1] == "b"', True),
        ('"b" in detail.tags', True),
        ('"b" not in detail.tags', False),
        ('"err" in status', True),
        ('status in ["error", "failed"]', True),
        ('status not in ["error", "failed"]', False),
        ("len(messages) == 2", True),
        ("len(detail.tags) > len(empty)", True),
        ('messages[-1].content == "bye"', True),
        ('messages[0].type == "ai"', True),
        ('step.result.status == "bad"', True),
        ('step.result["status"] == "bad"', True),
        ("step.result.tries[1] == 2", True),
        ('status == "ok" or (ok and retry_count == 3)', True),
        ('not status == "error"', False),
        # what is missing
        ("gone == null", True),
        ("null == gone", True),
        ("gone == also_gone", True),
        ("gone != null", False),
        ("gone != 1", False),
        ("gone < 1", False),
        ("gone", False),
        ("not gone", True),
        ("gone in detail.tags", False),
        ("gone not in detail.tags", False),
        ("detail.gone.deeper == null", True),
        ("detail.tags[9] == null", True),
        ("len(gone) == null", True),
        ("len(retry_count) > 0", False),
        # what cannot be compared
        ("status < 3", False),
        ("3 in retry_count", False),
        ("nothing > 0", False),
        ("empty.append == null", True),
        (" \n status == 'error' # why\n", True),
    ],
)
def test_values(text: str, expected: bool) -> None:
    assert parse_predicate(text).matches(STATE) is expected


@pytest.mark.parametrize("value", [None, 3, "text", [], [1], Step("s", Result(status="bad"))])
def test_any_value_can_be_asked(value: object) -> None:
    assert parse_predicate('name == "s" and result.status == "bad"').matches(value) is isinstance(
        value, Step
    )


class Hostile:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    @property
    def field(self) -> int:
        raise RuntimeError


@pytest.mark.parametrize("text", ["x == 1", "x", "not x == 1 and x", "len(x) > 0", "x.field == 1"])
def test_hostile_objects_do_not_raise(text: str) -> None:
    assert parse_predicate(text).matches({"x": Hostile()}) is False


def test_one_odd_value_decides_one_part_only() -> None:
    assert parse_predicate("x or ok").matches({"x": Hostile(), "ok": True}) is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the predicate is empty"),
        ("   ", "the predicate is empty"),
        ("(", "column 1: it cannot be read here"),
        ('status = "error"', "column 8"),
        ('__import__("os").system("x")', "column 1: len(x) is the only function"),
        ("x.__class__ == 1", "column 1: __class__ is not allowed"),
        ("x is None", "column 1: write == or != to compare"),
        ("a == 1 and b + 1 == 2", "column 12: this is not allowed"),
        ("é == 1 and b + 1 == 2", "column 12: this is not allowed"),
        ("  lambda: 1", "column 3: this is not allowed"),
        ("[x for x in y]", "this is not allowed"),
        ("a[1:2] == 1", "this is not allowed"),
        ("a if b else c", "this is not allowed"),
        ("(a := 1)", "this is not allowed"),
        ("-a == 1", "this is not allowed"),
        ("f'{a}' == 1", "this is not allowed"),
        ("b'x' == a", "this is not allowed"),
        ("len(a, b)", "len(x) is the only function"),
        ("a) or (b", "column 2"),
        ("a; b", "column 2"),
        ("x" * 10_001, "longer than 10000 characters"),
        ("not " * 2_000 + "x", "cannot be read"),
    ],
)
def test_bad_text(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_predicate(text)
    assert message in raised.value.message
    assert raised.value.hint == 'write for example: status == "error" and retry_count >= 3'


WORDS = [
    "a", "b", "a.b", "a[0]", 'a["b"]', "==", "!=", "<", ">=", "in", "not", "and", "or", "(",
    ")", "len(a)", "1", "-1", "2.5", '"x"', "null", "true", "[1, 2]", "is", "+", "\\", "'\\d'",
    "\n", "1if",
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)


@given(text=st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), value=VALUES)
def test_words_either_parse_or_are_a_usage_error(text: str, value: object) -> None:
    try:
        predicate = parse_predicate(text)
    except UsageError:
        return
    assert predicate.matches(value) in (True, False)


@given(text=st.text(max_size=30), value=VALUES)
def test_any_text_either_parses_or_is_a_usage_error(text: str, value: object) -> None:
    try:
        predicate = parse_predicate(text)
    except UsageError:
        return
    assert predicate.matches(value) in (True, False)
