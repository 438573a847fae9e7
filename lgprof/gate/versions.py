"""``lgprof gate --against REV``: is this version slower or dearer than that one?"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec.structs import replace

from lgprof.gate.duel import Course, PairRows
from lgprof.gate.evidence import Evidence, PairFigures
from lgprof.gate.judgement import Judgement, Rules, judge
from lgprof.gate.preparation import Confirm, Preparation, prepare
from lgprof.gate.quantities import CostOf
from lgprof.gate.reasons import circumstances, culprits, reasons
from lgprof.gate.sequential import LOOKS, levels_at
from lgprof.gate.stage import Stage, Subject, broken
from lgprof.gate.times import WALL
from lgprof.gate.tolerances import Tolerances
from lgprof.gate.trees import Trees, two_trees
from lgprof.llm.prices import Prices
from lgprof.model import Decision, Verdict
from lgprof.run.options import Billing
from lgprof.stats import relative_change

_FEWEST_PAIRS = 2
"""One says nothing of the spread between pairs."""


@dataclass(frozen=True, slots=True)
class Against:
    """What to compare with, and how long."""

    revision: str
    base_python: str | None = None
    """Interpreter of the base; None for our own."""
    tolerances: Tolerances = field(default_factory=Tolerances)
    time_budget_s: float = 120.0


class GateProgress(NamedTuple):
    """How far a comparison is."""

    phase: Literal["prepare", "pair"]
    pair: int
    """The one under way, from 1; 0 while preparing."""
    change: float | None
    """Of the latency, so far; relative. None before two pairs."""
    ci: tuple[float, float] | None
    left_s: float
    """At most."""


Progress = Callable[[GateProgress], None]


def compare_versions(
    subject: Subject,
    against: Against,
    *,
    confirm: Confirm,
    progress: Progress = lambda state: None,
    chance: random.Random | None = None,
    now_s: Callable[[], float] = time.monotonic,
) -> Verdict:
    """Compare the working tree with another revision of it, in pairs of fresh processes.

    Args:
        subject: The graph and its inputs.
        against: The base, the tolerances and the time there is.
        confirm: Asked before many requests go to a live provider.
        progress: Told before each pair.
        chance: Orders, hash seeds; None for unforeseeable ones.
        now_s: Monotonic time.

    Returns:
        The verdict; after Ctrl-C an interim one, of the pairs made until then.

    Raises:
        KeyboardInterrupt: Before there were two pairs.
        UsageError: No git repository, no such revision, or the base has no graph that runs.
        TargetFailedError: The candidate is broken.
    """
    with two_trees(subject.cwd, against.revision) as trees:
        comparison = _Comparison(
            subject, against, trees, confirm, progress, chance or random.Random(), now_s
        )
        return comparison.run()


class _Comparison:
    def __init__(
        self,
        subject: Subject,
        against: Against,
        trees: Trees,
        confirm: Confirm,
        progress: Progress,
        chance: random.Random,
        now_s: Callable[[], float],
    ) -> None:
        self._subject, self._against, self._trees = subject, against, trees
        self._confirm, self._progress = confirm, progress
        self._chance, self._now_s = chance, now_s
        self._begin_s = now_s()
        self._stage = Stage(subject, trees, against.base_python, self._chance)
        self._cost_of = _pricing(subject.billing)
        self._evidence = Evidence()

    def run(self) -> Verdict:
        """Prepare, make pairs until there is a decision or no time, and judge."""
        self._tell("prepare")
        given = self._subject.inputs.items if self._subject.inputs else None
        plan = prepare(
            self._stage, given, self._cost_of, self._confirm, left_s=lambda: self._left_s
        )
        rules = self._rules(plan)
        longest_s = 0.0
        while True:
            made = len(self._evidence.pairs)
            is_last = made == LOOKS[-1] or (made >= _FEWEST_PAIRS and self._left_s < longest_s / 2)
            if is_last or made in LOOKS:
                judgement = judge(self._evidence, rules, is_last=is_last)
                if judgement.decision is not None:
                    return self._verdict(plan, judgement, judgement.decision)
            began_s = self._now_s()
            try:
                self._tell("pair")
                rows = self._pair(plan, made)
            except KeyboardInterrupt:
                if made < _FEWEST_PAIRS:
                    raise
                return self._interim(plan)
            self._evidence.add(PairFigures.of(rows, self._cost_of))
            longest_s = max(longest_s, self._now_s() - began_s)

    @property
    def _left_s(self) -> float:
        return self._against.time_budget_s - (self._now_s() - self._begin_s)

    def _tell(self, phase: Literal["prepare", "pair"]) -> None:
        found = self._evidence.estimate(WALL)
        made = len(self._evidence.pairs)
        interval = None
        if found is not None:
            level = levels_at(made).interval
            interval = relative_change(found.lower(level)), relative_change(found.upper(level))
        self._progress(
            GateProgress(
                phase,
                0 if phase == "prepare" else made + 1,
                None if found is None else relative_change(found.mean),
                interval,
                max(0.0, self._left_s),
            )
        )

    def _pair(self, plan: Preparation, number: int) -> PairRows:
        with self._stage.open_pair(plan.inputs) as (pair, _, _):
            if not plan.live_hosts:
                pair.warm_up()
            rows = pair.run(_course(plan, number))
        if rows.new and all(row.outcome != "ok" for row in rows.new):
            raise broken(self._stage.candidate, rows.failures)
        return rows

    def _interim(self, plan: Preparation) -> Verdict:
        """What the pairs say that were made until the user had enough."""
        judgement = judge(self._evidence, self._rules(plan), is_last=True)
        verdict = self._verdict(plan, judgement, judgement.decision or "inconclusive")
        pairs = len(self._evidence.pairs)
        reason = f"interrupted: this is what the first {pairs} pairs say"
        return replace(verdict, interrupted=True, reasons=[reason, *verdict.reasons])

    def _rules(self, plan: Preparation) -> Rules:
        return Rules(self._against.tolerances, times_gated=not plan.live_hosts)

    def _verdict(self, plan: Preparation, judgement: Judgement, decision: Decision) -> Verdict:
        elapsed_s = self._now_s() - self._begin_s
        return Verdict(
            verdict=decision,
            checks=judgement.checks,
            pairs=len(self._evidence.pairs),
            elapsed_s=elapsed_s,
            reasons=reasons(self._evidence, judgement, elapsed_s=elapsed_s),
            warnings=[
                *circumstances(
                    is_same=self._trees.is_same,
                    environment=plan.environment,
                    live_hosts=plan.live_hosts,
                    is_pinned=bool(plan.cores),
                )
            ],
            series=[relative_change(ratio.log_ratio) for ratio in self._evidence.times[WALL]],
            culprits=culprits(self._evidence, judgement),
            candidate=_working_tree(self._trees),
            against=f"{self._trees.revision} ({self._trees.commit})",
        )


def _working_tree(trees: Trees) -> str:
    if not trees.changes:
        return trees.head
    files = "1 changed file" if trees.changes == 1 else f"{trees.changes} changed files"
    return f"{trees.head} + {files}"


def _course(plan: Preparation, number: int) -> Course:
    """Pairs make the same requests, or every second the next ones where there are more inputs.

    So each request is made at least twice: only then is it known whether its counts vary.
    """
    windows = -(-len(plan.inputs) // plan.requests)
    core = plan.cores[number % len(plan.cores)] if plan.cores else None
    return Course((number // 2 % windows) * plan.requests, plan.requests, plan.block, core)


def _pricing(billing: Billing) -> CostOf:
    prices = Prices(billing.prices, datetime.now(UTC))
    return lambda model: prices.cost_usd(model.call, model.asked)
