"""Installs a callback handler in every LangChain and LangGraph run of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler, manager
from langchain_core.tracers import context as tracer_context


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
    """Spare the async events of a run that reports to this handler alone a turn of the event loop.

    langchain-core awaits an ``asyncio.gather`` at each event, also when it gathers nothing, which
    costs the graph some 10 µs a node and lets others run where they would not have without us.
    """
    dispatch = manager.ahandle_event

    async def ahandle_event(
        handlers: list[BaseCallbackHandler],
        event_name: str,
        ignore_condition_name: str | None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if len(handlers) == 1 and handlers[0] is handler and event_name in _PLAIN_EVENTS:
            getattr(handler, event_name)(*args, **kwargs)
        else:
            await dispatch(handlers, event_name, ignore_condition_name, *args, **kwargs)

    manager.ahandle_event = ahandle_event
    try:
        yield
    finally:
        manager.ahandle_event = dispatch


_PLAIN_EVENTS = frozenset({"on_chain_start", "on_chain_end", "on_chain_error"})
"""Events that our handler takes without raising; others keep langchain-core's safety net."""
