"""Profiles a graph object in a test, without the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lgprof.run import Billing, Extras, RunOptions, RunResult, profile_run
from lgprof.target import Inputs, TargetSource
from tests.virtual_time import VirtualTime


def profile_graph(
    graph: Any,
    *inputs: Any,
    time: VirtualTime | None = None,
    billing: Billing | None = None,
    extras: Extras | None = None,
    **options: Any,
) -> RunResult:
    """Run a graph over the inputs; in virtual time where one is given."""
    chosen = RunOptions(**{"requests": max(1, len(inputs)), "warmup": 0, **options})
    virtual = {"clock": time.clock, "loop_factory": time.loop} if time else {}
    return profile_run(
        TargetSource(spec="tests:graph", obj=graph, attribute="graph"),
        lambda target: Inputs(items=list(inputs) or [{}], source="the test", synthesized=False),
        chosen,
        folder=Path("/nonexistent"),
        billing=billing,
        extras=extras,
        **virtual,
    )
