"""``retry``: time in failed attempts and in waits before the next one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import mean, pstdev

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed, some
from lgprof.advice.snippets import function_of, quoted, where
from lgprof.model import NodeRow
from lgprof.readable import duration, plural, trimmed
from lgprof.whatif.changes import Change, Faster, Retry

_BAD = ("failed", "timed_out")
_SHORTER = 4
"""How many times shorter a first backoff is proposed."""
_SAME_LENGTH = 0.2
"""A pause varies relatively by no more than that."""


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes that are retried, and nodes that only wait before another is tried again."""
    for path in observed.paths:
        row = observed.rows[path]
        if row.retries:
            yield from _retried(observed, path, row)
        elif row.errors == 0 and row.visits.max > 0 and _is_pause(observed, path):
            yield _pause(observed, path)


def _retried(observed: Observed, path: str, row: NodeRow) -> Iterator[Finding]:
    hopeless = _hopeless(observed, path)
    if hopeless:
        yield _not_worth_it(observed, path, row, hopeless)
    if row.backoff_s > 0:
        yield _shorter_backoff(observed, path, row)


def _retried_calls(observed: Observed, path: str) -> list[tuple[Call, list[Call]]]:
    """Calls of the node with more than one attempt, each with its attempts."""
    found = []
    for call in observed.nodes(path):
        attempts = observed.trees[call.request.index].attempts(call.span)
        if len(attempts) > 1:
            found.append((call, [Call(call.request, span) for span in attempts]))
    return found


def _hopeless(observed: Observed, path: str) -> list[str]:
    """Error types after which no attempt ever succeeded."""
    ended: Counter[str] = Counter()
    overcome: set[str] = set()
    for call, attempts in _retried_calls(observed, path):
        types = {one.span.error_type for one in attempts if one.span.error_type}
        if call.span.outcome in _BAD:
            ended.update(types)
        else:
            overcome |= types
    return [one for one in ended if one not in overcome]


def _not_worth_it(observed: Observed, path: str, row: NodeRow, types: list[str]) -> Finding:
    calls = [
        attempts[1:]
        for _, attempts in _retried_calls(observed, path)
        if {a.span.error_type for a in attempts if a.span.error_type} <= set(types)
    ]
    vain = [attempt for attempts in calls for attempt in attempts]
    names = [name.rsplit(".", 1)[-1] for name in types]
    all_vain = len(calls) == len(_retried_calls(observed, path))
    grounds = Grounds(
        doubts=[f"{plural(len(calls), 'call')} say little about other days: see what it means"]
    )
    return Finding(
        kind="retry",
        nodes=[path],
        title=f"Do not retry {path} on {' and '.join(names)}",
        why=(
            f"{plural(len(vain), 'attempt')} after {' or '.join(names)} failed again, and none "
            f"succeeded: {plural(len(calls), 'call')} ended in an error all the same, only later."
        ),
        change=_without(observed, path, names),
        changes=(Retry(path, max_attempts=1),) if all_vain else (),
        evidence=some(vain),
        grounds=grounds,
        matters="calls that fail all the same would fail sooner: such requests are not in the mean",
    )


def _shorter_backoff(observed: Observed, path: str, row: NodeRow) -> Finding:
    retried = _retried_calls(observed, path)
    policy = observed.shape(path).retry
    waits_s = [
        after.span.start_s - before.span.end_s
        for _, attempts in retried
        for before, after in pairwise(attempts)
    ]
    first_s = policy.initial_interval_s if policy else min(waits_s)
    proposed_s = first_s / _SHORTER
    factor = policy.backoff_factor if policy else 2.0
    saved = sum(call.span.outcome not in _BAD for call, _ in retried)
    grounds = Grounds(
        doubts=["how long the failing service needs to recover was not seen: too short a wait "
                "fails again"],
        facts=[
            f"{plural(row.retries, 'retry', 'retries')} in {plural(len(retried), 'call')}, "
            f"{saved} of them successful in the end"
        ],
    )  # fmt: skip
    return Finding(
        kind="retry",
        nodes=[path],
        title=f"Wait less before {path} is tried again",
        why=(
            f"{len(retried)} of {plural(row.calls, 'call')} failed first and waited "
            f"{duration(min(waits_s))} to {duration(max(waits_s))} before the next attempt: "
            f"{duration(row.backoff_s)} of backoff and {duration(row.failed_attempts_s)} in failed "
            "attempts per request."
        ),
        change=_policy_code(
            observed,
            path,
            [
                f"initial_interval={trimmed(f'{proposed_s:.4f}')},  # in place of "
                f"{trimmed(f'{first_s:.4f}')} s",
                f"backoff_factor={trimmed(f'{factor:.1f}')},",
                *([f"max_attempts={policy.max_attempts},"] if policy else []),
                f"jitter={policy.jitter if policy else False},",
                *_retry_on(policy.retry_on if policy else []),
            ],
        ),
        changes=(Retry(path, initial_interval_s=proposed_s, backoff_factor=factor),),
        evidence=some([call for call, _ in retried]),
        grounds=grounds,
    )


