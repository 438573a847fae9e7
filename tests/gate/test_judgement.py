from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from lgprof.gate.duel import PairRows
from lgprof.gate.evidence import Evidence, PairFigures
from lgprof.gate.judgement import Rules, judge
from lgprof.gate.protocol import NodeFigures, RequestRow
from lgprof.gate.reasons import culprits, reasons
from lgprof.gate.tolerances import Tolerances
from lgprof.model import Check
from tests.gate.simulated import Graph, Machine, gate, pair

ROUNDS = 60
NOISY = Machine(between_processes=0.03)


def slower(factor: float, node: int | None = None) -> Graph:
    return Graph(new_factor=lambda at, number: factor if node in (None, at) else 1.0)


def check_of(checks: list[Check], metric: str, node: str | None = None) -> Check:
    [found] = [check for check in checks if (check.metric, check.node) == (metric, node)]
    return found


def test_the_same_version_never_fails_and_mostly_passes_at_the_first_look() -> None:
    chance = random.Random(1)
    found = [gate(Graph(), chance) for _ in range(ROUNDS)]
    assert Counter(judgement.decision for judgement, _ in found) == {"pass": ROUNDS}
    assert sum(len(evidence.pairs) == 4 for _, evidence in found) > 0.8 * ROUNDS


def test_noise_costs_pairs_and_makes_no_false_alarm() -> None:
    chance = random.Random(2)
    found = [gate(Graph(), chance, NOISY) for _ in range(ROUNDS)]
    decisions = Counter(judgement.decision for judgement, _ in found)
    assert decisions["fail"] == 0
    assert decisions["pass"] > 0.9 * ROUNDS
    assert sum(len(evidence.pairs) for _, evidence in found) > 5 * ROUNDS


def test_a_tenth_slower_fails_every_time_and_its_node_is_named() -> None:
    chance = random.Random(3)
    graph = slower(1.3, node=1)  # 0.1 of the whole
    for _ in range(ROUNDS):
        judgement, evidence = gate(graph, chance)
        assert judgement.decision == "fail"
        assert culprits(evidence, judgement) == ["n1"]
        for innocent in ("n0", "n2"):
            assert check_of(judgement.checks, "wall", innocent).verdict != "fail"


def test_the_smallest_regression_that_is_not_tolerated_is_found() -> None:
    chance = random.Random(4)
    decisions = Counter(gate(slower(1.06), chance)[0].decision for _ in range(ROUNDS))
    assert decisions["fail"] >= 0.9 * ROUNDS


def test_what_is_faster_passes() -> None:
    judgement, _ = gate(slower(0.7), random.Random(5))
    assert judgement.decision == "pass"
    change = check_of(judgement.checks, "wall").change
    assert change == pytest.approx(-0.3, abs=0.02)


def test_a_slow_tail_is_found_by_p95_which_the_median_cannot_see() -> None:
    graph = Graph(new_factor=lambda node, number: 3.0 if number % 10 == 0 else 1.0)
    judgement, _ = gate(graph, random.Random(6))
    assert judgement.decision == "fail"
    assert check_of(judgement.checks, "p95").verdict == "fail"
    assert check_of(judgement.checks, "wall").verdict != "fail"


def test_a_suspicious_tail_delays_a_pass_and_does_not_prevent_it() -> None:
    """One request in a hundred, in every other pair: more than can be proven."""
    chance = random.Random(7)
    evidence = Evidence()
    machine = Machine(requests=20)
    for number in range(4):
        slow = Graph(new_factor=lambda node, request: 3.0 if request < 2 else 1.0)
        evidence.add(pair(slow if number % 2 else Graph(), machine, chance))
    assert judge(evidence, Rules(), is_last=False).decision is None
    last = judge(evidence, Rules(), is_last=True)
    assert last.decision == "pass"
    assert check_of(last.checks, "p95").verdict == "inconclusive"


def test_a_small_node_that_got_slower_fails_nothing() -> None:
    """A tenth slower, but 0.2 % of the request."""
    graph = Graph(
        nodes=2,
        base_factor=lambda node, number: 0.02 if node else 1.0,
        new_factor=lambda node, number: 0.022 if node else 1.0,
    )
    judgement, _ = gate(graph, random.Random(8), Machine(between_processes=0.001))
    assert judgement.decision == "pass"


def test_cpu_holds_a_pass_back_only_where_the_graph_computes() -> None:
    for cpu_share, needed in ((0.9, True), (0.1, False)):
        judgement, _ = gate(Graph(cpu_share=cpu_share), random.Random(9))
        assert check_of(judgement.checks, "cpu").needed is needed
        assert not check_of(judgement.checks, "p95").needed


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(0.02, 0.024, "pass"), (0.2, 0.24, "fail"), (0.8, 0.96, "fail")],
)
def test_a_fifth_more_computing_fails_where_the_request_feels_it(
    before: float, after: float, verdict: str
) -> None:
    """It is 0.4, 4 and 16 % of the request."""
    graph = Graph(cpu_share=before, new_cpu_share=after)
    judgement, _ = gate(graph, random.Random(3))
    assert judgement.decision == check_of(judgement.checks, "cpu").verdict == verdict


