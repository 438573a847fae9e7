"""Two flame graphs as one: known widths, and what must hold of any two."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.analysis.flame import FlameOptions, flame_graph
from lgprof.analysis.flame_diff import FlameDiff, flame_diff
from lgprof.model import Profile, PythonFrame, SampledPlace, Sampling, StackRow
from tests.render import sample_profiles
from tests.render.sample_profiles import Recording, profile_of


def profile(*requests: dict[str, float]) -> Profile:
    """Each request runs these nodes one after another; one that starts with ! calls a model."""
    made = []
    for index, nodes in enumerate(requests):
        recording = Recording(index, start_s=100.0 * index)
        for name, seconds in nodes.items():
            node = recording.run(name.lstrip("!"), seconds)
            if name.startswith("!"):
                recording.model(node, node.start_s + seconds / 2, node.end_s)
        made.append(recording.done())
    return profile_of(made)


def shape(frame: FlameDiff) -> dict[str, tuple[object, object]]:
    return {
        each.name: (pytest.approx(each.base), pytest.approx(each.value)) for each in frame.children
    }


def test_means_per_request_so_that_numbers_of_requests_do_not_matter() -> None:
    base = profile({"plan": 1.0, "draft": 2.0}, {"plan": 3.0, "draft": 2.0})
    diff = flame_diff(base, profile({"plan": 3.0, "draft": 1.0}))
    assert shape(diff) == {"plan": (2.0, 3.0), "draft": (2.0, 1.0)}
    assert [each.name for each in diff.children] == ["plan", "draft"], "the widest now first"
    assert (diff.base, diff.value) == (pytest.approx(4.0), pytest.approx(4.0))
    assert diff.children[0].change == pytest.approx(0.5)
    assert diff.children[1].difference == pytest.approx(-1.0)


def test_new_and_gone() -> None:
    diff = flame_diff(profile({"!old": 2.0, "a": 1.0}), profile({"a": 1.0, "!young": 4.0}))
    assert shape(diff) == {"young": (0, 4.0), "a": (1.0, 1.0), "old": (2.0, 0)}
    assert diff.children[0].change is None
    assert [(each.name, each.base) for each in diff.gone()] == [("old", pytest.approx(2.0))]


def test_a_model_joins_below_its_node_alone() -> None:
    diff = flame_diff(profile({"!draft": 2.0}), profile({"!draft": 6.0, "!other": 2.0}))
    model = diff.children[0].children[0]
    assert (model.kind, model.base, model.value) == ("model", pytest.approx(1), pytest.approx(3))
    assert diff.children[1].children[0].base == 0


def test_python_frames_need_both_sides() -> None:
    base, new = profile({"a": 1.0}), profile({"a": 1.0})
    work = [PythonFrame("work", "app.py", 3)]
    rows = [StackRow(-1, 0, 10, 0.5)]
    place = SampledPlace(node="a", calls=[], wall_s=1.0, rows=rows)
    new.sampling = Sampling(
        requests=1, slowdown=1.5, samples=10, interval_s=0.001, frames=work, places=[place]
    )
    assert flame_diff(base, new).children[0].children == []
    assert new.sampling is not None, "the caller's Profile is left as it was"
    base.sampling = copy.deepcopy(new.sampling)
    assert [each.name for each in flame_diff(base, new).children[0].children] == ["work"]


def test_by_cost_and_elapsed() -> None:
    base, new = profile({"!a": 1.0}), profile({"!a": 1.0})
    for span in new.requests[0].spans:
        if span.model:
            span.model.cost_usd = 0.0082
    by_cost = flame_diff(base, new, FlameOptions(by="cost"))
    assert (by_cost.base, by_cost.value) == (pytest.approx(0.0041), pytest.approx(0.0082))
    elapsed = flame_diff(base, new, FlameOptions(view="elapsed"))
    assert elapsed.value == pytest.approx(new.requests[0].latency_s)
    with pytest.raises(ValueError, match="elapsed"):
        flame_diff(base, new, FlameOptions(view="elapsed", by="cost"))


NODES = st.dictionaries(st.sampled_from("abcd!"), st.floats(0.001, 9), min_size=1)


@given(st.lists(NODES, min_size=1, max_size=3), st.lists(NODES, min_size=1, max_size=3))
def test_both_sides_add_up(before: list[dict[str, float]], after: list[dict[str, float]]) -> None:
    base, new = profile(*before), profile(*after)
    diff = flame_diff(base, new)
    assert diff.base == pytest.approx(flame_graph(base).value / len(before))
    assert diff.value == pytest.approx(flame_graph(new).value / len(after))
    assert sum(each.base for each in diff.children) == pytest.approx(diff.base)
    assert sum(each.value for each in diff.children) == pytest.approx(diff.value)


def test_against_itself_nothing_moves() -> None:
    same = sample_profiles.agent(4)
    waiting = [flame_diff(same, same)]
    while waiting:
        frame = waiting.pop()
        assert frame.difference == 0
        waiting += frame.children
