"""The work that an analysis takes grows with a request, not with its square."""

from __future__ import annotations

import pytest

from lgprof.analysis import attribution
from lgprof.model import Request, Segment, Span


def tasks_that_block_while_all_wait(count: int) -> Request:
    """One attempt, as of an ``@entrypoint``, whose tasks overlap; each blocks the loop for 2 ms."""
    end_s = count * 0.002
    attempt = {"kind": "attempt", "start_s": 0.0, "work_start_s": 0.0, "thread": "loop"}
    timed = {"end_s": end_s, "work_end_s": end_s}
    spans = [
        Span(id=1, kind="graph", path="", name="g", start_s=0.0, end_s=end_s, thread="loop"),
        Span(id=2, parent=1, kind="node", path="main", name="main", start_s=0.0, end_s=end_s),
        Span(id=3, parent=2, path="main", name="main", segments=[], **attempt, **timed),
    ]
    for number in range(count):
        node, path = 4 + 2 * number, f"main/task{number}"
        held = [Segment(number * 0.002, 0.002, 0.0)]
        spans += [
            Span(id=node, parent=3, kind="node", path=path, name="task", start_s=0.0, end_s=end_s),
            Span(
                id=node + 1, parent=node, path=path, name="task", segments=held, **attempt, **timed
            ),
        ]
    return Request(index=0, outcome="ok", start_s=0.0, end_s=end_s, latency_s=end_s, spans=spans)


def test_overlapping_tasks_that_block(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed = 0
    paint = attribution.paint

    def counting_paint(claims, *rest):
        nonlocal claimed
        claimed += len(claims)
        return paint(claims, *rest)

    monkeypatch.setattr(attribution, "paint", counting_paint)
    counts = []
    for count in (100, 200):
        claimed = 0
        tiles = attribution.attribute(tasks_that_block_while_all_wait(count))
        assert {tile.category for tile in tiles} == {"blocked_loop"}
        assert len(tiles) == count
        counts.append(claimed)
    assert counts[1] <= 2.1 * counts[0]
