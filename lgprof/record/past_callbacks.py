"""Records what LangChain's callbacks do not tell: SDKs on the wire, embeddings, rate limiters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lgprof.clock import Clock
from lgprof.record.embeddings import embeddings_recorded
from lgprof.record.event_log import Recording
from lgprof.record.http_clients import http_observed
from lgprof.record.http_observer import HttpObserver
from lgprof.record.rate_limiters import rate_limiters_timed


@contextmanager
def calls_past_callbacks(recording: Recording, clock: Clock) -> Iterator[None]:
    """Record such calls of nodes until the context ends."""
    with (
        embeddings_recorded(recording, clock),
        rate_limiters_timed(recording, clock),
        http_observed(HttpObserver(recording, clock)),
    ):
        yield
