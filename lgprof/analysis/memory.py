"""From allocations to the memory of each node."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from lgprof.analysis.sites import is_users, module_path
from lgprof.model import AllocationSite, Memory, NodeMemory, Span
from lgprof.record.memory import Allocations, Held

_MOST_SITES = 3


def memory_of(
    allocations: Allocations, span_around: Callable[[int], Span | None], requests: int
) -> Memory:
    """Add up what each node held.

    Args:
        allocations: What memray told.
        span_around: From the id of a callback run to its span, or that around it.
        requests: How many were made.
    """

    def path_of(origin: int) -> str:
        span = span_around(origin) if origin else None
        return span.path if span else ""

    at_peak = _by_node(allocations.at_peak, path_of)
    retained = _by_node(allocations.retained, path_of)
    changes: dict[str, Counter[int]] = defaultdict(Counter)
    for origin, counts in allocations.over_time.items():
        changes[path_of(origin)].update(counts)
    nodes = [
        NodeMemory(
            path=path,
            peak_bytes=max(_total(at_peak.get(path, ())), _highest(changes.get(path, Counter()))),
            retained_bytes=_total(retained.get(path, ())) / max(requests, 1),
            sites=_sites(at_peak.get(path) or retained.get(path) or ()),
        )
        for path in {*at_peak, *retained, *changes}
    ]
    nodes.sort(key=lambda node: (-node.peak_bytes, node.path))
    return Memory(requests=requests, peak_bytes=allocations.peak_bytes, nodes=nodes)


def _by_node(held: Iterable[Held], path_of: Callable[[int], str]) -> dict[str, list[Held]]:
    nodes: dict[str, list[Held]] = defaultdict(list)
    for each in held:
        nodes[path_of(each.origin)].append(each)
    return nodes


def _total(held: Iterable[Held]) -> int:
    return sum(each.size_bytes for each in held)


def _highest(changes: Counter[int]) -> int:
    """The most that was held, from what was added and given back at each snapshot."""
    now = highest = 0
    for snapshot in sorted(changes):
        now += changes[snapshot]
        highest = max(highest, now)
    return highest


def _sites(held: Iterable[Held]) -> list[AllocationSite]:
    """The innermost code of the user's on each stack."""
    sizes: Counter[tuple[str, str, int]] = Counter()
    for each in held:
        frame = next((frame for frame in each.stack if is_users(frame[1])), None)
        if frame is not None:
            sizes[frame] += each.size_bytes
    return [
        AllocationSite(function=function, file=module_path(file), line=line, size_bytes=size)
        for (function, file, line), size in sizes.most_common(_MOST_SITES)
    ]
