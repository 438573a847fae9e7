"""How true predictions are: each change is predicted from recorded runs, then made and measured.

    python tests/benchmarks/whatif.py --only readers,caches

Every round runs four arms with the same input and the same draws, in random order: the graph
recorded, the graph twice without recording, and the changed copy. The error is the difference of
the predicted and the measured saving as a share of the baseline latency; the control compares the
two unrecorded runs of the unchanged graph, and the last column the recorded ones with these. Groups
may run apart, with `--results` to sum up over all of them. What lgprof itself calls unproven is
shown, and does not count: threads that compute beside other nodes, requests that keep each other
waiting, model calls that are cut off.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from goals import machine
from whatif_arms import Outcome, compare
from whatif_groups import GROUPS

MEDIAN_GOAL = 0.012
WORST_GOAL = 0.05
HEAD = (
    "| graph | change | latency | predicted saving | measured | error | control | recorded |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|"
)
SUMMARY_HEAD = "| group | changes | error, median | worst | control, worst |\n|---|--:|--:|--:|--:|"


class Result(NamedTuple):
    """What counts of one change; shares of the baseline latency."""

    group: str
    error: float
    control: float


def row(found: Outcome) -> str:
    case = found.case
    times = (found.base_s, found.predicted_s, found.measured_s)
    latency, predicted, measured = (f"{seconds * 1e3:.1f} ms" for seconds in times)
    error = f"{found.error:.2%}" + (" (unproven)" if found.unproven else "")
    return (
        f"| {case.name} | {case.what} | {latency} | {predicted} | {measured} | {error} "
        f"| {found.control:.2%} | {found.recorded:+.1%} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help=f"groups, out of {', '.join(GROUPS)}")
    parser.add_argument("--case", help="only cases whose name or change contains this")
    parser.add_argument("--rounds", type=int, help="instead of each case's own number")
    parser.add_argument("--results", type=Path, help="a file of results: added to, and summed up")
    chosen = parser.parse_args()
    names = chosen.only.split(",") if chosen.only else list(GROUPS)
    print(machine("langgraph"), HEAD, sep="\n\n", flush=True)
    results = []
    for name in names:
        for case in GROUPS[name]():
            if chosen.case and chosen.case not in f"{case.name}/{case.what}":
                continue
            found = compare(case, chosen.rounds or case.rounds)
            print(row(found), flush=True)
            if found.unproven:
                continue
            results.append(Result(name, found.error, found.control))
            if chosen.results:
                with chosen.results.open("a") as file:
                    print(json.dumps(results[-1]), file=file)
    if chosen.results:
        results = [Result(*json.loads(line)) for line in chosen.results.read_text().splitlines()]
    return verdict(results)


def verdict(results: list[Result]) -> int:
    """Print each group's errors and those of all; 1 where a goal is missed."""
    if not results:
        return 0
    print("", SUMMARY_HEAD, sep="\n")
    for group in dict.fromkeys(result.group for result in results):
        print(summary(group, [result for result in results if result.group == group]))
    print(summary("all", results))
    errors = [result.error for result in results]
    median, worst = statistics.median(errors), max(errors)
    limit = max(WORST_GOAL, *(result.control for result in results))
    print(f"\ngoals: {MEDIAN_GOAL:.1%} in the median, {limit:.1%} at worst")
    return 0 if median <= MEDIAN_GOAL and worst <= limit else 1


def summary(name: str, results: list[Result]) -> str:
    errors = [result.error for result in results]
    control = max(result.control for result in results)
    median, worst = statistics.median(errors), max(errors)
    return f"| {name} | {len(results)} | {median:.2%} | {worst:.2%} | {control:.2%} |"


if __name__ == "__main__":
    sys.exit(main())
