"""Sees calls of models that go past LangChain, and what an SDK tries again, on the wire.

An SDK's request to a provider inside a call that LangChain reports is part of that call; any other
is a call of its own, of the node whose code sent it. Neither headers nor bodies are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID, uuid4

from lgprof.clock import Clock
from lgprof.langgraph_adapter.outcomes import outcome_of, type_name
from lgprof.llm.wire import AnswerReader, Endpoint, asked_model, endpoint_of
from lgprof.record.event_log import (
    ID_MASK,
    NO_STEP,
    OUTCOME_NUMBER,
    ModelEvent,
    Recording,
    RunKind,
)
from lgprof.record.origin import model_around, origin

_RETRY_COUNT = "x-stainless-retry-count"
"""OpenAI's and Anthropic's SDKs say so how often they have tried before."""
_REFUSED_FROM, _TOO_MANY = 500, 429
_MOST_REFUSED = 1000
"""So many refused requests are remembered in case that they are sent again."""
_SENDING: ContextVar[bool] = ContextVar("lgprof_sending", default=False)
"""One client may send through another: httpx through aiohttp."""


@dataclass(slots=True)
class _Call:
    """One call: all attempts at it."""

    run: UUID | None
    """Of a call of its own; None inside one that LangChain reports."""
    event: ModelEvent | None
    scope: int
    """Id of the call, or of the one that it is part of."""


@dataclass(slots=True)
class _Refused:
    """An attempt that may be followed by another."""

    call: _Call
    end_ns: int


class HttpObserver:
    """Turns requests to providers into model calls of a recording."""

    def __init__(self, recording: Recording, clock: Clock) -> None:
        self._recording = recording
        self._now_ns = clock.now_ns
        self._refused: dict[int, list[_Refused]] = {}

    def begin(
        self, method: str, host: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> HttpAttempt | None:
        """A request is sent now; None where it is no business of ours."""
        if method.upper() != "POST" or _SENDING.get():
            return None
        endpoint = endpoint_of(host, path)
        scope = model_around()
        around = scope or origin()
        if endpoint is None or not around:
            return None
        now_ns = self._now_ns()
        key = hash((around, host, path, body))
        call = self._tried_before(key, headers, now_ns)
        if call is None:
            call = self._call(endpoint, body, scope, around, now_ns)
        if call.event is not None:
            call.event.attempts += 1
        return HttpAttempt(self, call, endpoint, key, now_ns)

    def _tried_before(self, key: int, headers: Mapping[str, str], now_ns: int) -> _Call | None:
        """The call that this is another attempt at."""
        waiting = self._refused.get(key)
        if not waiting or headers.get(_RETRY_COUNT) == "0":
            return None
        refused = waiting.pop(0)
        if not waiting:
            del self._refused[key]
        self._recording.rate_waits.append((refused.end_ns, now_ns, refused.call.scope))
        return refused.call

    def _call(self, endpoint: Endpoint, body: bytes, scope: int, around: int, now_ns: int) -> _Call:
        if scope:
            return _Call(None, self._recording.models.get(scope), scope)
        run = uuid4()
        model = endpoint.model or asked_model(body) or endpoint.family
        event = ModelEvent(endpoint.provider, None, model, kind=endpoint.kind)
        self._recording.models[run.int & ID_MASK] = event
        self._recording.starts.add((now_ns, run, around, None, model, NO_STEP, int(RunKind.MODEL)))
        return _Call(run, event, run.int & ID_MASK)

    def refused(self, attempt: HttpAttempt, now_ns: int) -> None:
        """The provider would not answer an attempt, now."""
        self._recording.rate_waits.append((attempt.start_ns, now_ns, attempt.call.scope))
        self._refused.setdefault(attempt.key, []).append(_Refused(attempt.call, now_ns))
        while len(self._refused) > _MOST_REFUSED:
            del self._refused[next(iter(self._refused))]

    def end(self, call: _Call, now_ns: int, error: str, outcome: int) -> None:
        """An attempt is over; where another follows, its end is the call's."""
        if call.run is not None:
            self._recording.ends.add((now_ns, call.run, error, outcome))

    def now_ns(self) -> int:
        """The time."""
        return self._now_ns()


class HttpAttempt:
    """One request and its answer."""

    def __init__(
        self, observer: HttpObserver, call: _Call, endpoint: Endpoint, key: int, start_ns: int
    ) -> None:
        self.call, self.key, self.start_ns = call, key, start_ns
        self._observer, self._endpoint = observer, endpoint
        self._reader: AnswerReader | None = None
        self._status = 0
        self._done = False

    def answered(self, status: int, content_type: str) -> None:
        """The head of the answer has arrived."""
        self._status = status
        event = self.call.event
        is_told = self.call.run is None and (event is None or event.kind == "chat")
        if status < 400 and not is_told:
            streams = content_type.startswith("text/event-stream")
            self._reader = AnswerReader(self._endpoint, streams=streams)

    def feed(self, data: bytes) -> None:
        """Some bytes of the answer have arrived."""
        event = self.call.event
        if self._reader is None or event is None or self._done:
            return
        try:
            pieces = self._reader.feed(data)
        except Exception:  # an answer of any shape goes on to who asked for it
            self._reader = None
            return
        if pieces and self.call.run is not None:
            event.note_text(self._observer.now_ns(), pieces)

    def end(self) -> None:
        """The answer is over, or given up."""
        if self._done:
            return
        self._done = True
        now_ns, status, event = self._observer.now_ns(), self._status, self.call.event
        if status == _TOO_MANY or status >= _REFUSED_FROM:
            self._observer.refused(self, now_ns)
        if self._reader is not None and event is not None:
            with suppress(Exception):  # usage of a shape that nobody has described is unknown
                event.add_usage(self._reader.usage(), self._reader.model)
        failed = status >= 400
        error = f"HTTP {status}" if failed else ""
        self._observer.end(self.call, now_ns, error, OUTCOME_NUMBER["failed" if failed else "ok"])

    def fail(self, error: BaseException) -> None:
        """The request, or the reading of its answer, raised."""
        if not self._done:
            self._done = True
            now_ns = self._observer.now_ns()
            number = OUTCOME_NUMBER[outcome_of(error)]
            self._observer.end(self.call, now_ns, type_name(error), number)


@contextmanager
def sending_through() -> Iterator[None]:
    """What is sent until the context ends is sent by the client above, which is seen already."""
    token = _SENDING.set(True)
    try:
        yield
    finally:
        _SENDING.reset(token)
