"""Whole comparisons in a repository of the user's, with a clock that stands still.

So the number of pairs is the same however slow the machine is.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lgprof.config import Settings
from lgprof.gate.stage import Subject
from lgprof.gate.versions import Against, GateProgress, compare_versions
from lgprof.model import Check, Verdict
from lgprof.run.options import Billing, RunOptions
from lgprof.target import Inputs
from tests.gate.repository import APP, Repository

pytestmark = pytest.mark.slow

FEW_REQUESTS_S = 12.0
"""A time budget that has room for no more than two requests a side."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "project")
    made.commit(app__py=APP)
    return made


def compared(repository: Repository, progress: list[GateProgress]) -> Verdict:
    subject = Subject(
        spec=f"{repository.folder}/app.py:app",
        settings=Settings(),
        inputs=Inputs([{"question": "Why?"}], "the test"),
        options=RunOptions(),
        billing=Billing(),
        cwd=repository.folder,
    )
    return compare_versions(
        subject,
        Against("HEAD", time_budget_s=FEW_REQUESTS_S),
        confirm=lambda text: pytest.fail(text),
        progress=progress.append,
        chance=random.Random(1),
        now_s=lambda: 0.0,
    )


def check_of(verdict: Verdict, metric: str, node: str | None = None) -> Check:
    [found] = [check for check in verdict.checks if (check.metric, check.node) == (metric, node)]
    return found


def test_a_node_ten_times_slower_is_named_and_more_tokens_are_counted(
    repository: Repository,
) -> None:
    repository.change("SLEEP_S = 0.02", "SLEEP_S = 0.2")
    repository.change('word. " * 10', 'word. " * 20')
    progress: list[GateProgress] = []
    verdict = compared(repository, progress)
    assert verdict.verdict == "fail"
    assert check_of(verdict, "wall").verdict == "fail"
    assert verdict.culprits[0] == "search"  # `draft`, whose prompt grew, may follow
    assert verdict.reasons[0].startswith("search adds ")
    tokens = check_of(verdict, "tokens.input.per_request")
    assert (tokens.base, tokens.new, tokens.exact, tokens.verdict) == (204, 404, True, "fail")
    assert check_of(verdict, "cost.per_request").verdict == "fail"
    assert check_of(verdict, "tokens.output.per_request").verdict == "pass"
    assert [state.pair for state in progress] == [0, 1, 2, 3, 4]
    assert [state.change is None for state in progress] == [True, True, True, False, False]
    assert {state.left_s for state in progress} == {FEW_REQUESTS_S}
    assert verdict.pairs == len(verdict.series) == 4
    commit = repository.git("rev-parse", "HEAD")[:10]
    assert verdict.candidate == f"{commit} + 1 changed file"
    assert not verdict.interrupted
    assert repository.git("status", "--porcelain") == "M app.py"
