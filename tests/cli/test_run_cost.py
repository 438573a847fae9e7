"""Prices from the command line, a file, the environment or the settings; and the bill."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.harness import ProjectHere

BILLED = """
from typing import TypedDict

from langgraph.graph import START, StateGraph
from sample_graphs.fake_models import FakeChatModel


class State(TypedDict, total=False):
    text: str


model = FakeChatModel(model="team-small", script=lambda messages: "x" * 40)


def ask(state: State) -> State:
    return {"text": model.invoke("y" * 400).content}


app = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()
"""
COMMAND = ("run", "billed:app", "-i", '{"text": ""}', "-n", "2", "-w", "0")


@pytest.fixture
def billed(project: ProjectHere) -> ProjectHere:
    project.write("billed.py", BILLED)
    return project


def total(project: ProjectHere, *arguments: str, **options: Any) -> float | None:
    done = project.call(*COMMAND, "-q", *arguments, **options)
    assert done.code == 0, done.err
    return project.profile()["summary"]["cost_usd"]["total"]


def prices(project: ProjectHere, name: str, dollars: float) -> None:
    project.write(name, f'"team-*" = {{ input = {dollars}, output = 0 }}')


def test_the_nearest_prices_count(billed: ProjectHere) -> None:
    assert total(billed) is None
    billed.write("lgprof.toml", '[prices]\n"team-*" = { input = 100, output = 0 }')
    prices(billed, "of_env.toml", 200)
    prices(billed, "typed.toml", 300)
    environment = {"LGPROF_PRICES": "of_env.toml"}
    # Two requests of 100 tokens: 200 in a million.
    assert total(billed) == pytest.approx(0.02)
    assert total(billed, env=environment) == pytest.approx(0.04)
    assert total(billed, "--prices", "typed.toml", env=environment) == pytest.approx(0.06)


def test_settings_may_name_a_file_beside_them(billed: ProjectHere) -> None:
    billed.write("pyproject.toml", '[tool.lgprof.run]\nprices = "ours.toml"')
    prices(billed, "ours.toml", 50)
    assert total(billed) == pytest.approx(0.01)


def test_the_bill_is_printed_with_its_projection(billed: ProjectHere) -> None:
    prices(billed, "ours.toml", 100)
    done = billed.call(*COMMAND, "--prices", "ours.toml", "--monthly-requests", "1e6")
    assert "Cost  prices of genai-prices" in done.out
    assert "$10,000 at 1,000,000 requests" in done.out


def test_a_model_without_a_price_is_named(billed: ProjectHere) -> None:
    done = billed.call(*COMMAND, "--show", "cost")
    assert "team-small in ask, 2 calls: no price (--prices)" in done.out


@pytest.mark.parametrize(
    ("options", "settings", "error"),
    [
        (("--prices", "none.toml"), "", "--prices: "),
        ((), "[prices]\nx = 1", "'x' needs a price for input and for output"),
        ((), "monthly_requests = -1", "monthly_requests: -1 is no number of requests"),
        (("--monthly-requests", "0"), "", "--monthly-requests: 0.0 is no number of requests"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    billed: ProjectHere, options: tuple[str, ...], settings: str, error: str
) -> None:
    billed.write("lgprof.toml", settings)
    done = billed.call(*COMMAND, *options)
    assert done.code == 2
    assert error in done.error
    assert not billed.saved
