"""What the host of a graph supplies, lgprof supplies: a checkpointer, a store, a context."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore

from lgprof.errors import UsageError
from lgprof.langgraph_adapter.graphs import as_runnable_graph
from lgprof.langgraph_adapter.hosting import default_context, needs_checkpointer, with_host
from lgprof.langgraph_adapter.mode import preferred_mode
from lgprof.run.options import RunOptions
from lgprof.run.plan import RequestPlan
from lgprof.target import Inputs, OpenTarget, substitute


def chosen_mode(target: OpenTarget, options: RunOptions) -> str:
    """``async`` or ``sync``."""
    return preferred_mode(target.graph) if options.mode == "auto" else options.mode


async def hosted(
    target: OpenTarget, options: RunOptions, mode: str, stack: AsyncExitStack
) -> OpenTarget:
    """A copy of the target with what its host would supply; the user's graph is not changed.

    Raises:
        UsageError: An unknown kind of checkpointer or store, or one that cannot be opened.
    """
    runnable = with_host(
        target.runnable,
        checkpointer=await _checkpointer(target, options, mode, stack),
        store=_store(options.store),
    )
    return replace(target, runnable=runnable, graph=as_runnable_graph(runnable).graph)


def is_checkpointed(target: OpenTarget) -> bool:
    """Whether the graph keeps checkpoints, so that it can be interrupted and resumed."""
    return isinstance(target.graph.checkpointer, BaseCheckpointSaver)


def request_plan(
    target: OpenTarget, inputs: Inputs, options: RunOptions, *, names_runs: bool = True
) -> RequestPlan:
    """How to make each request of a hosted target; ``names_runs`` is that of `RequestPlan`."""
    context = options.context
    if context is None:
        context = default_context(target.graph)
    return RequestPlan(
        render_input=inputs.render,
        render_config=lambda index: dict(substitute(options.config, index) or {}),
        render_context=lambda index: substitute(context, index),
        resumes=options.resumes,
        checkpointed=is_checkpointed(target),
        recursion_limit=options.recursion_limit,
        names_runs=names_runs,
    )


def pool_size(loop: asyncio.AbstractEventLoop | None) -> int | None:
    """How many threads nodes have: those of the loop's default executor.

    Without a loop, those of the pool that LangGraph makes for a sync run without
    ``max_concurrency``. None where it cannot be told.
    """
    pool = ThreadPoolExecutor() if loop is None else getattr(loop, "_default_executor", None)
    return getattr(pool, "_max_workers", None)


async def _checkpointer(
    target: OpenTarget, options: RunOptions, mode: str, stack: AsyncExitStack
) -> Any:
    kind, _, file = options.checkpointer.partition(":")
    if kind == "auto" and not file:
        has_thread = "thread_id" in (options.config.get("configurable") or {})
        wanted = needs_checkpointer(
            target.graph, resumes=bool(options.resumes), has_thread=has_thread
        )
        return InMemorySaver() if wanted else None
    if kind == "memory" and not file:
        return InMemorySaver()
    if kind == "none" and not file:
        if options.resumes:
            raise UsageError(
                "--resume answers interrupts, and these need a checkpointer",
                hint="leave out --checkpointer none",
            )
        return None
    if kind == "sqlite" and file:
        return await sqlite_saver(Path(file), mode, stack)
    raise UsageError(
        f"--checkpointer {options.checkpointer!r} is not known",
        hint="use auto, memory, none or sqlite:FILE",
    )


async def sqlite_saver(file: Path, mode: str, stack: AsyncExitStack) -> Any:
    """A checkpointer on a file, closed with the stack.

    Raises:
        UsageError: The file cannot be used, or the package for it is not installed.
    """
    if not file.parent.is_dir():
        raise UsageError(f"--checkpointer: no such folder: {file.parent}")
    try:
        if mode == "async":
            from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

            saver = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(file)))
            await saver.setup()
            return saver
        from langgraph.checkpoint.sqlite import SqliteSaver

        sync_saver = stack.enter_context(SqliteSaver.from_conn_string(str(file)))
        sync_saver.setup()
        return sync_saver
    except sqlite3.Error as error:
        raise UsageError(f"--checkpointer: {file} cannot be used: {error}") from error
    except ImportError as error:
        raise UsageError(
            "--checkpointer sqlite:FILE needs langgraph-checkpoint-sqlite",
            hint="pip install 'lgprof[sqlite]'",
        ) from error


def _store(kind: str) -> Any:
    if kind in ("auto", "memory"):
        return InMemoryStore()
    if kind == "none":
        return None
    raise UsageError(f"--store {kind!r} is not known", hint="use auto, memory or none")
