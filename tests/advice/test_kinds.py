"""Each kind of advice on a small graph where it fires, and on one where it must not."""

from __future__ import annotations

import asyncio
import itertools
import operator
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import CachePolicy, Command, RetryPolicy, Send
from typing_extensions import TypedDict

from lgprof.advice.advise import Counsel, advise
from lgprof.advice.kinds import prompt_cache
from lgprof.advice.observed import Observed
from lgprof.model import Advice, PythonFrame, SampledPlace, Sampling, StackRow
from sample_graphs.fake_models import FakeChatModel
from tests.profiling import profile_graph
from tests.render import sample_profiles
from tests.virtual_time import VirtualTime

INPUTS = [{"q": number} for number in range(24)]


class State(TypedDict, total=False):
    q: int
    a: Any
    b: Any
    c: Any
    n: int
    log: Annotated[list[Any], operator.add]


def counsel_on(build: Callable[[VirtualTime], Any], *inputs: Any, **options: Any) -> Counsel:
    """Advice on a graph, made for a time of its own."""
    time = VirtualTime()
    graph = build(time)
    return advise(profile_graph(graph, *(inputs or INPUTS), time=time, **options).profile)


def chain(*nodes: Any, **compiled: Any) -> Any:
    builder = StateGraph(State).add_sequence(nodes)
    first, last = (
        nodes[at][0] if isinstance(nodes[at], tuple) else nodes[at].__name__ for at in (0, -1)
    )
    return builder.add_edge(START, first).add_edge(last, END).compile(**compiled)


def of_kind(advice: list[Advice], kind: str) -> list[Advice]:
    return [one for one in advice if one.kind == kind]


def only(counsel: Counsel, kind: str) -> Advice:
    found = of_kind(counsel.noteworthy, kind)
    assert len(found) == 1, [one.title for one in counsel.noteworthy]
    compile(found[0].change, kind, "exec", flags=0x2000)
    return found[0]


def none(counsel: Counsel, kind: str) -> None:
    assert of_kind([*counsel.noteworthy, *counsel.minor], kind) == []


async def read_a(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.04)
    return {"a": state["q"]}


async def read_b(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.06)
    return {"b": state["q"] + 1}


async def needs_a(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.05)
    return {"b": state["a"]}


async def end(state: State) -> dict[str, Any]:
    return {"c": (state.get("a"), state.get("b"))}


# --- parallel ----------------------------------------------------------------------------------


def test_parallel_saves_the_shorter_of_two_independent_nodes():
    found = only(counsel_on(lambda _: chain(read_a, read_b, end)), "parallel")
    assert found.nodes == ["read_a", "read_b"]
    assert found.status == "predicted"
    assert found.saving is not None
    assert found.saving.mean_s == pytest.approx(0.04, abs=0.002)
    assert found.saving.p95_s is None
    assert 'graph.add_edge(["read_a", "read_b"], "end")' in found.change


def test_parallel_names_nodes_with_slashes_as_they_are():
    found = only(
        counsel_on(lambda _: chain(("a/one", read_a), ("a/b/two", read_b), ("the end", end))),
        "parallel",
    )
    assert found.nodes == ["a/one", "a/b/two"]
    assert 'graph.add_edge(["a/one", "a/b/two"], "the end")' in found.change
    assert "in the graph of node" not in found.change


def test_parallel_is_unproven_below_twenty_inputs_and_repeats_are_no_evidence():
    found = only(
        counsel_on(lambda _: chain(read_a, read_b, end), *INPUTS[:5], requests=40), "parallel"
    )
    assert found.status == "unproven"
    assert found.reasons[0].startswith("only 5 distinct inputs seen")


