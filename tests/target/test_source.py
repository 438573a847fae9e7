"""Factories: what they are given, what they may return, and what is closed afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from lgprof.config import Settings
from lgprof.errors import TargetError
from lgprof.target import OpenTarget, load_target

Write = Callable[..., Path]

FACTORIES = """
import contextlib
from langchain_core.runnables import RunnableConfig
from langgraph.func import entrypoint
from langgraph_sdk.runtime import ServerRuntime

log = []
named = make().compile(name="Named")
wrapped = graph.with_retry()
bound = graph.with_config({"tags": ["x"]})

@entrypoint()
def functional(x: dict) -> dict:
    return {"a": x["a"] + 1}

def none():
    return graph

def config_only(config):
    log.append(config)
    return graph

def with_default(size=3, *args, config: RunnableConfig = None, **kwargs):
    log.append((size, config))
    return graph

def runtime_only(runtime: ServerRuntime):
    log.append((runtime.access_context, runtime.execution_runtime is runtime, runtime.context))
    return graph

def both(config: RunnableConfig, second):
    log.append((config, second.access_context))
    return graph

async def coroutine(config):
    return builder

@contextlib.contextmanager
def sync_manager():
    log.append("open")
    yield graph
    log.append("closed")

@contextlib.asynccontextmanager
async def async_manager(config):
    log.append("open")
    yield make()
    log.append("closed")

async def coroutine_of_manager():
    return async_manager({})

def generator():
    log.append("open")
    yield graph
    log.append("closed")

async def async_generator():
    log.append("open")
    yield graph
    log.append("closed")

class Callable_:
    def __call__(self, config):
        return graph

called = Callable_()

def raises():
    raise ValueError("no key")

@contextlib.asynccontextmanager
async def manager_raises():
    raise ValueError("no connection")
    yield graph

def exits():
    raise SystemExit("no key")

def gives_text():
    return "graph"

def gives_broken():
    return StateGraph(State).add_edge("x", "y")

def three(a, b, c):
    return graph
"""
CONFIG = {"configurable": {"user": "u"}}


@pytest.fixture
def app(write: Write, project: Path) -> Path:
    write("app.py", FACTORIES, graph=True)
    return project


def opened(folder: Path, name: str) -> tuple[OpenTarget, Any, list[Any], list[Any]]:
    """The target, a result of it, and the log while it was open and after."""
    source = load_target(f"app:{name}", Settings(), folder)

    async def once() -> tuple[OpenTarget, Any, list[Any], list[Any]]:
        log: list[Any] = __import__("app").log
        async with AsyncExitStack() as stack:
            target = await source.open(CONFIG, stack)
            result = await target.runnable.ainvoke({"a": 1})
            during = list(log)
        return target, result, during, log

    return asyncio.run(once())


@pytest.mark.parametrize(
    ("name", "log", "after"),
    [
        ("graph", [], []),
        ("bound", [], []),
        ("wrapped", [], []),
        ("functional", [], []),
        ("none", [], []),
        ("config_only", [CONFIG], []),
        ("with_default", [(3, CONFIG)], []),
        ("runtime_only", [("threads.create_run", True, None)], []),
        ("both", [(CONFIG, "threads.create_run")], []),
        ("coroutine", [], []),
        ("sync_manager", ["open"], ["closed"]),
        ("async_manager", ["open"], ["closed"]),
        ("coroutine_of_manager", ["open"], ["closed"]),
        ("generator", ["open"], ["closed"]),
        ("async_generator", ["open"], ["closed"]),
        ("called", [], []),
    ],
)
def test_factories(app: Path, name: str, log: list[Any], after: list[Any]) -> None:
    target, result, during, finally_ = opened(app, name)
    assert result == {"a": 2}
    assert (during, finally_) == (log, log + after)
    assert target.name == name


def test_the_graphs_own_name_is_taken(app: Path) -> None:
    assert opened(app, "named")[0].name == "Named"


def test_the_name_in_langgraph_json_is_taken(app: Path, write: Write) -> None:
    write("langgraph.json", '{"graphs": {"agent": "./app.py:named"}}')
    source = load_target("agent", Settings(), app)

    async def name() -> str:
        async with AsyncExitStack() as stack:
            return (await source.open({}, stack)).name

    assert asyncio.run(name()) == "agent"


def test_a_wrapper_is_kept_around_its_graph(app: Path) -> None:
    target, *_ = opened(app, "wrapped")
    assert type(target.runnable).__name__ == "RunnableRetry"
    assert target.graph is __import__("app").graph


@pytest.mark.parametrize(
    ("name", "message", "traceback"),
    [
        ("raises", "building the graph of app:raises failed: ValueError: no key", "in raises"),
        ("manager_raises", "failed: ValueError: no connection", "in manager_raises"),
        (
            "exits",
            "building the graph of app:exits ended the program (exit code no key)",
            "in exits",
        ),
        ("gives_text", "app:gives_text returned an object of type str, not a graph", None),
        ("gives_broken", "the StateGraph does not compile: ", None),
        ("three", "app:three needs 3 arguments (a, b, c)", None),
    ],
)
def test_broken_factories(app: Path, name: str, message: str, traceback: str | None) -> None:
    with pytest.raises(TargetError) as raised:
        opened(app, name)
    assert message in raised.value.message
    told = raised.value.user_traceback
    if traceback is None:
        assert told is None
    else:
        assert told is not None
        assert traceback in told
        assert "/lgprof/target/" not in told
        assert "contextlib.py" not in told
