"""``executor``: nodes that stand ready and wait for a thread or a place."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed
from lgprof.analysis.calls import NodeCalls
from lgprof.model import Request
from lgprof.readable import duration, plural
from lgprof.whatif.changes import Change, MaxConcurrency, PoolSize


def find(observed: Observed) -> Iterator[Finding]:
    """The pool, or the limit, that most of the waiting is for."""
    waiting = [path for path in observed.paths if observed.rows[path].executor_queue_s]
    if not waiting:
        return
    queued_s = sum(observed.rows[path].executor_queue_s or 0.0 for path in waiting)
    most = max((_most_at_once(observed, request) for request in observed.requests), default=0)
    limits = {request.max_concurrency for request in observed.requests} - {None}
    sizes = {request.pool_size for request in observed.requests if request.pool_size}
    limit = min((one for one in limits if one), default=None)
    size = limit or min(sizes, default=None)
    if size is None or most <= size:
        return
    change: Change = MaxConcurrency(most) if limit else PoolSize(most)
    what = "max_concurrency" if limit else "the pool of threads"
    late = _late(observed, waiting)
    yield Finding(
        kind="executor",
        nodes=waiting,
        title=f"Raise {what} from {size} to {most}",
        why=(
            f"Up to {most} tasks are ready at once and {what} lets {size} of them run: "
            f"{', '.join(waiting)} stood in line for {duration(queued_s)} per request, summed over "
            f"{plural(len(late), 'call')}."
        ),
        change=_code(observed, most, by_limit=limit is not None),
        changes=(change,),
        evidence=[call.evidence for call in late[:5]],
        grounds=Grounds(
            facts=[
                "more threads help what waits; what computes shares one interpreter lock",
                "under load all requests share the pool: so many threads for each at once",
            ]
        ),
    )


def _most_at_once(observed: Observed, request: Request) -> int:
    """The most tasks of a superstep that need a thread of the pool, or a place."""
    tree = observed.trees[request.index]
    graphs = [s for spans in tree.children.values() for s in spans if s.kind == "graph"]
    sizes = [
        sum(
            bool(request.max_concurrency)
            or any(attempt.thread == "pool" for attempt in tree.attempts(node))
            for node in step
        )
        for graph in graphs
        for step in tree.supersteps(graph)
    ]
    return max(sizes, default=0)


def _late(observed: Observed, paths: list[str]) -> list[Call]:
    """Calls that stood in line, the longest wait first."""
    waits: list[tuple[float, Call]] = []
    calls = {r.index: NodeCalls(r, observed.trees[r.index]) for r in observed.requests}
    for path in paths:
        for call in observed.nodes(path):
            queues = calls[call.request.index].queues(call.span)
            waited_s = sum(queue.end_s - queue.start_s for queue in queues)
            if waited_s > 0.001:
                waits.append((waited_s, call))
    return [call for _, call in sorted(waits, key=lambda pair: -pair[0])]


def _code(observed: Observed, most: int, *, by_limit: bool) -> str:
    is_async = observed.profile.target.mode == "async"
    if is_async and not by_limit:
        return "\n".join(
            [
                "import asyncio",
                "from concurrent.futures import ThreadPoolExecutor",
                "",
                "# once, where the event loop starts:",
                "loop = asyncio.get_running_loop()",
                f"loop.set_default_executor(ThreadPoolExecutor(max_workers={most}))",
            ]
        )
    call = "await app.ainvoke" if is_async else "app.invoke"
    return f'result = {call}(inputs, {{**config, "max_concurrency": {most}}})'