def test_parallel_is_unproven_where_code_reaches_shared_state():
    sent: list[int] = []

    async def notes(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        sent.append(state["q"])
        return {"b": 1}

    found = only(counsel_on(lambda _: chain(read_a, notes, end)), "parallel")
    assert found.status == "unproven"
    assert any("closure sent (list)" in reason for reason in found.reasons)


async def whole(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.05)
    return {"b": len({**state})}


async def adds_one(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.05)
    return {"log": [1]}


async def adds_two(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.05)
    return {"log": [2]}


async def same_key(state: State) -> dict[str, Any]:
    await asyncio.sleep(0.05)
    return {"a": 2}


async def jumps(state: State) -> Command[Any]:
    await asyncio.sleep(0.05)
    return Command(update={"b": 1}, goto="end")


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (read_a, needs_a, "needs_a reads a, which read_a writes"),
        (read_a, whole, "whole reads the whole state"),
        (adds_one, adds_two, "both add to log: the order of what they add would change"),
        (read_a, same_key, "both write a"),
    ],
)
def test_parallel_is_refused_where_sets_overlap(first: Any, second: Any, why: str):
    counsel = counsel_on(lambda _: chain(first, second, end))
    none(counsel, "parallel")
    assert why in [one.reasons[0] for one in of_kind(counsel.refused, "parallel")]


def test_parallel_is_refused_behind_a_router():
    async def route(state: State) -> str:
        return "end"

    def build(_: VirtualTime) -> Any:
        builder = StateGraph(State)
        for node in (read_a, read_b, end):
            builder.add_node(node)
        builder.add_edge(START, "read_a").add_edge("read_a", "read_b")
        return builder.add_conditional_edges("read_b", route, ["end", END]).compile()

    counsel = counsel_on(build)
    none(counsel, "parallel")
    assert "read_b is routed from" in of_kind(counsel.refused, "parallel")[0].reasons[0]


# --- cache -------------------------------------------------------------------------------------


def looked_up(answer: Callable[[State], Any]) -> Callable[[VirtualTime], Any]:
    async def look_up(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"a": answer(state)}

    return lambda _: chain(look_up, end)


def keyed(count: int, keys: int) -> list[dict[str, Any]]:
    """Inputs of which each is another, and only so many keys are."""
    return [{"q": number % keys, "n": number} for number in range(count)]


def test_cache_is_predicted_from_59_agreeing_repeats_of_5_keys():
    found = only(counsel_on(looked_up(lambda state: state["q"]), *keyed(65, 6)), "cache")
    assert found.status == "predicted"
    assert found.saving is not None
    assert found.saving.mean_s == pytest.approx(0.05 * 59 / 65, abs=0.003)
    assert '("q",)' in found.change


@pytest.mark.parametrize(("count", "keys"), [(64, 6), (65, 4)])
def test_cache_is_unproven_with_fewer_repeats_or_keys(count: int, keys: int):
    found = only(counsel_on(looked_up(lambda state: state["q"]), *keyed(count, keys)), "cache")
    assert found.status == "unproven"
    assert f"{count - keys} repeats of {keys} keys agreed" in found.reasons[0]


def test_cache_is_refused_at_the_first_difference():
    numbers = itertools.count()
    counsel = counsel_on(looked_up(lambda state: (state["q"], next(numbers))), *keyed(65, 6))
    none(counsel, "cache")
    assert "had another output" in of_kind(counsel.refused, "cache")[0].reasons[0]


def test_cache_takes_no_repeats_that_cycling_made():
    none(counsel_on(looked_up(lambda state: state["q"]), *INPUTS[:6], requests=90), "cache")


# --- models and tools --------------------------------------------------------------------------


def model(answer: str = "yes", **options: Any) -> FakeChatModel:
    return FakeChatModel(model="gpt-4o-mini", script=lambda messages: answer, **options)


