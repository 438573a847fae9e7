"""Profiles a graph in a test, predicts changes to it and proves them, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lgprof.model import Profile
from lgprof.run import RunOptions, profile_run
from lgprof.target import Inputs, TargetSource
from lgprof.whatif import Change, Prediction, WhatIf
from lgprof.whatif.proof import Proof, proving
from tests.virtual_time import VirtualTime

NUMBERS = [{"q": number} for number in range(20)]


def predicted_and_proven(
    graph: Any,
    changes: Sequence[Change],
    inputs: Sequence[Any] = NUMBERS,
    *,
    requests: int | None = None,
    profiled: int | None = None,
    time: VirtualTime | None = None,
    before_proof: Callable[[], None] = lambda: None,
    **options: Any,
) -> tuple[Profile, Prediction, Proof]:
    """Run a graph over the inputs, predict the changes, prove them over the same inputs.

    Args:
        graph: Compiled.
        changes: To try together.
        inputs: Of the requests, in turn.
        requests: How many the proof makes; None for one an input.
        profiled: How many the Profile has; None for as many.
        time: None for a new one.
        before_proof: Called when the Profile is made.
        options: Of the run.
    """
    time = time or VirtualTime()
    virtual: Any = {"clock": time.clock, "loop_factory": time.loop}
    count = requests or len(inputs)
    source = TargetSource(spec="tests:graph", obj=graph, attribute="graph")
    chosen = RunOptions(**{"requests": count, "warmup": 0, "mode": "async", **options})

    def load(target: Any) -> Inputs:
        return Inputs(items=list(inputs), source="the test")

    recorded = replace(chosen, requests=profiled or count)
    profile = profile_run(source, load, recorded, folder=Path("/nonexistent"), **virtual).profile
    prediction = WhatIf(profile).predict(changes)
    before_proof()
    with proving(source, load, chosen, profile, later_s=0, **virtual) as prover:
        proof = prover.prove(changes, requests=count, prediction=prediction)
    return profile, prediction, proof


def proven(graph: Any, changes: Sequence[Change], *inputs: Any, **options: Any) -> Proof:
    """What comes of proving the changes."""
    return predicted_and_proven(graph, changes, inputs or NUMBERS, **options)[2]
