"""What lgprof itself costs, against its goals: time per node, memory per span, time to the report.

    python tests/benchmarks/overhead.py [--rounds N] [--quick] [--peers] [--json FILE]

Prints Markdown; leaves with 1 if a goal is missed. The other tracers want
``pip install -e '.[bench]'`` and run in the same rounds as lgprof.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

os.environ["LANGSMITH_TRACING"] = "false"

import span_costs
from bench_graphs import workloads
from goals import TABLE_HEAD, Goal, at_most, machine, plain
from instruments import NOOP, PROBES, RECORDING, own, peers
from paired import (
    BARE,
    BARE_AGAIN,
    Instrument,
    Interval,
    Measured,
    all_cpu,
    cpu,
    interval_of_ratio,
    measure,
    wall,
)

_ROUNDS, _QUICK_ROUNDS = 200, 30


def _overhead_goals(measured: Measured) -> Iterator[Goal]:
    name = measured.workload.name
    recording = measured.us_per_node(RECORDING, NOOP, cpu)
    yield at_most(f"`--no-probes`, over a no-op handler: {name}", recording, 3, "µs/node", 6)
    if measured.workload.trivial_chain:
        share = Interval(*(part * 100 for part in measured.share(RECORDING, cpu)))
        yield at_most(f"`--no-probes`, over the bare graph: {name}", share, 10, "%")
    probes = measured.us_per_node(PROBES, RECORDING, cpu)
    yield at_most(f"probes, over `--no-probes`: {name}", probes, 20, "µs/node")


def _peer_goal(measured: Measured, peer_names: list[str]) -> Goal:
    """How many times cheaper than the cheapest of them, paired."""

    def cheapest(rounds: Measured) -> str:
        return min(peer_names, key=lambda name: rounds.us_per_node(name, BARE, all_cpu).median)

    peer = cheapest(measured)
    ratio = interval_of_ratio(
        [
            (block[peer].all_cpu_s - _bare_s(block), block[RECORDING].all_cpu_s - _bare_s(block))
            for block in measured.rounds
        ]
    )
    what = f"{peer} costs this many times `--no-probes`: {measured.workload.name}"
    return Goal(what, *ratio, "at least 10 times", "times", ratio.median >= 10)


def _bare_s(blocks: dict) -> float:
    return (blocks[BARE].all_cpu_s + blocks[BARE_AGAIN].all_cpu_s) / 2


def _details(measured: Measured, instruments: list[Instrument]) -> Iterator[str]:
    bare = f"{measured.bare_us_per_node(cpu):.0f} µs/node CPU"
    for instrument in instruments:
        name = instrument.name
        if name == BARE:
            continue
        cells = [_cell(measured.us_per_node(name, BARE, of)) for of in (cpu, wall, all_cpu)]
        share = f"{measured.share(name, cpu).median:+.1%}"
        yield f"| {measured.workload.name} ({bare}) | {name} | {' | '.join(cells)} | {share} |"


def _cell(found: Interval) -> str:
    return f"{found.median:+.1f} ({found.low:.1f} to {found.high:.1f})"


def _cost_goals(quick: bool) -> Iterator[Goal]:
    nodes = 8_000 if quick else 60_000
    recording = span_costs.bytes_per_span(RECORDING, nodes)
    yield plain(f"memory of a recorded span, `{RECORDING}`", recording, 200, "bytes")
    probes = span_costs.bytes_per_span(PROBES, nodes)
    what = "the same with probes: hashes of what each node read and wrote"
    yield Goal(what, probes, None, None, "", "bytes", None)
    spans = 20_000 if quick else 100_000
    times = span_costs.profile_times(spans)
    built = f"a Profile of {times.spans:,} spans"
    yield plain(f"{built}: built", times.build_s, 2, "s")
    yield plain(f"{built}: saved", times.save_s, 1, "s")
    yield plain(f"{built}: read", times.read_s, 1, "s")
    for what, growth in span_costs.growth(quick):
        yield plain(f"twice as many spans take as many times as long: {what}", growth, 3, "times")
    delay = span_costs.seconds_to_report()
    yield plain("the report of 10 runs, after the last of them", delay, 0.5, "s")


def _report(machine: str, rounds: int, goals: list[Goal], details: list[str]) -> str:
    return "\n".join(
        [
            f"{machine}.",
            f"Medians of {rounds} rounds with 95 % bootstrap intervals.",
            "",
            TABLE_HEAD,
            *(goal.row() for goal in goals),
            "",
            "More than the bare graph, in µs per node. *Afterwards* includes what is done once the",
            "runs are over: packing and hashing between requests here, flushing elsewhere.",
            "",
            "| Graph | Watched by | CPU | Wall | CPU, afterwards included | CPU, relative |",
            "|---|---|--:|--:|--:|--:|",
            *details,
        ]
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and spans")
    parser.add_argument("--peers", action="store_true", help="also the other tracers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the goals there too")
    return parser.parse_args()


def main() -> int:
    logging.disable(logging.WARNING)
    options = _options()
    rounds = options.rounds or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    others = peers() if options.peers else []
    goals: list[Goal] = []
    details: list[str] = []
    for workload in workloads():
        measured = measure(workload, own(), rounds)
        goals += _overhead_goals(measured)
        details += _details(measured, own())
        if others:
            # Apart, for their threads and garbage would disturb the finer differences above.
            watched = measure(workload, [*own(), *others], max(10, rounds // 3))
            goals.append(_peer_goal(watched, [other.name for other in others]))
            details += _details(watched, others)
    goals += _cost_goals(options.quick)
    where = machine("langgraph", "langchain-core")
    print(_report(where, rounds, goals, details))
    if options.json:
        found = {"machine": where, "rounds": rounds, "goals": [asdict(goal) for goal in goals]}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.flush()
    return 1 if any(goal.met is False for goal in goals) else 0


if __name__ == "__main__":
    code = main()
    # Exporters' threads may wait for a network that is not there.
    os._exit(code)
