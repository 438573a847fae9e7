"""What a Profile says of the target that it is of."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from lgprof.langgraph_adapter.hints import node_hints
from lgprof.langgraph_adapter.shape import graph_shapes
from lgprof.langgraph_adapter.structure import structure
from lgprof.model import InputSet, Target
from lgprof.run.host import is_checkpointed
from lgprof.target import Inputs, OpenTarget


def described(spec: str, target: OpenTarget, inputs: Inputs, mode: str) -> Target:
    """The target as a Profile describes it.

    Args:
        spec: As it was typed.
        target: With what its host supplies.
        inputs: What is sent to it.
        mode: How it is called, ``async`` or ``sync``.
    """
    graph = target.graph
    nodes, edges = structure(graph)
    called: Literal["async", "sync"] = "async" if mode == "async" else "sync"
    return Target(
        spec=spec,
        name=target.name,
        mode=called,
        nodes=nodes,
        edges=edges,
        inputs=input_set(inputs),
        checkpointer=type(graph.checkpointer).__name__ if is_checkpointed(target) else None,
        graphs=graph_shapes(graph),
        hints=node_hints(graph),
    )


def input_set(inputs: Inputs) -> InputSet:
    """What identifies the inputs without revealing them."""
    texts = [json.dumps(item, sort_keys=True, default=repr) for item in inputs.items]
    return InputSet(
        count=len(texts),
        distinct=len(set(texts)),
        sha256=hashlib.sha256("\n".join(texts).encode()).hexdigest(),
        source=inputs.source,
    )
