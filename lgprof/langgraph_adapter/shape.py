"""Reads how a graph is wired, the graphs in its nodes included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langgraph.channels import AnyValue, EphemeralValue, LastValue, UntrackedValue
from langgraph.graph.message import add_messages
from langgraph.pregel import Pregel

from lgprof.langgraph_adapter.graphs import AnyGraph
from lgprof.langgraph_adapter.mode import is_async_node
from lgprof.langgraph_adapter.walk import leaves, tools_of
from lgprof.model import GraphShape, Join, NodeShape, RetryShape

REPLACING = (AnyValue, EphemeralValue, LastValue, UntrackedValue)
"""Channels that keep the last value written."""
_HANDLERS = ("__error_handler__", "__default_error_handler__")


def graph_shapes(graph: AnyGraph) -> dict[str, GraphShape]:
    """The shape of a graph, under ``""``, and of those in its nodes, by the path of the node."""
    return dict(_shapes(graph, "", frozenset()))


def _shapes(graph: AnyGraph, path: str, within: frozenset[int]) -> Iterator[tuple[str, GraphShape]]:
    if id(graph) in within:
        return
    yield path, _shape(graph)
    for name, node in graph.nodes.items():
        for inner in node.subgraphs:
            if isinstance(inner, Pregel):
                inside = f"{path}/{name}" if path else name
                yield from _shapes(inner, inside, within | {id(graph)})


def _shape(graph: AnyGraph) -> GraphShape:
    builder: Any = getattr(graph, "builder", None)
    nodes = {
        name: _node(node, getattr(builder, "nodes", {}).get(name), graph)
        for name, node in graph.nodes.items()
        if name != "__start__" and not name.startswith(_HANDLERS)
    }
    pauses = {*_names(graph.interrupt_before_nodes, nodes)}
    pauses |= {*_names(graph.interrupt_after_nodes, nodes)}
    shape = GraphShape(
        nodes=nodes,
        pauses=sorted(pauses),
        has_cache=graph.cache is not None,
    )
    if builder is not None:
        shape.state_is_object = not _is_dict(builder.state_schema)
        shape.edges = sorted(builder.edges)
        shape.joins = [Join(list(sources), to) for sources, to in sorted(builder.waiting_edges)]
        shape.branches = {
            source: sorted(_targets(branches)) for source, branches in builder.branches.items()
        }
        shape.messages = sorted(
            key
            for key, channel in builder.channels.items()
            if getattr(channel, "operator", None) is add_messages
        )
        inputs = builder.schemas.get(builder.input_schema, {})
        shape.inputs = None if "__root__" in inputs else sorted(inputs)
        shape.managed = sorted(builder.managed)
        shape.reducers = sorted(
            key
            for key, channel in builder.channels.items()
            if not isinstance(channel, REPLACING) and key != "__root__"
        )
    return shape


def _is_dict(schema: Any) -> bool:
    return not isinstance(schema, type) or issubclass(schema, dict)


def _names(chosen: Any, nodes: dict[str, NodeShape]) -> list[str]:
    return list(nodes) if chosen == "*" else list(chosen or ())


def _targets(branches: dict[str, Any]) -> set[str]:
    return {target for branch in branches.values() for target in (branch.ends or {}).values()}


def _node(node: Any, spec: Any, graph: AnyGraph) -> NodeShape:
    policies = node.retry_policy or graph.retry_policy or ()
    cache = node.cache_policy or graph.cache_policy
    return NodeShape(
        function=_function_name(node.bound),
        is_async=is_async_node(node.bound),
        is_graph=any(isinstance(part, Pregel) for part in leaves(node.bound)),
        calls_tools=any(map(tools_of, leaves(node.bound))),
        destinations=list(getattr(spec, "ends", None) or ()),
        defers=bool(getattr(spec, "defer", False)),
        caches=cache is not None,
        caches_by_key=cache is not None and not _is_default_key(cache.key_func),
        retry=_retry(policies[0]) if policies else None,
    )


def _function_name(bound: Any) -> str | None:
    function = getattr(bound, "func", None) or getattr(bound, "afunc", None)
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() else None


def _is_default_key(key_func: Any) -> bool:
    return getattr(key_func, "__name__", "") == "default_cache_key"


def _retry(policy: Any) -> RetryShape:
    types = policy.retry_on if isinstance(policy.retry_on, tuple | list) else (policy.retry_on,)
    return RetryShape(
        max_attempts=policy.max_attempts,
        initial_interval_s=policy.initial_interval,
        backoff_factor=policy.backoff_factor,
        jitter=policy.jitter,
        retry_on=[one.__name__ for one in types if isinstance(one, type)],
    )