def _retry_on(types: list[str]) -> list[str]:
    if not types or types == ["Exception"]:
        return []
    return [f"retry_on={types[0]}," if len(types) == 1 else f"retry_on=({', '.join(types)}),"]


def _without(observed: Observed, path: str, hopeless: list[str]) -> str:
    """The node's policy without some errors."""
    policy = observed.shape(path).retry
    types = policy.retry_on if policy else []
    left = [name for name in types if name not in hopeless]
    if types and not left:
        name = observed.name_of(path)
        return where(observed, path) + "\n".join(
            [
                "# nothing is left that is worth another attempt: without its retry_policy",
                f"graph.add_node({quoted(name)}, {function_of(observed, path)})",
            ]
        )
    kept = [
        *([f"initial_interval={trimmed(f'{policy.initial_interval_s:.4f}')},"] if policy else []),
        *([f"backoff_factor={trimmed(f'{policy.backoff_factor:.1f}')},"] if policy else []),
        *([f"max_attempts={policy.max_attempts},"] if policy else []),
        *([f"jitter={policy.jitter},"] if policy else []),
    ]
    if types and len(left) < len(types):
        return _policy_code(observed, path, [*kept, *_retry_on(left)])
    condition = f"type(error).__name__ not in {tuple(hopeless)!r}"
    first = f"isinstance(error, ({', '.join(types)},))" if types else "default_retry_on(error)"
    lines = [*kept, f"retry_on=lambda error: {first} and {condition},"]
    return _policy_code(observed, path, lines, () if types else ("default_retry_on",))


def _policy_code(
    observed: Observed, path: str, arguments: list[str], others: Sequence[str] = ()
) -> str:
    name = observed.name_of(path)
    return where(observed, path) + "\n".join(
        [
            f"from langgraph.types import {', '.join(['RetryPolicy', *others])}",
            "",
            f"graph.add_node({quoted(name)}, {function_of(observed, path)}, "
            "retry_policy=RetryPolicy(",
            *(f"    {argument}" for argument in arguments),
            "))",
        ]
    )


def _is_pause(observed: Observed, path: str) -> bool:
    """A node in a loop that does nothing but wait, for the same time whenever it is called."""
    calls = observed.attempts(path)
    if len(calls) < 2:
        return False
    if any(observed.below(kind, path) for kind in ("model", "tool", "retriever", "graph")):
        return False
    lengths_s = [call.seconds for call in calls]
    computing_s = mean(call.span.cpu_s or 0.0 for call in calls)
    return (
        min(lengths_s) > 0.005
        and computing_s < 0.1 * mean(lengths_s)
        and pstdev(lengths_s) < _SAME_LENGTH * mean(lengths_s)
        and _leads_back(observed, path)
    )


def _leads_back(observed: Observed, path: str) -> bool:
    """Whether what follows the node ran before it too: the node is on the way back of a loop."""
    calls = observed.nodes(path)
    for call in calls:
        nodes = observed.trees[call.request.index].children[call.span.parent]
        before = {s.path for s in nodes if s.kind == "node" and s.end_s <= call.span.start_s}
        after = {s.path for s in nodes if s.kind == "node" and s.start_s >= call.span.end_s}
        if before.isdisjoint(after):
            return False
    return bool(calls)


def _pause(observed: Observed, path: str) -> Finding:
    calls = observed.attempts(path)
    waits_s = mean(call.seconds for call in calls)
    change: Change = Faster(path, 1 / _SHORTER)
    requests = len({call.request.index for call in calls})
    return Finding(
        kind="retry",
        nodes=[path],
        title=f"Let {path} wait less at first, and longer only if it fails again",
        why=(
            f"{path} lies on the way back of a loop and only waits, {duration(waits_s)} each time "
            f"({plural(len(calls), 'call')} in {requests} of "
            f"{plural(len(observed.requests), 'request')}), however short the trouble was."
        ),
        change=where(observed, path)
        + "\n".join(
            [
                "import time",
                "",
                f"def {function_of(observed, path)}(state):",
                f"    tries = state.get({quoted(_counter(observed, path))}, 0)",
                f"    time.sleep({trimmed(f'{waits_s / _SHORTER:.3f}')} * 2**tries)",
                "    ...",
            ]
        ),
        changes=(change,),
        evidence=some(calls),
        grounds=Grounds(
            doubts=["how long the trouble lasts was not seen: too short a wait fails again"]
        ),
    )


def _counter(observed: Observed, path: str) -> str:
    row = observed.rows[path]
    reads = row.reads if isinstance(row.reads, list) else []
    both = [key for key in row.writes or () if key in reads]
    return both[0] if both else "tries"
