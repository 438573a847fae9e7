"""What lgprof load measures and what it costs, beside bare loops and stock Locust in one run.

    python tests/benchmarks/load.py [--quick] [--only PART ...] [--json FILE]

Prints Markdown; leaves with 1 if a goal is missed. What is compared runs in turns, in rounds of a
few seconds, and medians of the rounds' ratios or differences are judged.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ["LANGSMITH_TRACING"] = "false"

import load_stalls
import load_targets
import psutil
from goals import TABLE_HEAD, Goal, at_least, at_most, machine, plain, told
from load_rounds import (
    Round,
    arrivals,
    bare_closed,
    bare_open,
    calling,
    engine_closed,
    engine_of_nothing,
    engine_open,
    engine_overload,
)
from paired import interval

from lgprof.histogram import Histogram
from lgprof.load import messages as wire
from lgprof.load.book import Book
from lgprof.load.options import FleetOptions, LoadOptions
from lgprof.load.outcome import Outcome
from lgprof.load.plan import TestPlan
from lgprof.load.report import load_profile
from lgprof.load.tally import Tally, Total
from lgprof.model import Target
from lgprof.run.described import input_set
from lgprof.run.environment import describe_environment
from lgprof.target import Inputs

PAYLOAD = {"x": 0}
USERS = 8
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Size:
    """How long to measure."""

    rounds: int
    round_s: float
    stall_rounds: int
    stalls_s: float
    requests_of_nothing: int
    values: int
    starts: int


FULL = Size(6, 5.0, 3, 20.0, 1_000_000, 1_000_000, 5)
QUICK = Size(3, 3.0, 1, 20.0, 100_000, 100_000, 2)


def in_turns(rounds: int, *made: Callable[[], Round]) -> list[tuple[Round, ...]]:
    """All of them in every round, in random order, after one of each to warm up."""
    chance = random.Random(rounds)
    found = []
    for number in range(rounds + 1):
        order = chance.sample(range(len(made)), k=len(made))
        seen = {index: made[index]() for index in order}
        if number:
            found.append(tuple(seen[index] for index in range(len(made))))
    return found


def ms(found: Histogram, q: float) -> float:
    return found.percentile_s(q) * 1e3


# --- the parts --------------------------------------------------------------------------------


def stalls(size: Size) -> Iterator[Goal]:
    """A 30 ms graph, 500 ms stop of the world every 5 s, 50 requests a second."""
    says = (load_stalls.lgprof_says, load_stalls.bare_loop_says, load_stalls.locust_says)
    rounds = [[one(size.stalls_s) for one in says] for _ in range(size.stall_rounds)]
    compute_ms = statistics.median(said.compute_s * 1e3 for seen in rounds for said in seen)
    yield told("stalls: a request computes, as many at once as a stall holds", compute_ms, "ms")
    for index in range(len(says)):
        for q in load_stalls.PERCENTILES:
            said = [seen[index] for seen in rounds]
            found_ms = statistics.median(one.found_s[q] for one in said) * 1e3
            truth_ms = statistics.median(one.truth_s[q] for one in said) * 1e3
            generator = f"stalls, p{q}: {said[0].generator} {found_ms:.0f} ms"
            if index == 0:
                excess = statistics.median(one.excess(q) for one in said)
                what = (
                    f"{generator}, truth {truth_ms:.0f} ms; off by, of the greater of 2 % and 5 ms"
                )
                yield plain(what, excess, 1, "times")
            else:
                error = statistics.median(one.error_s(q) / one.truth_s[q] for one in said) * 100
                yield told(f"{generator}, truth {truth_ms:.0f} ms; error", error, "%")


def added(size: Size) -> Iterator[Goal]:
    """What the engine adds at 50 requests a second to a graph of three nodes and 60 ms."""
    graph = load_targets.three_waiting
    found = in_turns(
        size.rounds,
        lambda: engine_open(graph, PAYLOAD, 50.0, size.round_s),
        lambda: bare_open(calling(graph, PAYLOAD), 50.0, size.round_s),
        lambda: bare_open(calling(graph, PAYLOAD, fresh_thread=False), 50.0, size.round_s),
    )
    for q, limit_ms in ((50, 0.5), (99, 3.0)):
        more = interval(ms(ours.latency, q) - ms(bare.latency, q) for ours, bare, _ in found)
        yield at_most(f"50/s, three nodes: p{q} over the bare open loop", more, limit_ms, "ms")
    ratio = interval(ours.cpu_us / bare.cpu_us for ours, bare, _ in found)
    yield at_most("the same: CPU per request over the bare open loop's", ratio, 1.1, "times")
    plainly = interval(ours.cpu_us / bare.cpu_us for ours, _, bare in found)
    what = "the same, where the bare loop sends no thread_id"
    yield told(what, plainly.median, "times", plainly)
    bare_us = statistics.median(bare.cpu_us for _, bare, _ in found)
    yield told("the bare loop's CPU per request", bare_us, "µs")
    yield from merging(
        "50/s, 3 nodes", [batch for ours, _, _ in found for batch in ours.batches[:-1]]
    )


def saturated(size: Size) -> Iterator[Goal]:
    """Five trivial nodes, as many as go."""
    graph, seconds = load_targets.five_trivial, size.round_s / 5
    call = calling(graph, PAYLOAD)
    bare_rps = bare_closed(call, USERS, seconds).rps
    offered_rps = 2 * bare_rps
    found = in_turns(
        size.rounds * 5,
        lambda: engine_closed(graph, PAYLOAD, USERS, seconds, bare_rps),
        lambda: engine_overload(graph, PAYLOAD, offered_rps, seconds),
        lambda: bare_closed(call, USERS, seconds),
        lambda: bare_closed(call, USERS, seconds, in_step=False),
    )
    bare = interval(bare.rps for _, _, bare, _ in found)
    yield told("five trivial nodes: the bare closed loop, users in step", bare.median, "/s", bare)
    apart = interval(apart.rps / bare.rps * 100 for _, _, bare, apart in found)
    yield told("the same, users out of step as arrivals are, of that", apart.median, "%", apart)
    closed = interval(ours.rps / bare.rps * 100 for ours, _, bare, _ in found)
    yield at_least("the engine saturated, users in step as well, of the first", closed, 95, "%")
    offered = f"the engine at twice that rate ({offered_rps:.0f}/s offered)"
    over = interval(ours.rps / apart.rps * 100 for _, ours, _, apart in found)
    yield at_least(f"{offered}, of the one out of step", over, 90, "%")
    over = interval(ours.rps / bare.rps * 100 for _, ours, bare, _ in found)
    yield told(f"{offered}, of the one in step", over.median, "%", over)
    for name, index, beside in (("saturated", 0, 2), ("at twice that rate", 1, 3)):
        ratio = interval(seen[index].cpu_us / seen[beside].cpu_us for seen in found)
        yield told(f"CPU per request {name}, over the bare loop's", ratio.median, "times", ratio)
    batches = engine_closed(graph, PAYLOAD, USERS, size.round_s, bare_rps).batches[:-1]
    yield from merging("saturated, 5 nodes", batches)


def whole_command(size: Size) -> Iterator[Goal]:
    """Master and worker processes, saturated, beside the bare loop."""
    call, seconds = calling(load_targets.five_trivial, PAYLOAD), size.round_s
    before = bare_closed(call, USERS, seconds)
    options = ["--users", str(USERS), "--duration", f"{seconds * 2:g}s", "--warmup", "1s"]
    profile = _profile_of("load_targets:five_trivial", "-i", json.dumps(PAYLOAD), *options)
    after = bare_closed(call, USERS, seconds)
    rps = profile["summary"]["throughput_rps"]
    share = rps / statistics.mean((before.rps, after.rps)) * 100
    yield told("the whole command, 8 users, five trivial nodes: of the bare loop", share, "%")


def pacing(size: Size) -> Iterator[Goal]:
    """Constant arrivals at 200 a second: how late they start."""
    graph = load_targets.three_waiting

    async def nothing() -> None:
        return

    with_graph = in_turns(
        size.rounds,
        lambda: engine_open(graph, PAYLOAD, 200.0, size.round_s),
        lambda: bare_open(calling(graph, PAYLOAD), 200.0, size.round_s),
    )
    alone = in_turns(
        size.rounds,
        lambda: engine_of_nothing(arrivals(200.0, size.round_s))[0],
        lambda: bare_open(nothing, 200.0, size.round_s),
    )
    for what, found in (("three nodes", with_graph), ("nothing", alone)):
        ratio = interval(ms(ours.lag, 99) / ms(bare.lag, 99) for ours, bare in found)
        lag_ms = statistics.median(ms(ours.lag, 99) for ours, _ in found)
        name = f"200/s, {what}: schedule lag p99 ({lag_ms:.2g} ms) over the bare pacer's"
        yield at_most(name, ratio, 1.2, "times")


def merged(size: Size) -> Iterator[Goal]:
    """Quantiles of what several workers counted, against one histogram of all values."""
    chance, whole = random.Random(1), Histogram()
    values_ns = [round(chance.lognormvariate(17.9, 1.0)) for _ in range(size.values)]
    for value_ns in values_ns:
        whole.record(value_ns)
    differing = 0
    for workers in (1, 2, 3, 7):
        total = Total()
        for slot in range(workers):
            tally = Tally()
            for number, value_ns in enumerate(values_ns[slot::workers]):
                tally.record(("graph",), value_ns)
                if number % 5000 == 0:
                    total.add(tally.take()[1])
            total.add(tally.take()[1])
        together = total.histogram("graph")
        points = [number / 10 for number in range(1, 1001)]
        pairs = zip(whole.percentiles_s(points), together.percentiles_s(points), strict=True)
        differing += sum(one != other for one, other in pairs)
        differing += whole.encode() != together.encode()
    what = f"1000 quantiles of {size.values:,} values from 1, 2, 3 and 7 workers: other than of all"
    yield plain(what, differing, 0, "")


def merging(what: str, batches: list[bytes]) -> Iterator[Goal]:
    """What a worker's report costs the master."""
    book, costs_ms = Book(), []
    for number, data in enumerate(batches):
        began_s = time.perf_counter()
        batch = wire.decode(data, wire.Batch)
        batch.seq = number + 1
        book.add("w", batch)
        costs_ms.append((time.perf_counter() - began_s) * 1e3)
    size_kb = statistics.mean(map(len, batches)) / 1e3
    name = f"{what}: merging a worker's report of 1 s ({size_kb:.1f} kB)"
    found = interval(costs_ms)
    yield told(name, found.median, "ms", found)


