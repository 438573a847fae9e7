"""Every sample graph through the real command line, with balanced books."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.harness import Done, Project, check_profile, checked_profile

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = sorted(
    file.stem
    for file in (REPOSITORY / "sample_graphs").glob("*.py")
    if file.with_suffix(".jsonl").exists()
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Done, Path]]:
    """All of them, two at a time: their folder and how they ended."""

    def run(name: str) -> tuple[Done, Path]:
        project = Project(tmp_path_factory.mktemp(name))
        inputs = REPOSITORY / "sample_graphs" / f"{name}.jsonl"
        options = ("-i", f"@{inputs}", "-n", "4", "--resume", '"yes"')
        done = project.run(
            "run", f"sample_graphs.{name}:app", *options, env={"PYTHONPATH": str(REPOSITORY)}
        )
        return done, project.folder

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(SAMPLES, pool.map(run, SAMPLES), strict=True))


def test_there_are_nine() -> None:
    assert len(SAMPLES) == 9


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_sample_graph(name: str, runs: dict[str, tuple[Done, Path]]) -> None:
    done, folder = runs[name]
    assert done.code == 0, done.err
    assert done.err == ""
    [file] = (folder / ".lgprof").glob("*.json")
    profile = checked_profile(file)
    assert profile["summary"]["requests"] == 4
    assert profile["summary"]["cold_s"] > 0
    mean_s = profile["summary"]["latency_s"]["mean"]
    assert profile["attribution_s"]["unattributed"] <= 0.01 * mean_s
    assert profile["target"]["inputs"]["source"] == f"{name}.jsonl"
    for part in ("Latency", "Where the time goes", "Timeline", "Nodes", "Flame graph", "Saved"):
        assert re.search(rf"^{part}\b", done.out, re.MULTILINE), part
    assert f".lgprof/{file.name}" in done.out
    assert max(map(len, done.out.splitlines())) <= 100


def test_books_are_checked() -> None:
    """The check itself can fail."""
    with pytest.raises(Exception, match="is a required property"):
        check_profile({"schema": "lgprof/1"})
