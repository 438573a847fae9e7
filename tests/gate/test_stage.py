from __future__ import annotations

import os
from pathlib import Path

import pytest

from lgprof.errors import TargetError, TargetFailedError, UsageError
from lgprof.gate.preparation import planned_requests
from lgprof.gate.process import Version, side_environment
from lgprof.gate.stage import _in_tree, broken
from lgprof.model import Failure

ROOT = Path("/home/me/project")
BASE = Version("base", Path("/tmp/gate/base"), Path("/tmp/gate/base"), "v1.0", "python")
CANDIDATE = Version(
    "candidate", Path("/tmp/gate/work"), Path("/tmp/gate/work"), str(ROOT), "python"
)


@pytest.mark.parametrize(
    ("both_s", "block", "left_s", "requests"),
    [
        (0.004, 4, 120, 240),  # short ones: as many as are of use
        (0.2, 1, 120, 12),  # 100 ms: a dozen
        (0.12, 1, 120, 16),  # 60 ms: one second per side
        (10.0, 1, 120, 2),  # slow ones: what there is time for
        (60.0, 1, 120, 2),  # and never none
        (0.2, 1, 20, 4),  # 3.5 s per pair less the start
    ],
)
def test_requests_of_a_pair(both_s: float, block: int, left_s: float, requests: int) -> None:
    planned = planned_requests(both_s, block, left_s, is_live=False)
    assert planned == requests
    assert planned % (2 * block) == 0


def test_a_live_provider_is_asked_less() -> None:
    assert planned_requests(0.02, 1, 120, is_live=True) == 10


@pytest.mark.parametrize(
    ("spec", "in_base"),
    [
        (None, None),
        ("app:graph", "app:graph"),
        ("src/app.py:graph", "src/app.py:graph"),
        ("/home/me/project/src/app.py:graph", "/tmp/gate/base/src/app.py:graph"),
        ("/home/me/project/app.py", "/tmp/gate/base/app.py"),
    ],
)
def test_the_target_lies_in_the_tree(spec: str | None, in_base: str | None) -> None:
    assert _in_tree(spec, ROOT, BASE) == in_base


def test_a_target_outside_the_repository() -> None:
    with pytest.raises(UsageError, match="lies outside"):
        _in_tree("/elsewhere/app.py:graph", ROOT, BASE)


def test_the_environment_leads_into_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [str(ROOT / "src"), "lib", "/usr/share/lib"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("SECRET", "kept")
    environment = side_environment(BASE, 42, ROOT)
    assert environment["PYTHONPATH"].split(os.pathsep) == [
        "/tmp/gate/base/src",
        "lib",
        "/usr/share/lib",
    ]
    assert environment["PYTHONHASHSEED"] == "42"
    assert environment["SECRET"] == "kept"
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    monkeypatch.delenv("PYTHONPATH")
    assert "PYTHONPATH" not in side_environment(BASE, 42, ROOT)


def test_a_broken_candidate_is_shown_with_the_user_s_own_paths() -> None:
    trace = 'File "/tmp/gate/work/app.py", line 3, in draft\n'
    failure = Failure("builtins.ValueError", "no /tmp/gate/work/data", "draft", trace, 4)
    found = broken(CANDIDATE, [failure])
    assert isinstance(found, TargetFailedError)
    assert found.message == (
        "the candidate: every request fails: ValueError: no /home/me/project/data in draft"
    )
    assert found.user_traceback == 'File "/home/me/project/app.py", line 3, in draft\n'


def test_a_broken_base_is_for_the_user_to_replace() -> None:
    trace = 'File "/tmp/gate/base/app.py", line 3, in draft'
    found = broken(BASE, [Failure("builtins.ValueError", "no", None, trace)])
    assert found.user_traceback == 'File "v1.0/app.py", line 3, in draft'
    assert isinstance(found, TargetError)
    assert (
        found.hint == "the base must have a graph that runs: name another revision with --against"
    )
