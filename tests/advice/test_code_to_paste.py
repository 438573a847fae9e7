"""The code that advice gives is pasted and run: it does what the advice says."""

from __future__ import annotations

import asyncio
import operator
import time
from typing import Annotated, Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.prebuilt import ToolNode
from langgraph.types import RetryPolicy
from typing_extensions import TypedDict

from lgprof.advice.advise import advise
from lgprof.model import Advice
from sample_graphs.fake_models import FakeChatModel, call_tool
from tests.profiling import profile_graph
from tests.virtual_time import VirtualTime

INPUTS = [{"q": number} for number in range(24)]


class State(TypedDict, total=False):
    q: int
    a: Any
    n: int
    log: Annotated[list[str], operator.add]
    messages: Annotated[list[AnyMessage], add_messages]


def chain(*nodes: Any) -> Any:
    return StateGraph(State).add_sequence(nodes).add_edge(START, nodes[0].__name__).compile()


def looping(turn: Any, turns: int) -> Any:
    async def again(state: State) -> str:
        return turn.__name__ if state["n"] < turns else END

    builder = StateGraph(State).add_node(turn).add_edge(START, turn.__name__)
    return builder.add_conditional_edges(turn.__name__, again, [turn.__name__, END]).compile()


def only(kind: str, graph: Any, *inputs: Any, in_virtual_time: bool = True) -> Advice:
    time = VirtualTime() if in_virtual_time else None
    counsel = advise(profile_graph(graph, *(inputs or INPUTS), time=time).profile)
    [found] = [one for one in [*counsel.noteworthy, *counsel.minor] if one.kind == kind]
    return found


def pasted(advice: Advice, **names: Any) -> dict[str, Any]:
    """What the code defines."""
    scope = dict(names)
    exec(advice.change, scope)
    return scope


def test_the_key_of_a_cache_tells_who_says_something():
    async def judge(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"a": len(state["messages"])}

    inputs = [{"q": n, "messages": [HumanMessage(f"question {n % 3}")]} for n in range(24)]
    scope = pasted(
        only("cache", chain(judge), *inputs),
        graph=StateGraph(State).add_edge(START, "judge"),
        judge=judge,
    )
    key = scope["judge_key"]

    def of(*messages: Any) -> str:
        told: str = key({"messages": list(messages)})
        return told

    assert of(HumanMessage("yes", id="1")) == of(HumanMessage("yes", id="2"))
    assert of(HumanMessage("yes")) != of(AIMessage("yes"))
    assert of(HumanMessage("yes")) != of(HumanMessage("no"))


@tool
def look(word: str) -> str:
    """Looks a word up."""
    time.sleep(0.01)
    return f"about {word}"


def test_a_sync_node_calls_a_tool_once():
    def twice(state: State) -> dict[str, Any]:
        return {"a": [look.invoke({"word": "x"}) for _ in range(2)]}

    found = only("tool_cache", chain(twice), in_virtual_time=False)
    once = pasted(found, look=look)["look_once"]
    calls: dict[str, Any] = {}
    assert [once(calls, {"word": "x"}) for _ in range(2)] == ["about x", "about x"]
    assert len(calls) == 1


def test_a_tool_node_answers_from_its_messages():
    asked: list[str] = []

    @tool
    async def find(word: str) -> str:
        """Finds a word."""
        asked.append(word)
        await asyncio.sleep(0.02)
        return f"about {word}"

    def agent_of(tools: ToolNode) -> Any:
        async def agent(state: State) -> dict[str, Any]:
            turn = len(state["messages"])
            calls = [{**call_tool("find", word="x"), "id": f"call {turn}"}] if turn < 4 else []
            return {"messages": [AIMessage("", tool_calls=calls)]}

        async def more(state: State) -> str:
            last: Any = state["messages"][-1]
            return "tools" if last.tool_calls else END

        builder = StateGraph(State).add_node(agent).add_node("tools", tools)
        builder.add_edge(START, "agent").add_edge("tools", "agent")
        return builder.add_conditional_edges("agent", more, ["tools", END]).compile()

    found = only("tool_cache", agent_of(ToolNode([find])))
    asked.clear()
    scope: dict[str, Any] = {"ToolNode": ToolNode, "tools": [find]}
    exec(found.change.replace("ToolNode(tools,", "made = ToolNode(tools,"), scope)
    result = asyncio.run(agent_of(scope["made"]).ainvoke({"q": 1}))
    answers = [m for m in result["messages"] if isinstance(m, ToolMessage)]
    assert [one.content for one in answers] == ["about x", "about x"]
    assert len({one.tool_call_id for one in answers}) == 2
    assert asked == ["x"]


