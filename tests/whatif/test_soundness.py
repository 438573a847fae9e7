"""No dependency, effect or chance is called safe: what observation catches, what only proof does.

Outputs and counts decide, not times: everything runs in virtual time.
"""

from __future__ import annotations

from typing import Any

import pytest

from lgprof.advice.advise import advise
from lgprof.langgraph_adapter.rewire import UnsafeTopologyError
from lgprof.langgraph_adapter.side_by_side import side_by_side
from lgprof.model import Profile
from lgprof.whatif import CacheNode, Parallel
from lgprof.whatif.proof.overlap import overlap
from tests.proving import predicted_and_proven
from tests.whatif import hidden_state  # noqa: F401 (adds to PAIRS)
from tests.whatif.adversarial import CACHED, FILE, PAIRS, TABLE, a_node, b_node, two

SIDE_BY_SIDE = Parallel(("A", "B"))
BY_Q = CacheNode("n", ("q",))

TOPOLOGY, SETS, EFFECT = "topology", "reads and writes", "effects seen"
HINT, PROOF = "code", "proof alone"

EXPECTED_PAIRS = {
    "a module global": ("unsafe", HINT),
    "a module global that is set anew": ("unsafe", HINT),
    "the session of a shared client": ("unsafe", HINT),
    "a client that is not re-entrant": ("unsafe", HINT),
    "a list in a closure": ("unsafe", HINT),
    "a partial's argument": ("unsafe", HINT),
    "attributes of a callable object": ("unsafe", HINT),
    "{**state}": ("unsafe", SETS),
    "state.items()": ("unsafe", SETS),
    "a read, and Command(update=...)": ("unsafe", SETS),
    "the order of messages": ("unsafe", SETS),
    "the order of a reduced list": ("unsafe", SETS),
    "a router's read": ("unsafe", TOPOLOGY),
    "interrupt()": ("unsafe", TOPOLOGY),
    "a store that one writes and the other reads": ("unsafe", HINT),
    "a store that is only written, by both": ("unproven", HINT),
    "an input changed in place": ("unsafe", EFFECT),
    "a key that both write": ("unsafe", SETS),
    "a read for 1 input in 20": ("unsafe", PROOF),
    "a race that natural timing hides": ("unsafe", HINT),
    "mails sent in order": ("unproven", HINT),
    "chance": ("unproven", HINT),
    "an attribute of a class": ("unproven", HINT),
    "class methods": ("unproven", HINT),
    "a list of a class that is made anew": ("unproven", HINT),
    "setattr": ("unproven", HINT),
    "globals()": ("unproven", HINT),
    "what functools.lru_cache keeps": ("unproven", HINT),
    "a module that is imported inside": ("unproven", HINT),
    "what hangs on a function": ("unproven", HINT),
    "a function inside a chain": ("unproven", HINT),
    "what a context variable holds": ("unproven", HINT),
    "a thread's own variables": ("unproven", HINT),
    "a generator": ("unproven", HINT),
    "a Command that goes elsewhere for other inputs": ("unsafe", TOPOLOGY),
    "an interrupt for other inputs": ("unsafe", TOPOLOGY),
    "the context, changed in place": ("unproven", EFFECT),
    "an object of the config, changed in place": ("unproven", EFFECT),
    "the order in the stream of events": ("unproven", HINT),
    "the supersteps that are left": ("proven", PROOF),
    "what another branch wrote meanwhile": ("unsafe", SETS),
    "what another branch wrote before the follower": ("unsafe", SETS),
    "the order of a list that another branch adds to": ("unsafe", SETS),
}
EXPECTED_CACHED = {
    "chance": ("unsafe", HINT),
    "one answer in fifty is another": ("unsafe", HINT),
    "the year": ("unproven", HINT),
    "a counter": ("unsafe", HINT),
    "the user in the config": ("unsafe", HINT),
    "the store": ("unproven", HINT),
    "a table that may change": ("unproven", HINT),
    "a mail": ("unproven", HINT),
    "a line in a file": ("unsafe", EFFECT),
    "a file that may change": ("unproven", EFFECT),
    "a key that is missing from the cache key": ("unsafe", PROOF),
    "a key that cannot be pickled": ("unproven", PROOF),
    "messages with ids of their own, in a loop": ("unsafe", HINT),
    "errors now and then": ("unproven", HINT),
    "a router that goes by another key": ("unsafe", PROOF),
    "a file that may come to be": ("unproven", EFFECT),
    "a folder that may fill": ("unproven", EFFECT),
    "the time of the event loop": ("unproven", HINT),
    "the year, from a module imported inside": ("unproven", HINT),
    "an attribute that a class method sets": ("unproven", HINT),
    "what is changed in place": ("unsafe", EFFECT),
}
SEEN_BY_PROOF_ALONE = {"a read for 1 input in 20"}
CONFIG = {"configurable": {"user": "{{i}}", "bag": []}}


