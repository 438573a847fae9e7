"""What is compared: the bare graph, a handler that does nothing, lgprof, and other tracers.

The other tracers get the cheapest life that their makers allow: one handler for all runs, and a
transport that throws everything away. In real use they also pay for a network.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from paired import BARE, BARE_AGAIN, Instrument

from lgprof.clock import SYSTEM_CLOCK
from lgprof.langgraph_adapter.hook import installed
from lgprof.record.digest import Digester
from lgprof.record.event_log import Recording
from lgprof.record.recorder import RecordingHandler
from lgprof.record.session import recording_session

NOOP = "a handler that does nothing"
RECORDING = "lgprof --no-probes"
PROBES = "lgprof"


class NoopHandler(BaseCallbackHandler):
    """Overrides what lgprof overrides, so that the same methods are really called."""

    run_inline = True

    def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
        pass

    def on_chain_end(self, *args: Any, **kwargs: Any) -> None:
        pass


def own() -> list[Instrument]:
    return [
        Instrument(BARE),
        Instrument(BARE_AGAIN),
        Instrument(NOOP, config={"callbacks": [NoopHandler()]}),
        _recording(),
        _probes(),
    ]


def _recording() -> Instrument:
    recording = Recording()
    handler = RecordingHandler(recording, SYSTEM_CLOCK)
    return Instrument(
        RECORDING,
        active=lambda loop: installed(handler),
        finish=recording.settle,
        clear=recording.clear,
        spans=lambda: len(recording.starts),
    )


def _probes() -> Instrument:
    """As ``lgprof run`` does it; values are hashed after the runs, as they are between requests."""
    current: list[Recording] = []
    digester = Digester()

    @contextmanager
    def active(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        with recording_session(SYSTEM_CLOCK, probes=True, loop=loop) as session:
            assert session.probes is not None
            session.probes.caller_threads.add(threading.get_ident())
            current[:] = [session.recording]
            yield

    return Instrument(
        PROBES,
        active=active,
        finish=lambda: digester.digest(current[0]),
        clear=lambda: current[0].clear(),
        spans=lambda: len(current[0].starts),
    )


def peers() -> list[Instrument]:
    """Those that are installed (extra ``bench``)."""
    makers: list[Callable[[], Instrument]] = [_langsmith, _langfuse, _openinference]
    found = []
    for make in makers:
        try:
            found.append(make())
        except ImportError as error:
            print(f"- left out: {make.__name__[1:]} ({error})")
    return found


def _langsmith() -> Instrument:
    import requests
    from langchain_core.tracers.langchain import LangChainTracer
    from langsmith import Client

    class Discard(requests.adapters.BaseAdapter):
        def send(self, request: Any, **kwargs: Any) -> requests.Response:
            body = request.body
            if hasattr(body, "read"):
                body.read()
            response = requests.Response()
            response.status_code, response._content, response.request = 200, b"{}", request
            return response

        def close(self) -> None:
            pass

    session = requests.Session()
    # The longest prefix wins: the client mounts an adapter of its own for "http://".
    session.mount("http://127.0.0.1:9", Discard())
    client = Client(
        api_url="http://127.0.0.1:9", api_key="x", session=session, auto_batch_tracing=True
    )
    tracer = LangChainTracer(client=client, project_name="bench")
    return Instrument("LangSmith", config={"callbacks": [tracer]}, finish=client.flush)


def _langfuse() -> Instrument:
    os.environ.setdefault("LANGFUSE_TIMEOUT", "2")
    from langfuse import Langfuse
    from langfuse.langchain import CallbackHandler
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Discard(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    client = Langfuse(
        public_key="pk-lf-bench",
        secret_key="sk-lf-bench",
        base_url="http://127.0.0.1:9",
        span_exporter=Discard(),
    )
    handler = CallbackHandler(public_key="pk-lf-bench")
    return Instrument("Langfuse", config={"callbacks": [handler]}, finish=client.flush)


def _openinference() -> Instrument:
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    instrumentor = LangChainInstrumentor()

    @contextmanager
    def active(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        instrumentor.instrument(tracer_provider=provider)
        try:
            yield
        finally:
            instrumentor.uninstrument()

    return Instrument(
        "OpenInference", active=active, finish=provider.force_flush, clear=exporter.clear
    )
