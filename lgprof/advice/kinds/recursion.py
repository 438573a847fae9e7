"""``recursion``: loops that go on without progress, or up to the limit."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed
from lgprof.advice.snippets import key_tuple, where
from lgprof.model import Request
from lgprof.readable import plural
from lgprof.whatif.changes import Skip

_LIMIT_ERROR = "GraphRecursionError"
_FEWEST_TURNS = 3
"""Calls of a node in one request that repeat one another."""


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes that are called again and again and write the same, and graphs stopped by the limit."""
    for path in observed.paths:
        stuck = [found for request in observed.requests if (found := _stuck(request, path))]
        if stuck:
            yield _no_progress(observed, path, stuck)
    stopped = [r for r in observed.profile.requests if (r.error_type or "").endswith(_LIMIT_ERROR)]
    if stopped:
        yield _limit(observed, stopped)


def _stuck(request: Request, path: str) -> list[Call]:
    """Consecutive calls of a node that wrote what the one before wrote, but for one counter."""
    attempts = [
        Call(request, span)
        for span in request.spans
        if span.kind == "attempt" and span.path == path and span.writes
    ]
    run: list[Call] = []
    best: list[Call] = []
    for call in attempts:
        if run and not _same_but_a_counter(run[-1], call):
            run = []
        run.append(call)
        best = max(best, run, key=len)
        run = list(run)
    return best if len(best) >= _FEWEST_TURNS else []


def _same_but_a_counter(before: Call, after: Call) -> bool:
    one, other = before.span.writes or {}, after.span.writes or {}
    if one.keys() != other.keys() or before.span.step == after.span.step:
        return False
    differing = [key for key in one if one[key] != other[key] or one[key] is None]
    return len(one) - len(differing) >= 1 and len(differing) <= 1


def _no_progress(observed: Observed, path: str, stuck: list[list[Call]]) -> Finding:
    writes = stuck[0][0].span.writes or {}
    second = stuck[0][1].span.writes or {}
    same = sorted(key for key in writes if writes[key] == second.get(key))
    most = max(len(calls) for calls in stuck)
    vain = [call for calls in stuck for call in calls[1:]]
    skipped = [
        (call.request.index, call.span.parent) for call in vain if call.span.parent is not None
    ]
    name = observed.name_of(path)
    return Finding(
        kind="recursion",
        nodes=[path],
        title=f"Leave the loop of {path} when it makes no progress",
        why=(
            f"In {len(stuck)} of {plural(len(observed.requests), 'request')} {path} ran up to "
            f"{most} times in a row and wrote the same {', '.join(same)} each time: "
            f"{plural(len(vain), 'call')} changed nothing."
        ),
        change=where(observed, path)
        + "\n".join(
            [
                f"# note in {name} whether anything changed; leave in the router if not",
                f"KEYS = {key_tuple(same)}",
                "",
                "def makes_progress(state, update):",
                "    return any(state.get(key) != update.get(key) for key in KEYS)",
                "",
                '# such as return {**update, "stuck": not makes_progress(state, update)}',
                '# and in the router: if state["stuck"], go to what gives up',
            ]
        ),
        changes=(Skip(frozenset(skipped)),),
        evidence=[call.evidence for call in vain[:5]],
        grounds=Grounds(
            doubts=[
                "a turn that changes nothing may still be meant, such as waiting for a service",
            ],
            facts=["the saving counts all such calls but the first of each row"],
        ),
    )


def _limit(observed: Observed, stopped: list[Request]) -> Finding:
    return Finding(
        kind="recursion",
        nodes=[],
        title="Find out why the graph runs into its recursion limit",
        why=(
            f"{plural(len(stopped), 'request')} of {len(observed.profile.requests)} were stopped "
            "by the limit of supersteps, after all that they had cost until then."
        ),
        change='result = app.invoke(inputs, {**config, "recursion_limit": 50})',
        evidence=[f"{request.index}/{request.spans[0].id}" for request in stopped if request.spans],
        grounds=Grounds(
            doubts=["whether the loop would have ended later cannot be told"],
            facts=["the router of the loop needs a way out: a count in the state, no progress"],
        ),
        matters="these requests cost time and money and brought nothing",
    )
