"""Basic: one pass from a question to an answer, three nodes, one retriever and one model call.

    START -> parse -> retrieve -> answer -> END

Synchronous. Worth finding: nothing on purpose. Each node needs what the one before it wrote, and
most of the time is the model's. The graph to compare the others with.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.retrievers import BaseRetriever
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from sample_graphs.fake_models import gpt_4o_mini
from sample_graphs.seeding import seeded

SMALL_WORDS = {"a", "an", "and", "are", "do", "does", "how", "i", "is", "it", "of", "the", "to"}


class Request(TypedDict):
    question: str


class State(Request, total=False):
    terms: list[str]
    passages: list[str]
    answer: str


class Handbook(BaseRetriever):
    """A search index that answers in 30 to 45 ms."""

    def _get_relevant_documents(self, query, *, run_manager) -> list[Document]:
        chance = seeded(query)
        time.sleep(chance.uniform(0.03, 0.045))
        pages = sorted(chance.sample(range(10, 200), 3))
        return [Document(f"Page {page} of the handbook is about {query}.") for page in pages]


def _explain(messages: Sequence[BaseMessage]) -> str:
    passages = str(messages[0].content).splitlines()[1:]
    return f"See {passages[0][:-1]}. The other {len(passages) - 1} passages say the same at length."


handbook = Handbook()
explainer = gpt_4o_mini(_explain, first_token_s=0.06, gap_s=0.001)


def parse(state: State) -> dict:
    words = state["question"].lower().strip("?!. ").split()
    return {"terms": [word for word in words if word not in SMALL_WORDS]}


def retrieve(state: State) -> dict:
    documents = handbook.invoke(" ".join(state["terms"]))
    return {"passages": [document.page_content for document in documents]}


def answer(state: State) -> dict:
    context = "\n".join(["Answer from these passages:", *state["passages"]])
    reply = explainer.invoke([SystemMessage(context), HumanMessage(state["question"])])
    return {"answer": reply.content}


def build() -> StateGraph:
    graph = StateGraph(State, input_schema=Request)
    graph.add_sequence([parse, retrieve, answer])
    graph.add_edge(START, "parse")
    graph.add_edge("answer", END)
    return graph


app = build().compile(name="basic")
