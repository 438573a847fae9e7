"""lgprof gates its own sample graphs: their calls, tokens and costs are what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from lgprof.config import Settings
from lgprof.gate.budgets import judge_budgets, parse_budget
from lgprof.langgraph_adapter.input_schema import input_json_schema
from lgprof.run import RunOptions, profile_run
from lgprof.target import inputs_from_schema, load_target

BUDGETS = {
    "basic": [
        "error_rate==0",
        "llm_calls.per_request==1",
        "tokens.input.per_request==41",
        "tokens.output.per_request==23",
        "cost.per_request<0.000021",
        "node.retrieve.calls.per_request==1",
    ],
    "research": [
        "error_rate==0",
        "llm_calls.per_request==2",
        "tool_calls.per_request==4",
        "tokens.input.per_request==1043",
        "tokens.output.per_request==11",
        "cost.per_request<0.0005",
    ],
    "customer_support": [
        "error_rate==0",
        "llm_calls.per_request==6",
        "tool_calls.per_request==1",
        "tokens.input.per_request==465",
        "tokens.output.per_request==55",
        "cost.per_request<0.00069",
        "node.agent.calls.per_request==2",
    ],
}


@pytest.mark.parametrize("name", BUDGETS)
def test_counts_and_costs(name: str) -> None:
    root = Path(__file__).parents[2]
    source = load_target(f"sample_graphs.{name}:app", Settings(), root)
    result = profile_run(
        source,
        lambda opened: inputs_from_schema(input_json_schema(opened.graph)),
        RunOptions(requests=2, warmup=0),
        folder=root,
    )
    verdict = judge_budgets(result.profile, [parse_budget(text) for text in BUDGETS[name]])
    assert verdict.verdict == "pass", [check for check in verdict.checks if check.verdict != "pass"]
