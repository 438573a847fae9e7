"""The verdict on a load test's numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lgprof.load.fidelity import GeneratorFacts, judge
from lgprof.model import LatencySummary


def lag(p99_s: float) -> LatencySummary:
    return LatencySummary(mean=0.0, p50=0.0, p90=0.0, p95=0.0, p99=p99_s, max=p99_s)


FINE = GeneratorFacts(
    offered=1000,
    dropped=0,
    places=10_000,
    places_wanted=None,
    unsent_by_loss=0,
    lost_workers=0,
    ends=(),
    tolerates_loss=False,
    stuck_workers=0,
    saturated=False,
    at_limit=False,
    lag_s=lag(0.001),
    loop_lag_p99_s=0.001,
    service_p50_s=0.030,
    starved_share=0.0,
    held_s=1.0,
    over_range=0,
)


def test_nothing_to_say() -> None:
    verdict = judge(FINE)
    assert (verdict.verdict, verdict.reasons) == ("ok", [])


@pytest.mark.parametrize(
    ("p99_s", "service_p50_s", "verdict"),
    [
        (0.005, 0.0, "ok"),
        (0.0051, 0.0, "degraded"),
        (0.0051, None, "degraded"),
        (0.0999, 1.0, "ok"),
        (0.1001, 1.0, "degraded"),
    ],
)
def test_lateness_counts_above_5_ms_and_a_tenth_of_the_service_time(
    p99_s: float, service_p50_s: float | None, verdict: str
) -> None:
    facts = replace(FINE, lag_s=lag(p99_s), service_p50_s=service_p50_s)
    assert judge(facts).verdict == verdict


@pytest.mark.parametrize(
    ("loop_lag_p99_s", "whose"),
    [
        (None, "the generator could not keep its pace"),
        (0.009, "the generator could not keep its pace"),
        (0.010, "the graph holds the event loop"),
    ],
)
def test_the_one_who_was_late_is_named(loop_lag_p99_s: float | None, whose: str) -> None:
    [reason] = judge(replace(FINE, lag_s=lag(0.02), loop_lag_p99_s=loop_lag_p99_s)).reasons
    assert reason == (
        f"requests started up to 20 ms late (p99): {whose}; latencies from the intended start "
        "contain it"
    )


def test_a_graph_that_hardly_holds_the_loop_is_not_blamed() -> None:
    facts = replace(FINE, lag_s=lag(3.7), loop_lag_p99_s=3.7, held_s=0.9)
    [reason] = judge(facts).reasons
    assert reason.startswith(
        "requests started up to 3.7 s late (p99): the load's thread did not get to run"
    )


def test_an_empty_measurement_is_invalid() -> None:
    verdict = judge(replace(FINE, offered=0))
    assert verdict.verdict == "invalid"
    assert verdict.reasons == ["nothing was measured: no arrival was due"]


def test_of_a_saturated_graph_lateness_says_nothing_about_the_generator() -> None:
    assert judge(replace(FINE, lag_s=lag(3.0), saturated=True)).verdict == "ok"
    assert judge(replace(FINE, lag_s=None)).verdict == "ok"


def test_who_waits_for_a_place_is_not_late_by_the_generator() -> None:
    assert judge(replace(FINE, lag_s=lag(3.0), at_limit=True)).verdict == "ok"


def test_a_lost_worker() -> None:
    facts = replace(FINE, lost_workers=1, unsent_by_loss=31)
    verdict = judge(facts)
    assert verdict.verdict == "invalid"
    assert verdict.reasons == ["a worker was lost: 31 arrivals were not sent"]
    tolerant = judge(replace(facts, tolerates_loss=True))
    assert (tolerant.verdict, tolerant.reasons) == ("degraded", verdict.reasons)
    killed = judge(replace(facts, ends=["killed by SIGKILL"]))
    assert killed.reasons[0].startswith("a worker was lost (killed by SIGKILL): ")
    two = judge(replace(facts, lost_workers=2))
    assert two.reasons == ["2 workers were lost: 31 arrivals were not sent"]


def test_a_stuck_loop_is_invalid_even_where_a_loss_is_tolerated() -> None:
    verdict = judge(replace(FINE, stuck_workers=1, tolerates_loss=True))
    assert verdict.verdict == "invalid"


def test_a_starved_generator() -> None:
    assert judge(replace(FINE, starved_share=0.099)).verdict == "ok"
    verdict = judge(replace(FINE, starved_share=0.25))
    assert verdict.verdict == "degraded"
    assert "waited for a processor for 25% of the time" in verdict.reasons[0]


def test_the_worst_holds_and_its_reasons_come_first() -> None:
    verdict = judge(replace(FINE, over_range=2, starved_share=0.5, lost_workers=1, lag_s=lag(0.02)))
    assert verdict.verdict == "invalid"
    assert [reason.split()[0] for reason in verdict.reasons] == ["a", "the", "requests", "2"]


def test_drops_are_the_generators_where_even_a_graph_without_load_would_need_more_room() -> None:
    assert judge(replace(FINE, dropped=130)).verdict == "ok"  # then it is the graph's finding
    assert judge(replace(FINE, places=20, places_wanted=150.0)).verdict == "ok"  # a short test
    verdict = judge(replace(FINE, dropped=130, places=20, places_wanted=150.0))
    assert verdict.verdict == "invalid"
    assert verdict.reasons == [
        "130 arrivals were dropped: without load, too, 150 requests would be under way, and "
        "--max-in-flight lets 20 in"
    ]
