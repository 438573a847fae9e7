"""What counting tokens and comparing prompts costs: ``python tests/benchmarks/tokens.py``.

Each figure is the best of a few tries: other work on the machine only ever adds. What must be cold
runs in a process of its own.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from goals import TABLE_HEAD, Goal, machine, plain
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from lgprof.analysis.prompt_cache import note_prompt_caches, sent_prompts
from lgprof.llm.counting import TokenCounter
from lgprof.llm.price_table import PriceTable
from lgprof.llm.prices import Prices
from lgprof.model import ModelCall, ModelRow, Request, Span, Tokens
from lgprof.record.prompt_shape import PromptReader

_TRIES = 3
_RATE = "M tokens/s"
_WORDS = ("order", "customer", "refund", "policy", "shipping", "status", "please", "check", "item")
_FIRST_USE = """
import json, time
start = time.perf_counter()
from lgprof.llm.counting import TokenCounter
from langchain_core.messages import HumanMessage
imported = time.perf_counter()
TokenCounter().prompt([HumanMessage("hello")], [], "gpt-4o")
print(json.dumps(time.perf_counter() - imported))
"""


def text(words: int, chance: random.Random) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(words))


def conversation(turns: int, words: int) -> list[list[BaseMessage]]:
    """The prompts of a conversation that each turn sends whole."""
    chance = random.Random(1)
    messages: list[BaseMessage] = [SystemMessage(text(800, chance))]
    prompts = []
    for _ in range(turns):
        messages.append(HumanMessage(text(words, chance)))
        prompts.append(list(messages))
        messages.append(AIMessage(text(words, chance)))
    return prompts


def best_s(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(_TRIES):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def counted_in_s(prompts: list[list[BaseMessage]]) -> tuple[float, int]:
    TokenCounter().text("loaded", "o200k_base")
    tokens = 0

    def count() -> None:
        nonlocal tokens
        counter = TokenCounter()
        tokens = sum(counter.prompt(prompt, [], "gpt-4o") for prompt in prompts)

    return best_s(count), tokens


def first_use_s() -> float:
    def once() -> float:
        done = subprocess.run(
            [sys.executable, "-c", _FIRST_USE], capture_output=True, text=True, check=True
        )
        return float(json.loads(done.stdout))

    return min(once() for _ in range(_TRIES))


def requests_of(prompts: list[list[BaseMessage]], tokens: list[int]) -> list[Request]:
    reader = PromptReader(b"salt")
    spans = [
        Span(
            id=number,
            kind="model",
            path="agent",
            name="gpt-4o",
            start_s=float(number),
            end_s=number + 0.5,
            model=ModelCall(
                name="gpt-4o",
                provider="openai",
                tokens=Tokens(input=tokens[number], output=100),
                prompt=reader.read("agent", "gpt-4o", prompt, None),
            ),
        )
        for number, prompt in enumerate(prompts)
    ]
    end_s = float(len(prompts))
    return [Request(index=0, outcome="ok", start_s=0.0, end_s=end_s, latency_s=end_s, spans=spans)]


def million_tokens_per_s(tokens: int, seconds: float) -> float:
    return tokens / seconds / 1e6


def figures() -> list[Goal]:
    prompts = conversation(1000, words=6)
    counting_s, tokens = counted_in_s(prompts)
    counter = TokenCounter()
    each = [counter.prompt(prompt, [], "gpt-4o") for prompt in prompts]
    reading_s = best_s(lambda: requests_of(prompts, each))
    requests = requests_of(prompts, each)
    analysis_s = best_s(lambda: sent_prompts(requests))
    row = ModelRow(
        node="agent",
        model="gpt-4o",
        provider="openai",
        calls=1000,
        errors=0,
        tokens=Tokens(),
        latency_s=None,
        time_to_first_token_s=None,
        output_tokens_per_s=None,
    )
    prices = Prices(PriceTable(), datetime.now(UTC))
    whole_s = best_s(lambda: note_prompt_caches([row], requests, prices))
    return [
        plain(
            f"counting {tokens / 1e6:.1f} M tokens in 1,000 turns that resend", counting_s, 3, "s"
        ),
        plain("first use of tiktoken, tables read and checked", first_use_s(), 1, "s"),
        faster("comparing prompts", million_tokens_per_s(tokens, analysis_s)),
        faster(
            "the same with the money and all of the table", million_tokens_per_s(tokens, whole_s)
        ),
        faster("hashing prompts, between requests", million_tokens_per_s(tokens, reading_s)),
    ]


def faster(what: str, rate: float) -> Goal:
    return Goal(what, rate, None, None, f"at least 5 {_RATE}", _RATE, rate >= 5)


if __name__ == "__main__":
    print(machine("tiktoken", "langchain-core"))
    print()
    print(TABLE_HEAD)
    for goal in figures():
        print(goal.row())
