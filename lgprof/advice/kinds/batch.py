"""``batch``: calls in a row inside one node, of which none needs another's answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed, some
from lgprof.advice.snippets import function_of, identifier, where
from lgprof.readable import average, duration, plural
from lgprof.whatif.changes import BatchCalls

_KINDS = ("model", "tool", "retriever")


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes that make independent calls one by one."""
    for path in observed.paths:
        rows = list(_rows(observed, path))
        if rows:
            if any(call.span.uses_earlier for row in rows for call in row[1:]):
                yield _refusal(path, rows)
            elif all(call.span.uses_earlier is False for row in rows for call in row):
                yield _finding(observed, path, rows)


def _rows(observed: Observed, path: str) -> Iterator[list[Call]]:
    """Calls of the same thing in one attempt, each begun when the one before had ended."""
    groups: dict[tuple[int, int | None, str], list[Call]] = defaultdict(list)
    for kind in _KINDS:
        for call in observed.spans(kind, path):
            groups[call.request.index, call.span.parent, call.span.name].append(call)
    for calls in groups.values():
        row: list[Call] = []
        for call in sorted(calls, key=lambda call: call.span.start_s):
            if row and call.span.start_s < row[-1].span.end_s:
                row = []  # they overlap already
                break
            row.append(call)
        if len(row) > 1:
            yield row


def _refusal(path: str, rows: list[list[Call]]) -> Finding:
    needing = [call for row in rows for call in row[1:] if call.span.uses_earlier]
    return Finding(
        kind="batch",
        nodes=[path],
        title=f"Make the calls of {needing[0].span.name} in {path} all at once",
        why="They follow one another.",
        change="",
        changes=(BatchCalls(path),),
        evidence=some(needing),
        grounds=Grounds(
            vetoes=[
                f"{plural(len(needing), 'call')} in {path} were asked about what an earlier one "
                "had answered"
            ]
        ),
    )


def _finding(observed: Observed, path: str, rows: list[list[Call]]) -> Finding:
    calls = [call for row in rows for call in row]
    name, kind = calls[0].span.name, calls[0].span.kind
    each_s = sum(call.seconds for call in calls) / len(calls)
    is_async = observed.shape(path).is_async
    what = "prompts" if kind == "model" else "arguments"
    callee = identifier(name) if kind == "tool" else kind
    run = f"await {callee}.abatch({what})" if is_async else f"{callee}.batch({what})"
    return Finding(
        kind="batch",
        nodes=[path],
        title=f"Make the calls of {name} in {path} all at once",
        why=(
            f"{path} calls {name} {average(len(calls) / len(rows))} times in a row "
            f"({plural(len(rows), 'time')}, {duration(each_s)} a call), and no call was asked "
            "about the answer to one before."
        ),
        change=where(observed, path)
        + "\n".join(
            [
                f"{'async def' if is_async else 'def'} {function_of(observed, path)}(state):",
                f"    {what} = [...]  # of all items",
                f"    answers = {run}",
                "    ...",
            ]
        ),
        changes=(BatchCalls(path),),
        evidence=some(calls),
        grounds=Grounds(
            doubts=[
                "an answer may steer a later call without standing in it word for word: look at "
                "the code",
            ],
            facts=[
                "so many calls at once may meet a rate limit: "
                'config={"max_concurrency": 8} holds them to eight',
            ],
        ),
    )
