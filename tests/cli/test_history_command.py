"""``lgprof history``: append, and print the trend."""

from __future__ import annotations

import json

import pytest

from lgprof.model import write_profile
from tests.cli.harness import ProjectHere
from tests.render import sample_profiles


def append(project: ProjectHere, day: int, tokens: int, **changes: str) -> str:
    profile = sample_profiles.agent(10)
    profile.created = f"2026-01-{day:02}T00:00:00Z"
    profile.summary.tokens.input = tokens
    profile.environment.git_commit = f"{day:02}" * 20
    for name, value in changes.items():
        setattr(profile.environment, name, value)
    write_profile(profile, project.folder / "p.json", force=True)
    done = project.call("history", "p.json")
    assert done.code == 0, done.err
    return done.out


def test_a_trend_with_its_change(project: ProjectHere) -> None:
    for day in range(1, 6):
        assert "none that matters" in append(project, day, 1000)
    out = append(project, 6, 1010, langgraph="9.9")
    assert "tokens.input.per_request 100 → 101 (+1.0%) since 2026-01-06 00:00 at 060606060" in out
    assert "with it changed: langgraph" in out.replace("\n    ", " ")
    lines = project.read("lgprof-history.jsonl").splitlines()
    assert len(lines) == 6
    assert json.loads(lines[0])["metrics"]["tokens.input"] == 1000


def test_the_same_is_not_appended_twice(project: ProjectHere) -> None:
    append(project, 1, 1000)
    again = project.call("history", "p.json")
    assert (again.code, again.err) == (0, "p.json is in lgprof-history.jsonl already\n")
    assert len(project.read("lgprof-history.jsonl").splitlines()) == 1


def test_other_targets_are_left_out(project: ProjectHere) -> None:
    append(project, 1, 1000)
    other = sample_profiles.chain(5)
    other.target.spec = "m:other"
    write_profile(other, project.folder / "o.json")
    out = project.call("history", "o.json").out
    assert "m:other" in out
    assert "left out: 1 of other targets, inputs or kinds" in out


def test_chosen_metrics_as_json(project: ProjectHere) -> None:
    append(project, 1, 1000)
    done = project.call("history", "--metric", "tokens.input", "--metric", "p95", "--json", "-")
    trends = json.loads(done.out)["trends"]
    assert [trend["metric"] for trend in trends] == ["tokens.input", "p95"]
    assert trends[0]["values"] == [1000.0]


@pytest.mark.parametrize("width", [60, 160])
def test_every_width(project: ProjectHere, width: int) -> None:
    append(project, 1, 1000)
    out = project.call("history", env={"COLUMNS": str(width)}).out
    assert max(map(len, out.splitlines())) <= width


def test_what_is_wrong(project: ProjectHere) -> None:
    assert "no history in lgprof-history.jsonl" in project.call("history").error
    assert "no metric 'p59x'" in project.call("history", "--metric", "p59x").error
    project.write("lgprof-history.jsonl", '{"created": 1}\n')
    assert "lgprof-history.jsonl, line 1: no entry" in project.call("history").error
