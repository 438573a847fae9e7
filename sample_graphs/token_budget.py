"""Token budget: a conversation that grows turn by turn, trimmed and summarised to stay affordable.

    START -> take_turn -> fit -> reply -> take_turn ... -> END
                           '-> summarise -> reply

Asynchronous. One request is a whole conversation: a loop of 2 to 5 turns. When its messages exceed
`budget` tokens, `fit` drops the oldest, and `summarise` adds them to the summary.

Worth finding:

- The dear model sees everything again on each turn: input tokens grow with the square of the
  conversation until the budget cuts in.
- The prompt starts with the numbers of the conversation and the turn, and only then come the long
  fixed instructions, so that a provider's prompt cache never matches; they should come last.

`summarise` uses the dear model for work that the small one may do. Whether it does, no profile can
tell; what it would save, `--what-if 'model(summarise, gpt-4o-mini)'` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    trim_messages,
)
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from sample_graphs.fake_models import count_tokens, gpt_4o, text_of
from sample_graphs.seeding import seeded

SUBJECTS = (
    "rooms, breakfast, parking, the pool, late arrival, pets, trains, museums, bicycles, the sauna,"
    " children, invoices, laundry, allergies, taxis, hikes, boats, gift cards, the bar, the gym"
)
INSTRUCTIONS = "\n".join(
    f"{number}. When a guest asks about {subject}, say what is open and at which hours, what it"
    " costs for adults and for children, how to book, until when a booking can be cancelled, and"
    " whom to call if something goes wrong. Never promise what the desk has to confirm."
    for number, subject in enumerate(SUBJECTS.split(", "), start=1)
)


class Request(TypedDict):
    turns: list[str]
    budget: int


class State(Request, total=False):
    turn: int
    messages: Annotated[list[AnyMessage], add_messages]
    dropped: list[str]
    summary: str
    summarised: int


def conversation_tokens(messages: Sequence[BaseMessage]) -> int:
    """The tokens of `messages`, counted as the fake models do."""
    return sum(count_tokens(text_of(message)) for message in messages)


def _reply(messages: Sequence[BaseMessage]) -> str:
    question = str(messages[-1].content)
    chance = seeded(question)
    return (
        f"Gladly! {question.rstrip('?')}: yes, from {chance.randint(6, 11)} in the morning on, for"
        f" {chance.randint(4, 60)} EUR. Just tell the desk the evening before, and bring the"
        " voucher that lies in your room. If plans change, a call by noon will do, and nothing is"
        " charged."
    )


def _summarise(messages: Sequence[BaseMessage]) -> str:
    sentences = str(messages[-1].content).replace("? ", "?\n").splitlines()
    asked = [each.removeprefix("The guest asked: ") for each in sentences if each.endswith("?")]
    return "The guest asked: " + " ".join(asked)


chat_model = gpt_4o(_reply, first_token_s=0.03, gap_s=0.0005)
summary_model = gpt_4o(_summarise, first_token_s=0.03, gap_s=0.0005)


async def take_turn(state: State) -> dict:
    turn = state.get("turn", 0)
    return {"messages": [HumanMessage(state["turns"][turn])], "turn": turn + 1}


async def fit(state: State) -> dict:
    kept = trim_messages(
        state["messages"],
        max_tokens=state["budget"],
        token_counter=conversation_tokens,
        strategy="last",
        start_on="human",
    )
    keep = len(kept) or 1  # the question itself always stays
    dropped = state["messages"][:-keep]
    return {
        "dropped": [text_of(message) for message in dropped],
        "messages": [RemoveMessage(message.id) for message in dropped],
    }


async def summarise(state: State) -> dict:
    text = "\n".join([state.get("summary", ""), *state["dropped"]])
    reply = await summary_model.ainvoke([SystemMessage("Summarise."), HumanMessage(text)])
    return {
        "summary": reply.content,
        "summarised": state.get("summarised", 0) + len(state["dropped"]),
    }


async def reply(state: State) -> dict:
    number = seeded("conversation", *state["turns"]).randint(10**7, 10**8)
    heading = f"Conversation {number}, turn {state['turn']}."
    system = f"{heading}\n{INSTRUCTIONS}\n{state.get('summary', '')}"
    answer = await chat_model.ainvoke([SystemMessage(system), *state["messages"]])
    return {"messages": [AIMessage(answer.content)]}


def over_budget(state: State) -> str:
    return "summarise" if state["dropped"] else "reply"


def next_turn(state: State) -> str:
    return "take_turn" if state["turn"] < len(state["turns"]) else END


def build() -> StateGraph:
    graph = StateGraph(State, input_schema=Request)
    graph.add_node(take_turn)
    graph.add_node(fit)
    graph.add_node(summarise)
    graph.add_node(reply)
    graph.add_edge(START, "take_turn")
    graph.add_edge("take_turn", "fit")
    graph.add_conditional_edges("fit", over_budget, ["summarise", "reply"])
    graph.add_edge("summarise", "reply")
    graph.add_conditional_edges("reply", next_turn, ["take_turn", END])
    return graph


app = build().compile(name="token_budget")
