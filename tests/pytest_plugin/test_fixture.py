"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.cli.harness import APPS, clean_environment

ROOT = Path(__file__).parents[2]

TESTS = """
import apps

def test_holds(lgprof):
    verdict = lgprof.run("apps:quick", requests=3).check("p95<1h", "error_rate<1%")
    assert [check.verdict for check in verdict.checks] == ["pass", "pass"]

def test_a_graph_itself(lgprof):
    measured = lgprof.run(apps.quick, inputs=[{"i": 1}, {"i": 2}], warmup=0)
    assert measured.profile.target.inputs.distinct == 2
    measured.check("node.work.calls.per_request==1")

def test_budgets_of_the_settings(lgprof):
    measured = lgprof.run()
    assert measured.profile.summary.requests == 4
    measured.check()

def test_baseline(lgprof):
    base = lgprof.run("apps:quick", requests=2).profile
    lgprof.run("apps:quick", requests=2).check_baseline(base)

def test_over(lgprof):
    lgprof.run("apps:fails_once", inputs=[{"i": "{{i}}"}], requests=10).check("error_rate<1%")

def test_no_sample(lgprof):
    lgprof.run("apps:fails").check("p95<1h")

def test_unknown_option(lgprof):
    lgprof.run("apps:quick", requets=3)

def test_unknown_metric(lgprof):
    lgprof.run("apps:quick").check("p95s<2s")

def test_no_such_graph(lgprof):
    lgprof.run("apps:quik")
"""


@pytest.fixture
def outcome(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """All of `TESTS`, run."""
    shutil.copy(APPS, tmp_path)
    (tmp_path / "test_them.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.lgprof]\napp = "apps:quick"\nrequests = 4\n'
        '[tool.lgprof.gate]\nbudgets = ["p95<1h", "requests==4"]\n'
        "[tool.pytest.ini_options]\n"
    )
    return run_pytest(tmp_path, "-p", "lgprof.pytest_plugin", "-q")


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    environment = {key: value for key, value in environment.items() if "XDIST" not in key}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_what_a_test_sees(outcome: subprocess.CompletedProcess[str]) -> None:
    out = outcome.stdout
    assert "5 failed, 4 passed" in out, out + outcome.stderr
    sections = dict(re.findall(r"_+ (test_\w+) _+\n(.*?)(?=\n_{9}|\n={9})", out, re.DOTALL))
    assert "apps:fails_once does not keep to its budgets" in sections["test_over"]
    assert "error_rate: 10.0%, allowed < 1%" in sections["test_over"]
    assert "ValueError: the third of ten: 3" in sections["test_over"]
    no_sample = sections["test_no_sample"]
    assert "no request succeeded: builtins.LookupError: nothing there in node work" in no_sample
    assert sections["test_unknown_option"].splitlines() == [
        "lgprof.run has no option 'requets'",
        "did you mean requests?",
    ]
    assert "budget 'p95s<2s': no metric 'p95s'" in sections["test_unknown_metric"]
    assert "apps has no attribute 'quik'" in sections["test_no_such_graph"]
    assert "fixture.py" not in out, "our own frames are of no use to the reader"


def test_it_is_inert_unless_used(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    heavy = ('langgraph', 'langchain_core', 'msgspec', 'rich', 'typer', 'lgprof.run')\n"
        "    assert [name for name in heavy if name in sys.modules] == []\n"
    )
    done = run_pytest(tmp_path, "-p", "lgprof.pytest_plugin", "-q")
    assert done.returncode == 0, done.stdout


def test_pytest_finds_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    module = importlib.import_module(project["entry-points"]["pytest11"]["lgprof"])
    assert module.lgprof
    assert os.path.dirname(module.__file__).endswith("pytest_plugin")
