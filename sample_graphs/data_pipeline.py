"""Data pipeline: records are split into batches, enriched side by side (`Send`) and added up.

    START -> load -> enrich (one task per batch) -> aggregate -> publish -> END

Asynchronous. About one batch in eight holds a record that needs a slow address look-up.

Worth finding:

- Stragglers: `aggregate` waits for every batch, so one slow batch (150 ms or more) sets the
  latency while the others (25 to 60 ms) stand at the barrier.
- `enrich` labels the records of its batch one after another, a model call each; they do not
  depend on one another and could go out together (`abatch`).
"""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Sequence
from typing import Annotated

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from typing_extensions import TypedDict

from sample_graphs.fake_models import gpt_4o_mini
from sample_graphs.seeding import seeded


class Request(TypedDict):
    dataset: str
    records: int
    batch_size: int


class State(Request, total=False):
    rows: list[str]
    labelled: Annotated[list[dict], operator.add]
    totals: dict[str, int]
    published: str


class Batch(TypedDict):
    number: int
    rows: list[str]


def _label(messages: Sequence[BaseMessage]) -> str:
    return seeded(str(messages[-1].content)).choice(["bug", "praise", "question"])


labeller = gpt_4o_mini(_label, first_token_s=0.008)


@tool
async def look_up_address(row: str) -> str:
    """The full address of a record that has only half of one."""
    await asyncio.sleep(0.12)
    return f"{seeded(row).randint(1, 99)} Mill Lane"


async def load(state: State) -> dict:
    await asyncio.sleep(0.02)
    return {"rows": [f"{state['dataset']}/{number}" for number in range(state["records"])]}


def split(state: State) -> list[Send]:
    rows, size = state["rows"], state["batch_size"]
    starts = range(0, len(rows), size)
    return [Send("enrich", Batch(number=i // size, rows=rows[i : i + size])) for i in starts]


async def enrich(batch: Batch) -> dict:
    labelled = []
    for row in batch["rows"]:
        reply = await labeller.ainvoke([HumanMessage(f"Label {row}")])
        labelled.append({"row": row, "label": reply.content, "batch": batch["number"]})
    if seeded("address", *batch["rows"]).random() < 1 / 5:
        labelled[-1]["address"] = await look_up_address.ainvoke({"row": batch["rows"][-1]})
    return {"labelled": labelled}


async def aggregate(state: State) -> dict:
    labels = [entry["label"] for entry in state["labelled"]]
    await asyncio.sleep(0.01)
    return {"totals": {label: labels.count(label) for label in sorted(set(labels))}}


async def publish(state: State) -> dict:
    await asyncio.sleep(0.01)
    return {"published": f"{state['dataset']}: {state['totals']}"}


def build() -> StateGraph:
    graph = StateGraph(State, input_schema=Request)
    graph.add_node(load)
    graph.add_node(enrich)
    graph.add_node(aggregate)
    graph.add_node(publish)
    graph.add_edge(START, "load")
    graph.add_conditional_edges("load", split, ["enrich"])
    graph.add_edge("enrich", "aggregate")
    graph.add_edge("aggregate", "publish")
    graph.add_edge("publish", END)
    return graph


app = build().compile(name="data_pipeline")
