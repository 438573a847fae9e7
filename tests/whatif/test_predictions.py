"""What changes bring, in virtual time: to the millisecond."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, StateGraph
from langgraph.types import RetryPolicy

from lgprof.errors import UsageError
from lgprof.model import Profile, Segment
from lgprof.whatif import (
    BatchCalls,
    CacheNode,
    Change,
    Durability,
    Faster,
    Parallel,
    RemoveBarrier,
    Retry,
    SwapCheckpointer,
    SwapModel,
    Unblock,
    ask,
    predict,
)
from tests.render.sample_profiles import Recording, profile_of
from tests.virtual_time import VirtualTime
from tests.whatif.graphs import (
    State,
    blocker,
    chain,
    computer,
    graph,
    profile_in_virtual_time,
    side_by_side,
    sleeper,
)

MS = 0.001


def saved_ms(profile: Profile, *changes: Change) -> float:
    saving = predict(profile, changes).saving
    assert saving is not None
    return saving.mean_s * 1e3


def test_nodes_in_a_row_run_side_by_side() -> None:
    profile = profile_in_virtual_time(
        chain(a=sleeper("a", 0.04), b=sleeper("b", 0.03), c=sleeper("c", 0.01)), {}
    )
    assert saved_ms(profile, Parallel(("a", "b"))) == pytest.approx(30, abs=0.5)
    assert saved_ms(profile, Parallel(("a", "b", "c"))) == pytest.approx(40, abs=0.5)
    assert saved_ms(profile, Parallel(("b", "c"))) == pytest.approx(10, abs=0.5)


def test_nodes_that_never_follow_one_another_gain_nothing() -> None:
    profile = profile_in_virtual_time(
        chain(a=sleeper("a", 0.04), b=sleeper("b", 0.03), c=sleeper("c", 0.01)), {}
    )
    found = predict(profile, [Parallel(("a", "c"))])
    assert found.predicted_s == found.recorded_s
    assert found.caveats == ("a, c never ran one right after another: nothing changes",)


def test_what_follows_starts_beside_another_branch() -> None:
    """a, b and c in a row beside d and e: with a beside b, c no longer waits for e."""
    nodes = {
        "a": sleeper("a", 0.01),
        "b": sleeper("b", 0.02),
        "c": sleeper("c", 0.05),
        "d": sleeper("d", 0.01),
        "e": sleeper("i", 0.06),
    }
    edges = [(START, "a"), ("a", "b"), ("b", "c"), (START, "d"), ("d", "e"), (["c", "e"], "last")]
    profile = profile_in_virtual_time(
        graph({**nodes, "last": sleeper("i", 0.0)}, [*edges, ("last", END)]), {}
    )
    # [a d] [b e] [c]: 10 + 60 + 50. [a b d] [c e]: 20 + 60.
    assert saved_ms(profile, Parallel(("a", "b"))) == pytest.approx(40, abs=0.5)


def test_computing_on_the_loop_gains_nothing_side_by_side() -> None:
    time = VirtualTime()
    nodes = chain(a=computer(time, "a", 0.04), b=computer(time, "b", 0.03))
    profile = profile_in_virtual_time(nodes, {}, time=time)
    assert saved_ms(profile, Parallel(("a", "b"))) == pytest.approx(1, abs=0.5)  # a wait of 1 ms


def test_nodes_side_by_side_start_in_the_order_of_their_names() -> None:
    """`fetch` waits while `parse` computes, though `parse` came first before."""
    time = VirtualTime()

    async def parse(state: State) -> dict[str, Any]:
        time.compute(0.03)
        return {"a": 1}

    nodes = chain(parse=parse, fetch=sleeper("b", 0.04), last=sleeper("c", 0.01))
    profile = profile_in_virtual_time(nodes, {}, time=time)
    assert saved_ms(profile, Parallel(("parse", "fetch"))) == pytest.approx(30, abs=0.5)


def test_a_node_takes_half_its_time() -> None:
    profile = profile_in_virtual_time(chain(a=sleeper("a", 0.04), b=sleeper("b", 0.03)), {})
    assert saved_ms(profile, Faster("a", 0.5)) == pytest.approx(20)
    assert saved_ms(profile, Faster("a", 2)) == pytest.approx(-40)
    unchanged = predict(profile, [Faster("a", 1.0)])
    assert unchanged.predicted_s == unchanged.recorded_s


def test_a_faster_node_saves_no_more_than_the_next_slowest_allows() -> None:
    siblings = side_by_side(sleeper("d", 0.0), a=sleeper("a", 0.05), b=sleeper("b", 0.04))
    profile = profile_in_virtual_time(siblings, {})
    assert saved_ms(profile, Faster("a", 0.1)) == pytest.approx(10, abs=0.1)


def test_a_nested_node_takes_half_its_time() -> None:
    inner = chain(x=sleeper("a", 0.02), y=sleeper("b", 0.03))
    profile = profile_in_virtual_time(chain(a=sleeper("c", 0.01), inner=inner), {})
    assert saved_ms(profile, Faster("inner/y", 0.5)) == pytest.approx(15)
    assert saved_ms(profile, Faster("inner", 0.5)) == pytest.approx(25)
    assert saved_ms(profile, Parallel(("inner/x", "inner/y"))) == pytest.approx(20, abs=0.5)


def test_repeated_reads_hit_the_cache() -> None:
    nodes = chain(a=sleeper("a", 0.04, reads=("i",)), b=sleeper("b", 0.01))
    profile = profile_in_virtual_time(nodes, *({"i": i} for i in (0, 1, 0, 0)))
    found = predict(profile, [CacheNode("a")])
    assert found.predicted_s == pytest.approx([0.05, 0.05, 0.01, 0.01])


def test_a_cache_in_front_of_a_router_keeps_where_it_went() -> None:
    nodes = {"a": sleeper("a", 0.04, reads=("i",)), "b": sleeper("b", 0.01)}
    branches = StateGraph(State)
    for name, node in nodes.items():
        branches.add_node(name, node)
    branches.add_edge(START, "a")
    branches.add_conditional_edges("a", lambda state: "b" if state["i"] else END, ["b", END])
    branches.add_edge("b", END)
    profile = profile_in_virtual_time(branches.compile(), {"i": 1}, {"i": 1})
    assert predict(profile, [CacheNode("a")]).caveats == (
        "a is routed from: LangGraph answers from the cache where it went as well",
    )
    assert predict(profile, [CacheNode("b")]).caveats != predict(profile, [CacheNode("a")]).caveats


def test_an_old_entry_is_no_hit() -> None:
    nodes = chain(a=sleeper("a", 0.04, reads=("i",)), b=sleeper("b", 0.01))
    profile = profile_in_virtual_time(nodes, *({"i": i} for i in (0, 0, 1, 0)))
    # Stored at 40 ms; the second call comes 10 ms later, the last one 110 ms later.
    found = predict(profile, [CacheNode("a", ttl_s=0.1)])
    assert found.predicted_s == pytest.approx([0.05, 0.01, 0.05, 0.05])


def test_a_subgraph_is_identified_by_what_its_nodes_read_from_outside() -> None:
    inner = chain(x=sleeper("a", 0.02, reads=("i",)), y=sleeper("b", 0.03, reads=("a",)))
    nodes = chain(inner=inner, last=sleeper("d", 0.01))
    profile = profile_in_virtual_time(nodes, {"i": 0, "c": 1}, {"i": 0, "c": 2}, {"i": 1, "c": 2})
    found = predict(profile, [CacheNode("inner")])
    assert found.predicted_s == pytest.approx([0.06, 0.01, 0.06])


def test_a_key_that_a_call_did_not_read_is_a_miss() -> None:
    nodes = chain(a=sleeper("a", 0.04, reads=("i",)))
    profile = profile_in_virtual_time(nodes, {"i": 0}, {"i": 0})
    found = predict(profile, [CacheNode("a", keys=("i", "c"))])
    assert found.predicted_s == found.recorded_s
    assert "2 of 2 calls of a did not read all of i, c" in found.caveats[0]


def test_another_backoff() -> None:
    profile = profile_in_virtual_time(_flaky(2), {"i": 0})
    assert profile.requests[0].latency_s == pytest.approx(0.18, abs=MS)  # 10 50 10 100 10
    assert saved_ms(profile, Retry("call", initial_interval_s=0.01)) == pytest.approx(120, abs=1)
    assert saved_ms(profile, Retry("call", backoff_factor=1.0)) == pytest.approx(50, abs=1)
    assert saved_ms(profile, Retry("call", max_attempts=3)) == 0


def test_fewer_attempts_than_a_request_needed_make_it_fail() -> None:
    profile = profile_in_virtual_time(_flaky(2), {"i": 0})
    found = predict(profile, [Retry("call", max_attempts=2)])
    assert found.saving is None
    assert found.requests == ()
    assert "1 of 1 requests needed more than 2 attempts of call" in found.caveats[0]


def _flaky(failures: int) -> Any:
    seen: list[int] = []

    async def call(state: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        seen.append(1)
        if len(seen) % (failures + 1):
            raise ConnectionError
        return {"a": 1}

    policy = RetryPolicy(
        initial_interval=0.05, backoff_factor=2, jitter=False, retry_on=ConnectionError
    )
    nodes = chain(call=call)
    nodes.retry_policy = (policy,)
    return nodes


def test_a_blocking_call_in_a_thread_keeps_nobody_waiting() -> None:
    time = VirtualTime()
    siblings = side_by_side(
        sleeper("d", 0.0), bad=blocker(time, "a", 0.04), good=sleeper("b", 0.02)
    )
    profile = profile_in_virtual_time(siblings, {}, time=time)
    assert profile.requests[0].latency_s == pytest.approx(0.041, abs=MS)
    assert saved_ms(profile, Unblock("bad")) == pytest.approx(0, abs=0.5)
    two = side_by_side(
        sleeper("d", 0.0), bad=blocker(time, "a", 0.04), worse=blocker(time, "b", 0.03)
    )
    profile = profile_in_virtual_time(two, {}, time=time)
    assert profile.requests[0].latency_s == pytest.approx(0.071, abs=MS)
    assert saved_ms(profile, Unblock("bad")) == pytest.approx(30, abs=0.5)


def test_a_blocking_call_keeps_the_nodes_of_a_subgraph_waiting() -> None:
    """They have no siblings but those of the node around them."""
    time = VirtualTime()
    inner = chain(x=sleeper("b", 0.012), y=sleeper("c", 0.012), z=sleeper("i", 0.012))
    siblings = side_by_side(sleeper("d", 0.0), bad=blocker(time, "a", 0.02), inner=inner)
    profile = profile_in_virtual_time(siblings, {}, time=time)
    assert profile.requests[0].latency_s == pytest.approx(0.045, abs=MS)
    assert saved_ms(profile, Unblock("bad")) == pytest.approx(9, abs=0.5)


def test_a_node_waits_for_the_one_before_it_alone() -> None:
    nodes = {
        "fast": sleeper("a", 0.01),
        "slow": sleeper("b", 0.05),
        "next": sleeper("c", 0.03),
        "last": sleeper("d", 0.01),
    }
    edges = [(START, "fast"), (START, "slow"), ("fast", "next"), (["next", "slow"], "last")]
    profile = profile_in_virtual_time(graph(nodes, [*edges, ("last", END)]), {})
    assert saved_ms(profile, RemoveBarrier("fast", "next")) == pytest.approx(30, abs=0.5)
    nothing = predict(profile, [RemoveBarrier("next", "fast")])
    assert nothing.predicted_s == nothing.recorded_s
    assert "never ran in the superstep after" in nothing.caveats[0]


def test_without_a_checkpointer_there_is_nothing_to_gain_from_one() -> None:
    profile = profile_in_virtual_time(chain(a=sleeper("a", 0.01)), {})
    for change in (Durability("exit"), SwapCheckpointer("none")):
        found = predict(profile, [change])
        assert found.predicted_s == found.recorded_s
        assert found.caveats == ("the graph ran without a checkpointer: nothing changes",)


def test_tools_called_in_a_row_run_at_once() -> None:
    from langchain_core.tools import tool

    @tool
    async def look(number: int) -> int:
        """Look something up."""
        await asyncio.sleep(0.01 * number)
        return number

    async def node(state: dict[str, Any]) -> dict[str, Any]:
        for number in (1, 2, 3):
            await look.ainvoke({"number": number})
        return {"a": 1}

    profile = profile_in_virtual_time(chain(a=node), {})
    assert profile.requests[0].latency_s == pytest.approx(0.06, abs=MS)
    assert saved_ms(profile, BatchCalls("a")) == pytest.approx(30, abs=0.5)


def test_calls_of_the_same_thing_run_at_once_but_for_those_that_need_an_answer() -> None:
    recording = Recording()
    node = recording.run("n", 0.061)
    attempt = recording.spans[-1]
    attempt.work_start_s, attempt.work_end_s = node.start_s, node.end_s
    attempt.thread, attempt.segments = "loop", []
    for number, name in enumerate(["search", "sum", "search", "sum", "search", "sum"]):
        start_s = node.start_s + 0.01 * number
        call = recording.add("tool", name, start_s, start_s + 0.01, attempt, path="n")
        call.uses_earlier = number == 4
    # Both searches, both sums, the search that needs them, and the sum that was free to go before.
    saved = saved_ms(profile_of([recording.done()]), BatchCalls("n"))
    assert saved == pytest.approx(30, abs=0.01)


def test_what_the_machine_is_late_does_not_shrink_with_the_node() -> None:
    """A timer fires 7 ms late though nobody holds the loop."""
    recording = Recording()
    node = recording.run("n", 0.037)
    attempt = recording.spans[-1]
    attempt.work_start_s, attempt.work_end_s = node.start_s, node.end_s
    attempt.thread, attempt.segments = "loop", []
    attempt.loop_waits = [(node.end_s - 0.007, node.end_s)]
    profile = profile_of([recording.done()])
    assert saved_ms(profile, Faster("n", 0.5)) == pytest.approx(15, abs=0.01)


@pytest.mark.parametrize(("own_s", "saved_s"), [(0.01, 0.03), (0.05, 0.01), (0.08, 0.0)])
def test_what_a_function_does_beside_a_call_does_not_shrink_with_it(
    own_s: float, saved_s: float
) -> None:
    """A model call of 60 ms, then half as long, beside a wait of the function's own."""
    time = VirtualTime()

    class Slow(GenericFakeChatModel):
        async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            time.compute(0.00001)
            await asyncio.sleep(0.06)
            return self._generate(messages)

    model = Slow(messages=iter([AIMessage("x")]))

    async def own() -> None:
        time.compute(0.00001)
        await asyncio.sleep(own_s)
        time.compute(0.00001)

    async def asks() -> None:
        time.compute(0.00001)
        await model.ainvoke("hello")

    async def node(state: State) -> dict[str, Any]:
        time.compute(0.00001)
        await asyncio.gather(own(), asks())
        return {"a": 1}

    profile = profile_in_virtual_time(chain(a=node, b=sleeper("b", 0.01)), {}, time=time)
    assert profile.requests[0].latency_s == pytest.approx(max(0.06, own_s) + 0.01, abs=MS)
    change = SwapModel("a", duration_factor=0.5)
    assert saved_ms(profile, change) == pytest.approx(saved_s * 1e3, abs=0.5)