def test_llm_cache_names_repeats_within_a_request():
    chat = model()

    async def asks_twice(state: State) -> dict[str, Any]:
        for _ in range(2):
            await chat.ainvoke([HumanMessage(f"question {state['q']}")])
        return {"a": 1}

    found = only(counsel_on(lambda _: chain(asks_twice, end)), "llm_cache")
    assert "24 of 48 calls sent the prompt of an earlier call of the same request" in found.why
    assert found.saving is not None
    assert found.saving.share == pytest.approx(0.5, abs=0.01)


def test_llm_cache_is_silent_about_repeated_inputs():
    chat = model()

    async def asks(state: State) -> dict[str, Any]:
        await chat.ainvoke([HumanMessage(f"question {state['q']}")])
        return {"a": 1}

    none(counsel_on(lambda _: chain(asks, end), *INPUTS[:3], requests=30), "llm_cache")


def test_batch_needs_calls_of_which_none_speaks_of_an_answer():
    chat = model("a long enough answer")

    async def labels(state: State) -> dict[str, Any]:
        answers = [await chat.ainvoke([HumanMessage(f"label {n}")]) for n in range(3)]
        return {"a": len(answers)}

    async def refines(state: State) -> dict[str, Any]:
        answer = AIMessage("")
        for n in range(3):
            answer = await chat.ainvoke([HumanMessage(f"better than {answer.content}? {n}")])
        return {"a": 1}

    found = only(counsel_on(lambda _: chain(labels, end)), "batch")
    assert found.status == "unproven"
    assert "await model.abatch(prompts)" in found.change
    counsel = counsel_on(lambda _: chain(refines, end))
    none(counsel, "batch")
    assert len(of_kind(counsel.refused, "batch")) == 1


@tool
async def look(word: str) -> str:
    """Looks a word up."""
    await asyncio.sleep(0.02)
    return f"about {word}"


def test_tool_cache_wants_equal_arguments_in_one_request():
    async def twice(state: State) -> dict[str, Any]:
        return {"a": [await look.ainvoke({"word": "x"}) for _ in range(2)]}

    async def apart(state: State) -> dict[str, Any]:
        return {"a": [await look.ainvoke({"word": word}) for word in "xy"]}

    assert "24 of 48 calls" in only(counsel_on(lambda _: chain(twice, end)), "tool_cache").why
    none(counsel_on(lambda _: chain(apart, end)), "tool_cache")


def test_fallback_counts_what_failed_inside_nodes_that_went_well():
    refused = FakeChatModel(
        model="dear", script=lambda messages: "x", rejects=lambda messages: True
    )
    chat = refused.with_fallbacks([model()])

    async def answers(state: State) -> dict[str, Any]:
        await chat.ainvoke([HumanMessage(f"question {state['q']}")])
        return {"a": 1}

    async def steady(state: State) -> dict[str, Any]:
        await model().ainvoke([HumanMessage(f"question {state['q']}")])
        return {"a": 1}

    found = only(counsel_on(lambda _: chain(answers, end)), "fallback")
    assert found.title == "Do not wait for dear in answers while it keeps failing"
    none(counsel_on(lambda _: chain(steady, end)), "fallback")


def test_output_length_where_writing_takes_most_of_the_time():
    def asking(chat: FakeChatModel) -> Any:
        async def writes(state: State) -> dict[str, Any]:
            await chat.ainvoke([HumanMessage(f"question {state['q']}")])
            return {"a": 1}

        return chain(writes, end)

    long = model("word " * 200, streaming=True, gap_s=0.002)
    found = only(counsel_on(lambda _: asking(long)), "output_length")
    assert found.saving is not None
    assert 0.15 < found.saving.share < 0.25
    none(counsel_on(lambda _: asking(model("word " * 20, streaming=True))), "output_length")


# --- the event loop, threads, retries, barriers ------------------------------------------------


