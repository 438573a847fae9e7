"""The tap on the event loop by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

import pytest

from lgprof.record.event_log import Recording
from lgprof.record.loop_tap import tapped
from lgprof.record.origin import _CARRIED
from tests.virtual_time import VirtualTime

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize("spins", [True, False])
def test_a_hold_that_never_ends_has_its_cpu_time(spins: bool) -> None:
    time, recording = VirtualTime(), Recording()
    loop = time.loop()

    async def hold() -> None:
        (time.compute if spins else time.block)(2)
        note_unfinished()

    with tapped(loop, recording, time.clock) as note_unfinished:
        loop.run_until_complete(hold())
    loop.close()
    [(_, wall_ns, cpu_ns, *_)] = recording.holds.rows()
    assert wall_ns == 2 * SECOND_NS
    assert cpu_ns == (2 * SECOND_NS if spins else 0)


def test_holds_of_no_node_are_not_kept() -> None:
    time, recording = VirtualTime(), Recording()
    loop = time.loop()

    async def other() -> None:
        time.block(1)

    with tapped(loop, recording, time.clock):
        loop.run_until_complete(other())
    loop.close()
    assert not len(recording.holds)


def test_who_is_ready_while_another_holds_the_loop_waits_for_it() -> None:
    time, recording = VirtualTime(), Recording()
    loop = time.loop()

    async def hold() -> None:
        time.block(1)

    async def go_on() -> None:
        await asyncio.sleep(0)

    def started(coroutine: Coroutine[Any, Any, None], run: int) -> asyncio.Task[None]:
        context = Context()
        context.run(_CARRIED.set, run)
        return loop.create_task(coroutine, context=context)

    async def both() -> None:
        await asyncio.gather(started(hold(), 1), started(go_on(), 2), started(hold(), 2))

    with tapped(loop, recording, time.clock):
        loop.run_until_complete(both())
    loop.close()
    begin_ns = 1 * SECOND_NS
    # Another hold of run 2 has its own kept waiting too, but not by somebody else.
    assert list(recording.loop_waits.rows()) == [(begin_ns, begin_ns + SECOND_NS, 2)]


def test_each_asyncio_task_knows_who_made_it() -> None:
    """Task 1 makes 2 and 3, and 3 makes 4; the second step of a task is of the same task."""
    time, recording = VirtualTime(), Recording()
    loop = time.loop()

    async def work(*inner: Coroutine[Any, Any, None]) -> None:
        for coroutine in (*inner, asyncio.sleep(0)):
            time.compute(1)
            await asyncio.gather(coroutine)
        time.compute(1)

    async def plain() -> None:
        time.compute(2)
        await asyncio.sleep(0)
        time.compute(2)

    async def begin() -> None:
        _CARRIED.set(7)
        time.compute(4)
        await asyncio.gather(plain(), work(plain()))
        time.compute(4)

    with tapped(loop, recording, time.clock):
        loop.run_until_complete(begin())
    loop.close()
    held: dict[int, list[int]] = {}
    makers: dict[int, int] = {}
    for _, wall_ns, _, _, task, maker in recording.holds.rows():
        held.setdefault(task, []).append(wall_ns // SECOND_NS)
        makers[task] = maker
    begun, first, second, third, *_ = sorted(held)
    assert held[begun] == [4, 4]
    assert held[first] == held[third] == [2, 2]
    assert held[second] == [1, 1, 1]
    assert [makers[task] for task in (begun, first, second, third)] == [0, begun, begun, second]
