"""What the graph in a node reads of the state around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lgprof.model import GraphShape, NodeRow


def note_nested_reads(rows: Iterable[NodeRow], graphs: Mapping[str, GraphShape]) -> None:
    """Replace "all" of nodes that are graphs: LangGraph copies their input whole.

    It is what their own nodes read, of the keys that the graph takes; all of these keys where
    a router may read any.

    Args:
        rows: One per node, the nested ones included; changed.
        graphs: By the path of the node that holds them, ``""`` the outermost.
    """
    by_path = {row.path: row for row in rows}
    for path in sorted(graphs, key=len, reverse=True):  # the innermost first
        row, graph = by_path.get(path), graphs[path]
        if row is None or row.reads != "all" or graph.inputs is None:
            continue
        read: set[str] = set()
        for name in graph.nodes:
            inner = by_path.get(f"{path}/{name}")
            if inner is not None:
                known = isinstance(inner.reads, list) and not graph.branches
                read |= set(inner.reads or ()) if known else set(graph.inputs)
        row.reads = sorted(read & set(graph.inputs))
