"""A user's git repository with a small graph."""

from __future__ import annotations

import subprocess
from pathlib import Path

APP = """
import asyncio
from typing import TypedDict

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    question: str
    answer: str


class Model(GenericFakeChatModel):
    def _get_ls_params(self, stop=None, **kwargs):
        return {"ls_provider": "openai", "ls_model_name": "gpt-4o", "ls_model_type": "chat"}


PROMPT = "Answer in one word. " * 10
SLEEP_S = 0.02


async def search(state):
    await asyncio.sleep(SLEEP_S)
    return {"question": state["question"]}


async def draft(state):
    prompt = PROMPT + state["question"]
    usage = {"input_tokens": len(prompt), "output_tokens": 1, "total_tokens": len(prompt) + 1}
    reply = AIMessage("Yes.", usage_metadata=usage)
    answer = await Model(messages=iter([reply])).ainvoke([HumanMessage(prompt)])
    return {"answer": answer.content}


graph = StateGraph(State)
graph.add_node("search", search)
graph.add_node("draft", draft)
graph.add_edge(START, "search")
graph.add_edge("search", "draft")
graph.add_edge("draft", END)
app = graph.compile()
"""


class Repository:
    """Where it is, and what is done in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def change(self, old: str, new: str) -> None:
        """Replace a text of ``app.py`` in the working tree."""
        text = (self.folder / "app.py").read_text()
        assert old in text
        self.write("app.py", text.replace(old, new))

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, **files: str) -> str:
        """Commit files by their names, with ``__`` for the dot of a suffix."""
        for name, text in files.items():
            self.write(name.replace("__", "."), text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a change", "--allow-empty")
        return self.git("rev-parse", "HEAD")

    @property
    def worktrees(self) -> int:
        """How many there are, the main one included."""
        return len(self.git("worktree", "list").splitlines())
