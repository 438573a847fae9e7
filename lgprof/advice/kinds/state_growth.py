"""``state_growth``: the state that a loop carries along grows from turn to turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from statistics import mean

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed, some
from lgprof.advice.snippets import quoted, where
from lgprof.model import GraphShape
from lgprof.readable import average, plural, size

_FEWEST_TURNS = 3
_GROWS = 1.5
"""Times as much in the last turn as in the first."""
_MUCH_BYTES = 4096
"""In the last turn: less is nobody's trouble."""
_TOKENS_PER_TURN = 50
"""By which a prompt grows, from where on it is somebody's bill."""


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes that read more each time they are called in a request."""
    for path in observed.paths:
        growing = [turns for turns in _turns(observed, path) if _grows(turns)]
        graph, _ = observed.graph_of(path)
        if not growing or graph is None:
            continue
        last_bytes = mean(turns[-1].span.read_bytes or 0 for turns in growing)
        tokens = _tokens_per_turn(observed, path)
        if last_bytes >= _MUCH_BYTES or (tokens or 0) >= _TOKENS_PER_TURN:
            yield _finding(observed, path, graph, growing, tokens)


def _turns(observed: Observed, path: str) -> Iterator[list[Call]]:
    """The node's calls of each request that calls it often enough, in order."""
    by_request: dict[int, list[Call]] = defaultdict(list)
    for call in observed.attempts(path):
        if call.span.outcome == "ok" and call.span.read_bytes is not None:
            by_request[call.request.index].append(call)
    for calls in by_request.values():
        if len(calls) >= _FEWEST_TURNS:
            yield sorted(calls, key=lambda call: call.span.start_s)


def _grows(turns: list[Call]) -> bool:
    """Whether it reads more from turn to turn; the same nodes side by side are no turns."""
    sizes = [call.span.read_bytes or 0 for call in turns]
    steps = {call.span.step for call in turns}
    ascending = all(a <= b for a, b in pairwise(sizes))
    return len(steps) == len(turns) and ascending and sizes[-1] >= _GROWS * max(sizes[0], 1)


def _tokens_per_turn(observed: Observed, path: str) -> float | None:
    """By how much the input of the node's model calls grows."""
    grown = [
        row.input_growth_tokens
        for row in observed.profile.models
        if row.node == path and row.input_growth_tokens is not None
    ]
    return max(grown, default=None)


def _finding(
    observed: Observed,
    path: str,
    graph: GraphShape,
    growing: list[list[Call]],
    tokens: float | None,
) -> Finding:
    reads = observed.rows[path].reads
    added = [key for key in reads if key in graph.reducers] if isinstance(reads, list) else []
    key = added[0] if added else "messages"
    first = mean(turns[0].span.read_bytes or 0 for turns in growing)
    last = mean(turns[-1].span.read_bytes or 0 for turns in growing)
    number = mean(len(turns) for turns in growing)
    billed = (
        f" The input of its model grows by {average(tokens)} tokens a turn: over a conversation, "
        "with the square of its length."
        if tokens
        else ""
    )
    return Finding(
        kind="state_growth",
        nodes=[path],
        title=f"Let {path} see less of what has piled up",
        why=(
            f"{path} reads {size(round(first))} of the state in its first turn and "
            f"{size(round(last))} in its last, after {average(number)} turns"
            f"{f' ({key})' if added else ''}, in {plural(len(growing), 'request')}.{billed}"
        ),
        change=where(observed, path) + "\n".join(_code(key, key in graph.messages or not added)),
        evidence=some([turns[-1] for turns in growing]),
        grounds=Grounds(
            doubts=["what a later turn needs of earlier ones is yours to judge"],
            facts=["every checkpoint holds what has piled up, too"],
        ),
        matters="what a request reads and sends grows with the square of its turns",
    )


def _code(key: str, holds_messages: bool) -> list[str]:
    if not holds_messages:
        return ["def recent(state):", f"    return state[{quoted(key)}][-20:]"]
    return [
        "from langchain_core.messages import trim_messages",
        "",
        "def recent(state):",
        f"    return trim_messages(state[{quoted(key)}], max_tokens=20, token_counter=len,",
        '                         strategy="last", include_system=True, start_on="human")',
    ]