def a_million(size: Size) -> Iterator[Goal]:
    """Memory over many requests to a coroutine that does nothing, and the time to the report."""
    process, book = psutil.Process(), Book()
    growth: list[int] = []

    def each_batch(data: bytes) -> None:
        batch = wire.decode(data, wire.Batch)
        book.add("w", batch)
        if book.balance.completed >= 10_000:
            growth.append(process.memory_info().rss)

    rps = 8_000.0
    due = arrivals(rps, size.requests_of_nothing / rps)
    found, ledger, keeper = engine_of_nothing(due, each_batch)
    what = f"{found.completed:,} requests to nothing: memory after the first 10,000"
    yield plain(what, (max(growth) - growth[0]) / 2**20, 50, "MiB")
    yield told("the engine's own CPU per request", found.cpu_us, "µs")
    began_s = time.perf_counter()
    options = LoadOptions(rps=rps, requests=size.requests_of_nothing, workers=1, warmup_s=0.0)
    plan = TestPlan(options, FleetOptions())
    batch = book.worker("w").last
    assert batch is not None
    done = wire.Done(
        batch=batch,
        elapsed_s=found.seconds,
        requests=keeper.requests(0, in_loop=True),
        failures=[],
        orphans=0,
        unanswered=[],
        left_threads=0,
        left_behind=0,
        stuck=False,
    )
    profile = load_profile(_outcome(plan, book, done), options)
    yield plain("the final report of it", time.perf_counter() - began_s, 3, "s")
    assert profile.load is not None
    assert profile.load.completed == found.completed == ledger.balance.completed


