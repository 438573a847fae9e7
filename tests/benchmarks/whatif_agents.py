"""Graphs with models in them, as people build them: agents, streams, calls at once."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from whatif_graphs import State, burn, chain, drawn, sleeps

TOOLS_S = {"search": 0.03, "read": 0.02, "sum_up": 0.01}


class Model(BaseChatModel):
    """Generates tokens at some speed. Prompts end in a seed, which tells how many."""

    model_name: str = "large"
    first_s: float = 0.02
    each_s: float = 0.002
    length: float = 1.0
    """Factor of how many tokens it generates."""
    turns: int = 1
    """It asks for all tools in at most one turn less."""

    @property
    def _llm_type(self) -> str:
        return "seeded"

    def bind_tools(self, *args: Any, **kwargs: Any) -> Any:
        return self

    def answer(self, messages: list[BaseMessage]) -> tuple[int, AIMessage]:
        """How many tokens, and what."""
        turn = sum(isinstance(message, AIMessage) for message in messages)
        seed = int(str(messages[0].content).split()[-1])
        count = round(drawn(seed, f"tokens{turn}", 15, 0.4) * self.length)
        names = TOOLS_S if turn < seed % self.turns else ()
        args = {"seed": seed, "turn": turn}
        message = AIMessage(
            "x" * count,
            tool_calls=[{"name": name, "args": args, "id": f"{turn}{name}"} for name in names],
            usage_metadata={"input_tokens": 9, "output_tokens": count, "total_tokens": 9 + count},
            response_metadata={"model_name": self.model_name},
        )
        return count, message

    async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        count, message = self.answer(messages)
        await asyncio.sleep(self.first_s + self.each_s * (count - 1))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        count, message = self.answer(messages)
        time.sleep(self.first_s + self.each_s * (count - 1))
        return ChatResult(generations=[ChatGeneration(message=message)])


class Typing(Model):
    """Streams."""

    async def _astream(
        self, messages: Any, *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        count, message = self.answer(messages)
        await asyncio.sleep(self.first_s)
        for number in range(count):
            if number:
                await asyncio.sleep(self.each_s)
            yield ChatGenerationChunk(message=AIMessageChunk("x"))
        last = AIMessageChunk(
            "",
            usage_metadata=message.usage_metadata,
            response_metadata=message.response_metadata,
        )
        yield ChatGenerationChunk(message=last)


FAST = {"first_s": 0.01, "each_s": 0.001}
"""Twice as fast."""


def asked(seed: int) -> dict[str, Any]:
    """The input of an agent."""
    return {"messages": [HumanMessage(f"question {seed + 3}", id="q")], "seed": seed}


def react(model: Model, tools_factor: float = 1.0) -> Any:
    """A ReAct agent that calls three tools at once, in as many turns as the seed says."""

    def waiting(name: str, median_s: float) -> Any:
        async def call(seed: int, turn: int) -> str:
            await asyncio.sleep(drawn(seed, f"{name}{turn}", median_s, 0.4) * tools_factor)
            return "found"

        return tool(name, description=name)(call)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has moved to a package that is not installed here
        from langgraph.prebuilt import create_react_agent

        return create_react_agent(model, [waiting(*one) for one in TOOLS_S.items()])


def two_streams(model: Model, other: Model) -> Any:
    """Two nodes that stream."""

    def typing(key: str, model: Model) -> Callable[..., Any]:
        async def node(state: State) -> dict[str, Any]:
            async for _ in model.astream(f"{key} {state['seed']}"):
                pass
            return {key: 1}

        return node

    return chain({"draft": typing("a", model), "check": typing("b", other)})


def gathers(model: Model) -> Any:
    """A node that does three things at once: two calls in a row, a call, and a wait of its own."""

    async def think(state: State) -> dict[str, Any]:
        seed = state["seed"]

        async def two() -> None:
            await model.ainvoke(f"a {seed}")
            await asyncio.sleep(0.01)
            await model.ainvoke(f"b {seed + 1}")

        own = asyncio.sleep(drawn(seed, "fetch", 0.06, 0.3))
        await asyncio.gather(two(), own, model.ainvoke(f"c {seed + 2}"))
        return {"a": 1}

    return chain({"think": think, "last": sleeps("d", 0.01)})


def runs_in_parallel(model: Model) -> Any:
    """A RunnableParallel of two prompts and a lookup, as a node."""

    async def lookup(state: State) -> str:
        await asyncio.sleep(drawn(state["seed"], "lookup", 0.03, 0.3))
        return "found"

    def ask(key: str) -> Any:
        return RunnableLambda(lambda state: f"{key} {state['seed']}") | model

    parts = RunnableParallel(x=ask("x"), y=ask("y"), z=RunnableLambda(lookup))
    return chain(
        {"both": parts | RunnableLambda(lambda found: {"a": 1}), "last": sleeps("d", 0.01)}
    )


def falls_back(model: Model) -> Any:
    """A model with a time limit, and another one behind it."""
    backup = Model(model_name="small", first_s=0.01, each_s=0.001)

    async def ask(state: State) -> dict[str, Any]:
        question = f"q {state['seed']}"
        try:
            async with asyncio.timeout(0.05):
                await model.ainvoke(question)
        except TimeoutError:
            await backup.ainvoke(question)
        return {"a": 1}

    return chain({"ask": ask, "last": sleeps("d", 0.01)})


def asks_for_each(model: Model, *, at_once: bool) -> Any:
    """A call for each of two to four items, and 2 ms of work on each answer."""

    async def each(state: State) -> dict[str, Any]:
        questions = [f"i {state['seed'] + number}" for number in range(2 + state["seed"] % 3)]
        if at_once:
            for _ in await asyncio.gather(*map(model.ainvoke, questions)):
                burn(0.002)
        else:
            for question in questions:
                await model.ainvoke(question)
                burn(0.002)
        return {"a": 1}

    return chain({"each": each, "last": sleeps("d", 0.01)})
