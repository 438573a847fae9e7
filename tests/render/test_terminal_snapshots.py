"""What the report looks like. LGPROF_UPDATE_SNAPSHOTS=1 writes the snapshots anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "snapshots"
CASES = [
    (name, width, kind)
    for name in ("agent", "fan_out", "retries", "loop", "nested", "hostile", "none_succeeded")
    for width, kind in ((100, "plain"),)
] + [
    ("agent", 60, "plain"),
    ("agent", 160, "plain"),
    ("agent", 60, "ascii"),
    ("agent", 100, "ascii"),
    ("agent", 160, "ascii"),
    ("retries", 60, "ascii"),
    ("hostile", 60, "ascii"),
    ("one", 60, "plain"),
    ("chain", 80, "plain"),
]


@pytest.mark.parametrize(("name", "width", "kind"), CASES)
def test_looks_as_it_did(show, samples, name: str, width: int, kind: str) -> None:
    failures = samples.FAILURES.get(name, list)()
    saved = ".lgprof/run.json"
    steps = ["lgprof report .lgprof/run.json -o report.html"]
    profile = samples.SAMPLES[name]()
    shown = show(profile, width, kind, failures=failures, saved_to=saved, next_steps=steps)
    path = SNAPSHOTS / f"{name}-{width}-{kind}.txt"
    if os.environ.get("LGPROF_UPDATE_SNAPSHOTS") == "1":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("width", "kind"), [(60, "plain"), (100, "plain"), (100, "ascii"), (160, "plain")]
)
def test_cost(show, samples, width: int, kind: str) -> None:
    shown = show(samples.costs(), width, kind, sections=["cost", "prompts"])
    path = SNAPSHOTS / f"cost-{width}-{kind}.txt"
    if os.environ.get("LGPROF_UPDATE_SNAPSHOTS") == "1":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_histogram(show, samples) -> None:
    shown = show(samples.agent(60), 100, sections=["histogram"])
    path = SNAPSHOTS / "histogram-100-plain.txt"
    if os.environ.get("LGPROF_UPDATE_SNAPSHOTS") == "1":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
