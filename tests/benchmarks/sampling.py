"""Is a CPU-bound function found where it was planted, and what does the sampler cost?

    python tests/benchmarks/sampling.py [--requests 10]

The function stands three calls deep in a sync node, an async node, an executor, a pool and a
thread of the node's own. Prints the share of the node's time that is found under it, and how much
slower the sampled requests were; exits 1 if a share is below 90 %.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lgprof.run import Extras
from tests.profiling import profile_graph
from tests.recording.test_sampler import (
    chain,
    found_s,
    in_async_node,
    in_executor,
    in_own_pool,
    in_own_thread,
    in_sync_node,
    node,
)

CASES = [
    (in_sync_node, "sync"),
    (in_sync_node, "async"),
    (in_async_node, "async"),
    (in_executor, "async"),
    (in_own_pool, "sync"),
    (in_own_thread, "sync"),
]
LEAST_SHARE = 0.9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10)
    requests = parser.parse_args().requests
    print("| planted in | mode | found | sampled / measured latency |\n|---|---|--:|--:|")
    missed = False
    for function, mode in CASES:
        profile = profile_graph(
            chain(function), {}, extras=Extras(sample=True), mode=mode, requests=requests
        ).profile
        assert profile.sampling is not None, profile.warnings
        name = function.__name__
        share = found_s(profile, name, "planted", "middle", "burn") / node(profile, name).value
        missed |= share < LEAST_SHARE
        print(f"| {name} | {mode} | {share:.1%} | {profile.sampling.slowdown or 0:.2f} |")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
