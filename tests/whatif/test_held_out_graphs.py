"""The benchmark's held-out graphs in virtual time: as they are, predicted, and changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from lgprof.clock import Clock
from lgprof.langgraph_adapter.rewire import durability_config
from lgprof.model import Profile
from lgprof.whatif import predict
from tests.virtual_time import VirtualTime
from tests.whatif.graphs import profile_in_virtual_time

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
REQUESTS = 4
UNPROVEN = ("time limit and fallback", "4 requests at once, 20 ms of CPU")
OFF = 0.02
"""Of the latency: what changes cost besides, which is guessed and takes no virtual time."""


class Ticking(VirtualTime):
    """Each look at the clock takes 6 us, so that what holds the loop is seen to."""

    @property
    def clock(self) -> Clock:
        def now_ns() -> int:
            self.now_ns += 6_000
            return self.now_ns

        return Clock(now_ns, lambda: self.cpu_ns, lambda: self.cpu_ns, lambda _: self.cpu_ns)


def _cases() -> Iterator[Any]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import whatif_heldout as held
    finally:
        sys.path.remove(str(BENCHMARKS))
    for group in (held.agents, held.maps, held.shapes, held.tasks, held.savers):
        for case in group():
            in_threads = case.sync or case.threads or "thread" in case.what
            if not in_threads and not case.name.startswith("jitter"):
                yield pytest.param(case, id=f"{case.name}, {case.what}")


def _profile(case: Any, graph: Any, options: dict[str, Any], time: VirtualTime) -> Profile:
    config = dict(options.get("config", {}))
    if "durability" in options:
        config |= durability_config(options["durability"])
    return profile_in_virtual_time(
        graph,
        *map(case.inputs, range(REQUESTS)),
        time=time,
        config=config,
        concurrency=case.at_once,
        resumes=["yes"] * case.answers,
    )


@pytest.mark.parametrize("case", list(_cases()))
def test_a_change_brings_what_was_predicted(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Ticking()
    for module in ("whatif_agents", "whatif_shapes"):
        monkeypatch.setattr(sys.modules[module], "burn", time.compute)
    profile = _profile(case, case.graph(), case.options, time)
    options = case.options if case.changed_options is None else case.changed_options
    changed = _profile(case, case.changed(case.graph()), options, time)
    found = predict(profile, case.changes)
    measured_s = fmean(request.latency_s for request in changed.requests)
    if case.name in UNPROVEN:
        assert found.unmeasured
        return
    assert found.unmeasured == ()
    assert fmean(found.predicted_s) == pytest.approx(measured_s, abs=OFF * fmean(found.recorded_s))
