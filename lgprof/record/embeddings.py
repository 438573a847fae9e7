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

    def begin(model: Any, texts: Any) -> UUID | None:
        parent = origin()
        if model_around() or not parent:
            return None
        run, name = uuid4(), _name(model)
        prompt = [texts] if isinstance(texts, str) else list(texts)
        recording.models[run.int & ID_MASK] = ModelEvent(
            _provider(model), [prompt], name, answer="", kind="embedding"
        )
        recording.starts.add((clock.now_ns(), run, parent, None, name, NO_STEP, int(RunKind.MODEL)))
        enter_model(run.int & ID_MASK)
        return run

    def end(run: UUID, error: BaseException | None) -> None:
        leave_model(run.int & ID_MASK)
        outcome = "ok" if error is None else outcome_of(error)
        name = "" if error is None else type_name(error)
        recording.ends.add((clock.now_ns(), run, name, OUTCOME_NUMBER[outcome]))

    def recorded(embed: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(embed)
        def recorded_embed(self: Any, texts: Any, *args: Any, **kwargs: Any) -> Any:
            run = begin(self, texts)
            if run is None:
                return embed(self, texts, *args, **kwargs)
            try:
                result = embed(self, texts, *args, **kwargs)
            except BaseException as error:
                end(run, error)
                raise
            end(run, None)
            return result

        return recorded_embed

    def recorded_async(embed: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(embed)
        async def recorded_embed(self: Any, texts: Any, *args: Any, **kwargs: Any) -> Any:
            run = begin(self, texts)
            if run is None:
                return await embed(self, texts, *args, **kwargs)
            try:
                result = await embed(self, texts, *args, **kwargs)
            except BaseException as error:
                end(run, error)
                raise
            end(run, None)
            return result

        return recorded_embed

    methods: dict[str, Wrap] = {
        "embed_documents": recorded,
        "embed_query": recorded,
        "aembed_documents": recorded_async,
        "aembed_query": recorded_async,
    }
    with wrapped_methods(Embeddings, methods):
        yield


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
