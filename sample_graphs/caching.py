"""Caching: product search with a cache at four places, one of which never hits.

    START -> normalise -> embed -> search -> rank -> answer -> END

Asynchronous. `embed` and `rank` have a `CachePolicy`, `search` looks into a dictionary of its own
first, and the model of `answer` has a response cache. Customers ask for the same things again in
other words (spaces, capitals); what was asked before takes a fifth of the time.

Worth finding:

- `rank` is never served from its cache: without a `key_func` the key is the whole state, and every
  request has another `request_id` (`{{i}}` in the inputs). A key of `query` and `hits` would do.

`search` keeps every query for ever: its dictionary grows as long as the process lives. That costs
memory, not time, so that no advice speaks of it; the memory under `lgprof load` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from langchain_core.caches import InMemoryCache as ModelCache
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.cache.memory import InMemoryCache
from langgraph.graph import END, START, StateGraph
from langgraph.types import CachePolicy
from typing_extensions import TypedDict

from sample_graphs.fake_models import gpt_4o_mini
from sample_graphs.seeding import seeded


class Request(TypedDict):
    request_id: str
    text: str


class State(Request, total=False):
    query: str
    vector: list[float]
    hits: list[str]
    ranked: list[str]
    answer: str


def _recommend(messages: Sequence[BaseMessage]) -> str:
    best = str(messages[-1].content).split(": ", 1)[1].split(", ")[0]
    return f"I would take {best}. It is in stock and arrives tomorrow."


node_cache = InMemoryCache()
model_cache = ModelCache()
found: dict[str, list[str]] = {}
"""The hits of each query that `search` has answered."""

adviser = gpt_4o_mini(_recommend, first_token_s=0.05, gap_s=0.001, cache=model_cache)


def clear() -> None:
    """Empty every cache, as in a new process."""
    node_cache.clear()
    model_cache.clear()
    found.clear()


async def normalise(state: State) -> dict:
    return {"query": " ".join(state["text"].lower().strip("?!. ").split())}


async def embed(state: State) -> dict:
    await asyncio.sleep(0.045)
    chance = seeded(state["query"])
    return {"vector": [round(chance.uniform(-1, 1), 4) for _ in range(8)]}


async def search(state: State) -> dict:
    query = state["query"]
    if query not in found:
        await asyncio.sleep(0.04)
        chance = seeded(query, *state["vector"])
        found[query] = [f"{query} {chance.randint(100, 999)}" for _ in range(4)]
    return {"hits": found[query]}


async def rank(state: State) -> dict:
    await asyncio.sleep(0.035)
    return {"ranked": sorted(state["hits"], key=lambda hit: seeded(state["query"], hit).random())}


async def answer(state: State) -> dict:
    prompt = f"Recommend one of: {', '.join(state['ranked'])}"
    reply = await adviser.ainvoke([HumanMessage(prompt)])
    return {"answer": reply.content}


def query_of(state: State) -> str:
    return state["query"]


def build() -> StateGraph:
    graph = StateGraph(State, input_schema=Request)
    graph.add_node(normalise)
    graph.add_node(embed, cache_policy=CachePolicy(key_func=query_of, ttl=300))
    graph.add_node(search)
    graph.add_node(rank, cache_policy=CachePolicy())
    graph.add_node(answer)
    graph.add_edge(START, "normalise")
    graph.add_edge("normalise", "embed")
    graph.add_edge("embed", "search")
    graph.add_edge("search", "rank")
    graph.add_edge("rank", "answer")
    graph.add_edge("answer", END)
    return graph


app = build().compile(name="caching", cache=node_cache)
