"""``fallback``: requests that waited for what then failed, and went on another way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed, some
from lgprof.advice.snippets import where
from lgprof.readable import duration, plural
from lgprof.whatif.changes import Skip

_BAD = ("failed", "timed_out", "cancelled")
_KINDS = ("model", "tool", "retriever")


def find(observed: Observed) -> Iterator[Finding]:
    """Calls that failed, or were given up, inside calls of nodes that went well."""
    for path in observed.paths:
        groups: dict[tuple[str, str], list[Call]] = defaultdict(list)
        for kind in _KINDS:
            for call in observed.spans(kind, path):
                if call.span.outcome in _BAD and _went_well(observed, call):
                    groups[kind, call.span.name].append(call)
        for (kind, name), calls in groups.items():
            if len(calls) > 1:
                yield _finding(observed, path, kind, name, calls)


def _went_well(observed: Observed, call: Call) -> bool:
    by_id = {span.id: span for span in call.request.spans}
    span = call.span
    while span.parent is not None:
        span = by_id[span.parent]
        if span.kind == "attempt":
            return span.outcome == "ok"
    return False


def _finding(observed: Observed, path: str, kind: str, name: str, calls: list[Call]) -> Finding:
    all_calls = [call for call in observed.spans(kind, path) if call.span.name == name]
    requests = len({call.request.index for call in calls})
    waited_s = sum(call.seconds for call in calls) / len(calls)
    errors = Counter((call.span.error_type or "").rsplit(".", 1)[-1] for call in calls)
    error = errors.most_common(1)[0][0]
    given_up = all(call.span.outcome == "cancelled" for call in calls)
    what = "were given up" if given_up else f"failed{f' with {error}' if error else ''}"
    return Finding(
        kind="fallback",
        nodes=[path],
        title=(
            f"Wait less long for {name} in {path}"
            if given_up
            else f"Do not wait for {name} in {path} while it keeps failing"
        ),
        why=(
            f"{len(calls)} of {plural(len(all_calls), 'call')} of the {kind} {name} {what} after "
            f"{duration(waited_s)}, and {path} went on another way: time lost in {requests} of "
            f"{plural(len(observed.requests), 'request')}."
        ),
        change=_limit_code(observed, path, all_calls)
        if given_up
        else _breaker_code(observed, path, name, is_async=observed.shape(path).is_async),
        changes=(Skip(frozenset((call.request.index, call.span.id) for call in calls)),),
        evidence=some(calls),
        grounds=Grounds(
            doubts=[
                "the saving is the most that there is to gain: none of these calls waited for",
                "which calls will fail is known only after the first ones have",
            ]
        ),
    )


def _limit_code(observed: Observed, path: str, calls: list[Call]) -> str:
    done_s = [call.seconds for call in calls if call.span.outcome == "ok"]
    limit_s = 1.5 * max(done_s) if done_s else min(call.seconds for call in calls) / 2
    return where(observed, path) + "\n".join(
        [
            "import asyncio",
            "",
            "async def limited(call, *arguments):",
            f"    # the slowest that came in time took {max(done_s, default=0.0):.2g} s",
            f"    async with asyncio.timeout({limit_s:.2g}):",
            "        return await call(*arguments)",
        ]
    )


def _breaker_code(observed: Observed, path: str, name: str, *, is_async: bool) -> str:
    opening, calling = ("async def", "await ") if is_async else ("def", "")
    return where(observed, path) + "\n".join(
        [
            "import time",
            "",
            "retry_at = 0.0  # no call before: the circuit is open",
            "failures = 0",
            "",
            f"{opening} guarded(call, fallback, *arguments):",
            f'    """Calls {name}, or at once the fallback after three failures in a row."""',
            "    global retry_at, failures",
            "    if time.monotonic() < retry_at:",
            f"        return {calling}fallback(*arguments)",
            "    try:",
            f"        answer = {calling}call(*arguments)",
            "    except Exception:",
            "        failures += 1",
            "        if failures >= 3:",
            "            retry_at = time.monotonic() + 10",
            f"        return {calling}fallback(*arguments)",
            "    failures = 0",
            "    return answer",
        ]
    )
