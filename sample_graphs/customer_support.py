"""Customer support: an agent that looks the case up with tools, drafts an answer and reviews it.

    START -> load_customer -> load_orders -> classify -> agent <-> tools -> draft <-> review -> END
                                                      -> find_policy ----->
                                                      -> read_mood ------->

Asynchronous. The three branches after `classify` run side by side; `draft` waits for all of them
and streams its answer; a refund is drafted twice, because the reviewer asks for the amount.

Worth finding:

- `load_customer` and `load_orders` run one after the other, yet neither reads what the other
  writes: they could run side by side.
- `find_policy` is asynchronous and calls a blocking client: it holds the event loop for 20 ms,
  so under load no other request moves meanwhile.
- `find_policy` depends on the topic alone, and there are four topics: it could be cached.
- The agent calls `get_order` a second time with the arguments of the first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode
from typing_extensions import TypedDict

from sample_graphs.fake_models import call_tool, claude_sonnet, gpt_4o, gpt_4o_mini
from sample_graphs.seeding import seeded

TOPIC_WORDS = {
    "refund": ("refund", "money back", "charged"),
    "delivery": ("where", "parcel", "deliver", "arrive"),
    "account": ("password", "log in", "email", "account"),
}
POLICIES = {
    "refund": "Refunds are paid to the original card within five working days.",
    "delivery": "A parcel that is five days late is sent again at no cost.",
    "account": "Account changes are confirmed by a link that is valid for one hour.",
    "other": "Answer kindly, and name a person to write to.",
}


class Request(TypedDict):
    customer_id: str
    question: str


class State(Request, total=False):
    customer: dict
    orders: list[str]
    topic: str
    mood: str
    policy: str
    messages: Annotated[list[AnyMessage], add_messages]
    draft: str
    remark: str


@tool
async def get_order(order_id: str) -> str:
    """Status and amount of an order."""
    await asyncio.sleep(0.03)
    chance = seeded(order_id)
    return f"{order_id}: {chance.choice(['paid', 'packed', 'sent'])}, {chance.randint(9, 240)} EUR"


@tool
async def track_parcel(order_id: str) -> str:
    """Where the parcel of an order was seen last."""
    chance = seeded("parcel", order_id)
    await asyncio.sleep(chance.uniform(0.025, 0.06))
    return f"{order_id} was last seen in {chance.choice(['Lyon', 'Graz', 'Turin', 'Ghent'])}"


@tool
async def search_help(topic: str) -> str:
    """Help pages about a topic."""
    await asyncio.sleep(0.025)
    return f"Help pages about {topic}: 1. First steps 2. Common questions"


def _classify(messages: Sequence[BaseMessage]) -> str:
    text = str(messages[-1].content).lower()
    return next((t for t, words in TOPIC_WORDS.items() if any(w in text for w in words)), "other")


def _investigate(messages: Sequence[BaseMessage]) -> AIMessage:
    topic, order_id = str(messages[1].content).split("\n")[:2]
    turn = sum(isinstance(message, AIMessage) for message in messages)
    if topic in ("account", "other"):
        plan = [[call_tool("search_help", topic=topic)]]
    else:
        plan = [
            [
                call_tool("get_order", order_id=order_id),
                call_tool("track_parcel", order_id=order_id),
            ],
            [call_tool("get_order", order_id=order_id), call_tool("search_help", topic=topic)],
        ]
    if turn < len(plan):
        return AIMessage(content="", tool_calls=plan[turn])
    return AIMessage(content="I know enough.")


def _write(messages: Sequence[BaseMessage]) -> str:
    policy, facts, remark = str(messages[-1].content).split("\n")[:3]
    amount = " The amount is on its way to you." if remark else ""
    return f"Thank you for writing to us. {facts.split(';')[0]}. {policy}{amount} Kind regards, Ada"


def _judge(messages: Sequence[BaseMessage]) -> str:
    text = str(messages[-1].content)
    return "Name the amount." if "Refunds" in text and "The amount" not in text else "Good."


def _mood(messages: Sequence[BaseMessage]) -> str:
    return "angry" if "!" in str(messages[-1].content) else "calm"


classifier = gpt_4o_mini(_classify)
investigator = gpt_4o_mini(_investigate).bind_tools([get_order, track_parcel, search_help])
writer = gpt_4o(_write, first_token_s=0.045, streaming=True)
reviewer = claude_sonnet(_judge, first_token_s=0.03)
mood_reader = gpt_4o_mini(_mood)


async def load_customer(state: State) -> dict:
    await asyncio.sleep(0.025)
    chance = seeded("customer", state["customer_id"])
    return {"customer": {"name": chance.choice(["Mia", "Noah", "Lena", "Omar"]), "tier": "gold"}}


async def load_orders(state: State) -> dict:
    await asyncio.sleep(0.03)
    first = seeded("orders", state["customer_id"]).randint(1000, 9000)
    return {"orders": [f"O-{first}", f"O-{first + 7}"]}


async def classify(state: State) -> dict:
    context = f"{state['customer']['tier']} customer, orders {state['orders']}"
    reply = await classifier.ainvoke(
        [SystemMessage(f"Name the topic. {context}"), HumanMessage(state["question"])]
    )
    return {"topic": reply.content}


async def agent(state: State) -> dict:
    case = f"{state['topic']}\n{state['orders'][0]}\n{state['question']}"
    prompt = [SystemMessage("Look up what the answer needs."), HumanMessage(case)]
    return {"messages": [await investigator.ainvoke(prompt + state["messages"])]}


async def find_policy(state: State) -> dict:
    time.sleep(0.02)  # a blocking client in an asynchronous node
    await asyncio.sleep(0.015)
    return {"policy": POLICIES[state["topic"]]}


async def read_mood(state: State) -> dict:
    reply = await mood_reader.ainvoke([HumanMessage(state["question"])])
    return {"mood": reply.content}


async def draft(state: State) -> dict:
    facts = "; ".join(m.content for m in state["messages"] if m.type == "tool")
    prompt = f"{state['policy']}\n{facts}\n{state.get('remark', '')}"
    system = f"Answer a customer who is {state['mood']}: {state['question']}"
    reply = await writer.ainvoke([SystemMessage(system), HumanMessage(prompt)])
    return {"draft": reply.content}


async def review(state: State) -> dict:
    reply = await reviewer.ainvoke([HumanMessage(state["draft"])])
    return {"remark": reply.content}


def tools_or_draft(state: State) -> str:
    return "tools" if state["messages"][-1].tool_calls else "draft"


def draft_or_end(state: State) -> str:
    return END if state["remark"] == "Good." else "draft"


def build() -> StateGraph:
    graph = StateGraph(State, input_schema=Request)
    graph.add_node(load_customer)
    graph.add_node(load_orders)
    graph.add_node(classify)
    graph.add_node(agent)
    graph.add_node("tools", ToolNode([get_order, track_parcel, search_help]))
    graph.add_node(find_policy)
    graph.add_node(read_mood)
    graph.add_node(draft, defer=True)
    graph.add_node(review)
    graph.add_edge(START, "load_customer")
    graph.add_edge("load_customer", "load_orders")
    graph.add_edge("load_orders", "classify")
    for branch in ("agent", "find_policy", "read_mood"):
        graph.add_edge("classify", branch)
    graph.add_conditional_edges("agent", tools_or_draft, ["tools", "draft"])
    graph.add_edge("tools", "agent")
    graph.add_edge("find_policy", "draft")
    graph.add_edge("read_mood", "draft")
    graph.add_edge("draft", "review")
    graph.add_conditional_edges("review", draft_or_end, ["draft", END])
    return graph


app = build().compile(name="customer_support")
