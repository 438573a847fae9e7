"""Resilient: every part may fail, and every failure has a way around it.

    START -> load_profile -> answer -> check -> END

Asynchronous. `load_profile` calls a service through a circuit breaker, `answer` falls back to
another provider's model when the first one limits the rate, `check` gives up after 80 ms. No
request fails; a request that met a failure says so in `degraded`.

Worth finding:

- The profile service is down for the region "south": each call fails after 50 ms, until three in a
  row open the breaker; then four calls are refused at once, and the fifth pays for trying again.
- About a third of the questions are refused by the first model after 40 ms, before the fallback
  starts: failed model time on the critical path, in nodes that all succeed.
- For about a quarter of the questions `check` waits its full 80 ms and has nothing to show for it.
"""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from sample_graphs.fake_models import RateLimitError, claude_sonnet, gpt_4o, gpt_4o_mini
from sample_graphs.seeding import seeded


class Request(TypedDict):
    user: str
    region: str
    question: str


class State(Request, total=False):
    profile: str
    answer: str
    verdict: str
    degraded: Annotated[list[str], operator.add]


class ServiceDownError(Exception):
    """The service did not answer."""


class CircuitOpenError(Exception):
    """The service failed so often that it is not called at present."""


class CircuitBreaker:
    """After `threshold` failures in a row, refuses the next `refusals` calls, then tries one."""

    def __init__(self, threshold: int = 3, refusals: int = 4) -> None:
        self.threshold = threshold
        self.refusals = refusals
        self.close()

    def close(self) -> None:
        self.failures = 0
        self.refusals_left = 0

    async def call(self, function: Callable[[dict], Awaitable[str]], arguments: dict) -> str:
        if self.refusals_left:
            self.refusals_left -= 1
            raise CircuitOpenError(f"{self.failures} failures in a row")
        try:
            result = await function(arguments)
        except ServiceDownError:
            self.failures += 1
            if self.failures >= self.threshold:
                self.refusals_left = self.refusals
            raise
        self.close()
        return result


@tool
async def profile_service(user: str, region: str) -> str:
    """What a reader likes to read."""
    if region == "south":
        await asyncio.sleep(0.05)
        raise ServiceDownError(f"no answer from {region}")
    await asyncio.sleep(0.02)
    return f"{user} reads {seeded(user).choice(['news', 'recipes', 'reviews'])}"


@tool
async def search_sources(claim: str) -> str:
    """Sources that support or refute a claim."""
    await asyncio.sleep(0.15 if seeded("sources", claim).random() < 0.3 else 0.015)
    return "two sources agree"


def _busy(messages: Sequence[BaseMessage]) -> bool:
    return seeded("busy", str(messages[-1].content)).random() < 1 / 3


def _answer(messages: Sequence[BaseMessage]) -> str:
    question = str(messages[-1].content).rstrip("?")
    return f"{question}? In short: {seeded(question).choice(['yes', 'no', 'it depends'])}."


def _claim(messages: Sequence[BaseMessage]) -> str:
    return str(messages[-1].content).partition("? ")[0]


breaker = CircuitBreaker()
answerer = gpt_4o(_answer, rejects=_busy).with_fallbacks(
    [claude_sonnet(_answer)], exceptions_to_handle=(RateLimitError,)
)
claim_finder = gpt_4o_mini(_claim, first_token_s=0.01)


async def load_profile(state: State) -> dict:
    try:
        reader = {"user": state["user"], "region": state["region"]}
        return {"profile": await breaker.call(profile_service.ainvoke, reader)}
    except (ServiceDownError, CircuitOpenError):
        return {"profile": "unknown", "degraded": ["profile"]}


async def answer(state: State) -> dict:
    prompt = [SystemMessage(f"The reader: {state['profile']}"), HumanMessage(state["question"])]
    reply = await answerer.ainvoke(prompt)
    fell_back = reply.response_metadata["model_name"] != "gpt-4o"
    return {"answer": reply.content, "degraded": ["model"] if fell_back else []}


async def check(state: State) -> dict:
    try:
        async with asyncio.timeout(0.08):
            claim = await claim_finder.ainvoke([HumanMessage(state["answer"])])
            return {"verdict": await search_sources.ainvoke({"claim": claim.content})}
    except TimeoutError:
        return {"verdict": "not checked", "degraded": ["check"]}


def build() -> StateGraph:
    graph = StateGraph(State, input_schema=Request)
    graph.add_sequence([load_profile, answer, check])
    graph.add_edge(START, "load_profile")
    graph.add_edge("check", END)
    return graph


app = build().compile(name="resilient")