def test_changes_compose() -> None:
    nodes = chain(a=sleeper("a", 0.04), b=sleeper("b", 0.03), c=sleeper("c", 0.01))
    profile = profile_in_virtual_time(nodes, {})
    # 80 ms; with a beside b and a at a quarter, b is the slowest: 30 + 10.
    assert saved_ms(profile, Parallel(("a", "b")), Faster("a", 0.25)) == pytest.approx(40, abs=0.5)
    assert saved_ms(profile, Faster("a", 0.25), Parallel(("a", "b"))) == pytest.approx(40, abs=0.5)


def test_questions_are_answered_apart_and_what_stands_in_one_is_done_together() -> None:
    nodes = chain(a=sleeper("a", 0.04), b=sleeper("b", 0.03))
    profile = profile_in_virtual_time(nodes, {})
    answers = ask(["node.a*0.5", "node.b*0.5", "node.a*0.5; node.b*0.5"], profile)
    assert [answer.prediction.saving.mean_s for answer in answers] == pytest.approx(
        [0.02, 0.015, 0.035]
    )


def test_a_profile_without_spans_is_refused() -> None:
    profile = profile_in_virtual_time(chain(a=sleeper("a", 0.01)), {})
    profile.requests.clear()
    with pytest.raises(UsageError, match="holds the spans of no request that succeeded"):
        predict(profile, [Faster("a", 0.5)])


