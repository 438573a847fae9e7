"""A comparison in sentences: who did it, what else changed, what would decide."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lgprof.gate.evidence import Evidence
from lgprof.gate.judgement import Judgement
from lgprof.gate.quantities import COST, ERRORS, LLM_CALLS, TOKENS_IN, TOKENS_OUT
from lgprof.gate.sequential import LOOKS
from lgprof.model import Check

_TIMES = ("wall", "cpu", "p95")
_MOST_KINDS = 3
_UNITS = {
    LLM_CALLS: "model calls",
    TOKENS_IN: "input tokens",
    TOKENS_OUT: "output tokens",
    COST: "cost",
}


def reasons(
    evidence: Evidence,
    judgement: Judgement,
    *,
    elapsed_s: float,
) -> list[str]:
    """What there is to say beside the table, the most important first."""
    return [
        *_fine(judgement),
        *_slower(evidence, judgement),
        *_more_errors(evidence, judgement),
        *_counts_by_node(evidence, judgement),
        *_structure(evidence),
        *_open_questions(evidence, judgement, elapsed_s),
    ]


def _fine(judgement: Judgement) -> Iterator[str]:
    if judgement.decision == "pass":
        changes = [
            f": latency {check.change:+.1%}"
            for check in judgement.checks
            if check.metric == "wall" and check.needed and check.change is not None
        ]
        if changes:
            yield "no regression beyond the tolerance" + "".join(changes)
        else:
            yield "no more calls, tokens, cost or errors; a live provider's times decide nothing"


def culprits(evidence: Evidence, judgement: Judgement) -> list[str]:
    """The nodes that made a graph slower, the worst first; none where it is not proven to be.

    Nodes that are proven to be slower; where none is by itself, the one that makes
    up most of the change.
    """
    failed = [check for check in judgement.checks if check.verdict == "fail"]
    if not any(check.metric in _TIMES for check in failed):
        return []
    effects = {node: evidence.effect(node) for node in evidence.nodes}
    proven = {check.node for check in failed if check.node and check.metric in _TIMES}
    ordered = sorted(effects, key=lambda node: -effects[node])
    slower = sum(effect for effect in effects.values() if effect > 0)
    worst = [node for node in ordered if effects[node] > slower / 2]
    return [node for node in ordered if node in proven] or worst


def _slower(evidence: Evidence, judgement: Judgement) -> Iterator[str]:
    proven = {check.node for check in judgement.checks if check.verdict == "fail"}
    for node in culprits(evidence, judgement):
        effect = evidence.effect(node)
        grade = "" if node in proven else ": most of the change, though not proven by itself"
        yield (
            f"{node} adds {evidence.added_s(node) * 1e3:.3g} ms per request, {effect:.1%} of the "
            f"base's mean latency{grade}"
        )


def _more_errors(evidence: Evidence, judgement: Judgement) -> Iterator[str]:
    if any(check.metric == ERRORS and check.verdict == "fail" for check in judgement.checks):
        base_errors, base, new_errors, new = evidence.errors()
        kinds = ", ".join(
            f"{name.removeprefix('builtins.')} {count} times"
            for name, count in evidence.error_types().most_common(_MOST_KINDS)
        )
        yield (
            f"{new_errors} of {new} requests fail, before {base_errors} of {base}"
            + (f": {kinds}" if kinds else "")
        )


def _counts_by_node(evidence: Evidence, judgement: Judgement) -> Iterator[str]:
    exact = {check.metric for check in judgement.checks if check.exact and check.change}
    requests = max(1, len(evidence.counted))
    for metric, count in evidence.changed_counts().items():
        if metric.name in exact:
            change = "" if count.change is None else f" ({count.change:+.2%})"
            sign = "$" if metric.name == COST else ""
            base, new = (f"{sign}{total / requests:.6g}" for total in (count.base, count.new))
            yield (
                f"{metric.node}: {_UNITS[metric.name]} per request {base} -> {new}{change}, exactly"
            )


def _structure(evidence: Evidence) -> Iterator[str]:
    """Nodes that only one side has run."""
    base = {node for pair in evidence.pairs for node in pair.base.nodes}
    new = {node for pair in evidence.pairs for node in pair.new.nodes}
    for node in sorted(new - base):
        yield f"{node} is new: the base never ran it"
    for node in sorted(base - new):
        yield f"{node} is gone: the candidate never ran it"


def _open_questions(evidence: Evidence, judgement: Judgement, elapsed_s: float) -> Iterator[str]:
    if judgement.decision != "inconclusive":
        return
    pairs = len(evidence.pairs)
    undecided = [
        check for check in judgement.checks if check.needed and check.verdict == "inconclusive"
    ]
    for check in undecided:
        yield f"{check.metric}: undecided after {pairs} pairs{_seen(check)}"
    yield _what_would_decide(undecided, pairs, elapsed_s)


def _seen(check: Check) -> str:
    """What the pairs were good for."""
    if check.detectable is None:
        return ""
    if check.detectable > 1:
        return "; not even a doubling would have been found"
    return f"; a regression of {check.detectable:.1%} would have been found"


def _what_would_decide(undecided: list[Check], pairs: int, elapsed_s: float) -> str:
    if pairs < LOOKS[0]:
        seconds = _rounded_s(elapsed_s / max(1, pairs) * LOOKS[0])
        return f"--time-budget {seconds}s has room for the {LOOKS[0]} pairs of a first look"
    if pairs >= LOOKS[-1]:
        return f"all {pairs} pairs are made: a quieter machine or a larger --tolerance would decide"
    wanted = max((_pairs_needed(check, pairs) for check in undecided), default=LOOKS[-1])
    seconds = _rounded_s(elapsed_s / pairs * wanted)
    return f"--time-budget {seconds}s for about {wanted} pairs would decide"


def _rounded_s(seconds: float) -> int:
    """With some to spare."""
    return math.ceil(seconds * 1.2 / 10) * 10


def _pairs_needed(check: Check, pairs: int) -> int:
    """So many that what can be detected shrinks to the tolerance: it goes by the square root."""
    if check.detectable is None or not check.limit:
        return LOOKS[-1]
    wanted = pairs * (check.detectable / check.limit) ** 2
    return next((look for look in LOOKS if look > pairs and look >= wanted), LOOKS[-1])


def circumstances(
    *, is_same: bool, environment: list[str], live_hosts: list[str], is_pinned: bool
) -> Iterator[str]:
    """What to know of how two versions were compared."""
    if environment:
        yield f"the base has an environment of its own: {'; '.join(environment)}"
    if is_same:
        of = "its environment or " if environment else ""
        yield f"the base and the candidate are the same files: any difference is {of}noise"
    if live_hosts:
        yield (
            f"the graph talks to {', '.join(live_hosts[:3])}, beyond this machine: only counts, "
            "cost and errors are gated, times are shown"
        )
    elif not is_pinned:
        yield "not kept on one core: the graph uses several, or the system has no affinity"
