"""A node cache: calls whose key was seen before, and is not too old, fall away."""

from __future__ import annotations

from msgspec.structs import replace

from lgprof.record.tracked_dict import WHOLE
from lgprof.whatif.changes import CacheNode
from lgprof.whatif.pieces import GraphRun, Task
from lgprof.whatif.rewrite import Rewriter, all_pieces
from lgprof.whatif.scenario import Scenario

Key = tuple[str | None, ...]


def cache(change: CacheNode, scenario: Scenario) -> None:
    """Answer calls from the cache, in order of arrival."""
    calls = _calls(change.node, scenario)
    keys = change.keys or _read_keys(calls)
    untold = sum(_key(task, keys) is None for _, task in calls)
    if untold and keys:
        scenario.note(
            f"{untold} of {len(calls)} calls of {change.node} did not read all of "
            f"{', '.join(keys)}: what the cache would look up for them is not known, and they are "
            "counted as misses"
        )
    if not keys:
        seen = any(reads_of(task) is not None for _, task in calls)
        why = "reads nothing to look it up by" if seen else "was not seen to read its state"
        scenario.note(f"{change.node} {why}: no call is a hit")
    if _is_routed_from(change.node, scenario):
        scenario.note(
            f"{change.node} is routed from: LangGraph answers from the cache where it went as well"
        )
    hits = _hits(calls, keys, change.ttl_s)
    scenario.rewrite(
        lambda position: _Answered(change.node, hits[position]) if position in hits else Rewriter()
    )


def _is_routed_from(path: str, scenario: Scenario) -> bool:
    outer, name = scenario.profile.target.owner_of(path)
    graph = scenario.profile.target.graphs.get(outer)
    return graph is not None and name in graph.branches


def _calls(node: str, scenario: Scenario) -> list[tuple[int, Task]]:
    """All calls of the node, each with its request's position, in order of time."""
    found = [
        (position, piece)
        for position, schedule in enumerate(scenario.schedules)
        for piece in all_pieces(schedule.runs, within=node)
        if isinstance(piece, Task) and piece.path == node and piece.attempts
    ]
    return sorted(found, key=lambda call: call[1].span.start_s)


def _read_keys(calls: list[tuple[int, Task]]) -> tuple[str, ...]:
    keys = {key for _, task in calls for key in reads_of(task) or ()}
    return (WHOLE,) if WHOLE in keys else tuple(sorted(keys))


def reads_of(task: Task) -> dict[str, str | None] | None:
    """State keys that a call read, with a salted hash of each value; None where not recorded.

    A subgraph is given the whole state: what counts is what its nodes read of it.
    """
    if not task.attempts:
        return None
    attempt = task.attempts[-1]
    reads = attempt.span.reads
    graphs = [piece for piece in attempt.body if isinstance(piece, GraphRun)]
    if reads is None or WHOLE not in reads or len(graphs) != 1:
        return reads
    inner = _reads_from_outside(graphs[0])
    return reads if inner is None or WHOLE in inner else inner


def _reads_from_outside(run: GraphRun) -> dict[str, str | None] | None:
    """What a graph's nodes read before one of them wrote it."""
    found: dict[str, str | None] = {}
    written: set[str] = set()
    for step in run.steps:
        for task in step.tasks:
            reads = reads_of(task)
            if reads is None:
                return None
            found |= {key: value for key, value in reads.items() if key not in {*written, *found}}
        for task in step.tasks:
            for attempt in task.attempts:
                written |= set(attempt.span.writes or ())
    return found


def _key(task: Task, keys: tuple[str, ...]) -> Key | None:
    """The values that identify a call, as hashes; None where one is not known."""
    reads = reads_of(task)
    if reads is None or not keys:
        return None
    values = tuple(reads.get(key) for key in keys)
    return None if None in values else values


def _hits(
    calls: list[tuple[int, Task]], keys: tuple[str, ...], ttl_s: float | None
) -> dict[int, set[int]]:
    """Spans of the calls that the cache answers, by the position of their request."""
    stored_s: dict[Key, float] = {}
    hits: dict[int, set[int]] = {}
    for position, task in calls:
        key = _key(task, keys)
        if key is None:
            continue
        since_s = stored_s.get(key)
        start_s = task.span.start_s
        fresh = since_s is not None and (ttl_s is None or start_s - since_s <= ttl_s)
        if since_s is not None and since_s <= start_s and fresh:
            hits.setdefault(position, set()).add(task.span.id)
        elif task.span.outcome == "ok" and not (since_s is not None and fresh):
            stored_s[key] = task.span.end_s
    return hits


class _Answered(Rewriter):
    """A hit calls nothing: the superstep stays, and takes no time of the node's."""

    def __init__(self, node: str, hits: set[int]) -> None:
        self.within = node
        self._hits = hits

    def task(self, task: Task) -> Task:
        if task.span.id not in self._hits:
            return task
        return replace(task, attempts=(), backoffs_s=(), then=())