def test_an_answer_that_came_while_a_sibling_blocked_comes_earlier_without_it() -> None:
    """No timer tells when it came: halfway through the blocking call is taken."""
    recording = Recording()
    for name, holds, took_s in (("bad", [(0.0, 0.04)], 0.04), ("asks", [(0.04, 0.03)], 0.07)):
        node = recording.add("node", name, 0.0, took_s, recording.root, path=name, step=1)
        attempt = recording.add("attempt", name, 0.0, took_s, node, attempt=1)
        attempt.work_start_s, attempt.work_end_s, attempt.thread = 0.0, took_s, "loop"
        attempt.segments = [Segment(start_s, wall_s, 0.0) for start_s, wall_s in holds]
    recording.root.thread = "loop"
    profile = profile_of([recording.done()])
    assert saved_ms(profile, Unblock("bad")) == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize("turns", [1, 3])
def test_who_was_ready_while_a_sibling_blocked_had_not_begun_to_wait(turns: int) -> None:
    """`asks` gives the loop away before it asks, as the callbacks of a model call do."""
    time = VirtualTime()

    async def asks(state: State) -> dict[str, Any]:
        for _ in range(turns):
            time.compute(0.001)
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        return {"a": 1}

    async def blocks(state: State) -> dict[str, Any]:
        state.get("i")
        time.block(0.02)
        await asyncio.sleep(0.005)
        return {"b": 1}

    nodes = side_by_side(sleeper("c", 0.01), asks=asks, blocks=blocks, third=sleeper("d", 0.01))
    profile = profile_in_virtual_time(nodes, *[{"i": 1}] * 4, time=time)
    unblocked_s = turns * 0.001 + 0.05 + 0.01
    assert [request.latency_s for request in profile.requests] == [
        pytest.approx(unblocked_s + 0.02)
    ] * 4
    found = predict(profile, [CacheNode("blocks")])
    assert found.predicted_s == pytest.approx([unblocked_s + 0.02] + [unblocked_s] * 3)
    assert saved_ms(profile, Unblock("blocks")) == pytest.approx(20, abs=0.5)