def _outcome(plan: TestPlan, book: Book, done: wire.Done) -> Outcome:
    nothing = input_set(Inputs([{}], "the benchmark"))
    ready = wire.Ready(
        target=Target(
            spec="nothing", name="nothing", mode="async", nodes=[], edges=[], inputs=nothing
        ),
        environment=describe_environment(FOLDER),
        mode="async",
        cold_s=None,
        live_hosts=[],
        llm_calls=0,
        tool_calls=0,
        tokens=None,
        pool_size=None,
    )
    return Outcome(
        plan=plan,
        book=book,
        ready=ready,
        baseline=wire.Baselined(None, {}),
        done=[done],
        lost=0,
        interrupted=False,
        stopped_at_s=None,
        drain_expired=False,
        abort_reason=None,
        ends=[],
    )


def starting(size: Size) -> Iterator[Goal]:
    """From the command to the first arrival, beyond what importing the user's module takes."""
    more = []
    for _ in range(size.starts):
        began_s = time.monotonic()
        command = [sys.executable, "-c", "import load_targets"]
        subprocess.run(command, cwd=FOLDER, check=True)
        import_s = time.monotonic() - began_s
        more.append(_first_arrival_s() - import_s)
    yield at_most("start-up to the first arrival, over the module's import", interval(more), 2, "s")


