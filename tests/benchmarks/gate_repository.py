"""A git repository with the graphs that are gated, and a branch for each real change of them."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

APP = '''"""Graphs of a benchmark."""
import asyncio
import math
import random
from typing import TypedDict

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, StateGraph

from settings import BURN, CALLS, COMPUTING_TAIL, LLM_FACTOR, NODES, PROMPT_TOKENS, SLEEPS, TAIL


class State(TypedDict, total=False):
    x: int


def burn(turns):
    done = 0
    for _ in range(turns):
        done += 1
    return done


def is_slow(state):
    return state["x"] % 10 == 3


def chain(functions):
    graph = StateGraph(State)
    names = list(functions)
    for name, function in functions.items():
        graph.add_node(name, function)
    for source, target in zip([START, *names], [*names, END]):
        graph.add_edge(source, target)
    return graph.compile()


def computing(turns):
    def compute(state):
        burn(turns * COMPUTING_TAIL if is_slow(state) else turns)
        return {"x": state["x"]}

    return compute


def waiting(seconds):
    async def wait(state):
        await asyncio.sleep(seconds * TAIL if is_slow(state) else seconds)
        return {"x": state["x"]}

    return wait


async def llm(state):
    seconds = 0.1 * math.exp(0.4 * random.Random(state["x"]).gauss(0, 1)) * LLM_FACTOR
    await asyncio.sleep(seconds * TAIL if is_slow(state) else seconds)
    return {"x": state["x"]}


async def ask(state):
    """A model that reports usage, and does not take long; the first prompt is the longest."""
    first = PROMPT_TOKENS + state["x"]
    replies = [reply(tokens) for tokens in (first, *[100] * (CALLS - 1))]
    model = Model(messages=iter(replies))
    for _ in range(CALLS):
        await model.ainvoke("?")
    return {"x": state["x"]}


def reply(tokens):
    usage = {"input_tokens": tokens, "output_tokens": 5, "total_tokens": tokens + 5}
    return AIMessage("Yes.", usage_metadata=usage)


class Model(GenericFakeChatModel):
    def _get_ls_params(self, stop=None, **kwargs):
        return {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini", "ls_model_type": "chat"}


def keep(state):
    return {"x": state["x"]}


cpu = chain({f"n{i}": computing(turns) for i, turns in enumerate(BURN)})
io = chain({f"n{i}": waiting(seconds) for i, seconds in enumerate(SLEEPS)})
model = chain({"plan": keep, "llm": llm, "post": keep})
asking = chain({"ask": ask, "post": keep})
ten = chain({f"n{i}": computing(turns) for i, turns in enumerate(NODES)})
'''

GRAPHS = ("cpu", "io", "model", "ten")
CULPRIT = {"cpu": "n2", "io": "n1", "model": "llm", "ten": "n4"}
"""The node that each change slows down."""
CHANGES = {"five": 0.05, "tenx": 0.10, "base": 0.0}
"""By what part of a request a branch is slower. Names of equal length."""
ONE_UNIT = {
    "word": ("tokens.input.per_request", "cost.per_request"),
    "call": ("llm_calls.per_request",),
}
"""Branches with one token or one model call more in each request, and the metrics of it."""
TAIL = "tail"
"""The branch on which one request in ten takes three times as long."""


@dataclass(frozen=True)
class Repository:
    """Where it is."""

    folder: Path

    def git(self, *arguments: str) -> None:
        names = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org"]
        subprocess.run(["git", *names, *arguments], cwd=self.folder, check=True)

    def checkout(self, branch: str) -> None:
        """Make a branch the working tree."""
        self.git("checkout", "-q", branch)

    def worktree(self, branch: str, folder: Path) -> Path:
        """A tree of its own for a branch."""
        self.git("worktree", "add", "-q", "--detach", str(folder), branch)
        return folder


def make_repository(folder: Path) -> Repository:
    """A commit on ``main``, and one more on each branch."""
    folder.mkdir(parents=True)
    repository = Repository(folder)
    repository.git("init", "-q", "-b", "main")
    (folder / "app.py").write_text(APP)
    turn_s = _turn_s()
    _write(folder, turn_s, Change())
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "base")
    for branch, slower in CHANGES.items():
        _branch(repository, branch, turn_s, Change(slower=slower))
    _branch(repository, TAIL, turn_s, Change(tail=3))
    _branch(repository, "word", turn_s, Change(tokens=1))
    _branch(repository, "call", turn_s, Change(calls=1))
    repository.checkout("main")
    return repository


@dataclass(frozen=True)
class Change:
    """What a branch does more than the base."""

    slower: float = 0.0
    """One node does more, by a part of what the whole request takes."""
    tail: int = 1
    """One request in ten takes so many times as long."""
    tokens: int = 0
    calls: int = 0


def _branch(repository: Repository, name: str, turn_s: float, change: Change) -> None:
    repository.git("checkout", "-q", "-b", name, "main")
    _write(repository.folder, turn_s, change)
    repository.git("commit", "-q", "--allow-empty", "-a", "-m", f"change: {name}")


def _write(folder: Path, turn_s: float, change: Change) -> None:
    per_ms = round(0.001 / turn_s)
    burn = [round(0.2 * per_ms)] * 5  # with LangGraph's part 2 ms or so
    burn[2] = round((0.2 + 2.0 * change.slower) * per_ms)
    nodes = [round(0.15 * per_ms)] * 10
    nodes[4] = round((0.15 + 3.0 * change.slower) * per_ms)
    sleeps = [0.02, round(0.02 + 0.06 * change.slower, 3), 0.02]
    settings = {
        "BURN": burn,
        "NODES": nodes,
        "SLEEPS": sleeps,
        "LLM_FACTOR": 1 + change.slower,
        "TAIL": change.tail,
        # Half of a computing request is LangGraph's: so the whole takes as many times as long.
        "COMPUTING_TAIL": 2 * change.tail - 1,
        "PROMPT_TOKENS": 100 + change.tokens,
        "CALLS": 2 + change.calls,
    }
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    (folder / "settings.py").write_text("".join(lines))


def _turn_s() -> float:
    """What one turn of the loop takes on this machine, when nothing disturbs it."""
    code = "def burn(turns):\n    done = 0\n    for _ in range(turns):\n        done += 1\n"
    space: dict = {}
    exec(code, space)
    turns, times = 200_000, []
    for _ in range(20):
        began_s = time.perf_counter()
        space["burn"](turns)
        times.append((time.perf_counter() - began_s) / turns)
    return min(times)


if __name__ == "__main__":
    make_repository(Path(sys.argv[1]))
