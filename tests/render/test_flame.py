"""Every bar of the flame graph is as wide as its share of the whole."""

from __future__ import annotations

import re

import pytest

from lgprof.analysis.flame import Flame
from lgprof.model import Sampling
from lgprof.render.terminal.flame_rows import placed_rows


def bars(show, profile, cells: int) -> list[list[tuple[str, int, int]]]:
    """(first word of the label, first cell, cells) of each bar, row by row."""
    _, *rows = show(profile, cells + 4, sections=["flame"]).splitlines()
    found = [re.finditer(r"▕(\S+)[^▏]*▏", row) for row in rows if row]
    return [[(bar[1], bar.start() - 2, len(bar[0])) for bar in row] for row in found]


def test_widths_are_exact(show, samples) -> None:
    recording = samples.Recording()
    first, second, third = (recording.run(name, s) for name, s in (("a", 5), ("b", 4), ("c", 1)))
    recording.model(second, second.start_s, second.start_s + 2)
    recording.node("inner", first.start_s, first.start_s + 3, graph=first)
    assert third.name == "c"
    assert bars(show, samples.profile_of([recording.done()]), 100) == [
        [("a", 0, 50), ("b", 50, 40), ("c", 90, 10)],
        [("inner", 0, 30), ("llm", 50, 20)],
    ]


def test_rows_in_which_nothing_can_be_read_are_counted_only(show, samples) -> None:
    recording = samples.Recording()
    outer, _ = recording.run("outer", 1), recording.run("next", 9)
    for depth in range(1, 4):
        outer = recording.node(
            f"in{depth}", outer.start_s, outer.start_s + 1 / 2**depth, graph=outer
        )
    profile = samples.profile_of([recording.done()])
    assert bars(show, profile, 100) == [[("next", 0, 90), ("outer", 90, 10)], []]
    assert "3 rows of narrower frames not shown (-o FILE.svg)" in show(profile, sections=["flame"])


@pytest.mark.parametrize(
    ("slowdown", "told"),
    [
        (None, ""),
        (1.05, ", at 1.05x latency"),
        (0.7, ", at 0.70x latency"),
        (0.53, ", at 0.53x latency (the graph's own caches were probably warm by then)"),
    ],
)
def test_the_pace_of_sampled_requests(show, samples, slowdown: float | None, told: str) -> None:
    recording = samples.Recording()
    recording.run("a", 5)
    profile = samples.profile_of([recording.done()])
    profile.sampling = Sampling(
        requests=3, slowdown=slowdown, samples=9, interval_s=0.001, frames=[], places=[]
    )
    for width in (60, 100):
        _, _, *note = show(profile, width, sections=["flame"]).splitlines()
        line = " ".join(part.strip() for part in note).strip()
        assert (
            line.replace("\N{MULTIPLICATION SIGN}", "x")
            == f"Python frames: 3 sampled requests{told}"
        )


def test_what_runs_side_by_side_widens_its_parent(show, samples) -> None:
    recording = samples.Recording()
    parent = recording.run("parent", 4)
    recording.run("other", 3)
    for _ in range(2):
        recording.node("part", parent.start_s, parent.start_s + 3, graph=parent)
    # One second of its own and two times three side by side: 7 of 10 node-seconds.
    profile = samples.profile_of([recording.done()])
    assert bars(show, profile, 100) == [
        [("parent", 0, 70), ("other", 70, 30)],
        [("part", 0, 60)],
    ]
    assert "▕parent 7.00 s 70%" in show(profile, sections=["flame"])


@pytest.mark.parametrize("cells", [56, 77, 96, 150])
def test_edges_are_off_by_less_than_a_cell(show, samples, cells: int) -> None:
    recording = samples.Recording()
    outer = recording.run("outer", 4.3)
    recording.run("next", 2.9)
    recording.run("last", 2.8)
    inner = recording.node("inner", outer.start_s, outer.start_s + 4.1, graph=outer)
    recording.model(inner, outer.start_s, outer.start_s + 3.7)
    shares = {"outer": 0.43, "next": 0.29, "last": 0.28, "inner": 0.41, "llm": 0.37}
    for row in bars(show, samples.profile_of([recording.done()]), cells):
        for name, _, width in row:
            assert width == pytest.approx(shares[name] * cells, abs=1)


def test_frames_that_touch_are_set_apart_also_where_their_parents_differ() -> None:
    def frame(name: str, *children: Flame, value: float) -> Flame:
        return Flame("node", name, value, children=list(children))

    trees = [
        frame("a", frame("a1", value=5), value=5),
        frame("b", frame("b1", value=3), value=4),
        frame("c", frame("c1", value=3), value=3),
    ]
    rows = placed_rows(trees, 12, 48, lambda left: left[0])
    assert [[(placed.frame.name, placed.alternate) for placed in row] for row in rows] == [
        [("a", False), ("b", True), ("c", False)],
        [("a1", False), ("b1", True), ("c1", False)],
    ]
