"""Whether a graph kept up, and what held it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from msgspec.structs import replace as replaced

from lgprof.analysis.saturation import LoadFacts, find_saturation
from lgprof.model import (
    Attribution,
    LatencySummary,
    LoadInterval,
    NodeRow,
    Saturation,
    Tokens,
    Visits,
)


def interval(
    t_s: float, rps: float, *, offered_rps: float = 50.0, cpu_share: float = 0.2, in_flight: int = 1
) -> LoadInterval:
    return LoadInterval(
        t_s=t_s,
        duration_s=1.0,
        rps=rps,
        offered_rps=offered_rps,
        p50_s=None,
        p95_s=None,
        p99_s=None,
        errors=0,
        in_flight=in_flight,
        cpu_share=cpu_share,
        rss_bytes=None,
    )


def facts(answered_rps: Sequence[float], *, queued: int = 0, **more: object) -> LoadFacts:
    series = [interval(float(t_s), rps) for t_s, rps in enumerate(answered_rps)]
    series[-1:] = [replaced(found, queued=queued) for found in series[-1:]]
    plain = LoadFacts(
        series=series,
        duration_s=float(len(series)),
        dropped=0,
        workers=1,
        in_loop=True,
        pool_size=6,
        loop_lag_p50_s=0.001,
        service_mean_s=0.1,
        unloaded_s=0.1,
    )
    return replace(plain, **more)


def row(path: str, **figures: float) -> NodeRow:
    p50_s = figures.pop("p50_s", 0.1)
    counts = dict.fromkeys(("calls", "attempts", "errors", "retries", "timeouts", "cache_hits"), 0)
    seconds = ("critical_s", "self_s", "barrier_wait_s", "failed_attempts_s", "backoff_s")
    unknown = ("cpu_s", "blocking_s", "executor_queue_s", "reads", "writes")
    return NodeRow(
        path=path,
        visits=Visits(mean=1.0, max=1),
        latency_s=LatencySummary(mean=p50_s, p50=p50_s, p90=0.0, p95=0.0, p99=0.0, max=p50_s),
        unloaded_s=0.05,
        llm_calls=0,
        tokens=Tokens(),
        histogram="",
        **{**counts, **dict.fromkeys(seconds, 0.0), **dict.fromkeys(unknown), **figures},
    )


def found(
    of: LoadFacts, *nodes: NodeRow, attribution: Attribution | None = None
) -> Saturation | None:
    return find_saturation(of, nodes, attribution or Attribution())


def test_a_graph_that_answers_all_keeps_up() -> None:
    assert found(facts([50.0] * 10)) is None
    caught_up = [0.0] * 2 + [100.0] * 2 + [50.0] * 6
    assert found(facts(caught_up)) is None  # what was before halfway is past
    never_caught_up = found(facts([0.0] * 5 + [50.0] * 5))
    assert never_caught_up is not None
    assert never_caught_up.saturated
    assert found(facts([50.0] * 5 + [49.0] * 5)) is None  # within 3 %


def test_a_few_answers_fewer_are_no_saturation() -> None:
    series = [interval(float(t_s), 2.0, offered_rps=3.0) for t_s in range(10)]
    assert found(facts([], series=series, duration_s=10.0)) is None


def test_what_it_can_serve_and_was_offered() -> None:
    saturation = found(facts([50.0] * 5 + [30.0] * 5), row("a"))
    assert saturation is not None
    assert saturation.max_rps == pytest.approx(30.0)
    assert saturation.message.startswith(
        "the graph serves 30 requests per second and was offered 50: "
    )


@pytest.mark.parametrize("latency_s", [4.0, 7.0, 9.5, 10.0, 30.0])
def test_a_graph_that_takes_long_without_load_too_keeps_up(latency_s: float) -> None:
    answered = [50.0 * min(1.0, max(0.0, t_s + 1 - latency_s)) for t_s in range(10)]
    assert found(facts(answered, unloaded_s=latency_s), row("a")) is None


def test_a_slow_graph_can_be_saturated_all_the_same() -> None:
    answered = [0.0] * 7 + [10.0] * 3
    saturation = found(facts(answered, unloaded_s=7.0), row("a"))
    assert saturation is not None
    assert saturation.max_rps == pytest.approx(10.0)


def test_drops_are_saturation_whatever_was_answered() -> None:
    assert found(facts([50.0] * 10, dropped=1), row("a")) is not None
    assert found(facts([50.0], dropped=1), row("a")) is not None


def test_nothing_measured_is_no_finding() -> None:
    assert found(facts([], dropped=3)) is None


SLOW = [20.0] * 10


def test_a_node_that_blocks_the_loop() -> None:
    saturation = found(
        facts(SLOW, loop_lag_p50_s=0.05), row("a", blocking_s=0.01), row("b", blocking_s=0.03)
    )
    assert saturation is not None
    assert (saturation.cause, saturation.node) == ("loop_blocked", "b")
    assert saturation.message.endswith(
        "b blocks the event loop for 30 ms per request (80% of the time, beside 20% of computing)"
    )


def test_a_busy_loop_names_the_node_that_computes_most() -> None:
    busy = [interval(float(t_s), 20.0, cpu_share=1.96) for t_s in range(10)]
    saturation = found(
        facts([], series=busy, duration_s=10.0, workers=2, loop_lag_p50_s=0.05),
        row("a", cpu_s=0.01, blocking_s=0.005),
        row("b", cpu_s=0.03),
    )
    assert saturation is not None
    assert (saturation.cause, saturation.node) == ("loop_cpu", "b")
    assert "98% of a core per worker, most of it in b" in saturation.message


def test_a_loop_that_would_be_busy_if_other_processes_let_it() -> None:
    busy = [interval(float(t_s), 20.0, cpu_share=0.65) for t_s in range(10)]
    crowded = facts([], series=busy, duration_s=10.0)
    assert found(crowded, row("a", cpu_s=0.01)).cause == "unknown"  # type: ignore[union-attr]
    crowded = replace(crowded, starved_share=0.25)
    assert found(crowded, row("a", cpu_s=0.01)).cause == "loop_cpu"  # type: ignore[union-attr]


def test_a_full_executor_of_the_loop() -> None:
    saturation = found(
        facts(SLOW),
        row("a", executor_queue_s=0.01),
        row("b", executor_queue_s=0.04),
        attribution=Attribution(executor_queue=0.05),
    )
    assert saturation is not None
    assert (saturation.cause, saturation.node) == ("executor", "b")
    assert saturation.message.endswith("calls of b wait for the executor of 6 threads")


def test_all_threads_of_a_sync_graph_taken() -> None:
    full = [interval(float(t_s), 20.0, in_flight=40) for t_s in range(10)]
    saturation = found(
        facts([], series=full, duration_s=10.0, in_loop=False, pool_size=40),
        row("a", self_s=0.2),
        row("b", self_s=1.9),
    )
    assert saturation is not None
    assert (saturation.cause, saturation.node) == ("executor", "b")


def test_a_node_that_waits_longer_under_load_is_named_but_not_its_cause() -> None:
    saturation = found(facts(SLOW), row("a"), row("outer", p50_s=0.8), row("outer/b", p50_s=0.8))
    assert saturation is not None
    assert (saturation.cause, saturation.node) == ("unknown", "outer/b")
    unknown = found(facts(SLOW), row("a", p50_s=0.05))
    assert unknown is not None
    assert (unknown.cause, unknown.node) == ("unknown", None)


def test_a_loop_with_no_room_left_is_near_its_limit() -> None:
    busy = [interval(float(t_s), 50.0, cpu_share=0.9) for t_s in range(10)]
    near = found(facts([], series=busy, duration_s=10.0), row("a", cpu_s=0.01))
    assert near is not None
    assert (near.saturated, near.cause, near.node) == (False, "loop_cpu", "a")
    assert near.message == (
        "near its limit: the event loop is busy (90% of a core per worker, most of it in a)"
    )


def test_calls_that_queue_for_the_executor_name_the_node_that_got_slower() -> None:
    saturation = found(facts(SLOW, executor_queued=8.5), row("a"))
    assert saturation is not None
    assert saturation.cause == "executor"
    assert saturation.message.endswith("wait for the executor of 6 threads")


def test_the_rate_that_was_planned_is_the_one_it_was_offered() -> None:
    uneven = [interval(float(t_s), 30.0, offered_rps=51.3) for t_s in range(10)]
    saturation = found(facts([], series=uneven, duration_s=10.0, offered_rps=50.0), row("a"))
    assert saturation is not None
    assert "was offered 50: " in saturation.message


def test_a_queue_at_the_end_of_a_test_that_is_shorter_than_a_request() -> None:
    assert found(facts([0.0] * 3, unloaded_s=4.0, queued=14), row("a", p50_s=4.0)) is None
    saturation = found(facts([0.0] * 3, unloaded_s=4.0, queued=130), row("a", p50_s=4.0))
    assert saturation is not None
    assert (saturation.saturated, saturation.max_rps) == (True, None)
    assert saturation.message.startswith(
        "the graph answers none of the 50 requests per second by then: "
    )


def test_a_limit_of_the_users_that_is_too_low() -> None:
    full = [interval(float(t_s), 20.0, in_flight=8) for t_s in range(10)]
    limited = facts([], series=full, duration_s=10.0, workers=2, max_concurrent=4)
    saturation = found(limited, row("a"))
    assert saturation is not None
    assert (saturation.cause, saturation.node) == ("max_concurrent", None)
    assert saturation.message.endswith(
        "--max-concurrent lets 4 run at once in a worker, and each takes 0.1 s"
    )
    room = found(replace(limited, max_concurrent=5), row("a"))
    assert room is not None
    assert room.cause == "unknown"
