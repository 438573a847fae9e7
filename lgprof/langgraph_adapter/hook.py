"""Installs a callback handler in every LangChain and LangGraph run of the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForChainRun,
    BaseCallbackHandler,
    manager,
)
from langchain_core.tracers import context as tracer_context

AsyncMethod = Callable[..., Awaitable[None]]


@contextmanager
def installed(handler: BaseCallbackHandler) -> Iterator[None]:
    """Make every run report to the handler until the context ends.

    The default of a context variable, unlike its value, is seen in every thread, event loop and
    fresh context.
    """
    variable: ContextVar[BaseCallbackHandler | None] = ContextVar("lgprof", default=handler)
    tracer_context.register_configure_hook(variable, inheritable=True)
    hooks = tracer_context._configure_hooks
    try:
        with _called_at_once(handler):
            yield
    finally:
        hooks[:] = [hook for hook in hooks if hook[0] is not variable]


@contextmanager
def _called_at_once(handler: BaseCallbackHandler) -> Iterator[None]:
    """Call the handler directly at the async events of a run that reports to it alone.

    langchain-core awaits an ``asyncio.gather`` at each event, also when it gathers nothing, and
    ends each run in an asyncio task, so that a handler that waits is not cancelled. Ours does not
    wait: spared both, the graph pays some 10 µs a node less, about what the recording costs it.
    """
    dispatch = manager.ahandle_event
    runs = AsyncCallbackManagerForChainRun
    ends = {name: getattr(runs, name) for name in ("on_chain_end", "on_chain_error")}

    async def ahandle_event(
        handlers: list[BaseCallbackHandler],
        event_name: str,
        ignore_condition_name: str | None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if event_name in _PLAIN_EVENTS and _only(handler, handlers):
            getattr(handler, event_name)(*args, **kwargs)
        else:
            await dispatch(handlers, event_name, ignore_condition_name, *args, **kwargs)

    manager.ahandle_event = ahandle_event
    for name, end in ends.items():
        setattr(runs, name, _in_no_task(end, handler))
    try:
        yield
    finally:
        manager.ahandle_event = dispatch
        for name, end in ends.items():
            setattr(runs, name, end)


def _in_no_task(shielded: AsyncMethod, handler: BaseCallbackHandler) -> AsyncMethod:
    """A run's end for this handler alone, or the shielded one where others are told too."""
    plain: AsyncMethod = getattr(shielded, "__wrapped__", shielded)

    @wraps(shielded)
    async def end(run: AsyncCallbackManagerForChainRun, *args: Any, **kwargs: Any) -> None:
        method = plain if _only(handler, run.handlers) else shielded
        await method(run, *args, **kwargs)

    return end


def _only(handler: BaseCallbackHandler, handlers: list[BaseCallbackHandler]) -> bool:
    return len(handlers) == 1 and handlers[0] is handler


_PLAIN_EVENTS = frozenset({"on_chain_start", "on_chain_end", "on_chain_error"})
"""Events that our handler takes without raising; others keep langchain-core's safety net."""
