"""How long advice takes over a Profile of 100,000 spans.

    python tests/benchmarks/advice.py

The requests are those of a sample graph, over and over, as if each had an input of its own: every
kind of advice looks at all of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import count
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[2]))

from goals import machine

from lgprof.advice.advise import advise
from lgprof.model import Profile, Request, Span
from tests.profiling import profile_graph

GOAL_S = 5.0
ROUNDS = 3


def recorded(name: str) -> Profile:
    """One request for each of the sample graph's inputs."""
    module = import_module(f"sample_graphs.{name}")
    lines = Path(str(module.__file__)).with_suffix(".jsonl").read_text().splitlines()
    return profile_graph(module.app, *map(json.loads, lines), warmup=1).profile


def repeated(profile: Profile, spans: int) -> Profile:
    """The profile with its requests one set after another, up to so many spans."""
    requests: list[Request] = []
    total = 0
    for request in _copies(profile.requests):
        requests.append(request)
        total += len(request.spans)
        if total >= spans:
            break
    inputs = msgspec.structs.replace(
        profile.target.inputs, count=len(requests), distinct=len(requests)
    )
    target = msgspec.structs.replace(profile.target, inputs=inputs)
    return msgspec.structs.replace(profile, target=target, requests=requests)


def _copies(requests: list[Request]) -> Iterator[Request]:
    period_s = max(request.start_s + request.latency_s for request in requests) + 1.0
    for turn in count():
        for request in requests:
            yield msgspec.structs.replace(
                request,
                index=turn * len(requests) + request.index,
                input_hash=f"{turn} {request.input_hash}",
                start_s=request.start_s + turn * period_s,
                spans=[_later(span, turn * period_s) for span in request.spans],
            )


def _later(span: Span, by_s: float) -> Span:
    moved = {
        name: value + by_s
        for name in ("start_s", "end_s", "work_start_s", "work_end_s")
        if (value := getattr(span, name)) is not None
    }
    if span.segments is not None:
        moved["segments"] = [
            msgspec.structs.replace(one, start_s=one.start_s + by_s) for one in span.segments
        ]
    if span.loop_waits is not None:
        moved["loop_waits"] = [(start + by_s, end + by_s) for start, end in span.loop_waits]
    return msgspec.structs.replace(span, **moved)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graph", default="customer_support", help="a sample graph")
    parser.add_argument("--spans", type=int, default=100_000)
    chosen = parser.parse_args()
    profile = repeated(recorded(chosen.graph), chosen.spans)
    took_s = []
    for _ in range(ROUNDS):
        gc.collect()
        start_s = time.perf_counter()
        counsel = advise(profile)
        took_s.append(time.perf_counter() - start_s)
    spans = sum(len(request.spans) for request in profile.requests)
    print(
        machine("langgraph"),
        f"{chosen.graph}: {len(profile.requests):,} requests, {spans:,} spans, "
        f"{len(counsel.predictions)} predictions: {min(took_s):.1f} s "
        f"(goal {GOAL_S:g} s)",
        sep="\n\n",
    )
    return 0 if min(took_s) <= GOAL_S else 1


if __name__ == "__main__":
    sys.exit(main())
