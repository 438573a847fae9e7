"""Records the calls of LangChain's embedding models, for which it has no callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from langchain_core.embeddings import Embeddings

from lgprof.clock import Clock
from lgprof.langgraph_adapter.outcomes import outcome_of, type_name
from lgprof.model import Outcome
from lgprof.record.class_methods import Wrap, wrapped_methods
from lgprof.record.event_log import (
    ID_MASK,
    NO_STEP,
    OUTCOME_NUMBER,
    ModelEvent,
    Recording,
    RunKind,
)
from lgprof.record.origin import enter_model, leave_model, model_around, origin

_PACKAGE = "langchain_"


@contextmanager
def embeddings_recorded(recording: Recording, clock: Clock) -> Iterator[None]:
    """Record every embedding call until the context ends.

    What one method does through another, or a model through its client, is one call.
    """
    log = _Log(recording, clock)

    def recorded(embed: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(embed)
        def recorded_embed(self: Any, texts: Any, *args: Any, **kwargs: Any) -> Any:
            with log.call(self, texts):
                return embed(self, texts, *args, **kwargs)

        return recorded_embed

    def recorded_async(embed: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(embed)
        async def recorded_embed(self: Any, texts: Any, *args: Any, **kwargs: Any) -> Any:
            with log.call(self, texts):
                return await embed(self, texts, *args, **kwargs)

        return recorded_embed

    methods: dict[str, Wrap] = {
        "embed_documents": recorded,
        "embed_query": recorded,
        "aembed_documents": recorded_async,
        "aembed_query": recorded_async,
    }
    with wrapped_methods(Embeddings, methods):
        yield


class _Log:
    """Where the calls are recorded."""

    def __init__(self, recording: Recording, clock: Clock) -> None:
        self._recording, self._now_ns = recording, clock.now_ns

    @contextmanager
    def call(self, model: Any, texts: Any) -> Iterator[None]:
        """One call of a model, unless it is part of another, or of no graph."""
        parent = origin()
        if model_around() or not parent:
            yield
            return
        run, event = self._begin(model, texts, parent)
        try:
            yield
        except BaseException as error:
            event.answer = None  # a refusal is not billed, so there is nothing to count
            self._end(run, type_name(error), outcome_of(error))
            raise
        self._end(run, "", "ok")

    def _begin(self, model: Any, texts: Any, parent: int) -> tuple[UUID, ModelEvent]:
        run, name = uuid4(), _name(model)
        prompt = [texts] if isinstance(texts, str) else list(texts)
        event = ModelEvent(_provider(model), [prompt], name, answer="", kind="embedding")
        start = (self._now_ns(), run, parent, None, name, NO_STEP, int(RunKind.MODEL))
        self._recording.models[run.int & ID_MASK] = event
        self._recording.starts.add(start)
        enter_model(run.int & ID_MASK)
        return run, event

    def _end(self, run: UUID, error: str, outcome: Outcome) -> None:
        leave_model(run.int & ID_MASK)
        self._recording.ends.add((self._now_ns(), run, error, OUTCOME_NUMBER[outcome]))


def _name(model: Any) -> str:
    """The model's name, else that of its class."""
    for field in ("model", "model_name", "model_id"):
        name = getattr(model, field, None)
        if isinstance(name, str) and name:
            return name
    return type(model).__name__


def _provider(model: Any) -> str | None:
    """``openai`` for a class out of ``langchain_openai``."""
    package = type(model).__module__.partition(".")[0]
    known = package.startswith(_PACKAGE) and package not in (
        "langchain_core",
        "langchain_community",
    )
    return package.removeprefix(_PACKAGE) if known else None
