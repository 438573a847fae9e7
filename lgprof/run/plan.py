"""What a run sends: each request as a conversation with the graph, free of any I/O of its own."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

OWN_THREAD = "lgprof-"
"""How the ids of threads begin that are made for one request."""

MAX_RESUMES = 25
"""A graph that interrupts more often than this is taken to do so for ever."""


class EndlessInterruptsError(Exception):
    """A request that was resumed `MAX_RESUMES` times and still is not at its end."""


class Unanswered(NamedTuple):
    """Interrupts at which a request ended for want of answers."""

    nodes: str
    """Their names."""
    interrupts: int
    """How many waited at once."""
    answers: int
    """How many answers were left for them."""


class Invoke(NamedTuple):
    """Call the graph; the reply is its output."""

    payload: Any
    config: RunnableConfig
    run_id: UUID | None
    context: Any


class GetState(NamedTuple):
    """Ask for the graph's state; the reply is LangGraph's ``StateSnapshot``."""

    config: RunnableConfig


Conversation = Generator[Invoke | GetState, Any, None]


def _new_thread_ids() -> Iterator[str]:
    """Ids that no other run makes; several threads may take them."""
    return map(f"{OWN_THREAD}{uuid4()}-{{}}".format, count())


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """How to make each request.

    Args:
        render_input: From a request's index to its input.
        render_config: From a request's index to the user's part of the config.
        render_context: From a request's index to the context; None without one.
        resumes: Answers to dynamic interrupts, in order.
        checkpointed: Whether the graph can be interrupted at all.
        recursion_limit: None leaves LangGraph's own.
        names_runs: Whether each call of the graph gets a run id that is known beforehand.
    """

    render_input: Callable[[int], Any]
    render_config: Callable[[int], dict[str, Any]] = lambda index: {}
    render_context: Callable[[int], Any] = lambda index: None
    resumes: list[Any] = field(default_factory=list)
    checkpointed: bool = False
    recursion_limit: int | None = None
    names_runs: bool = True
    _thread_ids: Iterator[str] = field(default_factory=_new_thread_ids)

    def conversation(self, index: int, unanswered: Callable[[Unanswered], None]) -> Conversation:
        """The steps of one request: invoke, and resume for as long as the graph is interrupted.

        Args:
            index: The request's index.
            unanswered: Told of the interrupts for which the answers do not suffice.
        """
        config = self.config(index)
        context = self.render_context(index)
        answers = iter(self.resumes)
        payload = self.render_input(index)
        for _ in range(MAX_RESUMES + 1):
            output = yield self._invoke(payload, config, context)
            if not self.checkpointed:
                return
            state = yield GetState(config)
            interrupts = pending_interrupts(output, state)
            if not interrupts and not state.next:
                return
            values = [value for _, value in zip(interrupts, answers, strict=False)]
            if len(values) < len(interrupts):
                nodes = ", ".join(state.next) or "a node"
                unanswered(Unanswered(nodes, len(interrupts), len(values)))
                return
            payload = _resume(interrupts, values)
        raise EndlessInterruptsError(
            f"still interrupted after {MAX_RESUMES} resumes, at {', '.join(state.next)}: "
            "with these answers the graph does not end"
        )

    def _invoke(self, payload: Any, config: RunnableConfig, context: Any) -> Invoke:
        if not self.names_runs:
            return Invoke(payload, config, None, context)
        run_id = uuid4()
        return Invoke(payload, {**config, "run_id": run_id}, run_id, context)

    def config(self, index: int) -> RunnableConfig:
        """A config with a thread of its own, unless the user names one."""
        config: RunnableConfig = {**self.render_config(index)}  # type: ignore[typeddict-item]
        configurable = config.get("configurable") or {}
        config["configurable"] = {"thread_id": next(self._thread_ids), **configurable}
        if self.recursion_limit is not None:
            config["recursion_limit"] = self.recursion_limit
        return config


def pending_interrupts(output: Any, state: Any) -> list[Any]:
    """Dynamic interrupts that wait for an answer, by task; none at a static breakpoint.

    Before langgraph 1.1 the state does not tell a node's second one, the output does.
    """
    known = [found for task in state.tasks for found in task.interrupts]
    told = output.get("__interrupt__") if isinstance(output, dict) else None
    return known or list(told or ())


def _resume(interrupts: list[Any], values: list[Any]) -> Any:
    if not interrupts:
        return None
    # By id: a bare value cannot be None, and goes to one task alone.
    answers = {interrupt.id: value for interrupt, value in zip(interrupts, values, strict=True)}
    return Command(resume=answers)
