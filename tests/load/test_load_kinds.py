"""Graphs of every kind under a short load, from the command line to the Profile."""

from __future__ import annotations

import json

import pytest

from tests.load.harness import I, LoadProject

pytestmark = pytest.mark.slow


def test_a_graph_with_subgraph_retries_sends_and_tools(project: LoadProject) -> None:
    profile = project.loaded("rich", *I, "--rps", "20", "-d", "1s")
    load = profile["load"]
    assert (load["offered"], load["completed"]) == (20, 20)
    rows = {row["path"]: row for row in profile["nodes"]}
    assert {path: row["calls"] for path, row in rows.items()} == {
        "begin": 20,
        "each": 60,
        "inner": 20,
        "inner/tool": 20,
        "inner/flaky": 20,
    }
    assert (rows["inner/flaky"]["attempts"], rows["inner/flaky"]["retries"]) == (40, 20)
    assert rows["each"]["visits"] == {"mean": 3.0, "max": 3}
    assert rows["begin"]["unloaded_s"] > 0.005
    [tool] = profile["tools"]
    assert (tool["node"], tool["tool"], tool["calls"]) == ("inner/tool", "look_up", 20)
    assert [request["index"] for request in profile["requests"]] == list(range(20))
    assert profile["target"]["mode"] == "async"


def test_a_sync_graph(project: LoadProject) -> None:
    profile = project.loaded("quick_sync", *I, "--rps", "30", "-d", "1s", "--arrivals", "poisson")
    load = profile["load"]
    assert (load["offered"], load["completed"], load["arrivals"]) == (30, 30, "poisson")
    assert profile["target"]["mode"] == "sync"
    assert load["loop_lag_s"] is None
    assert load["latency_s"]["p50"] >= 0.005


def test_a_functional_graph(project: LoadProject) -> None:
    profile = project.loaded("functional", *I, "--rps", "20", "-d", "1s", "--keep", "5")
    assert profile["load"]["completed"] == 20
    assert profile["load"]["sampled_requests"] == 5
    assert {row["path"]: row["calls"] for row in profile["nodes"]} == {
        "functional": 20,
        "functional/double": 40,
    }


def test_interrupts_are_answered(project: LoadProject) -> None:
    profile = project.loaded("asks", *I, "--resume", "5", "--rps", "20", "-n", "10")
    assert profile["load"]["completed"] == 10
    assert set(project.read("answers").split()) == {"5"}
    assert profile["target"]["checkpointer"] == "InMemorySaver"
    assert {row["path"]: row["calls"] for row in profile["nodes"]} == {"work": 20}


def test_a_graph_that_needs_a_store_and_prints(project: LoadProject) -> None:
    done = project.load("needs_store", *I, "--rps", "20", "-n", "10", "--json", "-", "-q")
    assert done.code == 0, done.err
    assert json.loads(done.out)["load"]["completed"] == 10
    assert "NOISE" not in done.out + done.err


def test_a_number_of_requests_is_exact_and_each_has_a_number_of_its_own(
    project: LoadProject,
) -> None:
    profile = project.loaded(
        "seeing", *I, "-n", "25", "--rps", "50", "-w", "200ms", "--workers", "2"
    )
    load = profile["load"]
    assert (load["offered"], load["completed"], load["duration_s"]) == (25, 25, 0.5)
    assert project.seen("seen") == list(range(25))
    assert [worker["started"] for worker in load["workers"]] == [13, 12]
    assert load["warm_up"] == {"duration_s": 0.2, "requests": 10, "failed": 0}
    every = project.read("seen").split()
    assert len(every) == len(set(every))  # the numbers of unmeasured requests are their own, too


def test_stages(project: LoadProject) -> None:
    profile = project.loaded("quick", "--stages", "10:1s,40:1s", "--ramp", "500ms")
    load = profile["load"]
    assert load["offered"] == load["completed"] == 42  # 10 + (10 + 40) / 2 * 0.5 + 40 * 0.5
    assert load["duration_s"] == 2.0
    assert [stage["to_rps"] for stage in load["stages"]] == [10.0, 40.0, 40.0]


def test_users_with_pauses(project: LoadProject) -> None:
    profile = project.loaded("quick", "--users", "3", "--think", "50ms", "-d", "1s")
    load = profile["load"]
    assert (load["arrivals"], load["target_rps"], load["users"]) == ("closed", None, 3)
    assert 20 <= load["completed"] <= 54  # 3 users x 1 s / (50 ms + at least 5 ms)
    assert load["peak_in_flight"] <= 3
    assert load["warm_up"]["requests"] == 0


def test_users_make_a_number_of_requests_and_no_pause_outlasts_the_last(
    project: LoadProject,
) -> None:
    profile = project.loaded("seeing", *I, "--users", "3", "-n", "20", "--workers", "2")
    assert profile["load"]["completed"] == 20
    assert project.seen("seen") == list(range(20))
    one_each = project.loaded("quick_sync", "--users", "2", "--think", "60s", "-d", "300ms")
    assert one_each["load"]["completed"] == 2


def test_arrivals_beyond_the_limit_are_dropped(project: LoadProject) -> None:
    profile = project.loaded(
        "sleeps_a_second", *I, "--rps", "40", "-d", "1s", "--max-in-flight", "5"
    )
    load = profile["load"]
    assert load["offered"] == 40
    assert (load["dropped"] + load["completed"], load["completed"] <= 10) == (40, True)
    assert load["peak_in_flight"] <= 5
    assert load["saturation"]["saturated"]
    assert "dropped" in [warning["code"] for warning in profile["warnings"]]


def test_a_limit_below_what_runs_without_load_makes_the_numbers_invalid(
    project: LoadProject,
) -> None:
    options = ("--rps", "40", "-d", "1s", "--max-in-flight", "4", "--strict")
    load = project.loaded("takes_time", *I, *options, code=5)["load"]
    assert load["dropped"] > 0
    assert load["saturation"] is None
    [reason] = [one for one in load["fidelity"]["reasons"] if "were dropped" in one]
    assert reason.endswith("requests would be under way, and --max-in-flight lets 4 in")


def test_the_bill_of_two_workers(project: LoadProject) -> None:
    project.write("prices.toml", '"gpt-4o-mini" = { input = 100.0, output = 0.0 }')
    prices = ("--prices", "prices.toml", "--monthly-requests", "1e6")
    done = project.load(
        "asks_model", *I, *prices, "--rps", "20", "-n", "20", "--workers", "2", "--show", "cost"
    )
    assert done.code == 0, done.err
    profile = project.profile()
    # 400 characters are 100 tokens: a cent.
    cost = profile["summary"]["cost_usd"]
    assert cost["total"] == pytest.approx(0.2)
    assert cost["per_request"]["mean"] == pytest.approx(0.01)
    assert profile["nodes"][0]["cost_usd"] == profile["models"][0]["cost_usd"] == cost["total"]
    assert profile["environment"]["prices_date"]
    assert "$10,000 at 1,000,000 requests" in done.out
    kept = [span["model"] for request in profile["requests"] for span in request["spans"][-1:]]
    assert {call["cost_usd"] for call in kept} == {0.01}