def test_one_more_token_is_known_exactly_and_tolerated_in_so_many_words_alone() -> None:
    graph = Graph(new_tokens=lambda chance: 101)
    judgement, evidence = gate(graph, random.Random(10))
    tokens = check_of(judgement.checks, "tokens.input.per_request")
    assert (tokens.base, tokens.new, tokens.exact, tokens.ci) == (100, 101, True, None)
    assert tokens.change == pytest.approx(0.01)
    assert (tokens.verdict, tokens.limit, judgement.decision) == ("fail", 0, "fail")
    said = reasons(evidence, judgement, elapsed_s=10)
    assert "n0: input tokens per request 100 -> 101 (+1.00%), exactly" in said

    assert decided(graph, Tolerances(general=0.5)) == "fail"
    assert decided(graph, Tolerances(counts=0.02)) == "pass"
    assert decided(graph, Tolerances(of={"tokens.input": 0.02})) == "fail"  # the cost is not
    assert decided(graph, Tolerances(of={"tokens.input": 0.02, "cost": 0.02})) == "pass"


def decided(graph: Graph, tolerances: Tolerances) -> str | None:
    return gate(graph, random.Random(10), rules=Rules(tolerances))[0].decision


def test_doubled_tokens_fail_on_tokens_and_cost() -> None:
    judgement, evidence = gate(Graph(new_tokens=lambda chance: 200), random.Random(11))
    assert judgement.decision == "fail"
    failed = {check.metric for check in judgement.checks if check.verdict == "fail"}
    assert failed == {"tokens.input.per_request", "cost.per_request"}
    assert len(evidence.pairs) == 4


def test_counts_that_vary_are_tested_with_an_interval() -> None:
    varies = Graph(
        base_tokens=lambda chance: chance.randint(90, 110),
        new_tokens=lambda chance: chance.randint(180, 220),
    )
    judgement, _ = gate(varies, random.Random(12))
    tokens = check_of(judgement.checks, "tokens.input.per_request")
    assert (tokens.verdict, tokens.exact) == ("fail", False)
    assert tokens.ci is not None
    assert tokens.ci[0] < 1.0 < tokens.ci[1]


def test_of_a_live_provider_only_counts_and_errors_decide() -> None:
    live = Rules(times_gated=False)
    judgement, _ = gate(slower(2.0), random.Random(13), rules=live)
    assert judgement.decision == "pass"
    wall = check_of(judgement.checks, "wall")
    assert (wall.verdict, wall.limit, wall.needed) == ("inconclusive", None, False)
    assert wall.change == pytest.approx(1.0, abs=0.1)

    graph = replace(slower(2.0), new_tokens=lambda chance: 200)
    judgement, _ = gate(graph, random.Random(13), rules=live)
    assert judgement.decision == "fail"


def test_new_errors_fail() -> None:
    graph = Graph(new_fails=lambda number: number % 4 == 0)
    judgement, evidence = gate(graph, random.Random(14))
    assert judgement.decision == "fail"
    said = reasons(evidence, judgement, elapsed_s=10)
    assert "20 of 80 requests fail, before 0 of 80: ValueError 20 times" in said
    errors = check_of(judgement.checks, "error_rate")
    assert (errors.verdict, errors.base, errors.new) == ("fail", 0.0, 0.25)


def test_one_input_of_twenty_that_fails_every_time_is_found() -> None:
    graph = Graph(new_fails=lambda number: number == 7)
    judgement, evidence = gate(graph, random.Random(16))
    assert judgement.decision == "fail"
    assert [check.metric for check in judgement.checks if check.verdict == "fail"] == ["error_rate"]
    assert len(evidence.pairs) <= 8


def test_a_single_error_is_no_proof() -> None:
    chance = random.Random(15)
    evidence = Evidence()
    for number in range(4):
        graph = Graph(new_fails=lambda request, number=number: number == 0 and request == 0)
        evidence.add(pair(graph, Machine(), chance))
    assert judge(evidence, Rules(), is_last=True).decision == "pass"


def test_without_time_for_a_decision_it_says_what_it_could_have_seen() -> None:
    evidence = Evidence()
    chance = random.Random(16)
    for _ in range(4):
        evidence.add(pair(Graph(), NOISY, chance))
    judgement = judge(evidence, Rules(), is_last=True)
    assert judgement.decision == "inconclusive"
    wall = check_of(judgement.checks, "wall")
    assert wall.detectable is not None
    assert wall.detectable > 0.05
    said = reasons(evidence, judgement, elapsed_s=7)
    assert any(text.startswith("wall: undecided after 4 pairs; a regression of") for text in said)
    assert any(text.startswith("--time-budget ") for text in said)


def test_what_a_node_adds_holds_where_a_request_was_disturbed_on_both_sides() -> None:
    def side(node_s: float) -> list[RequestRow]:
        nodes = {"n": NodeFigures(calls=1, seconds=node_s)}
        rest_s = (0.06, 0.06, 0.18)
        return [
            RequestRow(index, "ok", None, rest + node_s, None, [], nodes)
            for index, rest in enumerate(rest_s)
        ]

    evidence = Evidence()
    evidence.add(PairFigures.of(PairRows(side(0.02), side(0.06), [], []), lambda _: None))
    assert evidence.effect("n") == pytest.approx(1 / 3)
    assert evidence.added_s("n") == pytest.approx(0.04)
