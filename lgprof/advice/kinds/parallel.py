"""``parallel``: nodes in a row of which none needs what another does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Observed, some
from lgprof.advice.snippets import place, places, where
from lgprof.model import GOTO, GraphShape
from lgprof.readable import plural
from lgprof.whatif.changes import Parallel
from lgprof.whatif.order import order_changes

_GRAPH = " (a graph gives back all its keys, unless it has an output_schema)"


def find(observed: Observed) -> Iterator[Finding]:
    """The longest rows of independent nodes, and the pairs that may not run side by side."""
    for outer, graph in observed.profile.target.graphs.items():
        for row in _rows(graph):
            paths = [f"{outer}/{name}" if outer else name for name in row]
            if all(observed.attempts(path) for path in paths):
                yield from _in_row(observed, graph, paths)


def grounds(observed: Observed, nodes: Sequence[str]) -> Grounds:
    """What speaks against running some nodes side by side, whether or not it would be advised.

    Args:
        observed: Where they ran.
        nodes: Their paths.
    """
    graph, _ = observed.graph_of(nodes[0])
    group = list(nodes)
    if graph is None or not all(
        observed.graph_of(path) == (graph, name) and name in graph.nodes
        for path, name in zip(group, map(observed.name_of, group), strict=True)
    ):
        return Grounds(doubts=[f"{_and(group)} are not known to be nodes of one graph"])
    found = _grounds(observed, graph, group)
    found.vetoes += _vetoes(observed, graph, group)
    return found


def _rows(graph: GraphShape) -> Iterator[list[str]]:
    """Nodes that run one after another, whatever the request."""
    following = {node: _only_successor(graph, node) for node in graph.nodes}
    starts = [node for node in graph.nodes if node not in set(following.values())]
    for start in starts:
        row = [start]
        while (after := following[row[-1]]) is not None and after not in row:
            row.append(after)
        if len(row) > 1:
            yield row


def _only_successor(graph: GraphShape, node: str) -> str | None:
    after = [target for source, target in graph.edges if source == node]
    joined = any(node in join.sources for join in graph.joins)
    if len(after) != 1 or joined or node in graph.branches or graph.nodes[node].destinations:
        return None
    alone = after[0] in graph.nodes and _predecessors(graph, after[0]) == [node]
    return after[0] if alone else None


def _predecessors(graph: GraphShape, node: str) -> list[str]:
    """Nodes from which one leads here; ``?`` for any that may route here."""
    found = [source for source, target in graph.edges if target == node]
    found += [source for join in graph.joins if join.target == node for source in join.sources]
    routed = [targets for targets in graph.branches.values() if node in targets or not targets]
    jumped = any(node in shape.destinations for shape in graph.nodes.values())
    return [*found, *(["?"] if routed or jumped else [])]


def _in_row(observed: Observed, graph: GraphShape, row: list[str]) -> Iterator[Finding]:
    """The longest stretches of the row that fit together, and what keeps others apart."""
    end = 0
    for start in range(len(row) - 1):
        stop = start + 1
        while not (vetoes := _vetoes(observed, graph, row[start : stop + 1])):
            stop += 1
            if stop == len(row):
                break
        if stop - start > 1 and stop > end:
            end = stop
            yield _finding(observed, graph, row[start:stop])
        if vetoes and stop - start == 1:
            yield _refusal(observed, row[start : stop + 1], vetoes)


def _vetoes(observed: Observed, graph: GraphShape, group: list[str]) -> list[str]:
    """Why the nodes may not run side by side, whatever the recording shows besides."""
    found = [veto for path in group for veto in _topology(observed, graph, path)]
    for earlier, later in combinations(group, 2):
        found += _overlaps(observed, graph, earlier, later)
    return found or list(order_changes(group, observed.profile, observed.trees.values()))


def _grounds(observed: Observed, graph: GraphShape, group: list[str]) -> Grounds:
    calls = sum(len(observed.nodes(path)) for path in group)
    requests = plural(len(observed.requests), "request")
    return Grounds(
        doubts=[
            *(effect for path in group for effect in observed.effects_of(path)),
            *_handed_to_several(observed, group),
            *_counting_steps(observed, graph, group[0]),
            *observed.doubt_few_inputs(),
        ],
        facts=[
            f"reads and writes observed in {plural(calls, 'call')} of {requests}, "
            f"{plural(observed.distinct_inputs, 'distinct input')}"
        ],
    )


def _handed_to_several(observed: Observed, group: list[str]) -> Iterator[str]:
    """Objects that one of the nodes may change while another looks at them."""
    untold: Counter[str] = Counter()
    for path in group:
        readings = [call.span.reads or {} for call in observed.attempts(path)]
        untold.update({key for reads in readings for key, told in reads.items() if told is None})
    for key, readers in untold.items():
        if readers > 1:
            yield f"{_and(group)} are given {key}, whose content cannot be told: any may change it"


def _counting_steps(observed: Observed, graph: GraphShape, member: str) -> Iterator[str]:
    outer, _ = observed.profile.target.owner_of(member)
    for name in graph.nodes:
        row = observed.rows.get(f"{outer}/{name}" if outer else name)
        if row is not None and isinstance(row.reads, list):
            for key in sorted(set(row.reads) & set(graph.managed)):
                yield f"{row.path} reads {key}, and there would be fewer supersteps"


def _topology(observed: Observed, graph: GraphShape, path: str) -> Iterator[str]:
    name = observed.name_of(path)
    shape = graph.nodes[name]
    if name in graph.branches:
        yield f"{path} is routed from: the router reads what has been written until then"
    if shape.destinations or GOTO in observed.hints(path).control:
        yield f"{path} decides by Command where to go"
    if name in graph.pauses:
        yield f"a person is waited for at {path}"
    if shape.defers:
        yield f"{path} is deferred until all others are done"


def _overlaps(observed: Observed, graph: GraphShape, earlier: str, later: str) -> Iterator[str]:
    sets = {}
    for path in (earlier, later):
        row = observed.rows[path]
        if row.reads is None or row.writes is None:
            yield f"what {path} reads or writes was not seen in every call"
            return
        sets[path] = (row.reads, set(row.writes))
    (first_reads, first_writes), (later_reads, later_writes) = sets[earlier], sets[later]
    for path, reads in ((later, later_reads), (earlier, first_reads)):
        if reads == "all":
            yield f"{path} reads the whole state"
            return
    if needed := first_writes & set(later_reads):
        is_graph = observed.shape(earlier).is_graph
        yield f"{later} reads {_keys(needed)}, which {earlier} writes{_GRAPH if is_graph else ''}"
    if both := first_writes & later_writes:
        if added := both & set(graph.reducers):
            yield f"both add to {_keys(added)}: the order of what they add would change"
        if replaced := both - set(graph.reducers):
            yield f"both write {_keys(replaced)}"
    if changed := later_writes & set(first_reads):
        yield f"{earlier} reads {_keys(changed)}, which {later} writes"


def _keys(keys: set[str]) -> str:
    return ", ".join(sorted(keys))


def _finding(observed: Observed, graph: GraphShape, group: list[str]) -> Finding:
    names = [observed.name_of(path) for path in group]
    pairs = list(zip(names, group, strict=True))
    reads = [f"{name} reads {_read(observed, path)}" for name, path in pairs]
    writes = [f"{name} writes {_written(observed, path)}" for name, path in pairs]
    return Finding(
        kind="parallel",
        nodes=group,
        title=_title(observed, group),
        why=(
            f"They run one after another, and none needs what another does: "
            f"{'; '.join(reads)}; {'; '.join(writes)}."
        ),
        change=_code(observed, graph, group),
        changes=(Parallel(tuple(group)),),
        evidence=[one for path in group for one in some(observed.nodes(path))[:2]],
        grounds=_grounds(observed, graph, group),
    )


def _refusal(observed: Observed, pair: list[str], vetoes: list[str]) -> Finding:
    return Finding(
        kind="parallel",
        nodes=pair,
        title=_title(observed, pair),
        why="They run one after another.",
        change="",
        changes=(Parallel(tuple(pair)),),
        evidence=[one for path in pair for one in some(observed.nodes(path))[:1]],
        grounds=Grounds(vetoes=vetoes),
    )


def _title(observed: Observed, group: list[str]) -> str:
    outer, _ = observed.profile.target.owner_of(group[0])
    names = _and([observed.name_of(path) for path in group])
    return f"Run {names} side by side{f' in {outer}' if outer else ''}"


def _read(observed: Observed, path: str) -> str:
    reads = observed.rows[path].reads
    return "nothing" if not reads else ", ".join(reads)


def _written(observed: Observed, path: str) -> str:
    return ", ".join(observed.rows[path].writes or ()) or "nothing"


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _code(observed: Observed, graph: GraphShape, group: list[str]) -> str:
    names = [observed.name_of(path) for path in group]
    first, last = names[0], names[-1]
    old, new = [], []
    for before in [source for source, target in graph.edges if target == first]:
        new += [f"graph.add_edge({place(before)}, {place(name)})" for name in names[1:]]
    for join in graph.joins:
        if join.target == first:
            new += [f"graph.add_edge({places(join.sources)}, {place(name)})" for name in names[1:]]
    if _predecessors(graph, first).count("?"):
        return _forked(observed, group[0], names)
    for earlier, later in pairwise(names):
        old.append(f"#   graph.add_edge({place(earlier)}, {place(later)})")
    exits = [target for source, target in graph.edges if source == last]
    old += [f"#   graph.add_edge({place(last)}, {place(after)})" for after in exits]
    new += _exits(graph, names, exits)
    lines = [*new, "# in place of, also where add_sequence made them:", *old]
    return where(observed, group[0]) + "\n".join(lines)


def _exits(graph: GraphShape, names: list[str], exits: list[str]) -> list[str]:
    lines = []
    for after in exits:
        if after == "__end__" or graph.nodes[after].defers:
            lines += [f"graph.add_edge({place(name)}, {place(after)})" for name in names]
        else:
            lines.append(f"graph.add_edge({places(names)}, {place(after)})")
    for join in graph.joins:
        if names[-1] in join.sources:
            sources = [*names, *(other for other in join.sources if other not in names)]
            lines.append(f"graph.add_edge({places(sources)}, {place(join.target)})")
    return lines


def _forked(observed: Observed, path: str, names: list[str]) -> str:
    """Where a router leads to the first node, it leads to an empty one before all of them."""
    fork = f"before_{names[0]}"
    lines = [f"graph.add_node({place(fork)}, lambda state: {{}})"]
    lines += [f"graph.add_edge({place(fork)}, {place(name)})" for name in names]
    lines.append(f"# what led to {place(names[0])} leads to {place(fork)}, routers included; then:")
    return where(observed, path) + "\n".join(lines)
