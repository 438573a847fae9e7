"""Contents as text: equal where a user would call two outputs equal, and only there."""

from __future__ import annotations

import dataclasses
import datetime
import threading
from collections import deque
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel, PrivateAttr

from lgprof.whatif.proof.contents import UntoldError, exact, normalised, plain_content


@dataclasses.dataclass
class Point:
    x: int
    y: Any = None


class Model(BaseModel):
    x: int


class Plain:
    def __init__(self, x: Any) -> None:
        self.x = x


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON, JSON)
def test_texts_are_equal_where_values_are(one, other):
    assert (exact(one) == exact(other)) == (repr(one) == repr(other) or _same(one, other))


def _same(one: Any, other: Any) -> bool:
    """Equal, and of the same types throughout."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return repr(one) == repr(other)


def test_order_counts_in_lists_and_not_in_dicts_and_sets():
    assert exact({"a": 1, "b": 2}) == exact({"b": 2, "a": 1})
    assert exact({"x", "y", "z"}) == exact({"z", "y", "x"})
    assert exact([1, 2]) != exact([2, 1])
    assert exact(deque([1, 2])) == exact([1, 2])


def test_objects_are_told_by_their_fields():
    assert exact(Point(1)) == exact(Point(1)) != exact(Point(2))
    assert exact(Model(x=1)) == exact(Model(x=1)) != exact(Model(x=2))
    assert exact(Plain([1])) == exact(Plain([1])) != exact(Plain([2]))


def test_message_ids_do_not_count_and_contents_do():
    assert exact(AIMessage("hi", id="1")) == exact(AIMessage("hi", id="2"))
    assert exact(AIMessage("hi")) != exact(AIMessage("ho"))
    assert exact(AIMessage("hi")) != exact(HumanMessage("hi"))


def test_call_ids_uuids_and_times_count_until_they_are_normalised():
    def answer() -> list[Any]:
        call = f"call_{uuid4()}"
        tool = {"name": "t", "args": {}, "id": call}
        now = datetime.datetime.now()
        return [
            AIMessage("", tool_calls=[tool]),
            ToolMessage("x", tool_call_id=call),
            {"id": str(uuid4()), "at": now, "text": f"at {now.isoformat()}"},
        ]

    one, other = answer(), answer()

    assert exact(one) != exact(other)
    assert normalised(one) == normalised(other)
    assert normalised([uuid4()] * 2) != normalised([uuid4(), uuid4()])
    assert normalised("2024 apples") != normalised("2025 apples")


def test_what_cannot_be_told_is_not_called_equal():
    for value in (threading.Lock(), [threading.Lock()], iter([])):
        with pytest.raises(UntoldError):
            exact(value)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(UntoldError):
        exact(endless)


def test_objects_of_libraries_may_hold_more_than_they_show():
    assert plain_content(Plain({"a": [1]})) == plain_content(Plain({"a": [1]}))
    for value in (threading.Event(), Plain(threading.Event()), list(range(30_000))):
        with pytest.raises(UntoldError):
            plain_content(value)


def test_of_the_user_s_objects_private_and_class_attributes_are_looked_at_too():
    class Counting(BaseModel):
        _calls: int = PrivateAttr(0)

    class Shared:
        items: list[int] = []

    model, shared = Counting(), Shared()
    before = plain_content([model, shared])
    model._calls += 1
    after_one = plain_content([model, shared])
    shared.items.append(1)

    assert len({before, after_one, plain_content([model, shared])}) == 3
