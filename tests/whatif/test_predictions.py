"""What changes bring, in virtual time: to the millisecond."""

from __future__ import annotations

import pytest

from lgprof.whatif import CacheNode, Faster, Parallel, predict
from tests.whatif.graphs import chain, profile_in_virtual_time, sleeper


def test_nodes_in_a_row_run_side_by_side() -> None:
    graph = chain(a=sleeper("a", 0.04), b=sleeper("b", 0.03), c=sleeper("c", 0.01))
    profile = profile_in_virtual_time(graph, {"i": 0})
    found = predict(profile, [Parallel(("a", "b"))])
    assert found.recorded_s == pytest.approx([0.08])
    assert found.saving.mean_s == pytest.approx(0.03, abs=0.0005)


def test_half_the_time_of_a_node() -> None:
    graph = chain(a=sleeper("a", 0.04), b=sleeper("b", 0.03))
    profile = profile_in_virtual_time(graph, {"i": 0})
    assert predict(profile, [Faster("a", 0.5)]).saving.mean_s == pytest.approx(0.02)
    unchanged = predict(profile, [Faster("a", 1.0)])
    assert unchanged.predicted_s == unchanged.recorded_s


def test_repeated_reads_hit_the_cache() -> None:
    graph = chain(a=sleeper("a", 0.04, reads=("i",)), b=sleeper("b", 0.01))
    profile = profile_in_virtual_time(graph, {"i": 0}, {"i": 1}, {"i": 0}, {"i": 0})
    found = predict(profile, [CacheNode("a")])
    assert found.predicted_s == pytest.approx([0.05, 0.05, 0.01, 0.01])
