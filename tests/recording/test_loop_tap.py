"""The tap on the event loop by itself."""

from __future__ import annotations

import pytest

from lgprof.record.event_log import Recording
from lgprof.record.loop_tap import tapped
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
    [(_, wall_ns, cpu_ns, _)] = recording.holds.rows()
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
