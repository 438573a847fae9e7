"""Research: sources are gathered in nested subgraphs, and a report is streamed from them.

    research:    START -> plan -> gather -> write -> check facts -> END
    gather:      START -> web search | papers.index | own notes -> merge -> END
    web search:  START -> news -> blogs -> select -> END

Asynchronous, three levels deep, with node names that hold a space or a dot. `own notes` is a plain
function, which LangGraph runs in a thread. The report's model streams (first token after 50 ms or
more) and reads its long instructions from the provider's prompt cache.

Worth finding:

- `news` and `blogs` run one after the other, two levels down, yet neither reads what the other
  writes: they could run side by side.
- `merge` waits for `web search`, which takes about twice as long as the other two branches.
- `check facts` opens a source once for each sentence that cites it, with equal arguments.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from sample_graphs.fake_models import claude_sonnet, gpt_4o_mini
from sample_graphs.seeding import seeded

INSTRUCTIONS = "Write one sentence after another, each with its source in brackets. " * 60


class Request(TypedDict):
    question: str
    sentences: int


class Found(TypedDict):
    web: list[str]


class Gathered(TypedDict):
    sources: list[str]


class WebState(Found, total=False):
    topic: str
    news: list[str]
    blogs: list[str]


class GatherState(Gathered, Found, total=False):
    topic: str
    papers: list[str]
    notes: list[str]


class State(Request, Gathered, total=False):
    topic: str
    report: str
    checks: dict[str, str]


@tool
async def fetch(kind: str, topic: str) -> list[str]:
    """Pages of one kind about a topic."""
    chance = seeded(kind, topic)
    await asyncio.sleep(chance.uniform(0.03, 0.06))
    return [f"{kind}-{chance.randint(100, 999)}" for _ in range(3)]


@tool
async def open_source(source: str) -> str:
    """The text of a source."""
    await asyncio.sleep(seeded(source).uniform(0.01, 0.025))
    return f"{source} supports this"


def _topic(messages: Sequence[BaseMessage]) -> str:
    return max(str(messages[-1].content).strip("?").split(), key=len).lower()


def _report(messages: Sequence[BaseMessage]) -> str:
    question, count, *sources = str(messages[-1].content).splitlines()
    chance = seeded(question)
    cited = [chance.choice(sources[:3]) for _ in range(int(count))]
    return " ".join(f"Sentence {i} settles it [{source}]." for i, source in enumerate(cited, 1))


planner = gpt_4o_mini(_topic)
writer = claude_sonnet(_report, cached_tokens=1024)


async def plan(state: State) -> dict:
    reply = await planner.ainvoke([HumanMessage(state["question"])])
    return {"topic": reply.content}


async def news(state: WebState) -> dict:
    return {"news": await fetch.ainvoke({"kind": "news", "topic": state["topic"]})}


async def blogs(state: WebState) -> dict:
    return {"blogs": await fetch.ainvoke({"kind": "blog", "topic": state["topic"]})}


async def select(state: WebState) -> dict:
    await asyncio.sleep(0.01)
    return {"web": sorted(state["news"] + state["blogs"])[:4]}


async def papers(state: GatherState) -> dict:
    return {"papers": await fetch.ainvoke({"kind": "paper", "topic": state["topic"]})}


def own_notes(state: GatherState) -> dict:
    time.sleep(0.02)
    return {"notes": [f"note-{seeded('notes', state['topic']).randint(1, 40)}"]}


async def merge(state: GatherState) -> dict:
    return {"sources": state["papers"] + state["web"] + state["notes"]}


async def write(state: State) -> dict:
    lines = [state["question"], str(state["sentences"]), *state["sources"]]
    prompt = [SystemMessage(INSTRUCTIONS), HumanMessage("\n".join(lines))]
    return {"report": "".join([str(chunk.content) async for chunk in writer.astream(prompt)])}


async def check_facts(state: State) -> dict:
    cited = [sentence.split("]")[0] for sentence in state["report"].split("[")[1:]]
    found = await asyncio.gather(*(open_source.ainvoke({"source": source}) for source in cited))
    return {"checks": dict(zip(cited, found, strict=True))}


def build_web_search() -> StateGraph:
    graph = StateGraph(WebState, output_schema=Found)
    graph.add_sequence([news, blogs, select])
    graph.add_edge(START, "news")
    graph.add_edge("select", END)
    return graph


def build_gather() -> StateGraph:
    graph = StateGraph(GatherState, output_schema=Gathered)
    graph.add_node("web search", build_web_search().compile(name="web search"))
    graph.add_node("papers.index", papers)
    graph.add_node("own notes", own_notes)
    graph.add_node(merge)
    for branch in ("web search", "papers.index", "own notes"):
        graph.add_edge(START, branch)
    graph.add_edge(["web search", "papers.index", "own notes"], "merge")
    graph.add_edge("merge", END)
    return graph


def build() -> StateGraph:
    graph = StateGraph(State, input_schema=Request)
    graph.add_node(plan)
    graph.add_node("gather", build_gather().compile(name="gather"))
    graph.add_node(write)
    graph.add_node("check facts", check_facts)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "gather")
    graph.add_edge("gather", "write")
    graph.add_edge("write", "check facts")
    graph.add_edge("check facts", END)
    return graph


app = build().compile(name="research")
