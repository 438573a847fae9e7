"""The drawing of graphs: nothing overlaps, loops lead back up."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from lgprof.render.html.layered import LAYER_GAP, Box, Drawing, draw

graphs = st.integers(1, 9).flatmap(
    lambda size: st.tuples(
        st.lists(st.integers(0, 4), min_size=size, max_size=size),
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=14),
    )
)


def drawn(layers: list[int], edges: list[tuple[int, int]]) -> Drawing:
    return draw([Box(120, 50, layer) for layer in layers], edges)


def ends(d: str) -> tuple[tuple[float, float], tuple[float, float]]:
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", d)]
    return (numbers[0], numbers[1]), (numbers[-2], numbers[-1])


@settings(max_examples=60, deadline=None)
@given(graphs)
def test_boxes_never_overlap_and_edges_touch_theirs(graph):
    layers, edges = graph
    drawing = drawn(layers, edges)
    for number, box in enumerate(drawing.boxes):
        for other in drawing.boxes[number + 1 :]:
            beside = box.x + box.width < other.x or other.x + other.width < box.x
            assert beside or box.y + box.height < other.y or other.y + other.height < box.y
    for (source, target), path in zip(edges, drawing.paths, strict=True):
        (x, y), (to_x, to_y) = ends(path.d)
        upper, lower = drawing.boxes[source], drawing.boxes[target]
        assert upper.x - 0.1 <= x <= upper.x + upper.width + 0.1
        assert upper.y - 0.1 <= y <= upper.y + upper.height + 0.1
        assert lower.x - 0.1 <= to_x <= lower.x + lower.width + 0.1
        assert lower.y - 0.1 <= to_y <= lower.y + lower.height + 0.1


def test_a_chain_is_a_straight_line():
    drawing = drawn([0, 1, 2], [(0, 1), (1, 2)])
    assert [box.x for box in drawing.boxes] == [0, 0, 0]
    assert [box.y for box in drawing.boxes] == [0, 50 + LAYER_GAP, 2 * (50 + LAYER_GAP)]


def test_a_loop_leaves_and_enters_on_the_right():
    drawing = drawn([0, 1], [(0, 1), (1, 0)])
    (x, y), (to_x, to_y) = ends(drawing.paths[1].d)
    upper, lower = drawing.boxes
    assert (x, to_x) == (lower.x + 120, upper.x + 120)
    assert y > lower.y > upper.y + 50 > to_y
    assert drawing.width > 120, "the loop has room beside its nodes"


def test_a_loop_goes_straight_up_where_a_box_stands_in_its_way():
    drawing = drawn([0, 1, 1], [(0, 1), (0, 2), (1, 0)])
    upper, left, right = drawing.boxes
    assert left.x < right.x
    (x, y), (to_x, to_y) = ends(drawing.paths[2].d)
    assert (y, to_y) == (left.y, upper.y + upper.height)
    assert max(x, to_x) < right.x
    (down_x, _), (down_to_x, _) = ends(drawing.paths[0].d)
    assert down_x < to_x, "beside the edge that leads down,"
    assert down_to_x < x, "and does not cross it"


def test_a_long_edge_passes_beside_what_lies_between():
    drawing = drawn([0, 1, 2], [(0, 1), (1, 2), (0, 2)])
    _, between, _ = drawing.boxes
    label = drawing.paths[2]
    assert not between.x <= label.label_x <= between.x + between.width


def test_edges_do_not_cross_where_they_need_not():
    drawing = drawn([0, 0, 1, 1], [(0, 3), (1, 2)])
    first, second, third, fourth = (box.x for box in drawing.boxes)
    assert (first < second) == (fourth < third)
