"""Nodes and edges of a graph, as far as it declares them."""

from __future__ import annotations

import copy

from langgraph.constants import END, START

from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.model import Edge


def structure(graph: AnyGraph) -> tuple[list[str], list[Edge]]:
    """The nodes of a graph (error handlers included) and the edges that it declares.

    Edges from and to ``__start__`` and ``__end__`` are kept; the two are no nodes. Where LangGraph
    cannot draw the graph, there are no edges.
    """
    nodes = [name for name in graph.nodes if name not in (START, END)]
    try:
        drawn = _uncached(graph).get_graph().edges
    except Exception:  # drawing runs the graph's writers on empty input, which may raise anything
        drawn = []
    conditional: dict[tuple[str, str], bool] = {}
    for edge in drawn:
        pair = (edge.source, edge.target)
        # Two ways between the same nodes are one edge, certain if one of them is.
        conditional[pair] = edge.conditional and conditional.get(pair, True)
    return nodes, [
        Edge(source=source, target=target, conditional=maybe)
        for (source, target), maybe in conditional.items()
    ]


def _uncached(graph: AnyGraph) -> AnyGraph:
    """A copy without node caches: drawing asks a ``key_func`` for the key of an empty input."""
    drawn = copy.copy(graph)
    drawn.cache_policy = None
    drawn.nodes = {
        name: node.copy({"cache_policy": None, "subgraphs": node.subgraphs})
        for name, node in graph.nodes.items()
    }
    return drawn
