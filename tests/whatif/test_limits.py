"""What tasks and requests that run at once wait for of each other, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.func import entrypoint, task

from lgprof.model import Profile
from lgprof.whatif import Change, Faster, MaxConcurrency, predict
from tests.virtual_time import VirtualTime
from tests.whatif.graphs import chain, computer, profile_in_virtual_time, side_by_side, sleeper

MS = 0.001


def saved_ms(profile: Profile, *changes: Change) -> float:
    saving = predict(profile, changes).saving
    assert saving is not None
    return saving.mean_s * 1e3


def test_two_at_once() -> None:
    profile = profile_in_virtual_time(_appending(4), {})
    assert profile.requests[0].latency_s == pytest.approx(0.02, abs=MS)
    assert saved_ms(profile, MaxConcurrency(2)) == pytest.approx(-20, abs=0.5)
    assert saved_ms(profile, MaxConcurrency(1)) == pytest.approx(-60, abs=0.5)


def _appending(width: int) -> Any:
    async def node(state: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"items": [1]}

    return side_by_side(sleeper("d", 0.0), **{f"n{i}": node for i in range(width)})


def _calls_tasks(count: int) -> Any:
    @task
    async def part(number: int) -> int:
        await asyncio.sleep(0.02)
        return number

    @entrypoint()
    async def flow(state: dict[str, Any]) -> int:
        return sum(await asyncio.gather(*map(part, range(count))))

    return flow


def test_functional_tasks_share_places_with_the_node_that_calls_them() -> None:
    profile = profile_in_virtual_time(_calls_tasks(4), {})
    assert profile.requests[0].latency_s == pytest.approx(0.02, abs=MS)
    assert saved_ms(profile, MaxConcurrency(3)) == pytest.approx(-20, abs=0.5)
    assert saved_ms(profile, MaxConcurrency(2)) == pytest.approx(-60, abs=0.5)
    stuck = predict(profile, [MaxConcurrency(1)])
    assert stuck.saving is None
    assert stuck.caveats == (
        "1 of 1 requests would never end: tasks hold all places that those they wait for need",
    )


def test_functional_tasks_that_stood_in_line_need_not() -> None:
    profile = profile_in_virtual_time(_calls_tasks(4), {}, config={"max_concurrency": 3})
    assert profile.requests[0].latency_s == pytest.approx(0.04, abs=MS)
    assert saved_ms(profile, MaxConcurrency(None)) == pytest.approx(20, abs=0.5)
    assert saved_ms(profile, Faster("flow/part", 0.5)) == pytest.approx(20, abs=0.5)


def test_requests_that_keep_each_other_waiting_cannot_be_predicted() -> None:
    time = VirtualTime()
    nodes = chain(a=sleeper("a", 0.01), b=computer(time, "b", 0.02), c=sleeper("c", 0.01))
    for at_once, doubts in ((1, 0), (4, 1)):
        profile = profile_in_virtual_time(nodes, *[{}] * 8, time=time, concurrency=at_once)
        found = predict(profile, [Faster("b", 0.5)])
        assert len(found.caveats) == len(found.unmeasured) == doubts
        assert all("kept each other waiting for" in doubt for doubt in found.unmeasured)
        nothing = predict(profile, [Faster("b", 1.0)])
        assert nothing.caveats == nothing.unmeasured == ()


def test_requests_that_only_wait_do_not_disturb_each_other() -> None:
    profile = profile_in_virtual_time(chain(a=sleeper("a", 0.04)), *[{}] * 8, concurrency=4)
    found = predict(profile, [Faster("a", 0.5)])
    assert found.predicted_s == pytest.approx([0.02] * 8)
    assert found.unmeasured == ()
    assert "the requests ran at once" in found.caveats[0]


def test_requests_that_use_the_loop_a_lot_may_have_kept_each_other_from_it() -> None:
    """A hold of 0.9 ms is too short to be noticed by those who wait for it."""
    time = VirtualTime()

    async def computes(state: dict[str, Any]) -> dict[str, Any]:
        for _ in range(10):
            time.compute(0.0009)
            await asyncio.sleep(0.003)
        return {"a": 1}

    profile = profile_in_virtual_time(chain(a=computes), *[{}] * 8, time=time, concurrency=2)
    (doubt,) = predict(profile, [Faster("a", 0.5)]).unmeasured
    assert "had the event loop busy for" in doubt
