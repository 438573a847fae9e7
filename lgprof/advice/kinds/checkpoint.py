"""``checkpoint``: time in the checkpointer that another durability would save."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed, some
from lgprof.readable import average, duration
from lgprof.whatif.changes import Durability

_WRITES = ("put", "put_writes")


def find(observed: Observed) -> Iterator[Finding]:
    """A checkpoint after each superstep where one at the end may do."""
    target = observed.profile.target
    calls = [
        Call(request, span)
        for request in observed.requests
        for span in request.spans
        if span.kind == "checkpoint"
    ]
    writes = [call for call in calls if call.span.name in _WRITES]
    requests = max(len(observed.requests), 1)
    if target.checkpointer is None or len(writes) <= requests:
        return
    busy_s = sum(call.seconds for call in calls) / requests
    grounds = Grounds(
        facts=[
            "given up: a request that dies half-way starts anew, and get_state_history shows its "
            "end alone",
        ]
    )
    if any(graph.pauses for graph in target.graphs.values()) or _interrupted(observed):
        grounds.facts.append("what stands still for a person is still saved when it stops")
    yield Finding(
        kind="checkpoint",
        nodes=[],
        title="Write one checkpoint at the end of a request",
        why=(
            f"{target.checkpointer} is called {average(len(calls) / requests)} times a request "
            f"({average(len(writes) / requests)} of them to write) and is busy for "
            f"{duration(busy_s)}; with durability='exit' it writes once."
        ),
        change="\n".join(
            [
                'result = await app.ainvoke(inputs, config, durability="exit")'
                if target.mode == "async"
                else 'result = app.invoke(inputs, config, durability="exit")'
            ]
        ),
        changes=(Durability("exit"),),
        evidence=some(writes),
        grounds=grounds,
    )


def _interrupted(observed: Observed) -> bool:
    return any(request.interrupts for request in observed.requests)