def test_blocking_names_the_node_and_its_limit():
    def build(time: VirtualTime) -> Any:
        async def blocks(state: State) -> dict[str, Any]:
            time.block(0.02)
            await asyncio.sleep(0.01)
            return {"a": 1}

        return chain(blocks, end)

    def computing(time: VirtualTime) -> Any:
        async def computes(state: State) -> dict[str, Any]:
            time.compute(0.02)
            return {"a": 1}

        return chain(computes, end)

    found = only(counsel_on(build), "blocking")
    assert found.nodes == ["blocks"]
    assert "50 requests a second" in found.why
    none(counsel_on(computing), "blocking")


def test_blocking_names_the_function_where_frames_were_sampled():
    time = VirtualTime()

    async def blocks(state: State) -> dict[str, Any]:
        time.block(0.02)
        await asyncio.sleep(0.01)
        return {"a": 1}

    profile = profile_graph(chain(blocks, end), *INPUTS, time=time).profile
    frames = [
        PythonFrame("blocks", "app.py", 3),
        PythonFrame("sleep", "<built-in>"),
        PythonFrame("[await]", ""),
    ]
    rows = [StackRow(-1, 0, 5, 0.0), StackRow(0, 1, 0, 0.4), StackRow(0, 2, 0, 0.6)]
    profile.sampling = Sampling(
        requests=1, slowdown=None, samples=9, interval_s=0.001, frames=frames,
        places=[SampledPlace(node="blocks", wall_s=1.0, rows=rows)],
    )  # fmt: skip
    why = only(advise(profile), "blocking").why
    assert "it was in sleep most of all, called by blocks (app.py:5)" in why


def test_retry_proposes_a_shorter_wait():
    def build(time: VirtualTime) -> Any:
        failed: set[int] = set()

        async def flaky(state: State) -> dict[str, Any]:
            if state["q"] not in failed:
                failed.add(state["q"])
                raise ValueError
            return {"a": 1}

        builder = StateGraph(State)
        policy = RetryPolicy(initial_interval=0.2, jitter=False, retry_on=ValueError)
        builder.add_node("flaky", flaky, retry_policy=policy)
        return builder.add_edge(START, "flaky").compile()

    found = only(counsel_on(build), "retry")
    assert "initial_interval=0.05" in found.change
    assert "retry_on=ValueError" in found.change
    assert found.saving is not None
    assert found.saving.mean_s == pytest.approx(0.15, abs=0.002)
    none(counsel_on(lambda _: chain(read_a, end)), "retry")


def test_retry_says_which_errors_never_pass():
    async def hopeless(state: State) -> dict[str, Any]:
        if state["q"] % 2:
            raise ValueError
        await asyncio.sleep(0.1)
        return {"a": 1}

    def build(_: VirtualTime) -> Any:
        builder = StateGraph(State)
        policy = RetryPolicy(
            initial_interval=0.1, jitter=False, max_attempts=2, retry_on=ValueError
        )
        builder.add_node("hopeless", hopeless, retry_policy=policy)
        return builder.add_edge(START, "hopeless").compile()

    counsel = counsel_on(build)
    titles = [one.title for one in of_kind([*counsel.noteworthy, *counsel.minor], "retry")]
    assert "Do not retry hopeless on ValueError" in titles


