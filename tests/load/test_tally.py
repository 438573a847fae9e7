"""What is counted arrives whole: in parts or at once, from one worker or from many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.analysis.fold import Call, Folded, NodeCall
from lgprof.load import messages as wire
from lgprof.load.tally import Balance, Counted, Tally, Total
from lgprof.record.event_log import ModelEvent

MS = 1_000_000
outcomes = st.sampled_from(["completed", "failed", "timed_out", "cancelled"])
requests = st.lists(
    st.tuples(*[st.integers(0, 5_000 * MS)] * 3, outcomes, st.integers(0, 4)), max_size=40
)


def folded(visits: int) -> Folded:
    return Folded(
        nodes=[NodeCall("a/b", 0, 7 * MS, visits, "ok")] * visits,
        calls=[Call("tool", "a/b", "look", 0, visits * MS, "failed", None)] * visits,
    )


def record(tally: Tally, request: tuple[int, int, int, str, int]) -> None:
    latency_ns, service_ns, lag_ns, outcome, visits = request
    tally.record_request(latency_ns, service_ns, lag_ns, outcome)
    tally.record_calls(folded(visits))
    if outcome == "failed":
        tally.count_error("builtins.ValueError", "a/b" if visits else None)


def sent(tally: Tally) -> Counted:
    _, counted = tally.take()
    return wire.decode(wire.encode(counted), Counted)


def state(total: Total) -> tuple[dict, dict]:
    packed = {key: (h.counts, h.pack()[2:]) for key, h in total.histograms.items() if h.total}
    return packed, total.counts


@given(st.lists(requests, min_size=1, max_size=5), st.randoms())
def test_any_number_of_workers_and_batches_equals_one(parts: list, random: object) -> None:
    tallies = [Tally() for _ in range(3)]
    batches = []
    for number, part in enumerate(parts):
        tally = tallies[number % 3]
        for request in part:
            record(tally, request)
        batches.append(sent(tally))
    random.shuffle(batches)  # type: ignore[attr-defined]
    merged, whole, direct = Total(), Total(), Tally()
    for batch in batches:
        merged.add(batch)
    for part in parts:
        for request in part:
            record(direct, request)
    whole.add(sent(direct))
    assert state(merged) == state(whole)
    balance = Balance()
    for tally in tallies:
        balance = balance.plus(tally.balance)
    assert balance == direct.balance


def test_each_outcome_has_its_own_histograms() -> None:
    tally = Tally()
    for number, outcome in enumerate(("completed", "failed", "timed_out", "cancelled"), 1):
        tally.record_request(number * 100 * MS, number * 10 * MS, number * MS, outcome)
    total = Total()
    total.add(sent(tally))
    assert tally.balance == Balance(completed=1, failed=1, timed_out=1, cancelled=1)
    assert total.histogram("graph").sum_ns == (100 + 300) * MS
    assert total.histogram("service").sum_ns == (10 + 30) * MS
    assert total.histogram("failed").sum_ns == 200 * MS
    assert total.histogram("lag").total == 4


def test_calls_are_counted_by_path_and_kind() -> None:
    usage = {"input_tokens": 5, "output_tokens": 7, "input_token_details": {"cache_read": 2}}
    event = ModelEvent(provider=None, prompt=None, first_token_ns=30 * MS, usage=usage)
    tally = Tally()
    tally.record_calls(
        Folded(
            nodes=[
                NodeCall("a", 0, 10 * MS, 1, "ok"),
                NodeCall("a", 0, 20 * MS, 3, "ok"),
                NodeCall("b", 0, 5 * MS, 2, "failed"),
                NodeCall("c", 0, 5 * MS, 1, "timed_out"),
            ],
            calls=[
                Call("model", "a", "m", 0, 40 * MS, "ok", event),
                Call("tool", "b", "t", 0, 3 * MS, "failed", None),
                Call("retriever", "b", "r", 0, 4 * MS, "ok", None),
            ],
        )
    )
    total = Total()
    total.add(sent(tally))
    assert total.histogram("node", "a").sum_ns == 30 * MS
    assert total.counts["node", "a"] == {"retries": 2, "most_visits": 2}
    assert total.counts["node", "b"] == {
        "retries": 1,
        "errors": 1,
        "timeouts": 0,
        "most_visits": 1,
    }
    assert total.counts["node", "c"]["timeouts"] == 1
    assert total.counts["tool", "b", "t"] == {"errors": 1}
    assert total.keys("retriever") == [("retriever", "b", "r")]
    assert total.histogram("model", "a", "m").total == 1
    assert total.histogram("first_token", "a", "m").sum_ns == 30 * MS
    assert total.counts["model", "a", "m"] == {
        "input": 5,
        "output": 7,
        "cache_read": 2,
        "streamed_tokens": 7,
        "streaming_us": 10_000,
    }
    assert total.histogram("node", "nowhere").total == 0


def test_most_visits_are_the_most_and_not_the_sum() -> None:
    total = Total()
    for visits in (3, 2):
        tally = Tally()
        tally.record_calls(folded(visits))
        total.add(sent(tally))
    assert total.counts["node", "a/b"]["most_visits"] == 3


def test_taking_leaves_nothing_behind_but_the_balance() -> None:
    tally = Tally()
    tally.record_request(MS, MS, MS, "completed")
    tally.count_error("E", None)
    balance, _ = tally.take()
    again, counted = tally.take()
    assert (counted.histograms, counted.counts) == ({}, {})
    assert again == balance == Balance(completed=1)
    assert again is not tally.balance


def test_a_balance_knows_what_runs_and_waits() -> None:
    balance = Balance(
        offered=20, started=12, completed=5, failed=2, timed_out=1, cancelled=1, dropped=3, unsent=2
    )
    assert (balance.running, balance.queued) == (3, 3)


@pytest.mark.parametrize("total", [1, 60, 700])
def test_merging_totals_equals_adding_batches(total: int) -> None:
    one, two, whole = Total(), Total(), Total()
    for number in range(total):
        tally = Tally()
        record(tally, (number * MS, number, number, "completed", number % 3))
        counted = sent(tally)
        (one if number % 2 else two).add(counted)
        whole.add(counted)
    one.merge(two)
    assert state(one) == state(whole)
