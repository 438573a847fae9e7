"""``lgprof init``: what it writes works, and what is there stays."""

from __future__ import annotations

import sys
from typing import Any

import jsonschema
import pytest
import yaml

from lgprof.config import load_settings
from tests.cli.harness import ProjectHere

STEP = {
    "type": "object",
    "oneOf": [{"required": ["uses"]}, {"required": ["run"]}],
    "properties": {
        "uses": {"type": "string", "pattern": r"^[\w-]+/[\w-]+@v\d+$"},
        "run": {"type": "string", "minLength": 1},
        "if": {"type": "string"},
        "with": {
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
        "env": {"type": "object"},
    },
    "additionalProperties": False,
}
WORKFLOW = {
    "type": "object",
    "required": ["name", "on", "permissions", "jobs"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "on": {"type": "object", "required": ["pull_request"]},
        "permissions": {
            "type": "object",
            "additionalProperties": {"enum": ["read", "write", "none"]},
        },
        "jobs": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "required": ["runs-on", "steps"],
                "additionalProperties": False,
                "properties": {
                    "runs-on": {"type": "string"},
                    "timeout-minutes": {"type": "integer"},
                    "steps": {"type": "array", "minItems": 1, "items": STEP},
                },
            },
        },
    },
}
"""What GitHub Actions takes of a workflow, as far as ours goes."""
FILE = ".github/workflows/lgprof.yml"


def workflow(project: ProjectHere) -> dict[str, Any]:
    loaded = yaml.safe_load(project.read(FILE))
    return {("on" if key is True else key): value for key, value in loaded.items()}


def commands(project: ProjectHere) -> list[str]:
    return [step["run"] for step in workflow(project)["jobs"]["gate"]["steps"] if "run" in step]


def test_a_fresh_project(project: ProjectHere) -> None:
    done = project.call("init", "apps:quick")
    assert done.code == 0
    assert done.out == (
        "written: lgprof.toml (settings and budgets)\n"
        f"written: {FILE} (a GitHub workflow for pull requests)\n"
    )
    jsonschema.Draft202012Validator(WORKFLOW).validate(workflow(project))
    install, gate = commands(project)
    assert install == "pip install lgprof langgraph"
    assert gate == 'lgprof gate --against "origin/${{ github.base_ref }}" --output lgprof.xml'
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert workflow(project)["jobs"]["gate"]["steps"][1]["with"] == {"python-version": version}
    assert project.call("gate", "-n", "2").code == 0, "its budgets hold"


def test_nothing_is_overwritten(project: ProjectHere) -> None:
    project.write("lgprof.toml", "# mine\n")
    project.write(FILE, "# mine too\n")
    done = project.call("init")
    assert (project.read("lgprof.toml"), project.read(FILE)) == ("# mine\n", "# mine too\n")
    assert [line.split(":")[0] for line in done.out.splitlines()] == ["left alone", "left alone"]


def test_a_pyproject_grows_at_its_end(project: ProjectHere) -> None:
    before = '[project]\nname = "x"\nversion = "1"'
    project.write("pyproject.toml", before)
    done = project.call("init", "apps:quick")
    after = project.read("pyproject.toml")
    assert after.startswith(f"{before}\n\n[tool.lgprof]\n")
    assert "[tool.lgprof] added at the end" in done.out
    settings = load_settings(project.folder, "gate")
    assert (settings.app, settings.options["budgets"]) == ("apps:quick", ["error_rate<1%"])
    assert commands(project)[0] == "pip install lgprof ."
    again = project.call("init")
    assert "left alone: pyproject.toml (has [tool.lgprof] already)" in again.out
    assert project.read("pyproject.toml") == after


def test_requirements_are_installed(project: ProjectHere) -> None:
    project.write("requirements.txt", "langgraph\n")
    project.call("init")
    assert commands(project)[0] == "pip install lgprof -r requirements.txt"


@pytest.mark.parametrize(("name", "text"), [("pyproject.toml", "not = toml ="), (".github", "")])
def test_what_cannot_be_written(project: ProjectHere, name: str, text: str) -> None:
    project.write(name, text)
    done = project.call("init")
    assert done.code == 2
    assert name in done.error
