"""What becomes of an arrival: it starts, waits, or is dropped."""

from __future__ import annotations

from lgprof.load.desk import FREE_START, Desk
from lgprof.load.ledger import Arrival


def filled(desk: Desk, count: int) -> Desk:
    for number in range(count):
        assert desk.accepts()
        desk.queue(Arrival(number, 0))
    return desk


def started(desk: Desk, *, idle: bool) -> list[int]:
    numbers = []
    while (arrival := desk.next(idle=idle)) is not None:
        numbers.append(arrival.number)
    return numbers


def test_a_fixed_limit_holds_whether_the_loop_is_idle_or_not() -> None:
    desk = filled(Desk(2, 100), 5)
    assert started(desk, idle=True) == [0, 1]
    assert started(desk, idle=False) == []
    desk.leave()
    assert started(desk, idle=False) == [2]
    assert not desk.waits_for_idleness
    assert (desk.running, len(desk.waiting), desk.peak_waiting) == (2, 2, 5)


def test_without_a_limit_so_many_start_at_once_and_more_in_idle_moments() -> None:
    desk = filled(Desk(None, 100), FREE_START + 3)
    assert started(desk, idle=False) == list(range(FREE_START))
    assert desk.waits_for_idleness
    assert desk.next(idle=False) is None
    assert desk.next(idle=True) == Arrival(FREE_START, 0)
    desk.leave()
    assert desk.next(idle=False) is None  # as many still run as may without idleness
    desk.leave()
    assert desk.next(idle=False) == Arrival(FREE_START + 1, 0)


def test_nobody_waits_for_idleness_where_nobody_waits() -> None:
    desk = filled(Desk(None, 100), FREE_START)
    started(desk, idle=True)
    assert desk.running == FREE_START
    assert not desk.waits_for_idleness


def test_what_runs_and_what_waits_is_in_flight() -> None:
    desk = filled(Desk(1, 3), 3)
    assert not desk.accepts()
    assert started(desk, idle=True) == [0]
    assert not desk.accepts()
    desk.leave()
    assert desk.accepts()


def test_what_is_given_up_never_starts() -> None:
    desk = filled(Desk(1, 10), 3)
    assert started(desk, idle=True) == [0]
    assert [arrival.number for arrival in desk.give_up()] == [1, 2]
    desk.leave()
    assert desk.next(idle=True) is None
    assert desk.give_up() == []
