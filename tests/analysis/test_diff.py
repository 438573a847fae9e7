"""Two Profiles side by side."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lgprof.analysis.counted import Counted, counts_of
from lgprof.analysis.diff import diff_profiles
from lgprof.model import Profile
from tests.load_profiles import load_profile
from tests.render import sample_profiles


def test_a_profile_against_itself_has_no_change() -> None:
    profile = sample_profiles.agent(10)
    diff = diff_profiles(profile, profile)
    assert diff.paired
    assert diff.caveats == []
    assert diff.structure.is_none
    rows = [change for row in [*diff.nodes, *diff.models, *diff.tools] for change in row.changes]
    for change in [*diff.graph, *diff.attribution, *rows]:
        assert change.base == change.new
        assert not change.is_certain
    assert [row.presence for row in diff.nodes] == ["both"] * len(profile.nodes)


def test_what_is_not_comparable_is_said() -> None:
    base, new = sample_profiles.agent(10), load_profile()
    new.environment.python = "3.99.0"
    new.environment.platform = "Plan9 4 mips"
    new.target.inputs.sha256 = "other"
    new.target.spec = "m:other"
    new.interrupted = True
    diff = diff_profiles(base, new)
    assert not diff.paired
    said = " | ".join(diff.caveats)
    for words in ("3.99.0", "Plan9", "the inputs differ", "now a load", "m:other", "interrupted"):
        assert words in said


def test_structure_comes_first() -> None:
    base = sample_profiles.agent(10)
    new = copy.deepcopy(base)
    gone, more = new.nodes[0], new.nodes[1]
    new.nodes.remove(gone)
    new.target.nodes = [name for name in new.target.nodes if name != gone.path] + ["extra"]
    new.target.edges = new.target.edges[1:]
    more.calls += new.summary.requests
    structure = diff_profiles(base, new).structure
    assert (structure.nodes_added, structure.nodes_removed) == (["extra"], [gone.path])
    assert len(structure.edges_removed) == 1
    assert structure.edges_added == []
    diff = diff_profiles(base, new)
    assert {row.name: row.presence for row in diff.nodes}[gone.path] == "removed"


def test_the_counts_of_requests_add_up_to_the_profile() -> None:
    profile = sample_profiles.agent(10)
    counts = [counts_of(request) for request in profile.requests]

    def total(metric: str, node: str | None = None) -> float:
        return sum(each.get(Counted(metric, node), 0.0) for each in counts)

    assert total("llm_calls") == profile.summary.llm_calls
    assert total("tool_calls") == profile.summary.tool_calls
    assert total("tokens.input") == profile.summary.tokens.input
    for row in profile.nodes:
        assert total("calls", row.path) == row.calls


@pytest.mark.parametrize("field", ["input", "output"])
def test_one_token_more_in_one_request_shows(field: str) -> None:
    base = sample_profiles.agent(10)
    new = copy.deepcopy(base)
    _add_token(new, field)
    diff = diff_profiles(base, new)
    change = next(c for c in diff.graph if c.metric == f"tokens.{field}.per_request")
    assert change.base is not None
    assert change.new == pytest.approx(change.base + 1 / 10)


def _add_token(profile: Profile, field: str) -> None:
    span: Any = next(span for span in profile.requests[3].spans if span.model is not None)
    setattr(span.model.tokens, field, getattr(span.model.tokens, field) + 1)
    row = next(row for row in profile.nodes if row.path == span.path)
    for tokens in (profile.summary.tokens, row.tokens):
        setattr(tokens, field, (getattr(tokens, field) or 0) + 1)


def test_a_load_test_has_no_intervals() -> None:
    diff = diff_profiles(load_profile(), load_profile())
    assert diff.graph
    assert all(change.ci is None and not change.exact for change in diff.graph)
