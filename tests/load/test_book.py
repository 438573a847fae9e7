"""The master's book: every batch once, whatever its order; nothing delivered is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.load.book import MOST_INTERVALS, Book, all_latencies
from lgprof.load.messages import Batch
from lgprof.load.tally import Balance
from tests.load.batches import MS, Reporter, check_balance


def three_batches() -> list[Batch]:
    reporter = Reporter()
    return [
        reporter.batch(1.0, offered=10, latencies_ms=[10] * 8, cpu_s=0.5),
        reporter.batch(2.0, offered=10, latencies_ms=[20] * 10, failed_ms=[5], cpu_s=0.7),
        reporter.batch(3.0, offered=5, latencies_ms=[30] * 6, cpu_s=1.0),
    ]


def figures(book: Book) -> tuple[object, ...]:
    latencies = all_latencies(book.total)
    return (
        book.balance,
        latencies.counts,
        latencies.sum_ns,
        sum(interval.total.histogram("graph").total for interval in book.intervals.values()),
        round(sum(interval.cpu_s for interval in book.intervals.values()), 6),
    )


def test_what_a_worker_reports() -> None:
    book = Book()
    for batch in three_batches():
        book.add("a", batch)
    assert book.balance == Balance(offered=25, started=25, completed=24, failed=1)
    assert book.total.histogram("graph").sum_ns == (8 * 10 + 10 * 20 + 6 * 30) * MS
    assert sorted(book.intervals) == [0, 1, 2]
    second = book.intervals[1]
    assert second.change == Balance(offered=10, started=10, completed=10, failed=1)
    assert second.cpu_s == pytest.approx(0.2)
    assert second.in_flight == 1
    check_balance(book.balance)


@given(st.permutations([0, 1, 2, 0, 1, 2]))
def test_a_batch_counts_once_whatever_their_order(order: list[int]) -> None:
    book, straight = Book(), Book()
    batches = three_batches()
    for batch in batches:
        straight.add("a", batch)
    for number in order:
        book.add("a", batches[number])
    assert figures(book) == figures(straight)


def test_batches_of_different_workers_with_the_same_number_are_different() -> None:
    book = Book()
    for name in ("a", "b"):
        book.add(name, three_batches()[0])
    assert book.balance.completed == 16
    assert book.intervals[0].change.offered == 20
    assert book.intervals[0].in_flight == 4


def test_warm_up_belongs_to_no_interval() -> None:
    book = Book()
    book.add("a", Reporter().batch(-2.5, rss_bytes=7))
    assert book.intervals == {}
    assert book.worker("a").peak_rss_bytes == 7


def test_a_test_over_before_the_first_report_is_due_has_an_interval_as_long_as_itself() -> None:
    book = Book()
    book.add("a", Reporter().batch(0.024, offered=20, latencies_ms=[1] * 20, cpu_s=0.3))
    assert book.intervals[0].change.completed == 20
    assert book.intervals[0].duration_s == 0.024


def test_a_lost_workers_arrivals_all_have_a_fate() -> None:
    book = Book()
    reporter = Reporter()
    book.add("b", three_batches()[0])
    book.add("a", reporter.batch(1.0, offered=20, latencies_ms=[10] * 5, queued=3, dropped=2))
    assert (book.balance.running, book.balance.queued) == (12, 3)
    late = reporter.batch(2.0, offered=10, latencies_ms=[10])
    book.lose("a", unreported=7)
    balance = book.balance
    assert (balance.offered, balance.dropped, balance.unsent) == (37, 2, 10)
    assert (balance.completed, balance.cancelled) == (13, 10)
    assert book.unsent_by_loss == 10
    assert balance.running == 2  # of worker b, which lives
    book.add("a", late)
    assert book.balance == balance
    assert book.worker("a").lost
    book.lose("b", unreported=0)
    check_balance(book.balance)


def test_of_a_worker_that_said_nothing_only_its_share_is_known() -> None:
    book = Book()
    book.worker("a")
    book.lose("a", unreported=4)
    assert book.balance == Balance(offered=4, unsent=4)


@pytest.mark.parametrize("seconds", [MOST_INTERVALS, MOST_INTERVALS + 1, 1000])
def test_long_tests_get_coarser_intervals_that_hold_everything(seconds: int) -> None:
    book, reporter = Book(), Reporter()
    for second in range(seconds):
        book.add(
            "a",
            reporter.batch(
                second + 1.0, offered=3, latencies_ms=[second, 5], failed_ms=[9], cpu_s=second / 2
            ),
        )
    assert len(book.intervals) <= MOST_INTERVALS
    assert book.interval_s == {300: 1.0, 301: 2.0, 1000: 4.0}[seconds]
    change = Balance()
    for interval in book.intervals.values():
        change = change.plus(interval.change)
        assert interval.change.offered <= 3 * book.interval_s
    assert (
        change
        == book.balance
        == Balance(offered=3 * seconds, started=3 * seconds, completed=2 * seconds, failed=seconds)
    )
    graph = [interval.total.histogram("graph") for interval in book.intervals.values()]
    assert sum(found.total for found in graph) == 2 * seconds
    assert sum(found.sum_ns for found in graph) == book.total.histogram("graph").sum_ns
    assert sum(i.cpu_s for i in book.intervals.values()) == pytest.approx((seconds - 1) / 2)


def test_the_last_seconds() -> None:
    book, reporter = Book(), Reporter()
    assert book.recent(5.0).error_rate is None
    assert book.recent(5.0).cpu_share is None
    for second in range(20):
        failed = [1] * 5 if second >= 15 else []
        book.add(
            "a",
            reporter.batch(
                second + 1.0, offered=10, latencies_ms=[2] * 5, failed_ms=failed, cpu_s=second * 0.5
            ),
        )
    recent = book.recent(5.0)
    assert (recent.ended, recent.error_rate, recent.span_s) == (50, 0.5, 5.0)
    assert recent.cpu_share == pytest.approx(0.5)
    assert book.recent(10.0).error_rate == pytest.approx(25 / 75)
    assert all_latencies(recent.total).total == 50
    assert len(book._recent) <= 12  # what is older was forgotten


def test_rates_of_the_last_seconds_are_over_the_time_that_was_measured() -> None:
    book, workers = Book(), {name: Reporter() for name in ("a", "b")}
    for name, reporter in workers.items():
        book.add(name, reporter.batch(-1.0))
        book.add(name, reporter.batch(0.004))
    assert (book.recent(5.0).rate("offered"), book.recent(5.0).cpu_share) == (0.0, None)
    for number in range(1, 9):
        for name, reporter in workers.items():  # reports come a little late, and unevenly so
            late_s = 0.005 * number if name == "a" else 0.002
            book.add(name, reporter.batch(number + late_s, offered=25, cpu_s=0.1 * number))
        recent = book.recent(5.0)
        assert recent.rate("offered") == pytest.approx(50, rel=0.03), number
        assert recent.cpu_share == pytest.approx(0.2, rel=0.03), number
