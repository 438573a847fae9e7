"""The tree of the flame graph: widths of what was measured, divided by what was sampled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.analysis.flame import Flame, FlameOptions, flame_graph
from lgprof.model import (
    Profile,
    PythonFrame,
    Request,
    SampledPlace,
    Sampling,
    Segment,
    Span,
    StackRow,
    Tokens,
)
from tests.render.sample_profiles import Recording, profile_of

WORK, HELP = PythonFrame("work", "app.py", 3), PythonFrame("help", "app.py", 9)
FETCH = PythonFrame("get", "httpx/_api.py", 0, "httpx")
AWAIT, SLEEP = PythonFrame("[await]", ""), PythonFrame("sleep", "<built-in>")
FRAMES = [WORK, HELP, FETCH, AWAIT, SLEEP]


def sampling(*places: SampledPlace) -> Sampling:
    return Sampling(
        requests=1, slowdown=1.5, samples=100, interval_s=0.001, frames=FRAMES, places=list(places)
    )


def place(node: str, wall_s: float, *rows: tuple[int, int, int, float], calls=()) -> SampledPlace:
    return SampledPlace(
        node=node, calls=list(calls), wall_s=wall_s, rows=[StackRow(*row) for row in rows]
    )


def profile(*requests: Request, sampled: Sampling | None = None) -> Profile:
    made = profile_of(list(requests))
    made.sampling = sampled
    return made


def shape(flame: Flame) -> dict:
    return {
        child.name: (pytest.approx(child.value), shape(child))
        if child.children
        else pytest.approx(child.value)
        for child in flame.children
    }


def test_samples_divide_the_measured_time() -> None:
    recording = Recording()
    node = recording.run("plan", 6.0)
    recording.model(node, node.start_s + 4, node.start_s + 6)
    sampled = sampling(
        place("plan", 8.0, (-1, 0, 5, 2.0), (0, 1, 0, 6.0)),
        place("plan", 4.0, (-1, 2, 0, 1.0), (0, 4, 0, 3.0), calls=[("model", "gpt-4o")]),
    )
    flame = flame_graph(profile(recording.done(), sampled=sampled))
    assert flame.value == pytest.approx(6.0)
    assert shape(flame) == {
        "plan": (
            6.0,
            {"work": (4.0, {"help": 3.0}), "gpt-4o": (2.0, {"httpx.get": (2.0, {"sleep": 1.5})})},
        )
    }
    work = flame.children[0].children[0]
    assert (work.kind, work.file, work.line) == ("python", "app.py", 5)
    assert (work.children[0].line, work.self_value) == (9, pytest.approx(1.0))


def test_a_function_called_from_several_lines_is_one_frame() -> None:
    recording = Recording()
    recording.run("plan", 4.0)
    rows = (-1, 0, 5, 0.0), (0, 1, 0, 1.0), (-1, 0, 7, 0.0), (2, 1, 0, 3.0)
    flame = flame_graph(profile(recording.done(), sampled=sampling(place("plan", 4.0, *rows))))
    work = flame.children[0].children[0]
    assert shape(flame) == {"plan": (4.0, {"work": (4.0, {"help": 4.0})})}
    assert work.line == 7, "the line with most of the time below"


def test_threads_side_by_side_widen_their_node() -> None:
    recording = Recording()
    recording.run("plan", 2.0)
    sampled = sampling(place("plan", 4.0, (-1, 0, 0, 12.0)))
    flame = flame_graph(profile(recording.done(), sampled=sampled))
    assert shape(flame) == {"plan": (6.0, {"work": 6.0})}


def test_what_a_library_waits_for_is_not_unfolded() -> None:
    recording = Recording()
    recording.run("plan", 2.0)
    sampled = sampling(place("plan", 2.0, (-1, 2, 0, 0.0), (0, 3, 0, 2.0)))
    get = flame_graph(profile(recording.done(), sampled=sampled)).children[0].children[0]
    assert (get.kind, get.name, get.children) == ("await", "httpx.get", [])


def attempt_of(node: Span, recording: Recording) -> Span:
    return next(span for span in recording.spans if span.parent == node.id)


def test_elapsed_is_the_critical_path_alone() -> None:
    recording = Recording()
    slow = recording.node("slow", 1.0, 5.0, step=1)
    recording.node("quick", 1.0, 3.0, step=1)
    recording.model(attempt_of(slow, recording), 2.0, 4.0)
    request = recording.done()
    sampled = sampling(place("slow", 1.0, (-1, 0, 0, 0.5)))
    flame = flame_graph(profile(request, sampled=sampled), FlameOptions(view="elapsed"))
    assert flame.value == pytest.approx(request.latency_s)
    found = shape(flame)
    assert found["slow"] == (4.0, {"work": 2.0, "gpt-4o": 2.0})
    assert "quick" not in found
    assert found["framework"] == pytest.approx(request.latency_s - 4.0)


def cpu(span: Span, seconds: float, recording: Recording) -> None:
    attempt = attempt_of(span, recording)
    attempt.cpu_s, attempt.thread = seconds, "loop"
    attempt.segments = [Segment(span.start_s, seconds, seconds)]


def test_cpu_goes_to_the_frames_that_do_not_wait() -> None:
    recording = Recording()
    node = recording.run("plan", 6.0)
    recording.model(node, node.start_s + 4, node.start_s + 6)
    cpu(node, 0.9, recording)
    sampled = sampling(
        place("plan", 8.0, (-1, 0, 5, 2.0), (0, 3, 0, 6.0)),
        place("plan", 4.0, (-1, 2, 0, 1.0), (0, 4, 0, 3.0), calls=[("model", "gpt-4o")]),
    )
    flame = flame_graph(profile(recording.done(), sampled=sampled), FlameOptions(by="cpu"))
    assert shape(flame) == {
        "plan": (0.9, {"work": 0.6, "gpt-4o": (0.3, {"httpx.get": 0.3})}),
    }


def test_cpu_of_a_node_that_was_not_sampled_is_its_own() -> None:
    recording = Recording()
    cpu(recording.run("plan", 6.0), 0.9, recording)
    assert shape(flame_graph(profile(recording.done()), FlameOptions(by="cpu"))) == {"plan": 0.9}


def test_cost_and_tokens() -> None:
    recording = Recording()
    node = recording.run("plan", 6.0)
    recording.run("idle", 6.0)
    recording.model(node, 1, 2, cost_usd=0.25, tokens=Tokens(input=30, output=12))
    recording.model(node, 2, 3, cost_usd=0.5, tokens=Tokens(input=40, output=None))
    recording.model(node, 3, 4, name="unknown", cost_usd=None, tokens=None)
    made = profile(recording.done())
    assert shape(flame_graph(made, FlameOptions(by="cost"))) == {"plan": (0.75, {"gpt-4o": 0.75})}
    assert shape(flame_graph(made, FlameOptions(by="tokens"))) == {
        "plan": (82, {"gpt-4o": (82, {"input": 70, "output": 12})})
    }


def test_elapsed_knows_time_alone() -> None:
    recording = Recording()
    recording.run("plan", 6.0)
    with pytest.raises(ValueError, match="time"):
        flame_graph(profile(recording.done()), FlameOptions("elapsed", "cost"))


@given(
    st.lists(st.tuples(st.floats(0.1, 5), st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=6)
)
def test_children_never_exceed_their_parent(runs: list[tuple[float, float, float]]) -> None:
    recording = Recording()
    places = []
    for number, (seconds, own_s, help_s) in enumerate(runs):
        name = f"n{number % 3}"
        node = recording.run(name, seconds)
        recording.model(node, node.start_s, node.start_s + seconds / 2)
        places.append(place(name, own_s + help_s, (-1, 0, 4, own_s), (0, 1, 0, help_s)))
    known = {each.node: each for each in places}
    made = profile(recording.done(), sampled=sampling(*known.values()))
    for view in ("node-seconds", "elapsed"):
        for way in flame_graph(made, FlameOptions(view=view)).walk():
            flame = way[-1]
            assert sum(child.value for child in flame.children) <= flame.value * (1 + 1e-9)
            values = [child.value for child in flame.children]
            assert values == sorted(values, reverse=True)
