"""``cache``: nodes that are given the same again and answer the same."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed
from lgprof.advice.snippets import function_of, identifier, key_tuple, quoted, where
from lgprof.readable import plural
from lgprof.record.tracked_dict import WHOLE
from lgprof.whatif.changes import CacheNode

ENOUGH_REPEATS = 59
"""Repeats that must agree to rule out, at 95 %, that one in twenty differs: ln 0.05 / ln 0.95."""
ENOUGH_KEYS = 5
_BLOCKS_FROM = 0.02


@dataclass(slots=True)
class _Repeats:
    """Calls of a node that read what an earlier call had read."""

    calls: list[Call]
    keys: int
    """Different readings that came again."""
    differing: int
    untold: int
    """Whose outputs could not be compared."""
    span_s: float
    """Longest time over which one agreed with the first of its key."""

    @property
    def ttl_s(self) -> int:
        """For how long an answer was seen to hold, in whole seconds from 1."""
        return max(1, math.floor(self.span_s))


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes whose repeated calls could be answered from a cache."""
    for path in observed.paths:
        row, shape = observed.rows[path], observed.shape(path)
        if shape.is_graph or row.cache_hits or shape.caches_by_key:
            continue
        if not isinstance(row.reads, list) or not row.reads or observed.below("model", path):
            continue  # answers of models are a cache of their own: kind llm_cache
        repeats = _repeats(observed, path, row.reads)
        if repeats.calls:
            yield _finding(observed, path, row.reads, repeats)


def grounds(observed: Observed, change: CacheNode) -> Grounds:
    """What speaks against caching a node, whether or not it would be advised.

    Args:
        observed: Where it ran.
        change: How it is to be cached.
    """
    reads = observed.rows[change.node].reads
    read = [] if reads is None else [WHOLE] if reads == "all" else reads
    keys = list(change.keys or read)
    found = _grounds(observed, change.node, _repeats(observed, change.node, keys))
    if left_out := [key for key in read if key not in keys]:
        what = "the whole state" if left_out == [WHOLE] else ", ".join(left_out)
        found.doubts.insert(0, f"{change.node} reads {what}, which the key leaves out")
    if observed.below("model", change.node):
        found.doubts.insert(0, f"{change.node} asks a model, whose answers would never vary again")
    return found


def _repeats(observed: Observed, path: str, keys: Sequence[str]) -> _Repeats:
    groups: dict[tuple[str | None, ...], list[Call]] = defaultdict(list)
    for call in observed.attempts(path):
        reads = call.span.reads or {}
        values = tuple(reads.get(key) for key in keys)
        if call.request.index in observed.given and call.span.outcome == "ok" and all(values):
            groups[values].append(call)
    found = _Repeats([], 0, 0, 0, 0.0)
    for group in groups.values():
        first, *others = sorted(group, key=lambda call: call.span.start_s)
        found.calls += others
        found.keys += bool(others)
        for call in others:
            if call.span.output_hash is None or first.span.output_hash is None:
                found.untold += 1
            elif call.span.output_hash != first.span.output_hash:
                found.differing += 1
            else:
                found.span_s = max(found.span_s, call.span.start_s - first.span.start_s)
    return found


def _finding(observed: Observed, path: str, keys: list[str], repeats: _Repeats) -> Finding:
    calls = [call for call in observed.attempts(path) if call.request.index in observed.given]
    has_policy = observed.shape(path).caches
    by = ", ".join(keys)
    title = (
        f"Give the cache of {path} a key that hits: {by}" if has_policy else f"Cache {path} by {by}"
    )
    why = (
        f"{plural(len(repeats.calls), 'call')} of {len(calls)} read what an earlier call had read "
        f"({', '.join(keys)}): {plural(repeats.keys, 'reading')} came again."
    )
    if has_policy:
        why += (
            " Without a key_func the key is the whole state, which differs in every request;"
            " messages differ too, by their ids."
        )
    return Finding(
        kind="cache",
        nodes=[path],
        title=title,
        why=why,
        change=_code(observed, path, keys, repeats.ttl_s),
        changes=(CacheNode(path, tuple(keys)),),
        evidence=[call.evidence for call in repeats.calls[:5]],
        grounds=_grounds(observed, path, repeats),
        matters=_frees_the_loop(observed, path, len(repeats.calls)),
        given_inputs_only=True,
    )


