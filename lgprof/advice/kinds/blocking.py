"""``blocking``: async nodes that hold the event loop without computing."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed
from lgprof.advice.snippets import function_of, where
from lgprof.analysis.attribution import BLOCKING_FROM_S
from lgprof.readable import duration, plural
from lgprof.whatif.changes import Unblock

_AWAIT = "[await]"
_CULPRIT_SHARE = 0.2
"""Of the node's sampled time, from which on a function is named."""
_FROM_SHARE = 0.01
"""Of the latency: the loop stands still for everybody, so a little is worth saying."""

_CLEARLY = ((0.6, 0.003), (0.2, 0.01))
"""(share of the calls, length of a stop in seconds): rarer or shorter ones may be the machine's."""


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes in whose calls nothing else on the loop could run."""
    for path in observed.paths:
        blocked_s = observed.rows[path].blocking_s or 0.0
        if blocked_s > _FROM_SHARE * observed.mean_latency_s > 0 and _is_its_own(observed, path):
            yield _finding(observed, path, blocked_s)


def _is_its_own(observed: Observed, path: str) -> bool:
    """Whether the node blocks, and not a busy machine that let it wait for a processor."""
    attempts = observed.attempts(path)
    blocks_s = [seconds for call in attempts if (seconds := _longest_s(call)) > 0]
    if observed.shape(path).is_graph or not blocks_s:
        return False
    share, typical_s = len(blocks_s) / len(attempts), median(blocks_s)
    return any(share >= least and typical_s >= long_s for least, long_s in _CLEARLY)


def _finding(observed: Observed, path: str, blocked_s: float) -> Finding:
    calls = [call for call in observed.attempts(path) if _longest_s(call) > 0]
    calls.sort(key=_longest_s, reverse=True)
    worst_s = _longest_s(calls[0])
    held_s = blocked_s + (observed.profile.summary.cpu_s or 0.0)
    shared = observed.hints(path).shared
    grounds = Grounds(
        facts=[
            "the call must be one that may run in a thread"
            + (f": see to {', '.join(shared)}" if shared else "")
        ]
    )
    return Finding(
        kind="blocking",
        nodes=[path],
        title=f"Move the blocking call of {path} off the event loop",
        why=(
            f"{path} is async and held the event loop for {duration(blocked_s)} per request "
            f"without computing (up to {duration(worst_s)} at a time, in "
            f"{plural(len(calls), 'call')} of {len(observed.attempts(path))}): a file, a lock, a "
            f"client without await, time.sleep.{_culprit(observed, path)} Meanwhile no other "
            "request moves."
        ),
        change=_code(observed, path),
        changes=(Unblock(path),),
        evidence=[call.evidence for call in calls[:5]],
        grounds=grounds,
        matters=(
            f"one process cannot serve more than about {1 / held_s:.0f} requests a second while "
            f"each holds its event loop for {duration(held_s)}"
        ),
    )


def _culprit(observed: Observed, path: str) -> str:
    """The function in which the node was sampled most, other than waiting in a coroutine."""
    sampling = observed.profile.sampling
    if sampling is None:
        return ""
    own = [place for place in sampling.places if place.node == path and not place.calls]
    found = [
        (row.self_s, place.rows[row.parent] if row.parent >= 0 else None, row)
        for place in own
        for row in place.rows
        if sampling.frames[row.frame].function != _AWAIT
    ]
    if not found:
        return ""
    self_s, caller, row = max(found, key=lambda one: one[0])
    if self_s < _CULPRIT_SHARE * sum(place.wall_s for place in own):
        return ""
    name = sampling.frames[row.frame].function
    if caller is None:
        return f" Sampled, it was in {name} most of all."
    by = sampling.frames[caller.frame]
    place = f"{by.function} ({by.file}:{caller.line})"
    return f" Sampled, it was in {name} most of all, called by {place}."


def _longest_s(call: Call) -> float:
    """The longest stretch in which the call blocked the loop."""
    idle_s = [segment.wall_s - segment.cpu_s for segment in call.span.segments or ()]
    return max((idle for idle in idle_s if idle > BLOCKING_FROM_S), default=0.0)


def _code(observed: Observed, path: str) -> str:
    return where(observed, path) + "\n".join(
        [
            "import asyncio",
            "",
            f"async def {function_of(observed, path)}(state):",
            "    # in place of found = blocking_call(argument):",
            "    found = await asyncio.to_thread(blocking_call, argument)",
            "    ...",
        ]
    )
