"""Retrying: an order whose stock service fails now and then and whose payment may be refused.

    START -> load_order -> reserve_stock -> charge <-> charge ... -> confirm | give_up -> END

Synchronous, with both ways to try again: `reserve_stock` raises and has a `RetryPolicy` with
exponential backoff (20, 40, 80 ms); `charge` keeps its errors in the state (`status: "error"`,
`retry_count`) and loops back to itself. How often each fails depends on the order alone.

Worth finding:

- About half of the orders wait for `reserve_stock` to fail and back off: 35 ms for one failure,
  90 ms for two.
- `charge` tries a declined card again three times, which no retry can help; such a request ends
  without an exception, but with `status: "error"` (`--failed-when 'status == "error"'`).
- Each visit of `charge` scores the risk of the order anew (a model call), with the same result.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import RetryPolicy
from typing_extensions import TypedDict

from sample_graphs.fake_models import gpt_4o_mini
from sample_graphs.seeding import seeded

MAX_RETRIES = 3


class Request(TypedDict):
    order_id: str
    card: str


class State(Request, total=False):
    amount: int
    reservation: str
    status: str
    error: str
    retry_count: int


class StockServiceError(Exception):
    """The stock service did not answer."""


def _score(messages: Sequence[BaseMessage]) -> str:
    return f"risk {seeded(str(messages[-1].content)).randint(0, 30)} of 100"


risk_model = gpt_4o_mini(_score)
failed_attempts: dict[str, int] = {}
"""Failed attempts of `reserve_stock` by task, to fail a set number of times in each run."""


def load_order(state: State) -> dict:
    time.sleep(0.015)
    return {"amount": seeded(state["order_id"]).randint(5, 400), "retry_count": 0}


def reserve_stock(state: State, config: RunnableConfig) -> dict:
    time.sleep(0.015)
    task = config["metadata"]["langgraph_checkpoint_ns"]
    failed = failed_attempts.pop(task, 0)
    if failed < seeded("stock", state["order_id"]).choice([0, 0, 0, 0, 1, 2]):
        failed_attempts[task] = failed + 1
        raise StockServiceError(f"no answer about {state['order_id']}")
    return {"reservation": f"R-{state['order_id']}-{state['amount']}"}


def charge(state: State) -> dict:
    order = f"{state['order_id']} for {state['amount']} EUR"
    risk_model.invoke([HumanMessage(f"How risky is order {order}?")])
    time.sleep(0.025)
    busy_for = seeded("gateway", state["order_id"]).choice([0, 0, 0, 1])
    if state["card"] == "declined":
        error = "card declined"
    elif state["retry_count"] < busy_for:
        error = "gateway busy"
    else:
        return {"status": "charged", "error": ""}
    return {"status": "error", "error": error, "retry_count": state["retry_count"] + 1}


def confirm(state: State) -> dict:
    time.sleep(0.01)
    return {"status": "confirmed"}


def give_up(state: State) -> dict:
    time.sleep(0.01)
    return {"error": f"{state['error']}, {state['reservation']} released"}


def after_charge(state: State) -> str:
    if state["status"] != "error":
        return "confirm"
    return "charge" if state["retry_count"] <= MAX_RETRIES else "give_up"


def build() -> StateGraph:
    backoff = RetryPolicy(
        initial_interval=0.02,
        backoff_factor=2.0,
        max_attempts=4,
        jitter=False,
        retry_on=StockServiceError,
    )
    graph = StateGraph(State, input_schema=Request)
    graph.add_node(load_order)
    graph.add_node(reserve_stock, retry_policy=backoff)
    graph.add_node(charge)
    graph.add_node(confirm)
    graph.add_node(give_up)
    graph.add_edge(START, "load_order")
    graph.add_edge("load_order", "reserve_stock")
    graph.add_edge("reserve_stock", "charge")
    graph.add_conditional_edges("charge", after_charge, ["charge", "confirm", "give_up"])
    graph.add_edge("confirm", END)
    graph.add_edge("give_up", END)
    return graph


app = build().compile(name="retrying")
