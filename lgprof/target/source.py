"""A loaded target, and how it becomes a graph: factories are called, builders compiled."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from lgprof.errors import TargetError
from lgprof.langgraph_adapter.graphs import (
    AnyGraph,
    AnyRunnable,
    as_runnable_graph,
    is_graph,
    is_runnable,
)
from lgprof.langgraph_adapter.hosting import server_runtime
from lgprof.target.user_code import user_code

_DEFAULT_NAME = "LangGraph"
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_Factory = Callable[..., Any]


@dataclass(frozen=True)
class OpenTarget:
    """A target that is ready to run."""

    runnable: AnyRunnable
    """What to invoke: the graph, or what the user wrapped around it."""
    graph: AnyGraph
    """The graph itself."""
    name: str
    """What to call it in a report."""


@dataclass(frozen=True)
class TargetSource:
    """An imported target: a graph, or a factory of graphs."""

    spec: str
    """As shown to people, and as can be typed."""
    obj: Any
    """The object that the target names."""
    attribute: str
    """Its name in its module."""
    config_name: str | None = None
    """Its name in ``langgraph.json``."""
    not_supplied: tuple[str, ...] = ()
    """What that file asks its host for and lgprof does not supply."""

    async def open(self, config: dict[str, Any], stack: AsyncExitStack) -> OpenTarget:
        """Make the graph: call the factory, enter its context manager, compile the builder.

        Call it on the event loop that runs the graph.

        Args:
            config: The configuration that factories receive.
            stack: Closes what the factory opened; keep it open while the graph runs.

        Raises:
            TargetError: The factory raised (with its traceback), or gave no graph.
        """
        made = self.obj
        if not is_graph(made):
            with user_code(f"building the graph of {self.spec}"):
                made = await _enter(_call(made, config, self.spec), stack)
            if not is_graph(made):
                raise TargetError(
                    f"{self.spec} returned an object of type {type(made).__name__}, not a graph",
                    hint="a factory returns a StateGraph, a compiled graph or an @entrypoint",
                )
        runnable, graph = as_runnable_graph(made)
        return OpenTarget(runnable, graph, self._name(graph))

    def _name(self, graph: AnyGraph) -> str:
        if self.config_name:
            return self.config_name
        return self.attribute if graph.name in (None, "", _DEFAULT_NAME) else graph.name


def check_usable(obj: object, *, where: str) -> None:
    """See that an object is a graph or may give one, before anything runs.

    Raises:
        TargetError: It is neither.
    """
    is_factory = callable(obj) and not isinstance(obj, type) and not is_runnable(obj)
    if is_factory:
        return
    try:
        if not is_graph(obj) or is_runnable(obj):
            as_runnable_graph(obj)
    except TargetError as error:
        raise TargetError(f"{where}: {error.message}", hint=error.hint) from None


def _call(factory: _Factory, config: dict[str, Any], spec: str) -> Any:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in _parameters(factory, spec):
        is_runtime = _is_runtime(parameter, first=not (positional or named))
        value = server_runtime() if is_runtime else config
        if parameter.kind in _POSITIONAL:
            positional.append(value)
        else:
            named[parameter.name] = value
    return factory(*positional, **named)


def _parameters(factory: _Factory, spec: str) -> list[inspect.Parameter]:
    """The parameters that we fill: those without a default, or that ask for the configuration."""
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):  # builtins without a signature
        return []
    wanted = [p for p in parameters if p.kind not in _VARIABLE and _is_filled(p)]
    if len(wanted) > 2:
        names = ", ".join(parameter.name for parameter in wanted)
        raise TargetError(
            f"{spec} needs {len(wanted)} arguments ({names}): a graph factory takes at most two, "
            "the configuration and the runtime",
            hint="wrap it in a function without arguments",
        )
    return wanted


def _is_filled(parameter: inspect.Parameter) -> bool:
    return (
        parameter.default is parameter.empty
        or parameter.name in ("config", "runtime")
        or "RunnableConfig" in str(parameter.annotation)
    )


def _is_runtime(parameter: inspect.Parameter, *, first: bool) -> bool:
    if "Runtime" in str(parameter.annotation) or parameter.name == "runtime":
        return True
    return not first and parameter.name != "config"


async def _enter(made: Any, stack: AsyncExitStack) -> Any:
    """The value in a coroutine, a context manager or a generator, which may be nested."""
    while not is_graph(made):
        if inspect.isawaitable(made):
            made = await made
        elif hasattr(made, "__aenter__"):
            made = await stack.enter_async_context(made)
        elif hasattr(made, "__enter__"):
            made = stack.enter_context(made)
        elif inspect.isasyncgen(made):
            made = await stack.enter_async_context(
                contextlib.asynccontextmanager(lambda g=made: g)()
            )
        elif inspect.isgenerator(made):
            made = stack.enter_context(contextlib.contextmanager(lambda g=made: g)())
        else:
            break
    return made
