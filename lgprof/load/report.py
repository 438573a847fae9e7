"""From what the master has gathered to the Profile."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import lgprof
from lgprof.analysis.build import Process, figures
from lgprof.analysis.costs import price_calls
from lgprof.analysis.prompt_cache import note_prompt_caches
from lgprof.llm.prices import Prices
from lgprof.load.book import Interval
from lgprof.load.findings import generator_verdict, graph_finding
from lgprof.load.options import LoadOptions
from lgprof.load.outcome import Outcome
from lgprof.load.rows import all_rows, bill
from lgprof.load.warnings import load_warnings
from lgprof.model import (
    ErrorRow,
    Fidelity,
    Load,
    LoadInterval,
    LoadWorker,
    Profile,
    Saturation,
    Summary,
    WarmUp,
)


def load_profile(outcome: Outcome, options: LoadOptions) -> Profile:
    """The Profile of a load test."""
    environment = outcome.ready.environment
    prices = Prices(options.billing.prices, datetime.now(UTC))
    source = price_calls(outcome.requests(), prices)
    if source is not None:
        environment.prices_source, environment.prices_date = source
    sampled = [request for request in outcome.requests() if request.sampled]
    of_sample = figures(sampled, Process(None, 0, 0, None, None, sees_rate_limits=True))
    note_prompt_caches(of_sample.models, sampled, prices)
    rows = all_rows(outcome.book.total, of_sample, outcome.baseline, _ended(outcome))
    series = _series(outcome)
    saturation = graph_finding(outcome, series, rows.nodes, of_sample.attribution_s)
    fidelity = generator_verdict(outcome, saturation, of_sample.attribution_s)
    summary = _summary(outcome, rows.llm_calls, rows.tool_calls, rows.tokens)
    load = _load(outcome, options, fidelity, saturation, series, len(sampled))
    return Profile(
        kind="load",
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        lgprof=lgprof.__version__,
        target=outcome.ready.target,
        environment=environment,
        settings=_settings(outcome, options),
        summary=summary,
        attribution_s=of_sample.attribution_s,
        nodes=rows.nodes,
        models=rows.models,
        tools=rows.tools,
        errors=_errors(outcome),
        critical_path=of_sample.critical_path,
        warnings=load_warnings(outcome, options, of_sample, rows.nodes),
        load=load,
        interrupted=outcome.interrupted,
        requests=outcome.requests(),
    )


def _ended(outcome: Outcome) -> int:
    balance = outcome.book.balance
    return balance.completed + balance.failed + balance.timed_out


def _settings(outcome: Outcome, options: LoadOptions) -> dict[str, Any]:
    planned_s = outcome.plan.duration_s
    monthly = options.billing.monthly_requests
    return {
        **({"monthly_requests": monthly} if monthly else {}),
        "rps": None if options.users or options.stages else options.rps,
        "duration_s": planned_s if math.isfinite(planned_s) else None,
        "requests": options.requests,
        "warmup_s": options.warmup_s,
        "workers": outcome.plan.workers,
        "timeout_s": options.request.timeout_s,
        "keep": options.keep,
        "seed": options.seed,
    }


def _errors(outcome: Outcome) -> list[ErrorRow]:
    total = outcome.book.total
    rows = [
        ErrorRow(type=error_type, message=None, node=node or None, count=total.counts[key]["count"])
        for key in total.keys("error")
        for _, error_type, node in [key]
    ]
    return sorted(rows, key=lambda row: -row.count)


def _summary(outcome: Outcome, llm_calls: int, tool_calls: int, tokens: Any) -> Summary:
    book, balance = outcome.book, outcome.book.balance
    graph, failed = book.total.histogram("graph"), book.total.histogram("failed")
    last = [found.last for found in book.workers.values() if found.last]
    ended, bad = _ended(outcome), balance.failed + balance.timed_out
    elapsed_s = outcome.elapsed_s
    return Summary(
        requests=balance.started,
        succeeded=balance.completed,
        failed=balance.failed,
        timed_out=balance.timed_out,
        cancelled=balance.cancelled,
        error_rate=bad / balance.started if balance.started else 0.0,
        latency_s=graph.summary(),
        failed_latency_s=failed.summary(),
        cold_s=outcome.ready.cold_s,
        warmup=sum(batch.warm_up_requests for batch in last),
        throughput_rps=balance.completed / elapsed_s if elapsed_s > 0 else 0.0,
        concurrency=sum(batch.peak_in_flight for batch in last),
        llm_calls=llm_calls,
        tool_calls=tool_calls,
        cpu_s=sum(found.cpu_s for found in book.workers.values()) / ended if ended else None,
        peak_rss_bytes=sum(found.peak_rss_bytes for found in book.workers.values()) or None,
        tokens=tokens,
        cost_usd=bill(book.total),
        histogram=graph.encode(),
    )


def _load(
    outcome: Outcome,
    options: LoadOptions,
    fidelity: Fidelity,
    saturation: Saturation | None,
    series: list[LoadInterval],
    sampled: int,
) -> Load:
    book, plan, balance = outcome.book, outcome.plan, outcome.book.balance
    last = [found.last for found in book.workers.values() if found.last]
    closed = plan.schedule is None
    duration_s = outcome.duration_s
    graph = book.total.histogram("graph")
    return Load(
        arrivals="closed" if closed else options.arrivals,
        target_rps=plan.schedule.mean_rps if plan.schedule else None,
        achieved_rps=balance.started / duration_s if duration_s > 0 else 0.0,
        duration_s=duration_s,
        elapsed_s=outcome.elapsed_s,
        **{name: getattr(balance, name) for name in balance.__struct_fields__},
        latency_s=graph.summary(),
        service_s=book.total.histogram("service").summary(),
        schedule_lag_s=book.total.histogram("lag").summary(),
        loop_lag_s=book.total.histogram("loop_lag").summary(),
        unloaded_s=outcome.baseline.graph_s,
        executor_threads=outcome.ready.pool_size,
        workers=[
            LoadWorker(
                host=found.host,
                cpu_share=_cpu_share(found.cpu_s, found.last.t_s) if found.last else None,
                peak_rss_bytes=found.peak_rss_bytes or None,
                started=found.balance.started,
                lost=found.lost,
            )
            for found in book.workers.values()
        ],
        fidelity=fidelity,
        saturation=saturation,
        histogram=graph.encode(),
        series=series,
        sampled_requests=sampled,
        stages=list(plan.schedule.stages) if plan.schedule else [],
        seed=options.seed,
        users=options.users,
        think_s=options.think_s if closed else None,
        max_concurrent=options.max_concurrent,
        max_in_flight=None if closed else options.max_in_flight,
        peak_in_flight=sum(batch.peak_in_flight for batch in last),
        peak_queued=sum(batch.peak_queued for batch in last),
        over_range=book.total.over_range,
        abort_reason=outcome.abort_reason,
        warm_up=WarmUp(
            duration_s=plan.warmup_s,
            requests=sum(batch.warm_up_requests for batch in last),
            failed=sum(batch.warm_up_failed for batch in last),
        ),
    )


def _cpu_share(cpu_s: float, seconds: float) -> float | None:
    return cpu_s / seconds if seconds > 0 else None


def _series(outcome: Outcome) -> list[LoadInterval]:
    """The intervals, end to end: where a report was late, one begins earlier than its number."""
    series: list[LoadInterval] = []
    for _, interval in sorted(outcome.book.intervals.items()):
        begin_s = series[-1].t_s + series[-1].duration_s if series else 0.0
        if interval.duration_s > 0:
            series.append(_interval(interval, begin_s))
    return series


def _interval(interval: Interval, begin_s: float) -> LoadInterval:
    change, total, duration_s = interval.change, interval.total, interval.duration_s
    graph, loop_lag = total.histogram("graph").summary(), total.histogram("loop_lag").summary()
    return LoadInterval(
        t_s=begin_s,
        duration_s=duration_s,
        rps=(change.completed + change.failed + change.timed_out) / duration_s,
        offered_rps=change.offered / duration_s,
        p50_s=graph.p50 if graph else None,
        p95_s=graph.p95 if graph else None,
        p99_s=graph.p99 if graph else None,
        errors=change.failed + change.timed_out,
        in_flight=interval.in_flight,
        queued=interval.queued,
        cpu_share=interval.cpu_s / duration_s,
        rss_bytes=interval.rss_bytes or None,
        loop_lag_max_s=loop_lag.max if loop_lag else None,
        histograms={
            ":".join(key): histogram.encode()
            for key, histogram in total.histograms.items()
            if key[0] in ("graph", "lag", "node") and histogram.total
        },
    )
