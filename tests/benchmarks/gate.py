"""How often a gate is wrong: real pairs recorded and resampled, and real decisions end to end.

    python tests/benchmarks/gate.py [--quick] [--only PART ...] [--store FOLDER] [--seconds N]

``record-GRAPH`` records pairs into the store, adding to what is there; ``resample`` draws decisions
from all that was recorded; ``decide-GRAPH`` and ``counts`` run the whole command. Each part takes
about --seconds. Prints Markdown; leaves with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gate_recording
from gate_recording import INPUT, Rounds
from gate_repository import (
    CHANGES,
    CULPRIT,
    GRAPHS,
    ONE_UNIT,
    TAIL,
    Repository,
    make_repository,
)
from goals import machine

from lgprof.gate.duel import PairRows
from lgprof.gate.evidence import Evidence, PairFigures
from lgprof.gate.judgement import Judgement, Rules, judge
from lgprof.gate.reasons import culprits
from lgprof.gate.sequential import LOOKS
from lgprof.gate.times import WALL

PUBLISHED = ("cpu", "io", "model")
FALSE_ALARM, POWER = 0.01, {"five": 0.95, "tenx": 0.99}
ATTRIBUTED, BLAMED = 0.99, 0.01
PRICE_OF_A_TOKEN_USD = 0.15e-6
"""Of the input of gpt-4o-mini."""
DECIDED_WITHIN_S, TAIL_WITHIN_S = 30.0, 120.0


@dataclass(frozen=True)
class Bench:
    """Where things are, and how much to do."""

    store: Path
    seconds: float
    decisions: int
    chance: random.Random

    @property
    def repository(self) -> Repository:
        """Made when it is first asked for, and kept with the recordings: they belong together."""
        folder = self.store / "repository"
        return Repository(folder) if folder.exists() else make_repository(folder)

    def recorded(self, graph: str) -> Rounds:
        files = sorted(self.store.glob(f"{graph}-*.json"))
        return [one for file in files for one in gate_recording.load(file)]


@dataclass
class Tally:
    """What many decisions came to."""

    decisions: Counter[str]
    pairs: list[int]
    named: int = 0
    """FAILs for which the planted node was named first."""
    blamed: int = 0
    """FAILs for which an innocent node was named."""

    @property
    def total(self) -> int:
        return self.decisions.total()

    def share(self, decision: str) -> float:
        return self.decisions[decision] / self.total

    def add(self, judgement: Judgement, evidence: Evidence, culprit: str) -> None:
        self.decisions[str(judgement.decision)] += 1
        self.pairs.append(len(evidence.pairs))
        if judgement.decision == "fail":
            named = culprits(evidence, judgement)
            self.named += named[:1] == [culprit]
            self.blamed += bool(set(named) - {culprit})


# --- recording -----------------------------------------------------------------------------------


def record(graph: str, bench: Bench) -> Iterator[bool]:
    number = len(list(bench.store.glob(f"{graph}-*.json")))
    trees = bench.store / "trees"
    rounds = gate_recording.record(bench.repository, graph, trees, bench.seconds, bench.chance)
    gate_recording.save(rounds, bench.store / f"{graph}-{number}.json")
    print(f"{graph}: {len(rounds)} rounds recorded")
    yield True


# --- resampling ----------------------------------------------------------------------------------


def resample(bench: Bench) -> Iterator[bool]:
    print(
        "| graph | true change (measured) | recorded pairs | FAIL | PASS | INCONCLUSIVE | pairs |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for graph in GRAPHS:
        rounds = bench.recorded(graph)
        for branch in ("base", "five", "tenx"):
            if rounds:
                yield from _resampled(bench, graph, branch, [one[branch] for one in rounds])


def _resampled(bench: Bench, graph: str, branch: str, pairs: list[PairRows]) -> Iterator[bool]:
    figures = [_both_ways(pair) for pair in pairs]
    measured = statistics.mean(one.times[WALL].log_ratio for one, _ in figures)
    tally = Tally(Counter(), [])
    for _ in range(bench.decisions):
        drawn = bench.chance.sample(figures, k=min(LOOKS[-1], len(figures)))
        if branch == "base":  # either side may be the base
            drawn = [pair if bench.chance.random() < 0.5 else pair[::-1] for pair in drawn]
        tally.add(*_decision([one for one, _ in drawn]), CULPRIT[graph])
    print(
        f"| {graph} | {CHANGES[branch]:+.0%} ({measured:+.1%}) | {len(pairs)} | "
        f"{tally.share('fail'):.1%} | {tally.share('pass'):.1%} | "
        f"{tally.share('inconclusive'):.1%} | {statistics.mean(tally.pairs):.1f} |",
        flush=True,
    )
    if branch == "base":
        yield tally.share("fail") <= FALSE_ALARM
    elif graph in PUBLISHED:
        yield tally.share("fail") >= POWER[branch]
    else:
        yield from _attribution(tally)


def _attribution(tally: Tally) -> Iterator[bool]:
    fails = tally.decisions["fail"] or 1
    named, blamed = tally.named / fails, tally.blamed / fails
    print(f"| | the slower node named | | {named:.1%} | an innocent one blamed {blamed:.1%} | | |")
    yield named >= ATTRIBUTED
    yield blamed <= BLAMED


def _both_ways(pair: PairRows) -> tuple[PairFigures, PairFigures]:
    swapped = PairRows(pair.new, pair.base, [], [])
    return PairFigures.of(pair, _no_cost), PairFigures.of(swapped, _no_cost)


def _no_cost(model: object) -> float | None:
    return None


def _decision(pairs: list[PairFigures]) -> tuple[Judgement, Evidence]:
    evidence, rules = Evidence(), Rules()
    for made, pair in enumerate(pairs, start=1):
        evidence.add(pair)
        is_last = made == len(pairs)
        if made in LOOKS or is_last:
            found = judge(evidence, rules, is_last=is_last)
            if found.decision is not None:
                break
    return found, evidence


# --- real decisions ------------------------------------------------------------------------------


def decide(graph: str, bench: Bench) -> Iterator[bool]:
    """Whole commands, for so long: mostly without a change, and one of each kind."""
    log = bench.store / f"decisions-{graph}.jsonl"
    end_s = time.monotonic() + bench.seconds
    branches = ["base", "base", "five", "base", "tenx", "base", TAIL]
    made = len(log.read_text().splitlines()) if log.exists() else 0
    while time.monotonic() < end_s:
        branch = branches[made % len(branches)]
        bench.repository.checkout(branch)
        verdict = _gate(bench.repository, f"app:{graph}", "--against", "main")
        line = {
            "branch": branch,
            "verdict": verdict["verdict"],
            "pairs": verdict["pairs"],
            "elapsed_s": round(verdict["elapsed_s"], 1),
            "culprits": verdict["culprits"],
            "failed": [
                check["metric"] for check in verdict["checks"] if check["verdict"] == "fail"
            ],
        }
        with log.open("a") as file:
            file.write(json.dumps(line) + "\n")
        made += 1
    yield True


def decided(bench: Bench) -> Iterator[bool]:
    """What the real decisions came to so far."""
    print("| graph | change | decisions | PASS | FAIL | INCONCLUSIVE | seconds: mean, longest |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for graph in GRAPHS:
        log = bench.store / f"decisions-{graph}.jsonl"
        made = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        for branch in ("base", "five", "tenx", TAIL):
            chosen = [one for one in made if one["branch"] == branch]
            if chosen:
                yield from _decided(graph, branch, chosen)


def _decided(graph: str, branch: str, made: list[dict]) -> Iterator[bool]:
    counts = Counter(one["verdict"] for one in made)
    seconds = [one["elapsed_s"] for one in made]
    print(
        f"| {graph} | {branch} | {len(made)} | {counts['pass']} | {counts['fail']} | "
        f"{counts['inconclusive']} | {statistics.mean(seconds):.1f}, {max(seconds):.1f} |"
    )
    if graph in PUBLISHED and branch != TAIL:
        yield statistics.mean(seconds) <= DECIDED_WITHIN_S
    if branch == "base":
        yield counts["fail"] == 0
    elif branch == TAIL:
        yield all("p95" in one["failed"] and one["elapsed_s"] < TAIL_WITHIN_S for one in made)
    else:
        yield counts["fail"] == len(made)
        named = sum(one["culprits"][:1] == [CULPRIT[graph]] for one in made)
        print(f"| | the slower node named | {named} of {len(made)} | | | | |")


def _gate(repository: Repository, target: str, *how: str) -> dict:
    done = _lgprof(repository, "gate", target, "-q", "--json", "-", *how)
    if not done.stdout:
        raise RuntimeError(done.stderr.decode())
    return json.loads(done.stdout)


def _lgprof(
    repository: Repository, command: str, target: str, *more: str
) -> subprocess.CompletedProcess:
    given = [sys.executable, "-m", "lgprof", command, target, "-i", json.dumps(INPUT), *more]
    return subprocess.run(given, cwd=repository.folder, capture_output=True, check=False)


# --- counts --------------------------------------------------------------------------------------


def counts(bench: Bench) -> Iterator[bool]:
    """Whether one token more, and one model call more, fail a gate every time, and by how much."""
    print("| change | compared with | metric | base | new | FAIL, told exactly |")
    print("|---|---|---|--:|--:|--:|")
    bench.repository.checkout("main")
    stored = bench.store / "asking.json"
    _lgprof(
        bench.repository, "run", "app:asking", "-q", "--force", "-o", str(stored), "--no-sample"
    )
    for branch, metrics in ONE_UNIT.items():
        bench.repository.checkout(branch)
        against = ("--against", "main", "--time-budget", "20s")
        for way, rounds in ((against, 3), (("--baseline", str(stored)), 5)):
            verdicts = [_gate(bench.repository, "app:asking", *way) for _ in range(rounds)]
            for metric in metrics:
                yield _told(branch, way[0], metric, verdicts)


def _told(branch: str, way: str, metric: str, verdicts: list[dict]) -> bool:
    checks = [
        check
        for verdict in verdicts
        for check in verdict["checks"]
        if (check["metric"], check["node"]) == (metric, None) and verdict["verdict"] == "fail"
    ]
    units = 1 if metric != "cost.per_request" else PRICE_OF_A_TOKEN_USD
    told = [
        check
        for check in checks
        if check["exact"]
        and check["verdict"] == "fail"
        and math.isclose(check["new"] - check["base"], units, rel_tol=1e-6)
    ]
    base, new = (checks[0][side] if checks else math.nan for side in ("base", "new"))
    print(f"| {branch} | {way} | {metric} | {base:g} | {new:g} | {len(told)} of {len(verdicts)} |")
    return len(told) == len(verdicts)


# --- the command ---------------------------------------------------------------------------------

Part = Callable[[Bench], Iterator[bool]]
PARTS: dict[str, Part] = {
    **{f"record-{graph}": partial(record, graph) for graph in GRAPHS},
    "resample": resample,
    **{f"decide-{graph}": partial(decide, graph) for graph in GRAPHS},
    "decided": decided,
    "counts": counts,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer decisions, shorter parts")
    parser.add_argument("--only", nargs="+", metavar="PART", choices=list(PARTS))
    parser.add_argument("--store", type=Path, default=Path(".lgprof/benchmark-gate"))
    parser.add_argument("--seconds", type=float, default=150.0)
    options = parser.parse_args()
    bench = Bench(
        options.store.resolve(),
        30.0 if options.quick else options.seconds,
        100 if options.quick else 2000,
        random.Random(),
    )
    bench.store.mkdir(parents=True, exist_ok=True)
    print(f"{machine('langgraph', 'langchain-core')}.\n", flush=True)
    met = [
        goal
        for name, part in PARTS.items()
        if not options.only or name in options.only
        for goal in part(bench)
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
