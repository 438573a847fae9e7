"""What competes for the event loop, for threads and for the interpreter lock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.model import Span
from lgprof.whatif.lengths import schedule_s
from lgprof.whatif.pieces import (
    Attempt,
    Call,
    Fork,
    GraphRun,
    Hold,
    InExecutor,
    Piece,
    Places,
    Schedule,
    Step,
    Task,
    Wait,
    Work,
)
from lgprof.whatif.simulate import simulated_s

ROOT = Span(id=0, kind="graph", path="", name="graph", start_s=0, end_s=0)
NODE = Span(id=1, kind="node", path="n", name="n", start_s=0, end_s=0)


def taking_s(
    *tasks: tuple[Piece, ...], on_loop: bool = True, limit: int | None = None, threads: int = 2
) -> float:
    """How long a superstep of such tasks takes."""
    step = Step((), tuple(Task(NODE, (Attempt(NODE, (), body, ()),)) for body in tasks))
    run = GraphRun(ROOT, (step,), (), on_loop)
    return simulated_s(Schedule((run,), Places(limit, threads)))


def hold(seconds: float, cpu_s: float = 0.0) -> Hold:
    return Hold(seconds, cpu_s)


def test_waits_overlap_and_holds_do_not() -> None:
    assert taking_s((Wait(3),), (Wait(2),)) == 3
    assert taking_s((hold(3),), (hold(2),)) == 5
    assert taking_s((hold(1), Wait(3)), (hold(1), Wait(3))) == 5
    assert taking_s((Wait(1), hold(4)), (Wait(2), hold(1))) == 6


def test_holds_with_nothing_between_are_one_callback() -> None:
    # Were they two, the second task's hold would come between, and its wait begin at 2.
    assert taking_s((hold(1), hold(3)), (hold(1), Wait(1))) == 6


def test_threads_are_as_many_as_there_are() -> None:
    sync = (InExecutor((Work(2, 0),)),)
    assert taking_s(sync, sync, sync, threads=3) == 2
    assert taking_s(sync, sync, sync, threads=2) == 4
    assert taking_s(sync, sync, sync, threads=1) == 6


def test_threads_that_compute_share_one_lock() -> None:
    computing, waiting = (InExecutor((Work(0.02, 0.02),)),), (InExecutor((Work(0.02, 0),)),)
    assert taking_s(computing, computing) == pytest.approx(0.04)
    assert taking_s(computing, waiting) == pytest.approx(0.02)


def test_a_thread_that_computes_gives_way_to_the_loop_every_switch_interval() -> None:
    # The loop's callback waits for one interval of 5 ms, then has the lock.
    computing = (InExecutor((Work(0.02, 0.02),)),)
    assert taking_s(computing, (Wait(0.001), hold(0.001, 0.001), Wait(0.05))) == pytest.approx(
        0.057
    )


def test_max_concurrency() -> None:
    task = (Wait(1),)
    assert taking_s(task, task, task, limit=2) == 2
    assert taking_s(task, task, task, limit=1) == 3
    assert taking_s(task, task, task, on_loop=False, threads=2) == 2


def test_branches_of_a_fork_wait_for_the_slowest() -> None:
    fork = Fork(((Wait(1), hold(1)), (Wait(3),)))
    assert taking_s((fork, Wait(1))) == 4


def test_backoff_lies_between_attempts() -> None:
    attempt = Attempt(NODE, (), (Wait(1),), ())
    run = GraphRun(ROOT, (Step((), (Task(NODE, (attempt, attempt), (5.0,)),)),), (), True)
    assert simulated_s(Schedule((run,), Places(None, 1))) == 7


def _steps() -> st.SearchStrategy[tuple[Step, ...]]:
    seconds = st.floats(0, 10)
    leaf = st.one_of(
        st.builds(Wait, seconds),
        st.builds(lambda wall_s, share: Hold(wall_s, wall_s * share), seconds, st.floats(0, 1)),
        st.builds(lambda wall_s, share: Work(wall_s, wall_s * share), seconds, st.floats(0, 1)),
    )
    row = st.lists(leaf, max_size=3).map(tuple)
    piece = st.one_of(
        leaf,
        st.builds(Call, st.just(NODE), row),
        st.builds(InExecutor, row),
        st.builds(Fork, st.tuples(row, row)),
    )
    attempt = st.builds(Attempt, st.just(NODE), row, st.lists(piece, max_size=3).map(tuple), row)
    attempts = st.lists(attempt, max_size=2).map(tuple)
    task = st.builds(lambda made, wait_s: Task(NODE, made, (wait_s,)), attempts, seconds)
    return st.lists(st.builds(Step, row, st.lists(task, max_size=2).map(tuple)), max_size=4).map(
        tuple
    )


@given(_steps(), st.booleans())
def test_adding_up_what_runs_alone_is_simulating_it(steps: tuple[Step, ...], on_loop: bool) -> None:
    schedule = Schedule((GraphRun(ROOT, steps, (hold(1),), on_loop),), Places(None, 2))
    assert schedule_s(schedule) == pytest.approx(simulated_s(schedule))
