"""Coordinated omission, counted: what generators say of a graph that stands still now and then.

The truth is the intended schedule replayed over the stalls as they really fell: a request starts
when it is due or when the stall is over, and its answer comes when its sleep is over or the stall.
Those that a stall held up then compute in turns, for as long as the graph takes when a bare loop
calls it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from pathlib import Path
from uuid import uuid4

from load_rounds import bare_burst, bare_open, calling
from load_targets import LOG, SERVICE_S, STALL_S, stalling, steady

from lgprof.histogram import Histogram

FOLDER = Path(__file__).parent
RPS = 50.0
PERCENTILES = (50, 95, 99)
SHARE, ABSOLUTE_S = 0.02, 0.005
_SLICES = 8


@dataclass(frozen=True)
class Said:
    """A generator's figures beside the truth of the stalls that it met, in seconds."""

    generator: str
    compute_s: float
    found_s: dict[int, float]
    truth_s: dict[int, float]

    def error_s(self, q: int) -> float:
        return self.found_s[q] - self.truth_s[q]

    def excess(self, q: int) -> float:
        """The error as a multiple of what is allowed."""
        return abs(self.error_s(q)) / max(SHARE * self.truth_s[q], ABSOLUTE_S)


def replayed_s(
    due_s: Iterator[float], stalls: list[tuple[float, float]], compute_s: float
) -> dict[int, float]:
    """Percentiles of the latency that a schedule meets.

    Args:
        due_s: Intended starts.
        stalls: When the world stood still.
        compute_s: What a request computes, half before its sleep and half after. An event loop runs
            requests that are ready in turns, so each half is done in slices.
    """
    begins = [begin for begin, _ in stalls]

    def began_s(ready_s: float) -> float:
        time_s = max(ready_s, free_s)
        at = bisect_right(begins, time_s) - 1
        return max(time_s, stalls[at][1]) if at >= 0 else time_s

    latency, free_s = Histogram(), 0.0
    ready = [(time_s, 0, time_s) for time_s in due_s]  # when, slices done, intended start
    heapify(ready)
    while ready:
        ready_s, slices, intended_s = heappop(ready)
        free_s = began_s(ready_s) + compute_s / (2 * _SLICES)
        if slices + 1 == 2 * _SLICES:
            latency.record(round((free_s - intended_s) * 1e9))
            continue
        sleep_s = SERVICE_S if slices + 1 == _SLICES else 0.0
        heappush(ready, (free_s + sleep_s, slices + 1, intended_s))
    return dict(zip(PERCENTILES, latency.percentiles_s(PERCENTILES), strict=True))


def compute_s() -> float:
    """What a request computes while as many are held up as a stall holds up; by a bare loop."""
    held_up = round(RPS * STALL_S)
    call = calling(steady, {"i": 0})
    bursts = [bare_burst(call, held_up).seconds for _ in range(20)]
    return (statistics.median(bursts) - SERVICE_S) / held_up


def lgprof_says(seconds: float) -> Said:
    """The whole command: a master and a worker."""
    command = [sys.executable, "-m", "lgprof", "load", "load_targets:stalling"]
    command += ["-i", '{"i": "{{i}}"}', "--rps", f"{RPS:g}", "--duration", f"{seconds:g}s"]
    command += ["--warmup", "1s", "--workers", "1", "-q", "--json", "-"]

    def run(folder: Path) -> dict[int, float]:
        latency_s = json.loads(_run(command, folder))["load"]["latency_s"]
        return {q: latency_s[f"p{q}"] for q in PERCENTILES}

    return _said("lgprof load", run, seconds)


def bare_loop_says(seconds: float) -> Said:
    """A bare open loop in this process."""
    numbers = iter(range(10**9))

    async def call() -> None:
        config = {"configurable": {"thread_id": f"lgprof-{uuid4()}"}}
        await stalling.ainvoke({"i": next(numbers)}, config)

    def run(folder: Path) -> dict[int, float]:
        latency = bare_open(call, RPS, seconds).latency
        return dict(zip(PERCENTILES, latency.percentiles_s(PERCENTILES), strict=True))

    return _said("a bare open loop", run, seconds)


def locust_says(seconds: float) -> Said:
    """Stock Locust, 2 users with constant_throughput."""
    command = [sys.executable, "-m", "locust", "--headless", "-f"]
    command += [str(FOLDER / "load_locustfile.py"), "-u", "2", "-r", "2"]
    command += ["-t", f"{seconds:g}s", "--only-summary"]

    def run(folder: Path) -> dict[int, float]:
        _run(command, folder)
        told = json.loads(Path(folder, "result").read_text())
        return {q: told[f"p{q}"] for q in PERCENTILES}

    return _said("Locust, constant_throughput, 2 users", run, seconds)


def _said(generator: str, run: Callable[[Path], dict[int, float]], seconds: float) -> Said:
    """Run a generator, and replay its schedule over the stalls that it met."""
    before_s = compute_s()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ[LOG] = str(folder / "log")
        try:
            found_s = run(folder)
        finally:
            del os.environ[LOG]
        starts_s, stalls = _logged(folder / "log")
    mean_s = (before_s + compute_s()) / 2
    truth_s = replayed_s(_schedule(starts_s, seconds), stalls, mean_s)
    return Said(generator, mean_s, found_s, truth_s)


def _schedule(starts_s: dict[int, float], seconds: float) -> Iterator[float]:
    """The intended starts: from the only origin for which no request started too early."""
    origin_s = min(start_s - number / RPS for number, start_s in starts_s.items())
    return (origin_s + number / RPS for number in range(round(seconds * RPS)))


def _logged(log: Path) -> tuple[dict[int, float], list[tuple[float, float]]]:
    starts_s, stalls = {}, []
    for kind, *fields in map(str.split, log.read_text().splitlines()):
        if kind == "start" and int(fields[0]) < 1_000_000_000:  # beyond: not measured
            starts_s[int(fields[0])] = float(fields[1])
        elif kind == "stall":
            stalls.append((float(fields[0]), float(fields[1])))
    return starts_s, sorted(stalls)


def _run(command: list[str], folder: Path) -> str:
    variables = {"PYTHONPATH": str(FOLDER), "LGPROF_BENCHMARK_RESULT": str(folder / "result")}
    environment = os.environ | variables
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[2]} left with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout
