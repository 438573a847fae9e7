"""``recursion``: loops that go on without progress, or up to the limit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed
from lgprof.advice.snippets import key_tuple, where
from lgprof.model import Request, Span
from lgprof.readable import plural
from lgprof.whatif.changes import Skip

_LIMIT_ERROR = "GraphRecursionError"
_FEWEST_TURNS = 3
"""Calls of a node in one request that repeat one another."""


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes that are called again and again and write the same, and graphs stopped by the limit."""
    stuck: dict[str, list[list[Call]]] = defaultdict(list)
    for request in observed.requests:
        for path, calls in _stuck(request):
            stuck[path].append(calls)
    for path in observed.paths:
        if stuck[path]:
            yield _no_progress(observed, path, stuck[path])
    stopped = [r for r in observed.profile.requests if (r.error_type or "").endswith(_LIMIT_ERROR)]
    if stopped:
        yield _limit(observed, stopped)


def _stuck(request: Request) -> Iterator[tuple[str, list[Call]]]:
    """Nodes with calls in a row that changed nothing, nor did any node between them."""
    attempts = [span for span in request.spans if span.kind == "attempt" and span.writes]
    attempts.sort(key=lambda span: span.start_s)
    at: dict[str, list[int]] = defaultdict(list)
    for position, span in enumerate(attempts):
        at[span.path].append(position)
    for path, positions in at.items():
        if len(positions) < _FEWEST_TURNS:
            continue
        turns = [attempts[start:end] for start, end in pairwise([*positions, len(attempts)])]
        turns[-1] = turns[-1][:1]  # what follows the last one is no turn any more
        run = max(_runs(turns), key=len)
        if len(run) >= _FEWEST_TURNS:
            yield path, [Call(request, turn[0]) for turn in run]


Turn = list[Span]
"""Attempts from one call of a node up to its next, its own first."""


def _runs(turns: list[Turn]) -> Iterator[list[Turn]]:
    run: list[Turn] = []
    for turn in turns:
        if run and not _same_but_a_counter(run[-1], turn):
            yield run
            run = []
        run.append(turn)
    yield run


def _same_but_a_counter(before: Turn, after: Turn) -> bool:
    if before[0].step == after[0].step:
        return False  # side by side
    if len(after) == 1:  # the last one
        before = before[:1]
    one, other = _writes(before), _writes(after)
    if one.keys() != other.keys():
        return False
    differing = [key for key in one if one[key] != other[key] or one[key] is None]
    return len(differing) <= 1 and len(differing) < len(one)


def _writes(turn: Turn) -> dict[tuple[str, str], str | None]:
    return {(span.path, key): told for span in turn for key, told in (span.writes or {}).items()}


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
    is_async = observed.profile.target.mode == "async"
    most = max(span.step or 1 for request in stopped for span in request.spans)
    return Finding(
        kind="recursion",
        nodes=[],
        title="Find out why the graph runs into its recursion limit",
        why=(
            f"{plural(len(stopped), 'request')} of {len(observed.profile.requests)} were stopped "
            "by the limit of supersteps, after all that they had cost until then."
        ),
        change=(
            f"result = {'await app.ainvoke' if is_async else 'app.invoke'}"
            f'(inputs, {{**config, "recursion_limit": {2 * most}}})'
        ),
        evidence=[f"{request.index}/{request.spans[0].id}" for request in stopped if request.spans],
        grounds=Grounds(
            doubts=["whether the loop would have ended later cannot be told"],
            facts=["the router of the loop needs a way out: a count in the state, no progress"],
        ),
        matters="these requests cost time and money and brought nothing",
    )
