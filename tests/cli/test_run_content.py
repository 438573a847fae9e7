"""Prompts, completions and messages of errors: in no file unless asked for, and redacted then."""

from __future__ import annotations

import json
import stat

import pytest

from tests.cli.harness import ProjectHere

ASKS = """
from typing import TypedDict

from langgraph.graph import START, StateGraph
from sample_graphs.fake_models import FakeChatModel


class State(TypedDict, total=False):
    text: str


model = FakeChatModel(model="m", script=lambda messages: "mail ann@example.org the harbour map")


def ask(state: State) -> State:
    model.invoke("my key is sk-abcdefghij0123456789, find the harbour")
    raise ValueError("the harbour of ann@example.org is closed")


app = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()
"""
COMMAND = ("run", "asks:app", "-i", '{"text": ""}', "-n", "1", "-w", "0", "--no-sample")


@pytest.fixture
def asks(project: ProjectHere) -> ProjectHere:
    project.write("asks.py", ASKS)
    return project


def saved_text(project: ProjectHere) -> str:
    return json.dumps(project.profile())


def test_no_content_is_saved_unless_asked_for(asks: ProjectHere) -> None:
    assert asks.call(*COMMAND).code == 3
    assert "harbour" not in saved_text(asks)
    assert asks.profile()["errors"][0]["message"] is None


def test_content_that_is_asked_for_is_redacted(asks: ProjectHere) -> None:
    asks.call(*COMMAND, "--capture-content")
    [call] = [span["model"] for span in asks.profile()["requests"][0]["spans"] if "model" in span]
    assert call["content"] == {
        "prompt": [["user", "my key is [redacted key], find the harbour"]],
        "answer": ["assistant", "mail [redacted e-mail] the harbour map"],
    }
    [error] = asks.profile()["errors"]
    assert error["message"] == "the harbour of [redacted e-mail] is closed"
    for secret in ("sk-abc", "ann@"):
        assert secret not in saved_text(asks)
    [file] = asks.saved
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_settings_may_ask_for_content(asks: ProjectHere) -> None:
    asks.write("lgprof.toml", "[run]\ncapture_content = true")
    asks.call(*COMMAND)
    assert "harbour map" in saved_text(asks)
    asks.call(*COMMAND, "--no-capture-content", env={"LGPROF_CAPTURE_CONTENT": "1"})
    assert "harbour map" not in saved_text(asks)
