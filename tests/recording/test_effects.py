"""What nodes are seen to do to the world while they run."""

from __future__ import annotations

import asyncio
import colorsys
import importlib
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from lgprof.model import NodeHints
from tests.profiling import profile_graph


class State(TypedDict, total=False):
    q: int


def effects_of(node: Any) -> list[str]:
    return hints_of(node).effects


def hints_of(node: Any) -> NodeHints:
    graph = StateGraph(State).add_node("n", node).add_edge(START, "n").compile()
    return profile_graph(graph, {"q": 1}).profile.target.hints["n"]


@pytest.fixture
def address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


def test_files_programs_and_connections_are_told_apart(tmp_path, address):
    def writes(state: State) -> dict[str, Any]:
        (tmp_path / "out").write_text("x")
        return {}

    def reads(state: State) -> dict[str, Any]:
        return {"q": len((tmp_path / "out").read_text())}

    def starts(state: State) -> dict[str, Any]:
        subprocess.run([sys.executable, "-c", ""], check=True)
        return {}

    def connects(state: State) -> dict[str, Any]:
        socket.create_connection(address).close()
        return {}

    assert effects_of(writes) == ["write a file"]
    assert effects_of(reads) == []
    assert hints_of(reads).context == ["a file"]
    assert effects_of(starts) == ["start a program"]
    assert effects_of(connects) == ["connect to a server"]


def test_threads_and_the_loop_s_executor_belong_to_their_node(tmp_path):
    async def writes(state: State) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, (tmp_path / "a").write_text, "x")
        return {}

    def in_a_pool(state: State) -> dict[str, Any]:
        with ThreadPoolExecutor() as pool:
            pool.submit((tmp_path / "b").write_text, "x").result()
        return {}

    assert effects_of(writes) == ["write a file"]
    assert effects_of(in_a_pool) == ["write a file"]


def test_imports_read_no_file():
    def imports(state: State) -> dict[str, Any]:
        importlib.reload(colorsys)
        return {}

    assert hints_of(imports).context == []


def test_a_model_s_own_connection_is_no_effect(address):
    class Model(GenericFakeChatModel):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            socket.create_connection(address).close()
            return super()._generate(*args, **kwargs)

    def asks(state: State) -> dict[str, Any]:
        Model(messages=iter([AIMessage("hi")] * 9)).invoke("hi")
        return {}

    assert effects_of(asks) == []


def test_a_subgraph_s_node_is_told_by_its_path_and_the_warm_up_counts(tmp_path):
    first: list[bool] = []

    def opens_once(state: State) -> dict[str, Any]:
        if not first:
            first.append(True)
            (tmp_path / "a").write_text("x")
        return {}

    inner = StateGraph(State).add_node("in", opens_once).add_edge(START, "in").compile()
    outer = StateGraph(State).add_node("out", inner).add_edge(START, "out").compile()

    hints = profile_graph(outer, {"q": 1}, warmup=1).profile.target.hints

    assert hints["out/in"].effects == hints["out"].effects == ["write a file"]
