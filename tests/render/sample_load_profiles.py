"""Synthetic Profiles of load tests, each derived from a simulated one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from sample_profiles import Recording, profile_of
from simulated_load import (
    Served,
    counted,
    evenly,
    latencies,
    series_of,
    serve,
    steady_service,
)

from lgprof.histogram import encode_seconds
from lgprof.load.arrivals import Schedule, stages_between
from lgprof.model import (
    Cost,
    CostDistribution,
    ErrorRow,
    Fidelity,
    Load,
    LoadWorker,
    NodeRow,
    Profile,
    Request,
    Saturation,
    Tokens,
    Visits,
    WarmUp,
    Warn,
)


def load_of(served: Sequence[Served], duration_s: float, **more: Any) -> Load:
    """A Load whose counts and distributions are those of the requests."""
    good = [request for request in served if request.outcome in ("ok", "timed_out")]
    dropped, unsent = more.pop("dropped", 0), more.pop("unsent", 0)
    values: dict[str, Any] = {
        "arrivals": "constant",
        "target_rps": (len(served) + dropped + unsent) / duration_s,
        "achieved_rps": len(served) / duration_s,
        "duration_s": duration_s,
        "elapsed_s": max((request.end_s for request in served), default=0.0),
        "offered": len(served) + dropped + unsent,
        "started": len(served),
        "completed": counted(served, "ok"),
        "failed": counted(served, "failed"),
        "timed_out": counted(served, "timed_out"),
        "cancelled": counted(served, "cancelled"),
        "dropped": dropped,
        "unsent": unsent,
        "latency_s": latencies(request.latency_s for request in good),
        "service_s": latencies(request.service_s for request in good),
        "schedule_lag_s": latencies(request.lag_s for request in served),
        "loop_lag_s": latencies([0.0004] * 90 + [0.0011] * 9 + [0.0032]),
        "unloaded_s": 0.0612,
        "workers": [LoadWorker(host="bench-1", cpu_share=0.31, peak_rss_bytes=118_000_000)],
        "fidelity": Fidelity(verdict="ok"),
        "saturation": None,
        "histogram": encode_seconds(request.latency_s for request in good),
        "series": series_of(served, duration_s),
        "sampled_requests": min(200, len(served)),
        "max_in_flight": 10_000,
        "peak_in_flight": 5,
        "peak_queued": 0,
        "warm_up": WarmUp(duration_s=5.0, requests=250, failed=0),
    }
    values.update(more)
    if values["workers"] and not any(worker.started for worker in values["workers"]):
        values["workers"][0].started = len(served)
    return Load(**values)


def node_row(path: str, times: Sequence[float], **more: Any) -> NodeRow:
    """A node's row: latencies of all its calls, waits of the sampled requests."""
    values: dict[str, Any] = {
        "path": path,
        "calls": len(times),
        "visits": Visits(mean=1, max=1),
        "attempts": len(times),
        "errors": 0,
        "retries": 0,
        "timeouts": 0,
        "cache_hits": 0,
        "latency_s": latencies(times),
        "critical_s": sum(times) / len(times) if times else 0.0,
        "self_s": sum(times) / len(times) if times else 0.0,
        "cpu_s": 0.0012,
        "blocking_s": 0.0,
        "barrier_wait_s": 0.0,
        "executor_queue_s": 0.0,
        "failed_attempts_s": 0.0,
        "backoff_s": 0.0,
        "llm_calls": 0,
        "tokens": Tokens(),
        "reads": None,
        "writes": None,
        "histogram": encode_seconds(times),
    }
    return NodeRow(**values | more)


