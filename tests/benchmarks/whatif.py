"""How true predictions are: each change is predicted from recorded runs, then made and measured.

    python tests/benchmarks/whatif.py --only readers,caches

Every round runs four arms with the same input and the same draws, in random order: the graph
recorded, the graph twice without recording, and the changed copy. The error is the difference of
the predicted and the measured saving as a share of the baseline latency; the control compares the
two unrecorded runs of the unchanged graph, and the last column the recorded ones with these. Run
the groups apart: each takes less than three minutes. Changes that compute in threads beside other
nodes are shown, and do not count: lgprof calls them unproven.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from goals import machine
from whatif_arms import Outcome, compare
from whatif_cases import GROUPS

MEDIAN_GOAL = 0.012
WORST_GOAL = 0.05
HEAD = (
    "| graph | change | latency | predicted saving | measured | error | control | recorded |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|"
)


def row(found: Outcome) -> str:
    case = found.case
    times = (found.base_s, found.predicted_s, found.measured_s)
    latency, predicted, measured = (f"{seconds * 1e3:.1f} ms" for seconds in times)
    error = f"{found.error:.2%}" + (" (unproven)" if case.unproven else "")
    return (
        f"| {case.name} | {case.what} | {latency} | {predicted} | {measured} | {error} "
        f"| {found.control:.2%} | {found.recorded:+.1%} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help=f"groups, out of {', '.join(GROUPS)}")
    parser.add_argument("--case", help="only cases whose name contains this")
    parser.add_argument("--rounds", type=int, help="instead of each case's own number")
    chosen = parser.parse_args()
    names = chosen.only.split(",") if chosen.only else list(GROUPS)
    print(machine("langgraph"), HEAD, sep="\n\n", flush=True)
    outcomes = []
    for name in names:
        for case in GROUPS[name]():
            if not chosen.case or chosen.case in case.name:
                outcomes.append(compare(case, chosen.rounds or case.rounds))
                print(row(outcomes[-1]), flush=True)
    return verdict([found for found in outcomes if not found.case.unproven])


def verdict(outcomes: list[Outcome]) -> int:
    if not outcomes:
        return 0
    errors = [found.error for found in outcomes]
    control = max(found.control for found in outcomes)
    median, worst = statistics.median(errors), max(errors)
    limit = max(WORST_GOAL, control)
    print(
        f"\n{len(outcomes)} changes: error {median:.2%} in the median (goal {MEDIAN_GOAL:.1%}), "
        f"{worst:.2%} at worst (goal {limit:.1%}); control {control:.2%} at worst"
    )
    return 0 if median <= MEDIAN_GOAL and worst <= limit else 1


if __name__ == "__main__":
    sys.exit(main())
