"""What a load test's report looks like. LGPROF_UPDATE_SNAPSHOTS=1 writes the snapshots anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "snapshots"
NAMES = ("ok", "saturated", "invalid", "closed", "none_succeeded", "short", "hostile")
CASES = [(name, 100, "plain") for name in NAMES] + [
    ("ok", 60, "plain"),
    ("ok", 160, "ascii"),
    ("saturated", 60, "ascii"),
    ("saturated", 100, "colour"),
    ("saturated", 160, "plain"),
    ("invalid", 60, "plain"),
    ("invalid", 100, "ascii"),
    ("closed", 60, "ascii"),
    ("none_succeeded", 60, "plain"),
    ("short", 160, "colour"),
]


@pytest.mark.parametrize(("name", "width", "kind"), CASES)
def test_looks_as_it_did(show, load_samples, name: str, width: int, kind: str) -> None:
    steps = ["lgprof load sample_graphs.triage:app --rps 100    twice the load"]
    profile = load_samples.LOAD_SAMPLES[name]()
    shown = show(profile, width, kind, saved_to=".lgprof/load.json", next_steps=steps)
    path = SNAPSHOTS / f"load-{name}-{width}-{kind}.txt"
    if os.environ.get("LGPROF_UPDATE_SNAPSHOTS") == "1":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
