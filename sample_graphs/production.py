"""Production: documents are validated, processed and published, with a way out for every failure.

    START -> load_schema -> validate -> process -> post_process -> publish -> END
                               |           |-> retry -> process
                               |           '-> error_handler -> END
                               '-> validation_handler -> END

Synchronous, with a checkpointer, logging, and `interrupt_before=["publish"]`: a person approves,
and the request goes on when it is invoked again with `None`.

Worth finding:

- `load_schema` asks the registry for the same few schemas over and over: it could be cached by
  `kind`.
- `retry` waits 60 ms before each second try, however short the outage was.
- `process` asks the model before it learns that it has to try again, so that every retry repeats
  the model call with the same prompt.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from sample_graphs.fake_models import gpt_4o_mini
from sample_graphs.seeding import seeded

MAX_RETRIES = 2

logger = logging.getLogger(__name__)
logger.addHandler(logging.NullHandler())  # where the log goes is the application's choice


class Request(TypedDict):
    document_id: str
    kind: str
    text: str


class State(Request, total=False):
    schema: list[str]
    problems: list[str]
    outcome: str
    retry_count: int
    fields: dict[str, str]
    status: str


def _extract(messages: Sequence[BaseMessage]) -> str:
    wanted, _, text = str(messages[-1].content).partition("\n")
    words = text.split()
    return "; ".join(f"{key}={words[i % len(words)]}" for i, key in enumerate(wanted.split(",")))


extractor = gpt_4o_mini(_extract, first_token_s=0.03)


def load_schema(state: State) -> dict:
    time.sleep(0.03)
    schemas = {"invoice": ["number", "total", "due"], "contract": ["parties", "signed"]}
    return {"schema": schemas.get(state["kind"], ["title"])}


def validate(state: State) -> dict:
    time.sleep(0.005)
    problems = [] if state["text"].strip() else ["the text is empty"]
    if len(state["text"].split()) < len(state["schema"]):
        problems.append(f"too short for {len(state['schema'])} fields")
    return {"problems": problems, "retry_count": 0}


def process(state: State) -> dict:
    prompt = f"{','.join(state['schema'])}\n{state['text']}"
    reply = extractor.invoke([HumanMessage(prompt)])
    chance = seeded("process", state["document_id"])
    if chance.random() < 0.15:
        return {"outcome": "failed"}
    if state["retry_count"] < chance.choice([0, 0, 1]):
        return {"outcome": "try again"}
    fields = dict(pair.split("=", 1) for pair in str(reply.content).split("; "))
    return {"outcome": "done", "fields": fields}


def retry(state: State) -> dict:
    logger.warning("%s: trying again", state["document_id"])
    time.sleep(0.06)
    return {"retry_count": state["retry_count"] + 1}


def post_process(state: State) -> dict:
    time.sleep(0.015)
    return {"fields": {key: value.strip(".,").lower() for key, value in state["fields"].items()}}


def publish(state: State) -> dict:
    time.sleep(0.01)
    logger.info("%s: published", state["document_id"])
    return {"status": "published"}


def validation_handler(state: State) -> dict:
    logger.info("%s: sent back, %s", state["document_id"], state["problems"])
    return {"status": "sent back"}


def error_handler(state: State) -> dict:
    logger.error("%s: given up after %d retries", state["document_id"], state["retry_count"])
    time.sleep(0.01)
    return {"status": "error"}


def after_validate(state: State) -> str:
    return "validation_handler" if state["problems"] else "process"


def after_process(state: State) -> str:
    if state["outcome"] == "done":
        return "post_process"
    if state["outcome"] == "try again" and state["retry_count"] < MAX_RETRIES:
        return "retry"
    return "error_handler"


def build() -> StateGraph:
    graph = StateGraph(State, input_schema=Request)
    for node in (load_schema, validate, process, retry, post_process, publish):
        graph.add_node(node)
    graph.add_node(validation_handler)
    graph.add_node(error_handler)
    graph.add_edge(START, "load_schema")
    graph.add_edge("load_schema", "validate")
    graph.add_conditional_edges("validate", after_validate, ["process", "validation_handler"])
    graph.add_conditional_edges(
        "process", after_process, ["post_process", "retry", "error_handler"]
    )
    graph.add_edge("retry", "process")
    graph.add_edge("post_process", "publish")
    for last in ("publish", "validation_handler", "error_handler"):
        graph.add_edge(last, END)
    return graph


app = build().compile(name="production", checkpointer=InMemorySaver(), interrupt_before=["publish"])
