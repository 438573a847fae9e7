"""What ``lgprof init`` writes: settings and a CI workflow to start from."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgprof.errors import UsageError

WORKFLOW = Path(".github") / "workflows" / "lgprof.yml"

_SETTINGS = """\
[tool.lgprof]
{app}
# inputs = "@inputs.jsonl"             # one input a line; else one is made from the input schema
# requests = 20
# timeout = "120s"

[tool.lgprof.gate]
budgets = [
    "error_rate<1%",
    # "p95<2s",                        # lgprof gate --list-metrics names all that there is
    # "cost.per_request<0.02",
    # "node.NAME.p95<300ms",
]
"""

_WORKFLOW = """\
# Holds each pull request to the budgets of [tool.lgprof.gate], and to its base.
name: lgprof

on:
  pull_request:

permissions:
  contents: read

jobs:
  gate:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
      - uses: actions/setup-python@v5
        with:
          python-version: "{python}"
      - run: pip install lgprof {project}
      # --yes, where the graph talks to a live provider: its times are not gated, its tokens are
      - run: lgprof gate --against "origin/${{{{ github.base_ref }}}}" --output lgprof.xml
        # env:
        #   OPENAI_API_KEY: ${{{{ secrets.OPENAI_API_KEY }}}}
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: lgprof
          path: |
            lgprof.xml
            .lgprof/
          include-hidden-files: true
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One file, and what became of it."""

    file: Path
    is_written: bool
    what: str


def write_starter(folder: Path, target: str | None) -> list[Step]:
    """Write what is not there yet; what is there stays as it is.

    Args:
        folder: The project's.
        target: The graph; None to leave it to ``langgraph.json``, or to the user.

    Raises:
        UsageError: A file that cannot be read or written.
    """
    return [_write_settings(folder, target), _write_workflow(folder)]


def _write_settings(folder: Path, target: str | None) -> Step:
    own, project = folder / "lgprof.toml", folder / "pyproject.toml"
    if own.exists():
        return Step(own, is_written=False, what="is there already")
    if not project.exists():
        text = _SETTINGS.format(app=_app_line(folder, target))
        _write(own, text)
        return Step(own, is_written=True, what="settings and budgets")
    before = _read(project)
    if "lgprof" in _toml(before, project).get("tool", {}):
        return Step(project, is_written=False, what="has [tool.lgprof] already")
    text = _SETTINGS.format(app=_app_line(folder, target))
    _write(project, f"{before.rstrip()}\n\n{text}" if before.strip() else text)
    return Step(project, is_written=True, what="[tool.lgprof] added at the end")


def _write_workflow(folder: Path) -> Step:
    file = folder / WORKFLOW
    if file.exists():
        return Step(file, is_written=False, what="is there already")
    text = _WORKFLOW.format(
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        project=_installed(folder),
    )
    _write(file, text)
    return Step(file, is_written=True, what="a GitHub workflow for pull requests")


def _app_line(folder: Path, target: str | None) -> str:
    if target is not None:
        return f"app = {json.dumps(target)}"
    if (folder / "langgraph.json").exists():
        return (
            '# app = "NAME"                         # a graph of langgraph.json, if it has several'
        )
    return '# app = "module:attr"                  # the graph'


def _installed(folder: Path) -> str:
    """What pip installs the project by."""
    project = folder / "pyproject.toml"
    if project.exists() and "project" in _toml(_read(project), project):
        return "."
    return "-r requirements.txt" if (folder / "requirements.txt").exists() else "langgraph"


def _toml(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from error


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
