"""What the reader of a load test should know, each with the option or change that answers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lgprof.analysis.build import Figures
from lgprof.load.options import LoadOptions
from lgprof.load.outcome import Outcome
from lgprof.model import NodeRow, Warn
from lgprof.readable import plural
from lgprof.run.warnings import about_interrupts, about_usage

_FIRM_SAMPLES = 1000
"""A p99 of fewer requests rests on fewer than ten of them."""
BLOCKING_SHARE = 0.01
BLOCKING_PER_CALL_S = 0.002


def load_warnings(
    outcome: Outcome, options: LoadOptions, of_sample: Figures, nodes: Sequence[NodeRow]
) -> list[Warn]:
    """All that hold, the ones that make figures doubtful first."""
    return [
        *_about_target(outcome),
        *_about_requests(outcome, options),
        *_about_sample(outcome),
        *_about_models(outcome),
        *_about_nodes(of_sample, nodes),
    ]


def _about_target(outcome: Outcome) -> Iterator[Warn]:
    ready = outcome.ready
    if ready.synthesized:
        yield Warn(
            code="synthesized_input",
            message="the input was made from the graph's input schema; real inputs take other "
            "paths and other times",
            fix="give your own with -i '{...}' or -i @inputs.jsonl",
        )
    for part in ready.not_supplied:
        yield Warn(
            code="not_supplied",
            message=f"langgraph.json asks for {part}, which lgprof does not supply: searches of "
            "the store run without embeddings",
            fix="compile the graph with a store of its own",
        )
    unanswered = {found for done in outcome.done for found in done.unanswered}
    yield from map(about_interrupts, sorted(unanswered))


def _about_requests(outcome: Outcome, options: LoadOptions) -> Iterator[Warn]:
    balance = outcome.book.balance
    if balance.timed_out:
        yield Warn(
            code="timed_out",
            message=f"{balance.timed_out} requests reached the time limit; the latency counts the "
            "time waited",
            fix="raise it with --timeout, or look at what they waited for in the timeline",
        )
    if balance.dropped:
        yield Warn(
            code="dropped",
            message=f"{balance.dropped} arrivals were dropped: more than {options.max_in_flight} "
            "were waiting or running; the latencies do not contain them",
            fix="offer less with --rps, or raise --max-in-flight",
        )
    if outcome.drain_expired and balance.unsent:
        yield Warn(
            code="queue_given_up",
            message=f"{balance.unsent} arrivals still waited 30 s after the schedule's end and "
            "were given up; they would have been the slowest",
            fix="offer less with --rps",
        )
    if outcome.left_behind:
        yield Warn(
            code="left_behind",
            message=f"{outcome.left_behind} requests could not be stopped and kept running",
            fix="await instead of blocking, or give its client a timeout of its own",
        )
    left_threads = sum(done.left_threads for done in outcome.done)
    if left_threads:
        yield Warn(
            code="left_threads",
            message=f"the checkpointer kept {left_threads} threads that lgprof made",
            fix="delete those whose thread_id begins with lgprof-",
        )
    if 0 < balance.completed < _FIRM_SAMPLES:
        yield Warn(
            code="few_requests",
            message=f"the p99 of {plural(balance.completed, 'request')} rests on "
            f"{max(1, balance.completed // 100)} of them",
            fix="load for longer with --duration",
        )


def _about_sample(outcome: Outcome) -> Iterator[Warn]:
    if outcome.lost and outcome.book.balance.completed:
        yield Warn(
            code="spans_lost",
            message="the spans of a lost worker's requests are missing: CPU, queues and where the "
            "time goes are of the others",
            fix="look for what ended it in its last words, or in the system's log where memory ran "
            "out; --tolerate-worker-loss takes the numbers as they are",
        )
    elif outcome.book.balance.completed and not any(r.sampled for r in outcome.requests()):
        yield Warn(
            code="no_sample",
            message="no request was sampled: CPU, queues and where the time goes are unknown, "
            "not 0",
            fix="keep some with --keep",
        )


def _about_models(outcome: Outcome) -> Iterator[Warn]:
    total = outcome.book.total
    keys = [*total.keys("model"), *total.keys("embedding")]
    counts = [total.counts.get(key, {}) for key in keys]
    overflowed = total.counts.get(("bill",), {}).get("overflowed", 0)
    if overflowed:
        yield Warn(
            code="not_billed",
            message=f"there was no time to bill {overflowed} model calls: the cost is without them",
            fix="offer less with --rps",
        )
    yield from about_usage(
        sum(total.histogram(*key).total for key in keys),
        silent=sum(found.get("silent", 0) for found in counts),
        unknown=sum(found.get("unknown", 0) for found in counts),
        streamed=any(found.get("streamed", 0) for found in counts),
    )


def _about_nodes(of_sample: Figures, nodes: Sequence[NodeRow]) -> Iterator[Warn]:
    latency_s = of_sample.summary.latency_s
    for row in nodes:
        blocking_s = row.blocking_s or 0.0
        if latency_s is None or blocking_s <= BLOCKING_SHARE * latency_s.mean:
            continue
        if blocking_s / max(1.0, row.visits.mean) >= BLOCKING_PER_CALL_S:
            yield Warn(
                code="blocking",
                message=f"{row.path} blocks the event loop for {blocking_s * 1e3:.0f} ms per "
                "request: nothing else runs meanwhile",
                fix="await an async client, or wrap the call in asyncio.to_thread",
            )