def kept(
    served: Sequence[Served], nodes: Sequence[tuple[str, float]], most: int = 12
) -> list[Request]:
    """Every n-th request and the slowest, with spans: nodes in a row, a model in the last."""
    chosen = dict.fromkeys([*range(0, len(served), max(len(served) // most, 1))])
    if served:
        chosen[max(range(len(served)), key=lambda number: served[number].service_s)] = None
    made = []
    for number in sorted(chosen):
        request = served[number]
        recording = Recording(number, request.start_s)
        failed = request.outcome in ("failed", "timed_out")
        for name, share in nodes:
            last = name == nodes[-1][0]
            outcome = request.outcome if failed and last else "ok"
            took = max(request.service_s * share - 0.002, 0.0003)
            node = recording.run(name, took, outcome=outcome)
            if last and not failed:
                recording.model(node, node.start_s + 0.0001, node.end_s - 0.0001)
        errors = {"error_type": "builtins.ValueError", "error_node": nodes[-1][0]} if failed else {}
        done = recording.done(request.outcome, intended_s=request.intended_s, **errors)
        done.cpu_s = None
        made.append(done)
    return made


def load_profile(
    served: Sequence[Served],
    duration_s: float,
    nodes: Sequence[tuple[str, float, float]] = (
        ("load", 0.32, 0.0198),
        ("think", 0.33, 0.0206),
        ("answer", 0.35, 0.0208),
    ),
    *,
    rows: dict[str, dict[str, Any]] | None = None,
    errors: Sequence[ErrorRow] = (),
    warnings: Sequence[Warn] = (),
    **load: Any,
) -> Profile:
    """A load Profile.

    Args:
        served: What became of the arrivals that were started.
        duration_s: Length of the schedule.
        nodes: Name, share of the service time, unloaded latency.
        rows: Other values of some nodes' rows.
        errors: Rows of the table of errors.
        warnings: Warnings of the report.
        load: Other values of the Load.
    """
    requests = kept(served, [(name, share) for name, share, _ in nodes])
    shares = {"model": 0.35, "node_wait": 0.6, "framework": 0.05}
    profile = profile_of(requests, shares, warnings=warnings, spec="sample_graphs.triage:app")
    profile.kind = "load"
    profile.load = test = load_of(served, duration_s, **load)
    finished = [request for request in served if request.outcome != "cancelled"]
    profile.nodes = [
        node_row(
            name,
            [request.service_s * share for request in finished],
            **{"unloaded_s": unloaded_s, **(rows or {}).get(name, {})},
        )
        for name, share, unloaded_s in nodes
    ]
    for row in profile.models:
        row.calls, row.cost_usd = test.completed, 0.0041 * test.completed or None
        row.tokens = Tokens(input=900 * test.completed, output=180 * test.completed)
    profile.errors = list(errors)
    summary = profile.summary
    summary.requests, summary.succeeded = test.started, test.completed
    summary.failed, summary.timed_out, summary.cancelled = (
        test.failed,
        test.timed_out,
        test.cancelled,
    )
    summary.error_rate = (test.failed + test.timed_out) / max(test.started, 1)
    summary.latency_s = test.latency_s
    summary.cold_s = summary.cpu_s = None
    summary.warmup = 0
    summary.throughput_rps = test.completed / test.elapsed_s if test.elapsed_s else 0.0
    summary.llm_calls, summary.tool_calls = test.completed, 0
    summary.tokens = Tokens(input=900 * test.completed, output=180 * test.completed)
    summary.cost_usd = Cost(
        total=0.0041 * test.completed or None,
        per_request=CostDistribution(mean=0.0041, p50=0.0041, p95=0.0041, max=0.0041),
        failed_requests=0.0,
        failed_attempts=0.0,
    )
    summary.histogram = test.histogram
    return profile


# ---------------------------------------------------------------- the samples


def ok() -> Profile:
    """50 requests a second that the graph answers with ease."""
    return load_profile(serve(evenly(50, 30), steady_service), 30.0)


def saturated() -> Profile:
    """A node blocks the event loop: above 40 requests a second the queue grows."""

    def service(rng: random.Random, at_s: float) -> float:
        """Eight at once share the loop from the moment at which it has no pause any more."""
        return (0.0245 + rng.expovariate(2000)) * (8 if at_s > 12.4 else 1)

    stages = stages_between([(20, 10), (60, 15)], ramp_s=5)
    served = serve(
        Schedule(stages).times_s(),
        service,
        slots=8,
        outcome=lambda n, s: "timed_out" if s > 5.4 else "ok",
    )
    series = series_of(served, 25.0, cpu=0.2)
    for interval in series:
        interval.loop_lag_max_s = 0.026 if interval.offered_rps > 20 else 0.0241
    return load_profile(
        served,
        25.0,
        (("fetch", 0.08, 0.0021), ("blocks_loop", 0.9, 0.0232), ("save", 0.02, 0.0004)),
        rows={"blocks_loop": {"blocking_s": 0.0229}, "fetch": {"barrier_wait_s": 0.004}},
        errors=[
            ErrorRow(
                type="asyncio.TimeoutError",
                message=None,
                node="blocks_loop",
                count=counted(served, "timed_out"),
            )
        ],
        warnings=[
            Warn(
                code="blocking",
                message="blocks_loop held the event loop for 23 ms at a time: every other request "
                "of the process stood still meanwhile",
                fix="call it with await asyncio.to_thread(...), or use an async client",
            )
        ],
        stages=list(stages),
        fidelity=Fidelity(
            verdict="degraded",
            reasons=["schedule lag p99 is 31 % of the latency's p50 while the loop was blocked"],
        ),
        saturation=Saturation(
            saturated=True,
            node="blocks_loop",
            cause="loop_blocked",
            max_rps=39.8,
            message="arrivals came faster than the graph answered them: blocks_loop holds the "
            "event loop for 23 ms per call, so one process serves 39.8 requests per second",
        ),
        series=series,
        loop_lag_s=latencies([0.004] * 60 + [0.0229] * 39 + [0.026]),
        unloaded_s=0.0262,
        max_concurrent=8,
        peak_in_flight=8,
        peak_queued=max(interval.queued for interval in series),
    )


def invalid() -> Profile:
    """One of two workers died after 12 of 20 seconds; poisson arrivals; errors of two kinds."""
    rng = random.Random(3)
    arrivals = sorted(rng.uniform(0, 20) for _ in range(2000))
    mine = [at_s for number, at_s in enumerate(arrivals) if number % 2 == 0 or at_s < 12]

    def outcome(number: int, latency_s: float) -> str:
        return "failed" if number % 61 == 7 else "ok"

    served = serve(mine, steady_service, outcome=outcome)
    failed = counted(served, "failed")
    first = len([at_s for at_s in arrivals if at_s < 12]) // 2
    return load_profile(
        served,
        20.0,
        rows={"answer": {"errors": failed}},
        errors=[
            ErrorRow(type="openai.RateLimitError", message=None, node="answer", count=failed - 4),
            ErrorRow(type="builtins.KeyError", message=None, node=None, count=4),
        ],
        arrivals="poisson",
        seed=3,
        unsent=2000 - len(served) - 40,
        dropped=40,
        workers=[
            LoadWorker(
                host="bench-1",
                cpu_share=0.62,
                peak_rss_bytes=124_000_000,
                started=len(served) - first,
            ),
            LoadWorker(host="bench-2", started=first, lost=True),
        ],
        fidelity=Fidelity(
            verdict="invalid",
            reasons=[
                "worker 2 (bench-2) was lost after 12.0 s",
                "80.4 % of the schedule was started, 97 % is the least",
            ],
        ),
        warm_up=WarmUp(duration_s=5.0, requests=500, failed=3),
        abort_reason="error_rate>1%",
    )


def closed() -> Profile:
    """20 users who think for a second between an answer and the next request."""
    rng = random.Random(5)
    served = []
    for user in range(20):
        at_s = user * 0.05
        while at_s < 20:
            end_s = at_s + steady_service(rng, at_s)
            served.append(Served(at_s, at_s, end_s))
            at_s = end_s + 1.0
    served.sort(key=lambda request: request.start_s)
    return load_profile(
        served,
        20.0,
        arrivals="closed",
        target_rps=None,
        users=20,
        think_s=1.0,
        schedule_lag_s=None,
        saturation=Saturation(
            saturated=False,
            node="think",
            cause="loop_cpu",
            max_rps=None,
            message="near its limit: the event loop used 92 % of its CPU core",
        ),
        peak_in_flight=20,
        max_in_flight=None,
    )


def none_succeeded() -> Profile:
    """Every request fails."""
    served = serve(evenly(10, 5), steady_service, outcome=lambda number, latency_s: "failed")
    return load_profile(
        served,
        5.0,
        errors=[
            ErrorRow(type="builtins.ValueError", message=None, node="answer", count=len(served))
        ],
        unloaded_s=None,
        warm_up=None,
        rows={
            name: {"latency_s": None, "unloaded_s": None, "errors": 50 * (name == "answer")}
            for name in ("load", "think", "answer")
        },
    )


def short() -> Profile:
    """Three arrivals in 0.3 s."""
    return load_profile(
        serve(evenly(10, 0.3), steady_service), 0.3, warm_up=None, sampled_requests=3
    )


def hostile() -> Profile:
    """Names and messages that try to break the terminal."""
    wild = "\x1b[31m[red]節\x1b[0m\x07\n" + "長い名前" * 12
    nodes = ((wild, 0.5, 0.03), ("", 0.2, None), ("x" * 90, 0.3, 0.0))
    return load_profile(
        serve(evenly(40, 3), steady_service, outcome=lambda n, s: "failed" if n % 9 == 3 else "ok"),
        3.0,
        nodes,
        errors=[ErrorRow(type=wild, message=None, node=wild, count=13)],
        warnings=[Warn(code="x", message=wild, fix=wild)],
        fidelity=Fidelity(verdict="degraded", reasons=[wild, "y" * 300]),
        saturation=Saturation(saturated=True, node=wild, cause="executor", message=wild * 3),
        workers=[LoadWorker(host=wild * 3, started=120)],
        abort_reason=wild,
    )


LOAD_SAMPLES = {
    "ok": ok,
    "saturated": saturated,
    "invalid": invalid,
    "closed": closed,
    "none_succeeded": none_succeeded,
    "short": short,
    "hostile": hostile,
}
