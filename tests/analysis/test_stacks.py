"""What was sampled goes to the node, or to the call in it, that ran at the time."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from lgprof.analysis.stacks import Stacks, place_stacks
from lgprof.model import Span
from lgprof.record.sampler import AWAIT, BUILT_IN, Site, Stack, Stretch

APP = "/somewhere/else/app.py"
PACKAGES = Path(sysconfig.get_path("purelib"))
STANDARD = Path(sysconfig.get_path("stdlib"))
LOOP = Site("_run", str(STANDARD / "asyncio/events.py"), 78, 84)
WAITING = Site(AWAIT, "", 0, 0)


def site(function: str, line: int = 10, first_line: int = 1) -> Site:
    return Site(function, APP, first_line, line)


def span(number: int, parent: int | None, kind: str, start_s: float, end_s: float, **more) -> Span:
    details = {"path": "node", "name": kind, **more}
    return Span(id=number, parent=parent, kind=kind, start_s=start_s, end_s=end_s, **details)


ATTEMPT = [
    span(1, None, "graph", 0, 10, path=""),
    span(2, 1, "node", 0, 10),
    span(3, 2, "attempt", 0, 10),
]


def stretch(
    *samples: tuple[Stack, float], start_s: float = 0.0, origin: int = 3, **more
) -> Stretch:
    end_ns = round(sum(seconds for _, seconds in samples) * 1e9)
    return Stretch(origin, 0, end_ns=end_ns, samples=list(samples), **more)


def placed(stretches: list[Stretch], spans: list[Span]) -> Stacks:
    known = {each.id: each for each in spans}
    return place_stacks(stretches, spans, known.get, lambda t_ns: t_ns / 1e9)


def tree(stacks: Stacks) -> dict[tuple[str, ...], dict[str, float]]:
    """By place, the seconds of each stack, written as ``outer:line;inner``."""
    found = {}
    for place in stacks.places:
        names: list[str] = []
        seconds: dict[str, float] = {}
        for row in place.rows:
            frame = stacks.frames[row.frame]
            line = f":{row.line}" if row.line else ""
            above = f"{names[row.parent]};" if row.parent >= 0 else ""
            names.append(f"{above}{frame.function}{line}")
            if row.self_s:
                seconds[names[-1]] = pytest.approx(row.self_s)
        found[(place.node, *(name for _, name in place.calls))] = seconds
    return found


def test_frames_of_a_node() -> None:
    slow, quick = (site("work", 7), site("slow", 20)), (site("work", 8), site("quick", 30))
    stacks = placed([stretch((slow, 3.0), (quick, 1.0), (slow, 2.0))], ATTEMPT)
    assert tree(stacks) == {("node",): {"work:7;slow": 5.0, "work:8;quick": 1.0}}
    assert stacks.samples == 3
    assert stacks.places[0].wall_s == pytest.approx(6.0)


def test_a_sample_belongs_to_the_innermost_call_at_its_time() -> None:
    spans = [
        *ATTEMPT,
        span(4, 3, "tool", 2, 6, name="search"),
        span(5, 4, "model", 3, 5, name="gpt-4o"),
    ]
    own = (site("work"),)
    stacks = placed([stretch(*[(own, 1.0)] * 8)], spans)
    assert tree(stacks) == {
        ("node",): {"work": 4.0},
        ("node", "search"): {"work": 2.0},
        ("node", "search", "gpt-4o"): {"work": 2.0},
    }


def test_a_nested_graph_is_left_to_its_own_nodes() -> None:
    spans = [*ATTEMPT, span(4, 3, "graph", 1, 3)]
    stacks = placed([stretch(*[((site("work"),), 1.0)] * 4)], spans)
    assert tree(stacks) == {("node",): {"work": 2.0}}


def test_in_a_call_only_what_it_runs_is_shown() -> None:
    spans = [*ATTEMPT, span(4, 3, "tool", 0, 4, name="search")]
    inner = Site("invoke", str(PACKAGES / "langchain_core/tools/base.py"), 1, 2)
    stacks = placed([stretch(((site("node"), inner, site("search")), 4.0))], spans)
    assert tree(stacks) == {("node", "search"): {"search": 4.0}}


def test_work_handed_to_a_thread_stands_below_the_call_that_waits_for_it() -> None:
    to_thread = Site("to_thread", str(STANDARD / "asyncio/threads.py"), 1, 25)
    at = (site("node", 5), to_thread)
    waits = stretch(((*at, WAITING), 4.0))
    works = stretch(((site("spin"),), 4.0), handed_at=at)
    stacks = placed([waits, works], ATTEMPT)
    assert tree(stacks) == {("node",): {"node:5;to_thread;spin": 4.0}}
    assert stacks.places[0].wall_s == pytest.approx(4.0)


def test_threads_side_by_side_add_up() -> None:
    lock = Site("lock.acquire", BUILT_IN, 0, 0)
    at = (site("node", 5),)
    waits = stretch(((*at, lock), 4.0))
    works = [stretch(((site("spin"),), 4.0), handed_at=at) for _ in range(3)]
    stacks = placed([waits, *works], ATTEMPT)
    assert tree(stacks) == {("node",): {"node:5;spin": 12.0}}
    assert stacks.places[0].wall_s == pytest.approx(4.0)


def test_a_node_that_computes_beside_its_thread_is_seen() -> None:
    own = stretch(((site("node"),), 4.0))
    works = stretch(((site("spin"),), 4.0), handed_at=(site("node", 5),))
    assert tree(placed([own, works], ATTEMPT)) == {("node",): {"node": 4.0, "node:5;spin": 4.0}}


def test_work_that_is_a_node_itself_counts_once() -> None:
    outer = stretch(((site("spin"),), 4.0), handed_at=(), superseded=True)
    inner = stretch(((site("spin"),), 4.0))
    assert tree(placed([outer, inner], ATTEMPT)) == {("node",): {"spin": 4.0}}


def test_what_belongs_to_no_request_is_left_out() -> None:
    assert placed([stretch(((site("work"),), 1.0), origin=99)], ATTEMPT).places == []


def test_of_the_machinery_and_of_libraries_only_the_outermost_frame_shows() -> None:
    library = [Site(name, str(PACKAGES / "httpx/_client.py"), 1, 2) for name in ("get", "send")]
    stacks = placed([stretch(((LOOP, site("node", 5), *library, WAITING), 1.0))], ATTEMPT)
    assert tree(stacks) == {("node",): {"node:5;get;[await]": 1.0}}
    frames = {frame.function: frame for frame in stacks.frames}
    assert (frames["get"].file, frames["get"].library) == ("httpx/_client.py", "httpx")
    assert frames["node"].file == "app.py", "no path of the machine"
    assert frames["node"].library is None


def test_small_frames_are_part_of_the_one_above() -> None:
    many = [((site("work", 7), site(f"small{i}", 0)), 0.0001) for i in range(50)]
    stacks = placed([stretch(((site("work", 7), site("large")), 9.0), *many)], ATTEMPT)
    assert tree(stacks) == {("node",): {"work:7;large": 9.0, "work:7": 0.005}}