def caught_by(graph: Any, profile: Profile, change: Any) -> str:
    """What already tells, before anything is tried."""
    if isinstance(change, Parallel):
        try:
            side_by_side(graph, change.nodes)
        except UnsafeTopologyError:
            return TOPOLOGY
        if overlap(profile, [change]):
            return SETS
    nodes = change.nodes if isinstance(change, Parallel) else [change.node]
    hints = [profile.target.hints[node] for node in nodes]
    if any(h.effects or "a file" in h.context for h in hints):
        return EFFECT
    is_hinted = any(h.shared or h.clocks or h.context for h in hints)
    return HINT if is_hinted else PROOF


def doubted(profile: Profile, kind: str, nodes: set[str]) -> bool:
    """Whether the advice says more against a change than that inputs are few; or never gives it."""
    counsel = advise(profile)
    found = [
        one
        for one in [*counsel.noteworthy, *counsel.minor, *counsel.refused]
        if one.kind == kind and nodes <= {*one.nodes}
    ]
    reasons = [one.reasons for one in found]
    return not found or any(len(r) > 2 for r in reasons) or found[0].status == "unsafe"


def test_the_table_of_expectations_is_complete():
    assert EXPECTED_PAIRS.keys() == PAIRS.keys()
    assert EXPECTED_CACHED.keys() == CACHED.keys()
    assert len(PAIRS) + len(CACHED) >= 25


def test_the_pair_that_all_others_spoil_is_proven():
    _, _, proof = predicted_and_proven(two(a_node, b_node), [SIDE_BY_SIDE])

    assert (proof.status, proof.reasons[0][:2]) == ("proven", "0 ")


@pytest.mark.parametrize("name", PAIRS)
def test_side_by_side(name):
    graph = PAIRS[name]()
    context = {"user": 0} if "context" in name and "variable" not in name else None
    # Requests of the profile do not reach the input that reads what others do not.
    profile, _, proof = predicted_and_proven(
        graph, [SIDE_BY_SIDE], profiled=10, warmup=1, config=CONFIG, context=context
    )

    assert doubted(profile, "parallel", {"A", "B"}) == (name not in SEEN_BY_PROOF_ALONE)
    assert proof.status == EXPECTED_PAIRS[name][0], proof.reasons
    assert caught_by(graph, profile, SIDE_BY_SIDE) == EXPECTED_PAIRS[name][1]
    if proof.measured is not None and proof.status == "unsafe":
        assert proof.measured.outputs_equal is not True or proof.evidence.overlap


@pytest.mark.parametrize("name", CACHED)
def test_cached(name):
    graph = CACHED[name]()
    inputs = [{"q": number % 20, "user": number % 7} for number in range(80)]

    profile, _, proof = predicted_and_proven(
        graph, [BY_Q], inputs, config=CONFIG, profiled=10, warmup=1
    )
    FILE.unlink(missing_ok=True)
    TABLE.unlink(missing_ok=True)

    assert proof.status == EXPECTED_CACHED[name][0], proof.reasons
    assert caught_by(graph, profile, BY_Q) == EXPECTED_CACHED[name][1]
