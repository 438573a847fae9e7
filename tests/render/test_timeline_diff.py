"""Two timelines are drawn on one scale, so that lengths compare."""

from __future__ import annotations

import io

from rich.console import Console

from lgprof.model import Profile
from lgprof.render.terminal.critical import critical_spans
from lgprof.render.terminal.page import Page, paper_of
from lgprof.render.terminal.timeline_diff import timeline_diff_blocks
from tests.render.sample_profiles import Recording, profile_of


def page(profile: Profile, width: int) -> Page:
    console = Console(file=io.StringIO(), width=width)
    return Page(profile=profile, critical_spans=critical_spans, **paper_of(console))


def profile(*latencies_s: float, name: str = "work") -> Profile:
    made = []
    for index, seconds in enumerate(latencies_s):
        recording = Recording(index, start_s=100.0 * index)
        recording.run(name, seconds)
        made.append(recording.done())
    return profile_of(made)


def test_the_median_of_each_on_the_scale_of_the_longer() -> None:
    blocks = timeline_diff_blocks(
        page(profile(1.0, 2.0, 9.0), 100), page(profile(4.0, name="a longer name"), 100)
    )
    assert [block.title for block in blocks] == ["Timeline before", "Timeline now"]
    assert blocks[0].note == "median request #1, 2.00 s"
    before, now = (block.lines[0].plain for block in blocks)
    start = before.index("█")
    assert start == now.index("█"), "names take as many cells"
    full = len(now) - start
    assert abs((len(before) - start) / full - 0.5) < 0.05, "two of four seconds"
    assert blocks[0].lines[1].plain == blocks[1].lines[1].plain, "the axis is the same"


def test_one_alone_and_none() -> None:
    nothing = profile_of([Recording().done("failed")])
    blocks = timeline_diff_blocks(page(nothing, 80), page(profile(1.0), 80))
    assert [block.title for block in blocks] == ["Timeline now"]
    assert timeline_diff_blocks(page(nothing, 80), page(nothing, 80)) == []
