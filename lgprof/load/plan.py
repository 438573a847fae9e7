"""What the master has every worker do."""

from __future__ import annotations

import math
from dataclasses import fields

from lgprof.histogram import Histogram
from lgprof.load import messages as wire
from lgprof.load.arrivals import Assignments, Schedule
from lgprof.load.book import ABORT_WINDOW_S, Book, all_latencies
from lgprof.load.options import FleetOptions, LoadOptions, wanted_workers
from lgprof.target import Inputs

_UNMEASURED_INDEX = 1_000_000_000
"""Numbers of the requests that are not measured begin here: ``{{i}}`` stays unique."""
_ABORT_FROM_REQUESTS = 20


class TestPlan:
    """The options, worked out for a number of workers."""

    __test__ = False  # pytest takes the name for a class of tests

    def __init__(self, options: LoadOptions, fleet: FleetOptions) -> None:
        self.options = options
        self.workers = wanted_workers(options, fleet)
        self.schedule: Schedule | None = None if options.users else options.schedule()
        self.warmup_s = options.warmup_s
        self.duration_s = self._planned_duration_s()
        """Infinite in a closed model that ends with a number of requests."""
        self.assignments = Assignments(self.workers)

    def _planned_duration_s(self) -> float:
        if self.schedule is not None:
            return self.schedule.duration_s
        return self.options.duration_s if self.options.requests is None else math.inf

    @property
    def baseline_index(self) -> int:
        """Number of the first request without load."""
        return _UNMEASURED_INDEX + self.workers

    def due_by(self, time_s: float) -> int:
        """How many arrivals are due before a time; 0 in a closed model."""
        return self.schedule.due_by(time_s) if self.schedule else 0

    def first_untouched(self, time_s: float) -> int:
        """The first arrival that no worker has looked at by then.

        Each has looked for its own next one, past those of the others, and no further.
        """
        if self.schedule is None:
            return 0
        return min(self.due_by(time_s) + self.workers, self.schedule.count)

    def share_between(self, slot: int, first: int, end: int | None) -> int:
        """How many arrivals are a worker's, from one to before another, or to the end."""
        if self.schedule is None:
            return 0
        return self.assignments.count(slot, first, self.schedule.count if end is None else end)

    def target_rps(self, time_s: float) -> float | None:
        """The schedule's rate at a time; None in a closed model and outside the schedule."""
        if self.schedule is None or time_s > self.duration_s:
            return None
        for stage in self.schedule.stages:
            if time_s < stage.duration_s:
                along = max(0.0, time_s) / stage.duration_s
                return stage.from_rps + (stage.to_rps - stage.from_rps) * along
            time_s -= stage.duration_s
        return self.schedule.stages[-1].to_rps

    def setup(self, slot: int, inputs: Inputs | None, salt: bytes) -> wire.Setup:
        """How a worker makes requests."""
        options, request = self.options, self.options.request
        given = {
            found.name: getattr(request, found.name)
            for found in fields(request)
            if found.name != "failed_when"
        }
        return wire.Setup(
            request=given,
            failed_when=request.failed_when.text if request.failed_when else None,
            inputs=inputs.items if inputs else None,
            inputs_source=inputs.source if inputs else "",
            salt=salt,
            keep=options.keep,
            seed=options.seed,
            max_concurrent=options.max_concurrent,
            max_in_flight=options.max_in_flight,
            cold_index=_UNMEASURED_INDEX + slot,
            prices=options.billing.prices.as_settings(),
        )

    def go(self, slot: int, workers: int, unloaded_s: float | None, start_in_s: float) -> wire.Go:
        """A worker's part of the load."""
        options, users = self.options, self.options.users
        warmup = options.warmup_schedule().stages if self.schedule and self.warmup_s else ()
        return wire.Go(
            share=wire.ShareOf(0, slot, workers),
            start_in_s=start_in_s if self.schedule else self.warmup_s,
            stages=list(self.schedule.stages) if self.schedule else [],
            warmup_stages=list(warmup),
            arrivals=options.arrivals if self.schedule else "closed",
            warmup_index=_UNMEASURED_INDEX * 2,
            limit=options.requests if users else None,
            users=None if users is None else len(range(slot, users, workers)),
            think_s=options.think_s,
            duration_s=self.duration_s if math.isfinite(self.duration_s) else None,
            sample_share=self._sample_share(unloaded_s),
        )

    def _sample_share(self, unloaded_s: float | None) -> float | None:
        """Closed model: the share that gives ``keep`` requests if none gets slower under load."""
        options = self.options
        if options.users is None:
            return None
        turn_s = max((unloaded_s or 0.0) + options.think_s, 1e-4)
        expected = options.requests or options.users * self.duration_s / turn_s
        return min(1.0, options.keep / max(1.0, expected))

    def projection(self, ready: wire.Ready) -> str:
        """What the load will ask of a live provider, in words."""
        hosts = ", ".join(ready.live_hosts[:3]) + (", ..." if len(ready.live_hosts) > 3 else "")
        lines = [f"The first request connected to {hosts}: beyond this machine, it may cost money."]
        if self.schedule is None:
            limit, users = self.options.requests, self.options.users
            what = f"{limit} requests" if limit else f"requests for {self.duration_s:g} s"
            lines.append(f"{users} users will send {what}{_asked_for(ready, limit)}.")
            return "\n".join(lines)
        warmup = self.options.warmup_schedule().count if self.warmup_s else 0
        count = self.schedule.count + warmup
        return "\n".join([*lines, f"{count} requests will follow{_asked_for(ready, count)}."])

    def abort_rule_met(self, book: Book) -> str | None:
        """The first condition of ``--abort-on`` that holds."""
        if not self.options.abort_on:
            return None
        recent, balance = book.recent(ABORT_WINDOW_S), book.balance
        values: dict[str, float | None] = {
            "dropped": balance.dropped,
            "failed": balance.failed,
            "timed_out": balance.timed_out,
        }
        if recent.ended >= _ABORT_FROM_REQUESTS:
            values["error_rate"] = recent.error_rate
            values |= _percentiles(all_latencies(recent.total))
            values["lag.p99"] = _percentiles(recent.total.histogram("lag")).get("p99")
        return next((rule.text for rule in self.options.abort_on if rule.is_met(values)), None)


def _asked_for(ready: wire.Ready, requests: int | None) -> str:
    """What so many requests like the first, or each of them, will take and cost."""
    number, each = (requests, "") if requests else (1, "each ")
    facts = []
    if ready.llm_calls:
        facts.append(f"about {number * ready.llm_calls} model calls")
    if ready.tokens:
        facts.append(f"{number * ready.tokens:,} tokens")
    if ready.cost_usd is not None:
        least = "at least " if ready.unpriced_calls else "about "
        facts.append(f"{least}{_usd(number * ready.cost_usd)}")
    elif ready.llm_calls:
        facts.append("at an unknown price (--prices)")
    return f", {each}with {', '.join(facts)}" if facts else ""


def _usd(dollars: float) -> str:
    return f"${dollars:,.2f}" if dollars >= 1 else f"${dollars:.2g}"


def _percentiles(histogram: Histogram) -> dict[str, float | None]:
    if not histogram.total:
        return {}
    wanted = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}
    return dict(zip(wanted, histogram.percentiles_s(wanted.values()), strict=True))
