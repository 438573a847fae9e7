"""Pairs as a machine might have measured them, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from lgprof.gate.duel import PairRows
from lgprof.gate.evidence import Evidence, PairFigures
from lgprof.gate.judgement import Judgement, Rules, judge
from lgprof.gate.protocol import AskedModel, NodeFigures, RequestRow
from lgprof.gate.sequential import LOOKS
from lgprof.model import ModelCall, Tokens

NODE_S = 0.010
RULES = Rules()


@dataclass(frozen=True)
class Machine:
    """How much its processes and requests vary."""

    between_processes: float = 0.01
    between_requests: float = 0.05
    requests: int = 20


@dataclass(frozen=True)
class Graph:
    """What each side's nodes take, by the number of the request, and what they ask of a model."""

    nodes: int = 3
    base_factor: Callable[[int, int], float] = lambda node, number: 1.0
    new_factor: Callable[[int, int], float] = lambda node, number: 1.0
    base_tokens: Callable[[random.Random], int] = lambda chance: 100
    new_tokens: Callable[[random.Random], int] = lambda chance: 100
    cpu_share: float = 0.1
    new_cpu_share: float | None = None
    """None: that of the base."""
    new_fails: Callable[[int], bool] = lambda number: False


def pair(graph: Graph, machine: Machine, chance: random.Random) -> PairFigures:
    """One pair of fresh processes."""
    base_speed, new_speed = (1 + chance.gauss(0, machine.between_processes / 2**0.5) for _ in "ab")
    numbers = range(machine.requests)

    def rows(
        factor: Callable[[int, int], float],
        speed: float,
        tokens: Callable[[random.Random], int],
        fails: Callable[[int], bool],
        cpu_share: float,
    ) -> list[RequestRow]:
        return [
            _row(graph, machine, chance, number, factor, speed, tokens, fails(number), cpu_share)
            for number in numbers
        ]

    new_cpu_share = graph.cpu_share if graph.new_cpu_share is None else graph.new_cpu_share

    made = PairRows(
        rows(
            graph.base_factor, base_speed, graph.base_tokens, lambda number: False, graph.cpu_share
        ),
        rows(graph.new_factor, new_speed, graph.new_tokens, graph.new_fails, new_cpu_share),
        stuck=[],
        failures=[],
    )
    return PairFigures.of(made, price_per_token)


def _row(
    graph: Graph,
    machine: Machine,
    chance: random.Random,
    number: int,
    factor: Callable[[int, int], float],
    speed: float,
    tokens: Callable[[random.Random], int],
    fails: bool,
    cpu_share: float,
) -> RequestRow:
    nodes = {
        f"n{node}": NodeFigures(
            1,
            NODE_S
            * factor(node, number)
            * speed
            * chance.lognormvariate(0, machine.between_requests),
        )
        for node in range(graph.nodes)
    }
    wall_s = sum(node.seconds for node in nodes.values()) * 1.02
    asked = ModelCall(name="m", tokens=Tokens(input=tokens(chance), output=10))
    return RequestRow(
        index=number,
        outcome="failed" if fails else "ok",
        error_type="builtins.ValueError" if fails else None,
        wall_s=wall_s,
        cpu_s=wall_s * cpu_share,
        models=[AskedModel("n0", "m", asked)],
        nodes=nodes,
    )


def price_per_token(model: AskedModel) -> float | None:
    tokens = model.call.tokens
    return 1e-6 * tokens.input if tokens and tokens.input is not None else None


def gate(
    graph: Graph, chance: random.Random, machine: Machine = Machine(), rules: Rules = RULES
) -> tuple[Judgement, Evidence]:
    """Pairs are added until there is a decision."""
    evidence = Evidence()
    while True:
        evidence.add(pair(graph, machine, chance))
        made = len(evidence.pairs)
        if made in LOOKS:
            found = judge(evidence, rules, is_last=made == LOOKS[-1])
            if found.decision is not None:
                return found, evidence
