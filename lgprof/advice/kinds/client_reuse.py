"""``client_reuse``: HTTP clients that nodes build anew in each call."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Observed
from lgprof.advice.snippets import function_of, where
from lgprof.readable import duration, plural
from lgprof.whatif.changes import Faster

_MOST_CALLS = 0.5
"""Share of a node's calls that build one; once in a process is as it should be."""


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes that build a client in most of their calls."""
    for path in observed.paths:
        attempts = observed.attempts(path)
        building = [call for call in attempts if call.span.clients_built]
        if len(building) < 2 or len(building) < _MOST_CALLS * len(attempts):
            continue
        built = sum(call.span.clients_built or 0 for call in building)
        taken_s = sum(call.span.clients_s or 0.0 for call in building)
        total_s = sum(call.seconds for call in attempts)
        is_async = observed.shape(path).is_async
        opening, calling = ("async def", "await ") if is_async else ("def", "")
        yield Finding(
            kind="client_reuse",
            nodes=[path],
            title=f"Build the client of {path} once, not in each call",
            why=(
                f"{path} built {plural(built, 'HTTP client')} in {plural(len(building), 'call')}, "
                f"{duration(taken_s / built)} each; every one of them connects anew, with its own "
                "handshake, which is not in that figure."
            ),
            change=where(observed, path)
            + "\n".join(
                [
                    "client = make_client()  # a model, or an HTTP client: once in the process",
                    "",
                    f"{opening} {function_of(observed, path)}(state):",
                    f"    answer = {calling}client.ask(state)",
                    "    ...",
                ]
            ),
            changes=(Faster(path, 1 - min(taken_s / total_s, 1.0)),) if total_s else (),
            evidence=[call.evidence for call in building[:5]],
            grounds=Grounds(
                facts=[
                    f"clients were built in {len(building)} of {plural(len(attempts), 'call')}",
                    "the saving counts the building alone, not the connections",
                ]
            ),
            matters="each client opens connections of its own, and under load so do all requests",
        )
