"""What spans cost once they are recorded: memory, and the time from the last request to the report.

What must not be disturbed by earlier measurements runs in a process of its own: this file as a
script.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

_REPOSITORY = Path(__file__).resolve().parents[2]
_TRIES = 3


class ProfileTimes(NamedTuple):
    """Seconds, the best of a few tries: other work on the machine only ever adds."""

    spans: int
    build_s: float
    save_s: float
    read_s: float


def bytes_per_span(instrument: str, nodes: int) -> float:
    """Growth of the resident memory, in a fresh process."""
    return float(_child("memory", instrument, str(nodes))["bytes_per_span"])


def seconds_to_report() -> float:
    """From the end of the last request to the end of ``lgprof run``, in a fresh process."""
    return statistics.median(float(_child("report")["seconds"]) for _ in range(_TRIES))


def _child(*arguments: str) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY), "LANGSMITH_TRACING": "false"}
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return found


def profile_times(spans: int) -> ProfileTimes:
    """Of a recording of many requests."""
    from big_recording import many_requests

    from lgprof.model import read_profile, write_profile

    story = many_requests(spans)
    build_s, profile = _best(lambda: _profile(story))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "profile.json"
        save_s, _ = _best(lambda: write_profile(profile, file, force=True))
        read_s, read = _best(lambda: read_profile(file))
    count = sum(len(request.spans) for request in read.requests)
    return ProfileTimes(count, build_s, save_s, read_s)


def growth(quick: bool) -> Iterator[tuple[str, float]]:
    """How the time to build a Profile grows where one request holds thousands of spans."""
    from big_recording import long_loop, parallel_tasks, serial_tasks, wide_step

    scale = 4 if quick else 1
    for what, make, size in (
        ("a loop of 20,000 steps", long_loop, 20_000),
        ("10,000 tasks at once in one attempt", parallel_tasks, 10_000),
        ("10,000 tasks in turn in one attempt", serial_tasks, 10_000),
        ("20,000 `Send`s in one step", wide_step, 20_000),
    ):
        half, whole = make(size // scale // 2), make(size // scale)
        half_s, _ = _best(lambda story=half: _profile(story))
        whole_s, _ = _best(lambda story=whole: _profile(story))
        yield what, whole_s / half_s


def _best(do: Callable[[], Any]) -> tuple[float, Any]:
    seconds = []
    for _ in range(_TRIES):
        result = None
        gc.collect()
        start_s = time.perf_counter()
        result = do()
        seconds.append(time.perf_counter() - start_s)
    return min(seconds), result


def _profile(story: Any) -> Any:
    """As `lgprof.run` makes it."""
    from lgprof.analysis.build import Process, figures
    from lgprof.analysis.spans import SpanBuilder
    from lgprof.model import Environment, InputSet, Profile, Target

    builder = SpanBuilder(story.recording, story.logs[0].legs[0].start_ns, in_loop=True)
    requests = builder.requests(story.logs)
    made = figures(
        requests,
        Process(cold_s=None, warmup=0, concurrency=1, peak_rss_bytes=None, rss_growth_bytes=None),
    )
    return Profile(
        kind="run",
        created="2026-01-01T00:00:00Z",
        lgprof="0",
        target=Target(
            spec="a:b",
            name="b",
            mode="async",
            nodes=[],
            edges=[],
            inputs=InputSet(count=1, distinct=1, sha256="", source=""),
        ),
        environment=Environment(
            python="", langgraph="", langchain_core="", cpu_count=1, platform=""
        ),
        summary=made.summary,
        attribution_s=made.attribution_s,
        nodes=made.nodes,
        models=made.models,
        tools=made.tools,
        errors=made.errors,
        critical_path=made.critical_path,
        requests=requests,
    )


def _memory(name: str, nodes: int) -> dict[str, float]:
    """Slope of the resident memory between a fifth and all of the nodes.

    Values are hashed after each request, as in ``lgprof run``.
    """
    from bench_graphs import workloads
    from instruments import own

    workload = workloads()[0]
    instrument = next(one for one in own() if one.name == name)
    loop = asyncio.SelectorEventLoop()
    with instrument.active(loop):
        readings = []
        for runs in (nodes // 50, nodes * 4 // 50):
            for _ in range(runs):
                workload.run(instrument.config, 1, loop)
                instrument.finish()
            readings.append((_resident_bytes(), instrument.spans()))
    (bytes_0, spans_0), (bytes_1, spans_1) = readings
    return {"bytes_per_span": (bytes_1 - bytes_0) / (spans_1 - spans_0)}


def _resident_bytes() -> int:
    import psutil

    gc.collect()
    return int(psutil.Process().memory_info().rss)


def _report_delay() -> dict[str, float]:
    from lgprof.cli import app
    from lgprof.run.conduct import Conductor

    ended: list[float] = []
    end = Conductor.end

    def noting_end(self: Conductor, *args: Any, **kwargs: Any) -> None:
        ended.append(time.perf_counter())
        end(self, *args, **kwargs)

    Conductor.end = noting_end  # type: ignore[method-assign]
    inputs = _REPOSITORY / "sample_graphs" / "customer_support.jsonl"
    sys.argv[1:] = ["run", "sample_graphs.customer_support:app", "-i", f"@{inputs}", "-n", "10"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            app.main()
        except SystemExit as left:
            if left.code:
                raise
        return {"seconds": time.perf_counter() - ended[-1]}


def _main() -> None:
    what, *rest = sys.argv[1:]
    found = _memory(rest[0], int(rest[1])) if what == "memory" else _report_delay()
    print(json.dumps(found), file=sys.stderr)


if __name__ == "__main__":
    _main()
