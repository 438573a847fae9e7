"""What verdicts, diffs and histories look like. LGPROF_UPDATE_SNAPSHOTS=1 writes them anew."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from lgprof.analysis.history import read_history
from lgprof.model import HistoryEntry
from lgprof.render.github import annotation_lines
from lgprof.render.junit import junit
from lgprof.render.markdown import verdict_markdown
from lgprof.render.terminal.diff import render_diff
from lgprof.render.terminal.history import render_history
from lgprof.render.terminal.verdict import render_verdict
from tests.render import diffs, verdicts

SNAPSHOTS = Path(__file__).parent / "snapshots" / "gate"
TERMINALS = ((100, "utf-8"), (60, "ascii"))


def assert_as_it_was(name: str, shown: str) -> None:
    path = SNAPSHOTS / name
    if os.environ.get("LGPROF_UPDATE_SNAPSHOTS") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def printed(render: Callable[[Console], None], width: int, encoding: str) -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    render(Console(file=file, width=width, color_system=None, legacy_windows=False))
    file.flush()
    return file.buffer.getvalue().decode(encoding)


def history(runs: int) -> list[HistoryEntry]:
    """Runs a day apart; from the twentieth on each takes half as long again, and a token more."""
    return [
        HistoryEntry(
            created=f"2026-10-{day + 1:02}T08:00:00Z",
            kind="run",
            target="app:graph",
            inputs_sha256="1",
            requests=10,
            environment={"git_commit": f"{day:02}" + 19 * "ab", "python": "3.11.7"},
            metrics={
                "p50": (0.2 if day < 20 else 0.3) * (1 + (day * 7 % 5) / 100),
                "cost.per_request": 0.001,
                "tokens.input.per_request": 465.0 if day < 20 else 466.0,
            },
        )
        for day in range(runs)
    ]


@pytest.mark.parametrize("name", verdicts.SAMPLES)
@pytest.mark.parametrize(("width", "encoding"), TERMINALS)
def test_verdicts(name: str, width: int, encoding: str) -> None:
    verdict = verdicts.SAMPLES[name]()
    shown = printed(lambda console: render_verdict(verdict, console), width, encoding)
    assert_as_it_was(f"{name}-{width}.txt", shown)


@pytest.mark.parametrize("name", verdicts.SAMPLES)
def test_what_ci_shows(name: str) -> None:
    verdict = verdicts.SAMPLES[name]()
    assert_as_it_was(f"{name}.md", verdict_markdown(verdict))
    assert_as_it_was(f"{name}.xml", junit(verdict).decode())
    assert_as_it_was(f"{name}.github.txt", "".join(f"{x}\n" for x in annotation_lines(verdict)))


@pytest.mark.parametrize(("width", "encoding"), TERMINALS)
def test_diffs(width: int, encoding: str) -> None:
    found = diffs.changed()
    shown = printed(lambda console: render_diff(found, console), width, encoding)
    assert_as_it_was(f"diff-{width}.txt", shown)


@pytest.mark.parametrize("runs", [1, 2, 30])
@pytest.mark.parametrize(("width", "encoding"), TERMINALS)
def test_histories(runs: int, width: int, encoding: str) -> None:
    found = read_history(history(runs), [])
    shown = printed(lambda console: render_history(found, console), width, encoding)
    assert_as_it_was(f"history-of-{runs}-{width}.txt", shown)
