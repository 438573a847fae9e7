"""A recorded schedule, played through unchanged, takes as long as it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest

from lgprof.model import Request
from lgprof.whatif import Faster, MaxConcurrency, PoolSize, predict
from lgprof.whatif.schedule import schedule_of
from lgprof.whatif.simulate import simulated_s
from tests.render.sample_profiles import Recording, profile_of

TURN_S = 0.0001
"""What LangGraph takes to start a task, and then to call its function."""
WAKES_S = 0.0003


def crowd(works_s: Sequence[float], thread: Literal["loop", "pool"], threads: int = 2) -> Request:
    """Tasks that start one after another before the first function is called."""
    recording = Recording()
    recording.root.thread = "loop"
    started_s = len(works_s) * TURN_S
    free_s = [started_s + WAKES_S - TURN_S] * threads
    for number, took_s in enumerate(works_s):
        start_s = number * TURN_S
        if thread == "loop":
            began_s = started_s + (number + 1) * TURN_S
        else:
            began_s = min(free_s)
            free_s[free_s.index(began_s)] = began_s + took_s
        node = recording.add(
            "node", "n", start_s, began_s + took_s, recording.root, path="n", step=1
        )
        attempt = recording.add("attempt", "n", start_s, node.end_s, node, attempt=1)
        attempt.work_start_s, attempt.work_end_s, attempt.thread = began_s, node.end_s, thread
        attempt.segments = [] if thread == "loop" else None
    request = recording.done()
    request.pool_size = threads
    return request


@pytest.mark.parametrize("thread", ["loop", "pool"])
def test_tasks_that_start_together_start_once_each(thread: Literal["loop", "pool"]) -> None:
    """From a task's start to its function's the loop serves fifty others: that is not its own."""
    request = crowd([0.02] * 50, thread, threads=50)
    assert simulated_s(schedule_of(request, 1)) == pytest.approx(request.latency_s, abs=0.001)


def test_ten_at_once_of_fifty() -> None:
    request = crowd([0.02] * 50, "loop")
    saving = predict(profile_of([request]), [MaxConcurrency(10)]).saving
    assert saving is not None
    assert saving.mean_s == pytest.approx(-0.072, abs=0.002)


def test_more_threads() -> None:
    request = crowd([0.02] * 10, "pool", threads=2)
    assert simulated_s(schedule_of(request, 1)) == pytest.approx(request.latency_s, abs=0.001)
    saving = predict(profile_of([request]), [PoolSize(10)]).saving
    assert saving is not None
    assert saving.mean_s == pytest.approx(0.08, abs=0.001)


def test_a_node_that_is_faster_does_not_start_faster() -> None:
    request = crowd([0.02] * 50, "loop")
    saving = predict(profile_of([request]), [Faster("n", 0.5)]).saving
    assert saving is not None
    assert saving.mean_s == pytest.approx(0.01, abs=0.0001)