class NeverError(Exception):
    """No attempt helps."""


class SometimesError(Exception):
    """The next attempt may help."""


def test_a_retry_policy_keeps_what_is_worth_an_attempt():
    async def calls(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        if state["q"] % 2:
            raise NeverError
        return {"a": 1}

    def retrying(policy: RetryPolicy) -> Any:
        builder = StateGraph(State).add_node("calls", calls, retry_policy=policy)
        return builder.add_edge(START, "calls").compile()

    def change(retry_on: Any) -> str:
        policy = RetryPolicy(initial_interval=0.1, jitter=False, max_attempts=2, retry_on=retry_on)
        return _hopeless(retrying(policy))

    assert "retry_on=SometimesError," in change((NeverError, SometimesError))
    assert "max_attempts=2," in change((NeverError, SometimesError))
    assert "without its retry_policy" in change(NeverError)
    assert "isinstance(error, (Exception,)) and" in change(Exception)
    scope: dict[str, Any] = {"graph": StateGraph(State), "calls": calls}
    exec(change(lambda error: True), scope)
    [policy] = [spec.retry_policy for spec in scope["graph"].nodes.values()]
    assert not policy.retry_on(NeverError())
    assert policy.retry_on(ConnectionError())


def _hopeless(graph: Any) -> str:
    counsel = advise(profile_graph(graph, *INPUTS, time=VirtualTime()).profile)
    [found] = [o for o in counsel.noteworthy if o.title == "Do not retry calls on NeverError"]
    return found.change


def test_a_breaker_for_a_sync_node_is_sync():
    refused = FakeChatModel(model="dear", script=lambda _: "x", rejects=lambda _: True)
    chat = refused.with_fallbacks([FakeChatModel(model="cheap", script=lambda _: "y")])

    def answers(state: State) -> dict[str, Any]:
        chat.invoke([HumanMessage(f"question {state['q']}")])
        return {"a": 1}

    guarded = pasted(only("fallback", chain(answers), in_virtual_time=False))["guarded"]

    def fails() -> None:
        raise ConnectionError

    assert [guarded(fails, lambda: "other") for _ in range(5)] == ["other"] * 5


def test_what_piles_up_is_cut_by_what_it_holds():
    async def turn(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"log": ["x" * 5000], "n": state.get("n", 0) + 1, "a": len(state.get("log", []))}

    recent = pasted(only("state_growth", looping(turn, 4)))["recent"]
    assert recent({"log": list("abc" * 10)}) == list("abc" * 10)[-20:]


def test_a_loop_in_which_another_node_gets_on_makes_progress():
    async def check(state: State) -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"a": "the same"}

    async def work(state: State) -> dict[str, Any]:
        return {"n": state.get("n", 0) + 1, "log": [str(state.get("n"))], "q": state["q"] + 1}

    async def again(state: State) -> str:
        return "check" if state["n"] < 5 else END

    builder = StateGraph(State).add_node(check).add_node(work).add_edge(START, "check")
    builder.add_edge("check", "work").add_conditional_edges("work", again, ["check", END])
    counsel = advise(profile_graph(builder.compile(), *INPUTS, time=VirtualTime()).profile)
    assert [one for one in counsel.noteworthy if one.kind == "recursion"] == []