@pytest.mark.parametrize(("slow_s", "fires"), [(0.2, True), (0.03, False)])
def test_straggler_wants_one_much_slower_than_the_rest(slow_s: float, fires: bool):
    async def work(item: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(slow_s if item["n"] == 0 else 0.02)
        return {"log": [1]}

    async def fan(state: State) -> list[Send]:
        return [Send("work", {"n": n}) for n in range(4)]

    def build(_: VirtualTime) -> Any:
        builder = StateGraph(State).add_node("work", work).add_node(end)
        builder.add_conditional_edges(START, fan, ["work"])
        return builder.add_edge("work", "end").compile()

    counsel = counsel_on(build)
    if not fires:
        none(counsel, "straggler")
        return
    found = only(counsel, "straggler")
    assert found.saving is not None
    assert found.saving.mean_s == pytest.approx(slow_s - 0.02, abs=0.002)


def test_recursion_wants_turns_that_change_nothing():
    def looping(step: Callable[[State], dict[str, Any]]) -> Callable[[VirtualTime], Any]:
        async def turn(state: State) -> dict[str, Any]:
            await asyncio.sleep(0.02)
            return step(state)

        async def again(state: State) -> str:
            return "turn" if state["n"] < 4 else END

        def build(_: VirtualTime) -> Any:
            builder = StateGraph(State).add_node("turn", turn).add_edge(START, "turn")
            return builder.add_conditional_edges("turn", again, ["turn", END]).compile()

        return build

    def stuck(state: State) -> dict[str, Any]:
        return {"n": state.get("n", 0) + 1, "a": "the same"}

    def moving(state: State) -> dict[str, Any]:
        return {"n": state.get("n", 0) + 1, "a": state.get("n", 0)}

    found = only(counsel_on(looping(stuck)), "recursion")
    assert found.saving is not None
    assert found.saving.share == pytest.approx(0.75, abs=0.01)
    none(counsel_on(looping(moving)), "recursion")


class SlowSaver(InMemorySaver):
    async def aput(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0.05)
        return await super().aput(*args, **kwargs)


def test_checkpoint_is_silent_without_a_checkpointer():
    none(counsel_on(lambda _: chain(read_a, end)), "checkpoint")
    found = only(counsel_on(lambda _: chain(read_a, end, checkpointer=SlowSaver())), "checkpoint")
    assert found.change == 'result = await app.ainvoke(inputs, config, durability="exit")'


def test_client_reuse_where_each_call_builds_one():
    shared = httpx.AsyncClient()

    async def builds(state: State) -> dict[str, Any]:
        async with httpx.AsyncClient():
            await asyncio.sleep(0.01)
        return {"a": 1}

    async def reuses(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"a": bool(shared)}

    assert only(counsel_on(lambda _: chain(builds, end)), "client_reuse").nodes == ["builds"]
    none(counsel_on(lambda _: chain(reuses, end)), "client_reuse")


def test_state_growth_where_turns_pile_up():
    def talking(text: str) -> Callable[[VirtualTime], Any]:
        async def turn(state: State) -> dict[str, Any]:
            await asyncio.sleep(0.02)
            return {"log": [text], "n": state.get("n", 0) + 1, "a": len(state.get("log", []))}

        async def again(state: State) -> str:
            return "turn" if state["n"] < 4 else END

        def build(_: VirtualTime) -> Any:
            builder = StateGraph(State).add_node("turn", turn).add_edge(START, "turn")
            return builder.add_conditional_edges("turn", again, ["turn", END]).compile()

        return build

    assert "(log)" in only(counsel_on(talking("x" * 5000)), "state_growth").why
    none(counsel_on(talking("x")), "state_growth")


def test_a_cache_policy_that_never_hits_gets_a_key():
    from langgraph.cache.memory import InMemoryCache

    async def ranks(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"a": state["q"]}

    def build(_: VirtualTime) -> Any:
        builder = StateGraph(State).add_node("ranks", ranks, cache_policy=CachePolicy())
        return builder.add_edge(START, "ranks").compile(cache=InMemoryCache())

    found = only(counsel_on(build, *keyed(24, 6)), "cache")
    assert found.title == "Give the cache of ranks a key that hits: q"


def test_a_share_that_the_provider_does_not_report_is_not_told_as_none():
    def told(actual_share: float | None) -> str:
        profile = sample_profiles.costs()
        for row in profile.models:
            if row.prompt_cache is not None and row.prompt_cache.reordered_share:
                row.prompt_cache.actual_share = actual_share
        [found] = prompt_cache.find(Observed(profile))
        return " ".join([found.why, *found.grounds.facts])

    assert "reports 0% as cached" in told(0.0)
    assert " 0%" not in told(None)
    assert "does not report" in told(None)