def _first_arrival_s() -> float:
    with tempfile.TemporaryDirectory() as folder:
        log, began_s = Path(folder, "log"), time.monotonic()
        arguments = ["-i", '{"i": "{{i}}"}', "-n", "5", "--warmup", "0s", "--workers", "1"]
        _profile_of("load_targets:noting", *arguments, log=log)
        lines = log.read_text().splitlines()
        [first] = [line for line in lines if line.startswith("start 0 ")]
        return float(first.split()[2]) - began_s


def _profile_of(target: str, *arguments: str, log: Path | None = None) -> dict:
    command = [sys.executable, "-m", "lgprof", "load", target, "-q", "--json", "-", *arguments]
    variables = {"PYTHONPATH": str(FOLDER)} | ({load_targets.LOG: str(log)} if log else {})
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, cwd=folder, env=os.environ | variables, capture_output=True, check=True
        )
    return json.loads(done.stdout)


PARTS = (stalls, added, saturated, whole_command, pacing, merged, a_million, starting)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    names = [part.__name__ for part in PARTS]
    parser.add_argument("--only", nargs="+", metavar="PART", choices=names, help=", ".join(names))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the goals there too")
    return parser.parse_args()


def main() -> int:
    options = _options()
    size = QUICK if options.quick else FULL
    where = machine("langgraph", "langchain-core", "locust")
    print(f"{where}.\n\n{TABLE_HEAD}", flush=True)
    goals: list[Goal] = []
    for part in PARTS:
        if not options.only or part.__name__ in options.only:
            for goal in part(size):
                goals.append(goal)
                print(goal.row(), flush=True)
    if options.json:
        found = {"machine": where, "size": asdict(size), "goals": [asdict(goal) for goal in goals]}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if any(goal.met is False for goal in goals) else 0


if __name__ == "__main__":
    sys.exit(main())
