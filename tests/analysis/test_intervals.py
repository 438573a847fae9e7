from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.analysis.intervals import RANK, ByTime, Tile, covered_s, paint, subtract

REST = Tile(0, 0, "node_wait", "n", 1)
moments = st.integers(0, 40).map(float)
stretches = st.tuples(moments, moments).map(sorted).map(tuple)
claims = st.builds(
    lambda stretch, category, span: Tile(*stretch, category, "p", span),
    stretches,
    st.sampled_from(sorted(RANK)),
    st.integers(2, 5),
)


def test_the_first_category_wins() -> None:
    model = Tile(2, 6, "model", "n", 2)
    tool = Tile(4, 9, "tool", "n", 3)
    assert paint([tool, model], 0, 10, REST) == [
        Tile(0, 2, "node_wait", "n", 1),
        Tile(2, 6, "model", "n", 2),
        Tile(6, 9, "tool", "n", 3),
        Tile(9, 10, "node_wait", "n", 1),
    ]


def test_of_equal_categories_the_longer_lasting_wins() -> None:
    first, second = Tile(0, 5, "model", "n", 2), Tile(3, 8, "model", "n", 3)
    assert paint([first, second], 0, 8, REST) == [first._replace(end_s=3), second]


def test_claims_are_clipped() -> None:
    assert paint([Tile(-5, 50, "tool", "n", 2)], 1, 3, REST) == [Tile(1, 3, "tool", "n", 2)]


def test_nothing_to_paint() -> None:
    assert paint([Tile(0, 9, "tool", "n", 2)], 3, 3, REST) == []


@given(st.lists(claims, max_size=12), stretches)
def test_every_instant_goes_to_the_best_claim(given_claims: list[Tile], where) -> None:
    start, end = where
    tiles = paint(given_claims, start, end, REST)
    assert sum(t.end_s - t.start_s for t in tiles) == end - start
    for before, after in pairwise(tiles):
        assert before.end_s == after.start_s
    for tile in tiles:
        for half in range(int(tile.start_s) * 2 + 1, int(tile.end_s) * 2, 2):
            holding = [c for c in given_claims if c.start_s < half / 2 < c.end_s]
            best = min((RANK[c.category] for c in holding), default=None)
            if best is None:
                assert tile[2:] == REST[2:]
            else:
                assert RANK[tile.category] == best


@given(st.lists(stretches, max_size=8), st.lists(stretches, max_size=8))
def test_subtract_and_cover_agree_with_counting(whole, holes) -> None:
    left = subtract([(0.0, 40.0)], holes)
    assert covered_s(left) + covered_s(holes) == pytest.approx(40.0)
    cells = {cell for start, end in whole for cell in range(int(start), int(end))}
    assert covered_s(whole) == len(cells)


@given(st.lists(claims, max_size=12), stretches)
def test_by_time_finds_what_overlaps(tiles: list[Tile], where) -> None:
    start, end = where
    found = list(ByTime(tiles).between(start, end))
    assert sorted(found) == sorted(t for t in tiles if t.start_s < end and t.end_s > start)
