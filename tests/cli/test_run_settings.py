"""Where an option comes from: command line, environment, settings, default; and the target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.harness import ProjectHere


def settings_of(project: ProjectHere, *arguments: str, **options: Any) -> dict[str, Any]:
    done = project.call("run", *arguments, "-q", **options)
    assert done.code == 0, done.err
    return project.profile()["settings"]


def test_command_line_wins_over_environment_over_settings_over_default(
    project: ProjectHere,
) -> None:
    names = ("requests", "warmup", "concurrency", "timeout_s", "probes")

    def chosen(*arguments: str, **env: str) -> tuple[Any, ...]:
        made = settings_of(project, "apps:quick", *arguments, env=env)
        return tuple(made[name] for name in names)

    environment = {
        "LGPROF_REQUESTS": "4",
        "LGPROF_WARMUP": "0",
        "LGPROF_CONCURRENCY": "2",
        "LGPROF_TIMEOUT": "2m",
        "LGPROF_PROBES": "1",
    }
    typed = ("-n", "5", "-w", "3", "--concurrency", "1", "--timeout", "1500ms", "--no-probes")

    assert chosen() == (10, 1, 1, 120.0, True)
    project.write(
        "pyproject.toml",
        "[tool.lgprof]\nrequests = 3\nwarmup = 2\ntimeout = '9s'\nconcurrency = 3\nprobes = false",
    )
    assert chosen() == (3, 2, 3, 9.0, False)
    assert chosen(**environment) == (4, 0, 2, 120.0, True)
    assert chosen(*typed, **environment) == (5, 3, 1, 1.5, False)


def test_other_options_from_environment_and_settings(project: ProjectHere) -> None:
    project.write(
        "lgprof.toml",
        """
        requests = 1
        warmup = 0
        inputs = "@in.jsonl"
        context = {user = "toml", number = "{{i}}"}
        [config]
        configurable = {label = "toml"}
        """,
    )
    project.write("in.jsonl", '{"text": "from file"}\n')
    environment = {
        "LGPROF_CONTEXT": '{"user": "env"}',
        "LGPROF_CONFIG": '{"configurable": {"label": "env"}}',
    }
    settings_of(project, "apps:seeing")
    settings_of(project, "apps:seeing", env=environment)
    settings_of(project, "apps:seeing", "-i", '{"text": "typed"}')
    toml, env, typed = map(json.loads, project.read("seen.jsonl").splitlines())
    assert (toml["input"]["text"], toml["label"]) == ("from file", "toml")
    assert toml["context"] == {"user": "toml", "number": 0}
    assert (env["context"], env["label"]) == ({"user": "env"}, "env")
    assert typed["input"]["text"] == "typed"


def test_recursion_limit(project: ProjectHere) -> None:
    command = ("run", "apps:loops", "-i", '{"i": 0}', "-n", "1", "-q")
    assert project.call(*command).code == 0
    assert project.profile()["nodes"][0]["visits"] == {"mean": 8.0, "max": 8}
    project.write("lgprof.toml", "recursion_limit = 5")
    done = project.call(*command)
    assert done.code == 3
    assert "GraphRecursionError" in done.out
    assert project.call(*command, env={"LGPROF_RECURSION_LIMIT": "6"}).code == 3
    assert project.call(*command, "--recursion-limit", "9").code == 0


def test_paths_in_the_settings_start_at_their_file(project: ProjectHere) -> None:
    project.write("lgprof.toml", 'app = "apps:quick"\ncheckpointer = "sqlite:db.sqlite"')
    below = ProjectHere(project.folder / "below", project._monkeypatch, project._capfd)
    below.folder.mkdir()
    assert below.call("run", "-q").code == 0
    assert (project.folder / "db.sqlite").exists()


def test_settings_of_a_folder_above(project: ProjectHere) -> None:
    project.write("pyproject.toml", '[tool.lgprof]\napp = "apps.py:quick"\ninputs = "@one.json"')
    project.write("one.json", '{"i": 41}')
    project.write("deep/down/here.txt", "")
    below = ProjectHere(project.folder / "deep/down", project._monkeypatch, project._capfd)
    assert below.call("run", "-q").code == 0
    assert below.profile()["target"]["inputs"]["source"] == "inputs of pyproject.toml"


def test_target_of_the_settings(project: ProjectHere) -> None:
    project.write("pyproject.toml", '[tool.lgprof]\napp = "apps:quick"')
    settings_of(project)
    assert project.profile()["target"]["spec"] == "apps:quick"


def test_the_only_graph_of_langgraph_json(project: ProjectHere) -> None:
    project.write("langgraph.json", '{"dependencies": ["."], "graphs": {"it": "./apps.py:quick"}}')
    settings_of(project)
    assert project.profile()["target"]["name"] == "it"
    settings_of(project, "it")
    project.write("pyproject.toml", '[tool.lgprof]\napp = "apps:slowish"')
    settings_of(project)
    assert project.profile()["target"]["spec"] == "apps:slowish"


def test_no_target_at_all(project: ProjectHere) -> None:
    done = project.call("run")
    assert done.code == 2
    assert "no target" in done.error
    assert "module:attribute" in done.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requets = 3", "unknown setting tool.lgprof.requets"),
        ("requests = 'many'", "requests must be a whole number"),
        ("requests = 0", "requests: 0 is less than 1"),
        ("timeout = 'soon'", "timeout: 'soon' is no duration"),
        ("mode = 'fast'", "mode: 'fast' is no mode"),
        ("config = '[1]'", "config: [1] is no JSON object"),
        ("inputs = []", "inputs is empty"),
        ("a = [", "not valid TOML"),
    ],
)
def test_wrong_settings_are_named_with_their_file(
    project: ProjectHere, text: str, said: str
) -> None:
    project.write("pyproject.toml", f"[tool.lgprof]\n{text}")
    done = project.call("run", "apps:quick")
    assert done.code == 2
    assert said in done.error
    assert "pyproject.toml" in done.error


@pytest.mark.parametrize(
    ("name", "value"),
    [("TIMEOUT", "soon"), ("MODE", "fast"), ("REQUESTS", "many"), ("CONFIG", "{")],
)
def test_a_wrong_variable_is_named(project: ProjectHere, name: str, value: str) -> None:
    done = project.call("run", "apps:quick", env={f"LGPROF_{name}": value})
    assert done.code == 2
    assert f"LGPROF_{name}" in done.err
