"""The order in which copies serve requests."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from lgprof.whatif.proof.stage import in_blocks

ARMS: Any = ["base", "control", "changed"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9])
def test_each_copy_serves_each_input_once_and_in_order(count: int):
    served = list(in_blocks(range(count), ARMS))
    for arm in ARMS:
        assert [index for other, index in served if other == arm] == list(range(count))


def test_no_request_follows_one_with_the_same_input():
    served = [index for _, index in in_blocks(range(9), ARMS)]
    assert all(before != after for before, after in pairwise(served))
