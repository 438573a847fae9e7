"""``straggler``: tasks that have ended and wait at a barrier for the slowest of their superstep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import mean, median

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed, some
from lgprof.advice.snippets import function_of, quoted, where
from lgprof.model import Span
from lgprof.readable import duration, plural
from lgprof.whatif.changes import Faster, NoStraggler, RemoveBarrier
from lgprof.whatif.order import order_changes

_SLOW_FROM = 1.8
"""Times as slow as the others."""


def find(observed: Observed) -> Iterator[Finding]:
    """Slow ones among many alike, a branch that all others wait for, steps that need not wait."""
    steps = list(_steps(observed))
    yield from _fan_outs(observed, steps)
    yield from _branches(observed, steps)
    yield from _barriers(observed, steps)


Step = list[Call]


def _steps(observed: Observed) -> Iterator[Step]:
    """Supersteps of more than one task."""
    for request in observed.requests:
        tree = observed.trees[request.index]
        for graph in request.spans:
            if graph.kind == "graph":
                for step in tree.supersteps(graph):
                    if len(step) > 1:
                        yield [Call(request, span) for span in step]


def _fan_outs(observed: Observed, steps: list[Step]) -> Iterator[Finding]:
    groups: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        paths = {call.span.path for call in step}
        if len(paths) == 1 and len(step) > 2:
            groups[paths.pop()].append(step)
    for path, found in groups.items():
        slow = [step for step in found if _longest_s(step) >= _SLOW_FROM * _median_s(step)]
        if slow:
            yield _fan_out(observed, path, found, slow)


def _fan_out(observed: Observed, path: str, steps: list[Step], slow: list[Step]) -> Finding:
    slowest = [max(step, key=lambda call: call.seconds) for step in slow]
    others_s = median(call.seconds for step in slow for call in step if call not in slowest)
    waited_s = mean(_longest_s(step) - _median_s(step) for step in slow)
    fanning = " (one task each by Send)"
    return Finding(
        kind="straggler",
        nodes=[path],
        title=f"Do not let one slow task of {path} hold up all the others",
        why=(
            f"In {len(slow)} of {plural(len(steps), 'superstep')} the slowest of the tasks"
            f"{fanning} took {duration(mean(call.seconds for call in slowest))}, the others "
            f"{duration(others_s)}: they waited {duration(waited_s)} at the barrier."
            f"{_what_is_slow(observed, slowest)}"
        ),
        change=where(observed, path)
        + "\n".join(
            [
                f"# Give what is slow a time limit, and go on without it; {path} says so:",
                "import asyncio",
                "",
                f"async def {function_of(observed, path)}(state):",
                "    try:",
                f"        async with asyncio.timeout({_limit(others_s)}):",
                "            found = await slow_call(state)",
                "    except TimeoutError:",
                "        found = None  # look it up later, in a node that nobody waits for",
                "    ...",
            ]
        ),
        changes=(NoStraggler(path),),
        evidence=some(slowest),
        grounds=Grounds(
            doubts=["the saving is the most that there is to gain: no task slower than the median"]
        ),
    )


def _limit(seconds: float) -> str:
    return f"{2 * seconds:.2g}"


def _what_is_slow(observed: Observed, slowest: list[Call]) -> str:
    """The calls that only the slow tasks made, or made longest."""
    seconds: dict[str, float] = defaultdict(float)
    for call in slowest:
        for span in _calls_in(observed, call):
            seconds[f"{span.kind} {span.name}"] += span.end_s - span.start_s
    if not seconds:
        return ""
    name = max(seconds, key=lambda key: seconds[key])
    return f" Most of it is {name} ({duration(seconds[name] / len(slowest))} in each)."


def _calls_in(observed: Observed, call: Call) -> list[Span]:
    tree = observed.trees[call.request.index]
    return [
        child
        for attempt in tree.attempts(call.span)
        for child in tree.children.get(attempt.id, ())
        if child.kind in ("model", "tool", "retriever")
    ]


def _branches(observed: Observed, steps: list[Step]) -> Iterator[Finding]:
    groups: dict[tuple[str, ...], list[Step]] = defaultdict(list)
    for step in steps:
        paths = tuple(sorted(call.span.path for call in step))
        if len(set(paths)) == len(paths):
            groups[paths].append(step)
    for paths, found in groups.items():
        means = {
            path: mean(call.seconds for step in found for call in step if call.span.path == path)
            for path in paths
        }
        slow, next_one = sorted(paths, key=lambda path: means[path], reverse=True)[:2]
        if means[slow] >= _SLOW_FROM * means[next_one] > 0:
            yield _branch(observed, found, slow, next_one, means)


def _branch(
    observed: Observed, steps: list[Step], slow: str, next_one: str, means: dict[str, float]
) -> Finding:
    waiting = [path for path in means if path != slow]
    calls = [call for step in steps for call in step if call.span.path == slow]
    name = observed.name_of(slow)
    return Finding(
        kind="straggler",
        nodes=[slow],
        title=f"Split {slow}: its siblings wait for it",
        why=(
            f"{', '.join(waiting)} run beside {slow}, which takes {duration(means[slow])}, "
            f"{means[slow] / means[next_one]:.1f} times as long as the next slowest ({next_one}, "
            f"{duration(means[next_one])}): what follows waits for it alone, in "
            f"{plural(len(steps), 'superstep')}."
        ),
        change=where(observed, slow)
        + "\n".join(
            [
                f"# either two nodes side by side in place of {quoted(name)}, each with a half:",
                f"graph.add_node({quoted(f'{name} 1')}, first_half)",
                f"graph.add_node({quoted(f'{name} 2')}, second_half)",
                "# or let what follows start without it, and join it where it is needed",
            ]
        ),
        changes=(Faster(slow, means[next_one] / means[slow]),),
        evidence=some(calls),
        grounds=Grounds(
            doubts=[
                f"the saving is the most that there is to gain: {slow} no slower than {next_one}"
            ]
        ),
    )


def _barriers(observed: Observed, steps: list[Step]) -> Iterator[Finding]:
    """A node that only follows one of the tasks, and waits for all of them."""
    for outer, graph in observed.profile.target.graphs.items():
        for before, after in graph.edges:
            into = [source for source, target in graph.edges if target == after]
            joined = any(after == join.target for join in graph.joins)
            routed = any(after in targets or not targets for targets in graph.branches.values())
            out = [target for source, target in graph.edges if source == before]
            alone = into == [before] and out == [after] and not joined and not routed
            if not alone or after not in graph.nodes or before not in graph.nodes:
                continue
            if before in graph.branches or graph.nodes[after].defers:
                continue
            first, then = (f"{outer}/{n}" if outer else n for n in (before, after))
            waits = [
                (call, max(other.span.end_s for other in step) - call.span.end_s)
                for step in steps
                for call in step
                if call.span.path == first and len({o.span.path for o in step}) > 1
            ]
            if waits and observed.nodes(then) and mean(wait for _, wait in waits) > 0:
                yield _barrier(observed, first, then, waits)


def _barrier(observed: Observed, first: str, then: str, waits: list[tuple[Call, float]]) -> Finding:
    names = [observed.name_of(path) for path in (first, then)]
    functions = [function_of(observed, path) for path in (first, then)]
    is_async = any(observed.shape(path).is_async for path in (first, then))
    opening, calling = ("async def", "await ") if is_async else ("def", "")
    effects = [*observed.effects_of(first), *observed.effects_of(then)]
    return Finding(
        kind="straggler",
        nodes=[first, then],
        title=f"Start {then} when {first} is done, not when its whole superstep is",
        why=(
            f"{then} needs {first} alone, and waits {duration(mean(w for _, w in waits))} for the "
            f"slower nodes beside it, in {plural(len(waits), 'superstep')}."
        ),
        change=where(observed, first)
        + "\n".join(
            [
                f"{opening} {functions[0]}_then_{functions[1]}(state):",
                f"    first = {calling}{functions[0]}(state)",
                f"    return first | {calling}{functions[1]}({{**state, **first}})",
                "",
                f"graph.add_node({quoted(names[0])}, {functions[0]}_then_{functions[1]})",
                f"# and {quoted(names[1])} goes: its edges leave from {quoted(names[0])}",
            ]
        ),
        changes=(RemoveBarrier(first, then),),
        evidence=some([call for call, _ in waits]),
        grounds=Grounds(
            vetoes=list(order_changes((first, then), observed.profile, observed.trees.values())),
            doubts=[*effects, *observed.doubt_few_inputs()],
            facts=["keys with a reducer have to be merged by hand"],
        ),
    )


def _longest_s(step: Step) -> float:
    return max(call.seconds for call in step)


def _median_s(step: Step) -> float:
    return median(call.seconds for call in step)
