"""On every sample graph the advice is what was planted in it, and nothing else of note.

They run in virtual time: what they sleep is exact, whatever else the machine does.
"""

from __future__ import annotations

import importlib
import json
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import sample_graphs
from lgprof.advice.advise import Counsel, advise
from lgprof.clock import Clock
from lgprof.model import Profile
from lgprof.whatif import predict, rewrite
from tests.profiling import profile_graph
from tests.virtual_time import VirtualTime

FOLDER = Path(sample_graphs.__file__).parent

PLANTED = {
    "basic": set(),
    "caching": {("cache", "rank")},
    "customer_support": {
        ("parallel", "load_customer load_orders"),
        ("blocking", "find_policy"),
        ("cache", "find_policy"),
        ("tool_cache", "tools"),
    },
    "data_pipeline": {("straggler", "enrich"), ("batch", "enrich")},
    "production": {("cache", "load_schema"), ("retry", "retry"), ("llm_cache", "process")},
    "research": {
        ("parallel", "gather/web search/news gather/web search/blogs"),
        ("straggler", "gather/web search"),
        ("tool_cache", "check facts"),
    },
    "resilient": {("fallback", "load_profile"), ("fallback", "answer"), ("fallback", "check")},
    "retrying": {("retry", "reserve_stock"), ("recursion", "charge"), ("llm_cache", "charge")},
    "token_budget": {("prompt_cache", "reply"), ("state_growth", "reply")},
}


@cache
def profile_of(name: str) -> Profile:
    module = importlib.import_module(f"sample_graphs.{name}")
    if name == "caching":
        module.clear()
    lines = (FOLDER / f"{name}.jsonl").read_text().splitlines()
    inputs = list(map(json.loads, lines))
    time = _Ticking()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", time.sleep)
        return profile_graph(module.app, *inputs, warmup=1, time=time).profile


@cache
def counsel_on(name: str) -> Counsel:
    return advise(profile_of(name))


class _Ticking(VirtualTime):
    """No two events happen at the same instant."""

    @property
    def clock(self) -> Clock:
        return replace(super().clock, now_ns=self._tick)

    def sleep(self, seconds: float) -> None:
        """None passes in a pool's thread: beside the loop it would at any moment of it."""
        if not threading.current_thread().name.startswith("asyncio_"):
            self.block(seconds)

    def _tick(self) -> int:
        self.compute(2e-7)
        self.compute(2e-7)
        return self.now_ns


@pytest.mark.parametrize("name", PLANTED)
def test_finds_what_was_planted_and_nothing_else(name: str):
    found = {(one.kind, " ".join(one.nodes)) for one in counsel_on(name).noteworthy}
    assert found == PLANTED[name]


@pytest.mark.parametrize("name", PLANTED)
def test_recommends_nothing_unsafe_and_ranks_by_saving(name: str):
    counsel = counsel_on(name)
    assert all(one.status != "unsafe" for one in [*counsel.noteworthy, *counsel.minor])
    assert all(one.status == "unsafe" for one in counsel.refused)
    shares = [one.saving.share for one in counsel.noteworthy if one.saving]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("name", PLANTED)
def test_the_code_to_paste_is_python_and_the_evidence_is_there(name: str):
    for one in [*counsel_on(name).noteworthy, *counsel_on(name).minor]:
        assert one.change, one.title
        compile(one.change, one.title, "exec", flags=0x2000)  # top-level await is allowed
        assert one.reasons, one.title
        assert one.evidence, one.title


@pytest.mark.parametrize("name", PLANTED)
def test_predictions_share_work_and_are_what_each_would_be_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    """Every call is looked into, and nothing known from another prediction."""
    shared = [prediction for _, prediction in counsel_on(name).predictions]
    monkeypatch.setattr(rewrite, "leads_to", lambda path, node: True)
    assert shared == [predict(profile_of(name), one.changes) for one in shared]
