"""Which asyncio task of a function did what."""

from __future__ import annotations

from lgprof.model import Segment, Span
from lgprof.whatif.asyncio_tasks import Strand, strands


def hold(start_s: float, task: int) -> Segment:
    """A hold of one second."""
    return Segment(start_s, 1.0, 1.0, task)


def call(start_s: float, end_s: float) -> Span:
    return Span(id=1, kind="model", path="n", name="m", start_s=start_s, end_s=end_s)


def read(makers: list[int], holds: list[Segment], calls: list[Span]) -> Strand:
    span = Span(id=0, kind="attempt", path="n", name="n", start_s=0, end_s=100, task_makers=makers)
    span.segments = holds
    return strands(span, (0, 100), calls)


def test_branches_of_a_gather_are_made_by_the_function() -> None:
    holds = [hold(0, 0), hold(1, 1), hold(2, 2), hold(30, 2), hold(50, 1), hold(51, 0)]
    own = read([0, 0], holds, [])
    assert (own.start_s, own.end_s) == (0, 100)
    assert own.segments == [holds[0], holds[5]]
    assert [(made.start_s, made.end_s) for made in own.made] == [(1, 51), (2, 31)]


def test_a_call_belongs_to_the_task_that_had_the_loop_when_it_began() -> None:
    asked = call(1.5, 40)
    own = read([0, 0], [hold(0, 0), hold(1, 1), hold(2, 2), hold(40, 1), hold(60, 2)], [asked])
    asking, waiting = own.made
    assert (asking.calls, waiting.calls, own.calls) == ([asked], [], [])


def test_a_task_that_was_made_during_a_call_is_part_of_it() -> None:
    """LangChain makes one for each model call; in it a client may make others."""
    asked = call(0.5, 40)
    holds = [hold(0, 0), hold(1, 1), hold(2, 2), hold(39, 1), hold(40, 0)]
    own = read([0, 1], holds, [asked])
    assert own.made == []
    assert own.segments == holds
    assert own.calls == [asked]


def test_a_branch_lasts_as_long_as_what_it_began() -> None:
    inner = call(2.5, 70)
    own = read([0, 1], [hold(0, 0), hold(1, 1), hold(2, 2)], [inner])
    (outer,) = own.made
    assert (outer.start_s, outer.end_s) == (1, 70)
    assert outer.made[0].calls == [inner]


def test_a_profile_of_before_knows_one_task() -> None:
    own = read([], [Segment(0, 1, 1), Segment(5, 1, 1)], [call(0.5, 4)])
    assert len(own.segments) == 2
    assert own.made == []
