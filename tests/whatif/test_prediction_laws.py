"""What must hold of every prediction, whatever ran: synthetic requests of any shape."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgprof.model import Request, Segment, Span
from lgprof.whatif.changes import (
    CacheNode,
    Change,
    Faster,
    MaxConcurrency,
    NoStraggler,
    Parallel,
    PoolSize,
    RemoveBarrier,
    Retry,
    Unblock,
)
from lgprof.whatif.predict import Prediction, WhatIf
from tests.render.sample_profiles import Recording, profile_of

NAMES = ("a", "b", "c")
MS = st.integers(1, 40).map(lambda ms: ms / 1000)


@st.composite
def requests(draw: st.DrawFn, index: int = 0) -> Request:
    """Supersteps of one to three nodes on the loop or in threads, retries, nested graphs."""
    recording = Recording(index=index, start_s=float(index) * 10)
    for step in range(1, draw(st.integers(1, 4)) + 1):
        start_s = recording.at
        names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
        ends_s = [_call(draw, recording, name, step, start_s) for name in names]
        recording.at = max(ends_s) + draw(MS) / 10
    request = recording.done()
    request.pool_size = 2
    for span in request.spans:
        span.thread = "loop" if span.kind == "graph" else span.thread
    return request


def _call(draw: st.DrawFn, recording: Recording, name: str, step: int, at_s: float) -> float:
    node = recording.add("node", name, at_s, at_s, recording.root, path=name, step=step)
    for number in range(1, draw(st.integers(1, 2)) + 1):
        took_s = draw(MS)
        attempt = recording.add("attempt", name, at_s, at_s + took_s, node, attempt=number)
        attempt.work_start_s, attempt.work_end_s = at_s, at_s + took_s
        _function(draw, attempt, took_s)
        attempt.outcome = "ok"
        at_s += took_s
        node.end_s = at_s
        at_s += 0.002
    attempt.reads = {"question": draw(st.sampled_from(["x", "y"]))}
    for earlier in recording.spans:
        if earlier.parent == node.id and earlier is not attempt:
            earlier.outcome = "failed"
    return node.end_s


def _function(draw: st.DrawFn, attempt: Span, took_s: float) -> None:
    attempt.thread = draw(st.sampled_from(["loop", "pool"]))
    cpu_s = took_s * draw(st.sampled_from([0.0, 0.5, 1.0]))
    attempt.cpu_s = cpu_s
    if attempt.thread == "loop":
        attempt.segments = [Segment(attempt.start_s, cpu_s, cpu_s)] if cpu_s else []
        attempt.loop_waits = None


CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Faster, st.sampled_from(NAMES), st.floats(0, 3)),
    st.builds(CacheNode, st.sampled_from(NAMES)),
    st.just(Parallel(("a", "b"))),
    st.just(Parallel(NAMES)),
    st.just(RemoveBarrier("a", "b")),
    st.builds(Unblock, st.sampled_from(NAMES)),
    st.builds(Retry, st.sampled_from(NAMES), st.none(), MS),
    st.builds(NoStraggler, st.sampled_from(NAMES)),
    st.builds(MaxConcurrency, st.integers(1, 3)),
    st.builds(PoolSize, st.integers(1, 3)),
)


def predicted(request: Request, *changes: Change) -> Prediction:
    return WhatIf(profile_of([request])).predict(changes)


@given(requests())
def test_nothing_changed_is_what_was_recorded(request: Request) -> None:
    for same in ((), (Faster("a", 1.0),), (PoolSize(2),), (MaxConcurrency(None),)):
        found = predicted(request, *same)
        assert found.predicted_s == pytest.approx(found.recorded_s, abs=1e-12)
        assert found.saving is not None
        assert found.saving.mean_ci_s == pytest.approx((0.0, 0.0), abs=1e-12)


@given(requests(), st.lists(CHANGES, max_size=3))
@settings(max_examples=60)
def test_no_saving_exceeds_the_latency(request: Request, changes: list[Change]) -> None:
    found = predicted(request, *changes)
    assert found.saving is not None
    assert found.predicted_s[0] >= 0
    assert found.saving.mean_s <= found.recorded_s[0]
    assert found.saving.mean_s == pytest.approx(found.recorded_s[0] - found.predicted_s[0])
    assert found.saving.share == pytest.approx(found.saving.mean_s / found.recorded_s[0])


@given(requests(), st.sampled_from(NAMES), st.floats(0, 1))
def test_halves_of_halves_are_quarters(request: Request, node: str, factor: float) -> None:
    twice = predicted(request, Faster(node, factor), Faster(node, factor))
    at_once = predicted(request, Faster(node, factor * factor))
    assert twice.predicted_s == pytest.approx(at_once.predicted_s, abs=1e-9)


@given(requests(), st.sampled_from(NAMES))
def test_a_question_does_not_change_the_next_answer(request: Request, node: str) -> None:
    what_if = WhatIf(profile_of([request]))
    first = what_if.predict([Faster(node, 0.5)])
    what_if.predict([Parallel(NAMES), CacheNode(node), Unblock(node)])
    assert what_if.predict([Faster(node, 0.5)]) == first


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.data())
def test_a_hit_was_seen_before(keys: list[int], data: st.DataObject) -> None:
    made = [data.draw(requests(index)) for index in range(len(keys))]
    seen: set[str] = set()
    hits = []
    for request in made:
        steps = [s for s in request.spans if s.kind == "attempt" and s.path == "a" and s.reads]
        values = [span.reads["question"] for span in steps if span.reads]
        hits.append(any(value in seen for value in values) or len(values) > len(set(values)))
        seen.update(values)
    found = WhatIf(profile_of(made)).predict([CacheNode("a")])
    for before, after, hit in zip(found.recorded_s, found.predicted_s, hits, strict=True):
        assert hit or after == before
