"""Interrupts and their answers, checkpointers, several requests at once, templates."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import ProjectHere

ANSWERS = ("--resume", '"one"', "--resume", "two")


def warnings(profile: dict[str, Any]) -> dict[str, str]:
    return {warning["code"]: warning["message"] for warning in profile["warnings"]}


@pytest.mark.parametrize("target", ["asks", "asks_async"])
def test_answers_are_given_in_order(project: ProjectHere, target: str) -> None:
    done = project.call("run", f"apps:{target}", "-i", "{}", "-n", "2", "-w", "0", *ANSWERS)
    assert done.code == 0, done.err
    assert [json.loads(line) for line in project.read("answers").splitlines()] == [
        ["one", "two"],
        ["one", "two"],
    ]
    profile = project.profile()
    assert profile["target"]["checkpointer"] == "InMemorySaver"
    assert not warnings(profile)


def test_answers_of_the_settings(project: ProjectHere) -> None:
    project.write("pyproject.toml", '[tool.lgprof]\nresume = ["one", {a = [1]}]')
    assert project.call("run", "apps:asks", "-i", "{}", "-n", "1", "-w", "0").code == 0
    assert json.loads(project.read("answers")) == ["one", {"a": [1]}]


def test_too_few_answers(project: ProjectHere) -> None:
    done = project.call("run", "apps:asks", "-i", "{}", "-n", "2", *ANSWERS[:2])
    assert done.code == 0, done.err
    assert not (project.folder / "answers").exists()
    assert "ask" in warnings(project.profile())["unanswered_interrupt"]
    assert "--resume" in done.out


def test_no_answer_and_no_checkpointer(project: ProjectHere) -> None:
    done = project.call("run", "apps:asks", "-i", "{}", "-n", "2")
    assert done.code == 0, done.err
    assert "--resume" in done.out
    done = project.call("run", "apps:asks", "-i", "{}", "-n", "2", "--checkpointer", "none")
    assert "defect" not in done.err


def test_static_breakpoints_are_passed(project: ProjectHere) -> None:
    done = project.call("run", "apps:pauses", "-i", "{}", "-n", "2", "-w", "0")
    assert done.code == 0, done.err
    assert len(project.read("answers").splitlines()) == 2
    profile = project.profile()
    assert not warnings(profile)
    assert {row["path"]: row["calls"] for row in profile["nodes"]} == {"ask": 2, "check": 2}


def threads(file: Path) -> set[str]:
    database = sqlite3.connect(file)
    try:
        tables = ("checkpoints", "writes")
        rows = [database.execute(f"SELECT thread_id FROM {table}").fetchall() for table in tables]
    finally:
        database.close()
    return {thread for table in rows for (thread,) in table}


MINE = ("--config", '{"configurable": {"thread_id": "mine"}}')


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    ("target", "code"), [("quick", 0), ("fails", 3), ("asks", 0), ("pauses", 0)]
)
def test_sqlite_keeps_the_users_threads_and_none_of_ours(
    project: ProjectHere, mode: str, target: str, code: int
) -> None:
    options = ("--checkpointer", "sqlite:db.sqlite", "--mode", mode, "-n", "2")
    command = ("run", f"apps:{target}", "-i", "{}", *options)
    assert project.call(*command, "-q", *MINE).code == code
    assert threads(project.folder / "db.sqlite") == {"mine"}
    done = project.call(*command, "--concurrency", "2")
    assert done.code == code, done.err
    assert threads(project.folder / "db.sqlite") == {"mine"}
    kind = "SqliteSaver" if mode == "sync" else "AsyncSqliteSaver"
    assert project.profile()["target"]["checkpointer"] == kind


@pytest.mark.parametrize("target", ["slowish", "slowish_async"])
def test_concurrency(project: ProjectHere, target: str) -> None:
    done = project.call("run", f"apps:{target}", "-n", "8", "--concurrency", "4")
    assert done.code == 0, done.err
    profile = project.profile()
    assert profile["settings"]["concurrency"] == 4
    assert profile["summary"]["cpu_s"] is None
    requests = profile["requests"]
    assert sorted(request["index"] for request in requests) == list(range(8))
    starts = sorted(request["start_s"] for request in requests)
    assert starts[3] < min(request["end_s"] for request in requests)  # four at once
    assert starts[4] >= min(request["end_s"] for request in requests)  # and no more
    assert "4 at once" in done.out or "4 at a time" in done.out


@pytest.mark.parametrize("target", ["quick", "quick_async"])
def test_without_probes(project: ProjectHere, target: str) -> None:
    done = project.call("run", f"apps:{target}", "-n", "3", "--no-probes")
    assert done.code == 0, done.err
    profile = project.profile()
    [node] = profile["nodes"]
    assert (node["calls"], node["cpu_s"], node["blocking_s"]) == (3, None, None)
    assert node["longest_hold_s"] is None
    assert node["reads"] is None
    assert "no_probes" in warnings(profile)


def test_placeholders_in_input_context_and_config(project: ProjectHere) -> None:
    done = project.call(
        "run",
        "apps:seeing",
        *("-n", "3", "-w", "1"),
        *("-i", '{"i": "{{i}}", "text": "no {{i}} {{uuid}}"}'),
        *("--context", '{"user": "u{{i}}", "number": "{{i}}"}'),
        *("--config", '{"configurable": {"label": "l-{{i}}-{{uuid}}"}}'),
    )
    assert done.code == 0, done.err
    seen = [json.loads(line) for line in project.read("seen.jsonl").splitlines()]
    numbers = [one["input"]["i"] for one in seen]
    assert numbers == [3, 0, 1, 2]  # warm-up has its own
    assert [one["context"] for one in seen] == [
        {"user": f"u{number}", "number": number} for number in numbers
    ]
    for one, number in zip(seen, numbers, strict=True):
        assert one["input"]["text"].startswith(f"no {number} ")
        assert one["label"].startswith(f"l-{number}-")
    for key in ("thread_id", "label"):
        assert len({one[key] for one in seen}) == 4
    assert len({one["input"]["text"].split()[-1] for one in seen}) == 4


def test_inputs_are_taken_in_turn(project: ProjectHere) -> None:
    project.write("two.jsonl", '{"i": 1}\n{"i": 2}\n')
    options = ("-i", "@two.jsonl", "-i", '{"i": 3}', "-i", "-", "-n", "5", "-w", "0")
    done = project.call("run", "apps:seeing", *options, stdin='{"i": 4}\n')
    assert done.code == 0, done.err
    seen = [json.loads(line)["input"]["i"] for line in project.read("seen.jsonl").splitlines()]
    assert seen == [1, 2, 3, 4, 1]
    inputs = project.profile()["target"]["inputs"]
    assert (inputs["count"], inputs["distinct"]) == (4, 4)
    assert inputs["source"] == "two.jsonl, -i, standard input"


def test_standard_input_of_a_process(project: ProjectHere) -> None:
    process = project.start("run", "apps:seeing", "-i", "-", "-n", "1", "-w", "0", stdin=-1)
    out, err = process.communicate('{"text": "größer"}')
    assert process.returncode == 0, err
    assert json.loads(project.read("seen.jsonl"))["input"]["text"] == "größer"
    assert "standard input" in out
