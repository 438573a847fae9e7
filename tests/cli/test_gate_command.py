"""``lgprof gate`` as CI calls it: exit codes, files, what GitHub is told."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lgprof.model import write_profile
from tests.cli.harness import ProjectHere
from tests.load_profiles import load_profile
from tests.render import sample_profiles

GENEROUS = ("-b", "p95<1h", "-b", "error_rate<1%", "-b", "node.work.calls.per_request==1")


def test_budgets_that_hold(project: ProjectHere) -> None:
    done = project.call("gate", "apps:quick", *GENEROUS, "-n", "3")
    assert done.code == 0, done.err
    assert "[PASS]  3 checks passed" in done.out
    assert "node.work" not in done.err
    assert project.profile()["summary"]["requests"] == 3


def test_a_budget_that_does_not(project: ProjectHere) -> None:
    done = project.call("gate", "apps:quick", *GENEROUS, "-b", "node.work.calls>99", "-n", "3")
    assert done.code == 1
    assert "[FAIL]  work: calls: 3, allowed > 99" in done.out


def test_budgets_of_the_settings(project: ProjectHere) -> None:
    project.write(
        "pyproject.toml",
        '[tool.lgprof]\napp = "apps:quick"\nrequests = 2\n'
        '[tool.lgprof.gate]\nbudgets = ["requests==2", "error_rate<1%"]\n',
    )
    assert project.call("gate").code == 0
    assert project.call("gate", "-b", "requests==3").code == 1, "what is typed wins"
    project.write("pyproject.toml", '[tool.lgprof.gate]\nbudgets = ["p59x<1"]\n')
    wrong = project.call("gate", "apps:quick")
    assert wrong.code == 2
    assert wrong.error.endswith("pyproject.toml: budgets 'p59x<1': no metric 'p59x'")


def test_a_saved_profile(project: ProjectHere) -> None:
    project.call("run", "apps:quick", "-n", "4", "-q")
    saved = str(project.saved[-1])
    assert project.call("gate", saved, "-b", "requests==4").code == 0
    assert project.call("gate", saved, "-b", "requests<4").code == 1
    assert len(project.saved) == 1, "nothing was run"
    useless = project.call("gate", saved, "-b", "requests<4", "-n", "3", "--mode", "sync")
    assert useless.code == 2
    assert useless.error == "error: --requests, --mode: a saved Profile is not run again"


@pytest.mark.parametrize(
    ("verdict", "budget", "code"),
    [("ok", "p95<1h", 0), ("invalid", "p95<1h", 5), ("invalid", "p95<1us", 1)],
)
def test_a_load_test(project: ProjectHere, verdict: str, budget: str, code: int) -> None:
    write_profile(load_profile(verdict=verdict), project.folder / "load.json")
    assert project.call("gate", "load.json", "-b", budget).code == code


def test_nothing_valid_was_measured(project: ProjectHere) -> None:
    done = project.call("gate", "apps:fails", "-b", "error_rate<1%", "-n", "2")
    assert done.code == 3
    assert "LookupError: nothing there" in done.out
    assert "error_rate: 100%, allowed < 1%" in done.out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["apps:quick"], "nothing to check"),
        (["apps:quick", "-b", "p95<2x"], "--budget 'p95<2x': p95 is not measured in x"),
        (["none.json", "-b", "p95<2s"], "no such file"),
        (["apps:quick", "-b", "p95<2s", "-o", "x.foo"], "--output x.foo: unknown suffix"),
        (["apps:quick", "-b", "p95<2s", "-o", "apps.py.md"], "apps.py.md exists already"),
        (["apps:quick", "-b", "p95<2s", "--inconclusive", "x"], "--inconclusive: 'x' is no answer"),
        (["apps:nothing", "-b", "p95<2s"], "nothing"),
        (["apps:quick", "-b", "p95<2s", "--time-budget", "9s"], "--time-budget says something of"),
        (["apps:quick", "-b", "p95<2s", "--base-python", "python"], "--base-python says something"),
        (["apps:quick", "--against", "HEAD", "-n", "9"], "--requests says something of --budget"),
        (["apps:quick", "-b", "p95<2s", "--trust-times"], "--trust-times says something of"),
        (["apps:quick", "-b", "p95<2s", "--tolerance", "9%"], "--tolerance says something of"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    project: ProjectHere, arguments: list[str], error: str
) -> None:
    project.write("apps.py.md", "")
    done = project.call("gate", *arguments)
    assert done.code == 2
    assert error in done.error
    assert project.saved == []


def test_an_unknown_node_is_said_after(project: ProjectHere) -> None:
    done = project.call("gate", "apps:quick", "-b", "node.werk.p95<2s", "-n", "1")
    assert (done.code, done.hint) == (2, "did you mean work?")


def test_the_verdict_as_json(project: ProjectHere) -> None:
    done = project.run("gate", "apps:noisy", *GENEROUS[:2], "-n", "1", "--json", "-")
    verdict = json.loads(done.out)
    assert (done.code, verdict["verdict"], verdict["checks"][0]["metric"]) == (0, "pass", "p95")
    assert verdict["elapsed_s"] > 0
    assert "[PASS]" in done.err


def test_files(project: ProjectHere) -> None:
    outputs = [part for name in ("v.xml", "v.md", "v.json") for part in ("-o", name)]
    done = project.call("gate", "apps:quick", *GENEROUS, "-b", "requests<3", "-n", "3", *outputs)
    assert done.code == 1
    suite = ElementTree.fromstring(project.read("v.xml")).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "0")
    assert suite.find("testcase[@name='requests < 3']/failure") is not None
    assert "| `requests` | " in project.read("v.md")
    assert json.loads(project.read("v.json"))["verdict"] == "fail"


def test_a_baseline_of_a_load_test_is_refused_before_anything_runs(project: ProjectHere) -> None:
    write_profile(load_profile(), project.folder / "load.json")
    done = project.call("gate", "apps:quick", "--baseline", "load.json")
    assert done.code == 2
    assert "this is a load test" in done.error
    assert not project.saved


def test_github_is_told(project: ProjectHere, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    summary.write_text("before\n")
    done = project.call("gate", "apps:quick", "-b", "requests<3", "-n", "3", env=env)
    assert "::error title=lgprof gate%3A requests::3, allowed < 3" in done.out.splitlines()
    assert summary.read_text().startswith("before\n### lgprof gate: ❌ FAIL\n")
    assert "::" not in project.call("gate", "apps:quick", "-b", "requests<3", "-n", "3").out


def test_the_metrics_are_listed(project: ProjectHere) -> None:
    listed = project.call("gate", "--list-metrics").out
    for line in (
        "p95  ",
        "cost.per_request  ",
        'model["NAME"].cost*',
        "node.NAME.p95",
        "$.summary",
    ):
        assert line in listed
    write_profile(sample_profiles.agent(), project.folder / "a.json")
    values = project.call("gate", "a.json", "--list-metrics").out
    assert "$.summary.requests" in values
    narrow = project.call("gate", "--list-metrics", env={"COLUMNS": "60"}).out
    assert "$.models[*].prompt_cache.reordered_saving_usd" in narrow
    assert "\N{HORIZONTAL ELLIPSIS}" not in narrow
    assert "p95" in values


def test_the_report_of_what_is_judged(project: ProjectHere) -> None:
    done = project.call("gate", "apps:quick", *GENEROUS, "-n", "3", "-o", "report.html")
    assert done.code == 0, done.err
    assert project.read("report.html").startswith("<!doctype html>")
    compared = project.call("gate", "apps:quick", "--against", "main", "-o", "other.html")
    assert compared.code == 2
    assert "--against alone judges two versions" in compared.error
