"""When checkpoints are written: what a saver over a network makes graphs wait for."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START

from lgprof.langgraph_adapter.rewire import durability_config
from lgprof.model import Profile
from lgprof.whatif import Change, Durability, Faster, SwapCheckpointer, predict
from lgprof.whatif.changes import DurabilityMode
from tests.whatif.graphs import chain, graph, profile_in_virtual_time, sleeper

SAVE_S = 0.006
OVERHEAD_MS = 2.0
"""Of what checkpoints cost besides their writing, which takes no virtual time, less is guessed."""


class SlowSaver(InMemorySaver):
    """As over a network."""

    async def aput(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(SAVE_S)
        return await super().aput(*args, **kwargs)

    async def aput_writes(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(SAVE_S / 2)
        await super().aput_writes(*args, **kwargs)

    async def aget_tuple(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(SAVE_S)
        return await super().aget_tuple(*args, **kwargs)


def profiled(mode: DurabilityMode, node_s: float, saver: Any = None) -> Profile:
    """Four nodes, of which the third takes twice as long as the others."""
    lengths_s = {"a": node_s, "b": node_s, "c": 2 * node_s, "d": node_s}
    names = [START, *lengths_s, END]
    saved = graph(
        {name: sleeper(name, seconds) for name, seconds in lengths_s.items()},
        list(pairwise(names)),
        checkpointer=saver or SlowSaver(),
    )
    return profile_in_virtual_time(saved, {}, config=durability_config(mode))


def latency_s(profile: Profile) -> float:
    return profile.requests[0].latency_s


def saved_ms(profile: Profile, change: Change) -> float:
    saving = predict(profile, [change]).saving
    assert saving is not None
    return saving.mean_s * 1e3


MODES: list[tuple[DurabilityMode, DurabilityMode]] = [
    ("async", "sync"),
    ("async", "exit"),
    ("sync", "async"),
    ("sync", "exit"),
]


@pytest.mark.parametrize("node_s", [0.01, 0.003])
@pytest.mark.parametrize(("mode", "other"), MODES)
def test_another_durability(mode: DurabilityMode, other: DurabilityMode, node_s: float) -> None:
    """Nodes of 10 ms outlast the writing of a checkpoint, nodes of 3 ms do not."""
    profile = profiled(mode, node_s)
    measured_ms = (latency_s(profile) - latency_s(profiled(other, node_s))) * 1e3
    assert saved_ms(profile, Durability(other)) == pytest.approx(measured_ms, abs=OVERHEAD_MS)


@pytest.mark.parametrize("mode", ["sync", "async", "exit"])
def test_the_durability_it_has_already(mode: DurabilityMode) -> None:
    found = predict(profiled(mode, 0.01), [Durability(mode)])
    assert found.predicted_s == found.recorded_s
    assert found.caveats == (f"checkpoints were written with durability={mode!r} already",)


@pytest.mark.parametrize("mode", ["sync", "async", "exit"])
def test_another_checkpointer(mode: DurabilityMode) -> None:
    profile = profiled(mode, 0.003)
    measured_ms = (latency_s(profile) - latency_s(profiled(mode, 0.003, InMemorySaver()))) * 1e3
    for kind in ("memory", "none"):
        found_ms = saved_ms(profile, SwapCheckpointer(kind))
        assert found_ms == pytest.approx(measured_ms, abs=OVERHEAD_MS)


def test_a_faster_node_gains_nothing_where_the_end_waits_for_checkpoints() -> None:
    """Six checkpoints of 6 ms, one after another, outlast nodes of 3 ms."""
    assert saved_ms(profiled("async", 0.003), Faster("c", 0.5)) == pytest.approx(0, abs=0.01)
    assert saved_ms(profiled("sync", 0.003), Faster("c", 0.5)) == pytest.approx(3, abs=0.01)


def test_a_subgraph_writes_none_of_its_own_at_the_end() -> None:
    def nested(mode: DurabilityMode) -> Profile:
        inner = chain(x=sleeper("a", 0.01), y=sleeper("b", 0.01))
        edges = [(START, "inner"), ("inner", END)]
        outer = graph({"inner": inner}, edges, checkpointer=SlowSaver())
        return profile_in_virtual_time(outer, {}, config=durability_config(mode))

    profile = nested("sync")
    measured_ms = (latency_s(profile) - latency_s(nested("exit"))) * 1e3
    assert saved_ms(profile, Durability("exit")) == pytest.approx(measured_ms, abs=OVERHEAD_MS)


def test_a_checkpointer_in_memory_is_left_as_it_is() -> None:
    profile = profiled("async", 0.01, InMemorySaver())
    assert saved_ms(profile, SwapCheckpointer("memory")) == 0
