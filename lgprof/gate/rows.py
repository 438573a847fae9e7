"""From a recorded request to the figures that a gate compares."""

from __future__ import annotations

from collections import defaultdict

from lgprof.analysis.attribution import START_NODE
from lgprof.analysis.calls import NodeCalls
from lgprof.analysis.intervals import covered_s
from lgprof.analysis.tree import SpanTree
from lgprof.gate.protocol import AskedModel, NodeFigures, RequestRow
from lgprof.model import Request, Span


def request_row(request: Request) -> RequestRow:
    """What the request took, by node."""
    return RequestRow(
        index=request.index,
        outcome=request.outcome,
        error_type=request.error_type,
        wall_s=request.latency_s,
        cpu_s=request.cpu_s,
        models=[
            AskedModel(span.path, span.name, span.model)
            for span in request.spans
            if span.model is not None
        ],
        nodes=_nodes(request),
    )


def _nodes(request: Request) -> dict[str, NodeFigures]:
    """Time in each node without that in the nodes of its subgraphs, which have lines of their own.

    Otherwise a node that got slower would take all those around it along.
    """
    calls = NodeCalls(request, SpanTree(request.spans))
    spans = {span.id: span for span in request.spans}
    nodes = [span for span in request.spans if span.kind == "node" and span.name != START_NODE]
    inside: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for node in nodes:
        outer = _node_around(node, spans)
        if outer is not None:
            inside[outer.id].append(calls.bounds(node))
    figures: dict[str, NodeFigures] = defaultdict(lambda: NodeFigures(0, 0.0))
    for node in nodes:
        start_s, end_s = calls.bounds(node)
        within = [
            (max(start_s, start), min(end_s, end))
            for start, end in inside[node.id]
            if start < end_s and end > start_s
        ]
        figures[node.path].calls += 1
        figures[node.path].seconds += end_s - start_s - (covered_s(within) if within else 0.0)
    return dict(figures)


def _node_around(node: Span, spans: dict[int, Span]) -> Span | None:
    parent = node.parent
    while parent is not None:
        span = spans[parent]
        if span.kind == "node":
            return span
        parent = span.parent
    return None
