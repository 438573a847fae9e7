"""HTTP clients that nodes build, with what SDKs prepare for them beforehand."""

from __future__ import annotations

import ssl
import time
from typing import Any, TypedDict

import httpx
import httpx2
import pytest
from langgraph.graph import START, StateGraph

from lgprof.model import Span
from tests.profiling import profile_graph

READING_S = 0.05
"""How long certificates take to read, here."""


class State(TypedDict, total=False):
    value: int


def attempt(node: Any) -> Span:
    graph = StateGraph(State).add_node("build", node).add_edge(START, "build").compile()
    [request] = profile_graph(graph, {}).profile.requests
    return next(span for span in request.spans if span.kind == "attempt")


@pytest.fixture(autouse=True)
def slow_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ssl.create_default_context

    def slow(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        time.sleep(READING_S)
        return plain(*args, **kwargs)

    monkeypatch.setattr(ssl, "create_default_context", slow)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_certificates_read_before_the_client_count_with_it(library: Any) -> None:
    def build(state: State) -> None:
        library.Client(verify=ssl.create_default_context()).close()

    span = attempt(build)
    assert span.clients_built == 1
    assert span.clients_s is not None
    assert span.clients_s >= READING_S


def test_certificates_that_the_client_reads_count_once() -> None:
    def build(state: State) -> None:
        httpx.Client(verify=True).close()

    span = attempt(build)
    assert span.clients_built == 1
    assert span.clients_s is not None
    assert READING_S <= span.clients_s < span.end_s - span.start_s


def test_certificates_alone_are_no_client() -> None:
    def build(state: State) -> None:
        ssl.create_default_context()

    assert attempt(build).clients_built is None


def test_what_fails_is_no_client_and_the_next_one_counts() -> None:
    def build(state: State) -> None:
        with pytest.raises(TypeError):
            httpx.Client(no_such_option=True)  # type: ignore[call-arg]
        httpx.Client(verify=False).close()

    assert attempt(build).clients_built == 1
