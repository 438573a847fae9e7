"""``tool_cache``: calls of tools and retrievers with the arguments of an earlier one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed, some
from lgprof.advice.snippets import identifier, quoted, where
from lgprof.readable import duration, plural, whole_percent
from lgprof.whatif.changes import Skip

_MANY = 0.1
"""Of the calls of a tool: so many repeats are worth saying, whatever they take."""


def find(observed: Observed) -> Iterator[Finding]:
    """Tools that a request calls again with the same arguments."""
    for path in observed.paths:
        groups: dict[tuple[str, str], list[Call]] = defaultdict(list)
        for kind in ("tool", "retriever"):
            for call in observed.spans(kind, path):
                groups[kind, call.span.name].append(call)
        for (kind, name), calls in groups.items():
            repeated = _repeated(calls)
            if repeated:
                yield _finding(observed, path, kind, name, calls, repeated)


def _repeated(calls: list[Call]) -> list[Call]:
    """Calls whose arguments the same request had sent before, or sends at the same time."""
    seen: set[tuple[int, str]] = set()
    repeated = []
    for call in sorted(calls, key=lambda call: call.span.start_s):
        if call.span.input_hash is None or call.span.outcome != "ok":
            continue
        key = call.request.index, call.span.input_hash
        if key in seen:
            repeated.append(call)
        seen.add(key)
    return repeated


def _finding(
    observed: Observed, path: str, kind: str, name: str, calls: list[Call], repeated: list[Call]
) -> Finding:
    share = len(repeated) / len(calls)
    each_s = sum(call.seconds for call in repeated) / len(repeated)
    requests = len({call.request.index for call in repeated})
    number = f"{len(repeated)} of {plural(len(calls), 'call')}"
    return Finding(
        kind="tool_cache",
        nodes=[path],
        title=f"Reuse what {name} answered in {path}",
        why=(
            f"{number} of the {kind} {name} had the arguments of another call of the same request, "
            f"in {requests} of {plural(len(observed.requests), 'request')}: {duration(each_s)} "
            "each."
        ),
        change=where(observed, path) + "\n".join(_code(observed, path, identifier(name))),
        changes=(Skip(frozenset((c.request.index, c.span.id) for c in repeated)),),
        evidence=some(repeated),
        grounds=Grounds(
            doubts=[f"whether {name} does more than answer, or soon answers otherwise, is unknown"]
        ),
        matters=f"{whole_percent(share)} fewer calls of {name}" if share >= _MANY else None,
    )


def _code(observed: Observed, path: str, function: str) -> list[str]:
    shape = observed.shape(path)
    if shape.calls_tools:
        return _reused_message(function, is_async=observed.profile.target.mode == "async")
    if shape.is_async:
        return [
            "import asyncio",
            "",
            f"async def {function}_once(calls, arguments):",
            '    """Keep the dictionary of calls for one request; they may be under way."""',
            "    key = repr(sorted(arguments.items()))",
            "    if key not in calls:",
            f"        calls[key] = asyncio.ensure_future({function}.ainvoke(arguments))",
            "    return await calls[key]",
        ]
    return [
        f"def {function}_once(calls, arguments):",
        '    """Keep the dictionary of calls for one request."""',
        "    key = repr(sorted(arguments.items()))",
        "    if key not in calls:",
        f"        calls[key] = {function}.invoke(arguments)",
        "    return calls[key]",
    ]


def _reused_message(function: str, *, is_async: bool) -> list[str]:
    """For a ``ToolNode``, which calls tools itself: what a call answered is in the messages."""
    opening, calling, argument = (
        ("async def", "await ", "awrap_tool_call") if is_async else ("def", "", "wrap_tool_call")
    )
    return [
        f"{opening} reuse(request, execute):",
        '    """Answer a call as the same call before was answered, by the messages."""',
        '    call, messages = request.tool_call, request.state["messages"]',
        "    alike = {",
        '        old["id"]',
        "        for message in messages",
        '        for old in getattr(message, "tool_calls", None) or ()',
        f'        if call["name"] == {quoted(function)} == old["name"]',
        '        and old["args"] == call["args"]',
        "    }",
        "    for message in messages:",
        '        if getattr(message, "tool_call_id", None) in alike:',
        '            update = {"tool_call_id": call["id"], "id": None}',
        "            return message.model_copy(update=update)",
        f"    return {calling}execute(request)",
        "",
        f"ToolNode(tools, {argument}=reuse)",
    ]
