"""Which requests keep their spans."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.analysis.spans import Leg, RequestLog
from lgprof.load.keeper import Finished, Keeper, exact_sample, expected_sample
from lgprof.record.digest import Digester
from lgprof.record.event_log import ModelEvent
from lgprof.record.routing import RequestEvents


def finished(
    index: int, latency_ns: int = 1000, *, outcome: str = "ok", sampled: bool = False
) -> Finished:
    log = RequestLog(index=index, legs=[Leg(0, 0, latency_ns)], outcome=outcome)
    events = RequestEvents(probed=True)
    events.models = {index: ModelEvent(provider=None, prompt="secret")}
    return Finished(log, events, 0, latency_ns, sampled)


def keeper(keep: int) -> Keeper:
    return Keeper(keep, Digester(None, salt=b"salt"), seed=1)


def kept(of: Keeper) -> list[int]:
    return [request.index for request in of.requests(0, in_loop=True)]


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 5))
def test_the_sample_has_exactly_its_size(count: int, keep: int, seed: int) -> None:
    chosen = exact_sample(count, keep, seed)
    assert sum(map(chosen, range(count))) == min(keep, count)
    assert not chosen(count)
    assert list(map(chosen, range(count))) == list(
        map(exact_sample(count, keep, seed), range(count))
    )


def test_every_arrival_has_the_same_chance() -> None:
    drawn = Counter(
        number for seed in range(400) for number in range(20) if exact_sample(20, 5, seed)(number)
    )
    assert set(drawn) == set(range(20))
    assert all(60 < times < 140 for times in drawn.values())


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_sample_of_unknown_size_has_about_its_share(share: float) -> None:
    chosen = sum(map(expected_sample(share, 3), range(4000)))
    assert chosen / 4000 == pytest.approx(share, abs=0.03)


def test_the_slowest_are_kept_besides() -> None:
    found = keeper(8)  # so 2 more of each kind
    order = list(range(100))
    random.Random(5).shuffle(order)
    for index in order:
        found.offer(finished(index, latency_ns=index * 1000))
    assert kept(found) == [98, 99]


def test_the_sample_is_kept_whole_and_does_not_crowd_out_the_slowest() -> None:
    found = keeper(8)
    for index in range(100):
        found.offer(finished(index, latency_ns=index, sampled=index >= 92))
    assert kept(found) == [90, 91, *range(92, 100)]


def test_each_failed_request_has_the_same_chance_and_their_number_is_bounded() -> None:
    chosen: Counter[int] = Counter()
    for seed in range(300):
        found = Keeper(8, Digester(None, salt=b"salt"), seed)
        for index in range(12):
            found.offer(finished(index, latency_ns=0, outcome="failed"))
        for index in (100, 101):
            found.offer(finished(index, latency_ns=9))
        indices = kept(found)
        assert len(indices) == 4
        chosen.update(indices[:2])
    assert set(chosen) == set(range(12))
    assert all(25 < times < 80 for times in chosen.values())


def test_what_is_kept_does_not_grow_with_the_number_of_requests() -> None:
    found = keeper(20)
    for index in range(5000):
        outcome = "timed_out" if index % 3 == 0 else "ok"
        found.offer(finished(index, latency_ns=index % 97, outcome=outcome, sampled=index < 20))
    assert len(found._sampled) == 20
    assert len(found._slowest) == len(found._failed) == 5


def test_no_content_outlives_its_request() -> None:
    found = keeper(1)
    requests = [finished(0), finished(1, outcome="failed"), finished(2, sampled=True)]
    for request in requests:
        found.offer(request)
    assert {event.prompt for r in requests for event in r.events.models.values()} == {None}


def test_times_count_from_the_origin_and_intended_starts_are_told() -> None:
    found = keeper(1)
    one = finished(7, sampled=True)
    one.intended_ns, one.log.legs = 3_000_000_000, [Leg(0, 3_500_000_000, 4_000_000_000)]
    found.offer(one)
    [request] = found.requests(1_000_000_000, in_loop=True)
    assert (request.intended_s, request.start_s, request.end_s) == (2.0, 2.5, 3.0)
    assert request.sampled
