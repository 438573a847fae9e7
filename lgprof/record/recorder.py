"""The callback handler that records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from lgprof.clock import Clock
from lgprof.langgraph_adapter.outcomes import outcome_of, type_name
from lgprof.record.event_log import (
    BATCH,
    ID_MASK,
    NO_STEP,
    OUTCOME_NUMBER,
    ModelEvent,
    Recording,
    RunKind,
)
from lgprof.record.exchanges import Exchange
from lgprof.record.origin import enter_model, leave_model, origin

_OK = OUTCOME_NUMBER["ok"]


class RecordingHandler(BaseCallbackHandler):
    """Appends a fixed-size record per event and does nothing else.

    ``run_inline`` keeps it on the thread of the event: a handler that is sent to the loop's
    executor is slow and reads wrong times when the executor is busy.
    """

    run_inline = True
    ignore_chain = False
    """Not the property that it is in the base class: it is asked for at every event."""

    def __init__(self, recording: Recording, clock: Clock) -> None:
        self.recording = recording
        self.on_chain_start = _chain_start(recording, clock.now_ns)  # type: ignore[method-assign]
        self.on_chain_end = _run_end(recording, clock.now_ns)  # type: ignore[method-assign]
        self._now_ns = clock.now_ns

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Also tools, retrievers and models end here."""
        now_ns = self._now_ns()
        outcome = outcome_of(error)
        name = "" if outcome in ("ok", "interrupted") else type_name(error)
        self.recording.ends.add((now_ns, run_id, name, OUTCOME_NUMBER[outcome]))

    on_tool_error = on_chain_error
    on_retriever_error = on_chain_error

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """End of a model call that raised."""
        self.on_chain_error(error, run_id=run_id)
        leave_model(run_id.int & ID_MASK)

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Start of a tool call."""
        name = kwargs.get("name") or (serialized or {}).get("name") or "tool"
        self._start(RunKind.TOOL, name, run_id, parent_run_id, metadata)
        self._ask(run_id, parent_run_id, kwargs.get("inputs") or input_str)

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Start of a retriever call."""
        name = kwargs.get("name") or (serialized or {}).get("name") or "retriever"
        self._start(RunKind.RETRIEVER, name, run_id, parent_run_id, metadata)
        self._ask(run_id, parent_run_id, query)

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        """End of a call of a tool, or of a retriever."""
        self.on_chain_end({}, run_id=run_id)
        self._answer(run_id, output)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **_: Any) -> None:
        """End of a call of a retriever."""
        self.on_tool_end(documents, run_id=run_id)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Start of a chat model call."""
        asked = kwargs.get("invocation_params") or {}
        facts = metadata or {}
        name = (
            facts.get("ls_model_name")
            or asked.get("model")
            or asked.get("model_name")
            or kwargs.get("name")
            or (serialized or {}).get("name")
            or "model"
        )
        self.recording.models[run_id.int & ID_MASK] = ModelEvent(
            facts.get("ls_provider"),
            messages,
            str(name),
            str(facts.get("langgraph_checkpoint_ns") or ""),
            asked.get("tools"),
        )
        self._start(RunKind.MODEL, str(name), run_id, parent_run_id, metadata)
        self._ask(run_id, parent_run_id, messages)
        enter_model(run_id.int & ID_MASK)

    def on_llm_start(
        self, serialized: dict[str, Any] | None, prompts: list[str], **kwargs: Any
    ) -> None:
        """Start of a call of a text-completion model."""
        self.on_chat_model_start(serialized, prompts, **kwargs)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **_: Any) -> None:
        """One streamed chunk; the first may be empty and carry the role alone."""
        event = self.recording.models.get(run_id.int & ID_MASK)
        if event is None:
            return
        if token:
            event.note_text(self._now_ns())
        else:
            event.chunks += 1

    def on_llm_end(self, response: Any, *, run_id: UUID, **_: Any) -> None:
        """End of a model call: keeps the usage that the provider reported."""
        self.on_chain_end({}, run_id=run_id)
        leave_model(run_id.int & ID_MASK)
        event = self.recording.models.get(run_id.int & ID_MASK)
        if event is not None:
            event.usage, event.served_model, event.answer = _reported(
                response, keeps_answer=self.recording.keeps_answers
            )
        self._answer(run_id, _first_message(response))

    def _ask(self, run_id: UUID, parent_run_id: UUID | None, asked: Any) -> None:
        if self.recording.exchanges is not None:
            parent = parent_run_id.int & ID_MASK if parent_run_id else origin()
            self.recording.exchanges[run_id.int & ID_MASK] = Exchange(parent, asked)

    def _answer(self, run_id: UUID, answered: Any) -> None:
        exchange = (self.recording.exchanges or {}).get(run_id.int & ID_MASK)
        if exchange is not None:
            exchange.answered = answered

    def _start(
        self,
        kind: RunKind,
        name: str,
        run_id: UUID,
        parent_run_id: UUID | None,
        metadata: dict[str, Any] | None,
    ) -> None:
        facts = metadata or {}
        namespace = facts.get("langgraph_checkpoint_ns")
        step = facts.get("langgraph_step", NO_STEP)
        parent = parent_run_id or origin()
        self.recording.starts.add(
            (self._now_ns(), run_id, parent, namespace, name, step, int(kind))
        )


def _first_message(response: Any) -> Any:
    generations = getattr(response, "generations", None)
    first = generations[0][0] if generations and generations[0] else None
    return getattr(first, "message", None) or getattr(first, "text", None)


def _chain_start(recording: Recording, now_ns: Callable[[], int]) -> Callable[..., None]:
    """The hot path as a closure: attribute look-ups would cost as much as the record."""
    add, pending, settle = recording.starts.add, recording.starts.pending, recording.settle

    def on_chain_start(
        serialized: Any,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str = "",
        **_: Any,
    ) -> None:
        t_ns = now_ns()
        namespace = None
        step = NO_STEP
        if metadata:
            namespace = metadata.get("langgraph_checkpoint_ns")
            step = metadata.get("langgraph_step", NO_STEP)
        add((t_ns, run_id, parent_run_id or origin(), namespace, name or "", step, tags))
        if len(pending) >= BATCH:
            settle()

    return on_chain_start


def _run_end(recording: Recording, now_ns: Callable[[], int]) -> Callable[..., None]:
    add = recording.ends.add

    def on_end(outputs: Any, *, run_id: UUID, **_: Any) -> None:
        add((now_ns(), run_id, "", _OK))

    return on_end


def _reported(
    response: Any, *, keeps_answer: bool
) -> tuple[dict[str, Any] | None, str | None, Any]:
    """Usage and model as the provider reported them, and the answer where it told no usage."""
    generations = getattr(response, "generations", None)
    first = generations[0][0] if generations and generations[0] else None
    message = getattr(first, "message", None)
    usage = getattr(message, "usage_metadata", None)
    facts = getattr(message, "response_metadata", None) or {}
    if usage:
        answer = message if keeps_answer else None
        return usage, facts.get("model_name") or facts.get("model"), answer
    told = getattr(response, "llm_output", None) or {}
    facts = facts or told
    answer = getattr(first, "text", None) if message is None else message
    return told.get("token_usage"), facts.get("model_name") or facts.get("model"), answer
