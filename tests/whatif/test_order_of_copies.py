"""The order in which copies serve requests."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lgprof.whatif.proof.crowd import blocks
from lgprof.whatif.proof.stage import in_blocks


@given(st.integers(2, 40), st.integers(2, 6))
def test_no_request_follows_one_with_the_same_input(requests, count):
    arms: Any = [f"arm {number}" for number in range(count)]

    order = list(in_blocks(range(requests), arms))

    assert all(before[1] != after[1] for before, after in pairwise(order))
    for arm in arms:
        # Each copy sees all inputs, in the same order as the others.
        assert [index for served, index in order if served == arm] == list(range(requests))


def test_the_order_of_copies_changes_from_pair_to_pair_and_is_the_same_each_time():
    arms: Any = ["a", "b", "c"]
    order = list(in_blocks(range(20), arms))
    firsts = {order[start][0] for start in range(0, 60, 6)}

    assert firsts == {"a", "b", "c"}
    assert order == list(in_blocks(range(20), arms))


@given(st.integers(1, 50), st.integers(1, 6))
def test_every_request_starts_once_with_as_many_others_as_there_are(requests, at_once):
    together = blocks(requests, at_once)

    assert [index for block in together for index in block] == list(range(requests))
    assert all(len(block) >= min(requests, at_once) for block in together)