def _grounds(observed: Observed, path: str, repeats: _Repeats) -> Grounds:
    grounds = Grounds()
    hints = observed.hints(path)
    number = plural(len(repeats.calls), "repeat")
    if repeats.differing:
        grounds.vetoes.append(f"{repeats.differing} of {number} had another output")
    if hints.effects:
        grounds.vetoes.append(f"{path} was seen to {' and '.join(hints.effects)}: a hit would not")
    if tools := observed.tools_of(path):
        grounds.vetoes.append(f"{path} calls {', '.join(tools)}: a hit would skip what tools do")
    grounds.doubts += observed.effects_of(path)
    if injected := [name for name in hints.context if name not in ("store", "writer")]:
        grounds.doubts.append(f"{path} is given {' and '.join(injected)}, which no key holds")
    graph, name = observed.graph_of(path)
    if graph is not None and name in graph.branches:
        grounds.doubts.append(
            f"{path} is routed from: LangGraph keeps the way that was taken with the answer, and "
            "the key has to hold what the router goes by"
        )
    if repeats.untold:
        grounds.doubts.append(f"the outputs of {repeats.untold} of {number} cannot be compared")
    if len(repeats.calls) < ENOUGH_REPEATS or repeats.keys < ENOUGH_KEYS:
        grounds.doubts.append(
            f"{number} of {plural(repeats.keys, 'key')} agreed; {ENOUGH_REPEATS} of "
            f"{ENOUGH_KEYS} keys or more would rule out that one in twenty differs"
        )
    grounds.doubts += observed.doubt_few_inputs()
    agreed = len(repeats.calls) - repeats.differing - repeats.untold
    grounds.facts.append(
        f"no difference in {plural(agreed, 'repeat')} of {plural(repeats.keys, 'key')} over "
        f"{repeats.span_s:.1f} s: a longer ttl than {repeats.ttl_s} s is yours to vouch for"
    )
    grounds.facts.append("the cache holds what differs between users only if a key does")
    return grounds


def _frees_the_loop(observed: Observed, path: str, hits: int) -> str | None:
    row = observed.rows[path]
    calls = max(row.calls, 1)
    freed_s = (row.blocking_s or 0.0) * hits / calls
    if freed_s < _BLOCKS_FROM * observed.mean_latency_s:
        return None
    return (
        f"a hit blocks nobody: {freed_s * 1e3:.0f} ms less per request in which the event loop "
        "stands still"
    )


def _code(observed: Observed, path: str, keys: list[str], ttl_s: int) -> str:
    graph, name = observed.graph_of(path)
    read = "getattr(state, key, None)" if graph and graph.state_is_object else "state.get(key)"
    key_func = f"{identifier(name)}_key"
    has_cache = graph is not None and graph.has_cache
    return where(observed, path) + "\n".join(
        [
            "import json",
            *([] if has_cache else ["from langgraph.cache.memory import InMemoryCache"]),
            "from langgraph.types import CachePolicy",
            "",
            f"def {key_func}(state):",
            f"    read = [{read} for key in {key_tuple(keys)}]",
            "    # messages by what they say: their ids differ every time",
            "    def said(item):",
            '        return [type(item).__name__, getattr(item, "content", None) or repr(item)]',
            "    return json.dumps(read, sort_keys=True, default=said)",
            "",
            f"graph.add_node({quoted(name)}, {function_of(observed, path)},",
            f"               cache_policy=CachePolicy(key_func={key_func}, ttl={ttl_s}))",
            *([] if has_cache else ["app = graph.compile(cache=InMemoryCache())"]),
        ]
    )
