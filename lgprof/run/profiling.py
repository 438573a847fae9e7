"""Runs a graph and makes a Profile of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import lgprof
from lgprof.analysis.build import Process, figures
from lgprof.analysis.costs import price_calls
from lgprof.analysis.nested_reads import note_nested_reads
from lgprof.analysis.prompt_cache import note_prompt_caches
from lgprof.analysis.spans import SpanBuilder
from lgprof.clock import SYSTEM_CLOCK, Clock
from lgprof.errors import UsageError
from lgprof.llm.counting import TokenCounter
from lgprof.llm.prices import Prices
from lgprof.model import Failure, Profile, Request, Target
from lgprof.record.connections import watched_connections
from lgprof.record.digest import Digester
from lgprof.record.effects import Effects, effects_noted
from lgprof.record.in_place import InPlaceWatch
from lgprof.record.process_exit import process_exits_raised
from lgprof.record.session import RecordingSession, recording_session
from lgprof.record.tracing import tracing_is_on
from lgprof.run.async_driver import AsyncDriver, LoopFactory
from lgprof.run.conduct import Conductor, InFlight
from lgprof.run.described import described
from lgprof.run.environment import describe_environment
from lgprof.run.failures import (
    group_failures,
    input_complaint,
    is_async_only,
    is_input_error,
    note_messages,
)
from lgprof.run.further_pass import FurtherPasses
from lgprof.run.host import pool_size, request_plan
from lgprof.run.memory_pass import add_memory
from lgprof.run.opening import Opened, opened
from lgprof.run.options import Billing, Extras, RunOptions
from lgprof.run.resident_memory import ResidentMemory
from lgprof.run.sampled_pass import add_sampling, not_sampled
from lgprof.run.sync_driver import SyncDriver
from lgprof.run.warnings import RunFacts, add_left_behind, run_warnings
from lgprof.target import Inputs, OpenTarget, TargetSource

Progress = Callable[[str, int, int], None]
"""Told (phase, done, total) as requests end; phase is ``warm-up``, ``measure``,
``sample`` or ``memory``."""

_ENDS_WITHIN_S = 1.0
"""Threads of a timed-out request that end as soon as this are not left behind."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run's Profile and what is not for a file."""

    profile: Profile
    failures: list[Failure]
    abandoned: bool
    """A request would not stop and still runs in a thread: end the process without waiting."""


def profile_run(
    source: TargetSource,
    load_inputs: Callable[[OpenTarget], Inputs],
    options: RunOptions,
    *,
    folder: Path,
    billing: Billing | None = None,
    extras: Extras | None = None,
    clock: Clock = SYSTEM_CLOCK,
    loop_factory: LoopFactory | None = None,
    progress: Progress = lambda phase, done, total: None,
) -> RunResult:
    """Run a graph ``options.warmup + options.requests`` times and profile the latter.

    Args:
        source: The loaded target.
        load_inputs: Called with the open target: inputs may be made from its schema.
        options: How to run it.
        folder: The project's folder, whose git commit is noted.
        billing: The user's own prices; None for listed ones alone.
        extras: What to do besides measuring; None for nothing.
        clock: The source of all times.
        loop_factory: Makes the event loop; None for asyncio's own.
        progress: Told of each request that ended.

    Raises:
        LgprofError: The target cannot be built, or an option does not fit it.
    """
    with process_exits_raised(), opened(source, options, loop_factory) as site:
        inputs = load_inputs(site.target)
        run = _Run(source, site, inputs, options, clock, progress)
        with watched_connections() as hosts:
            result = run.execute(folder, billing or Billing())
        if extras is not None:
            run.add_extras(result, extras, hosts)
    if site.thread.stuck:
        add_left_behind(result.profile)
    return replace(result, abandoned=result.abandoned or site.thread.stuck)


class _Run:
    """One execution of a run, from the first request to the Profile."""

    def __init__(
        self,
        source: TargetSource,
        site: Opened,
        inputs: Inputs,
        options: RunOptions,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self._source = source
        self._target = site.target
        self._inputs = inputs
        self._options = options
        self._mode = site.mode
        self._clock = clock
        self._thread = site.thread
        self._progress = progress
        self._digester = Digester(
            options.failed_when,
            counter=TokenCounter(),
            captures_content=options.capture_content,
        )
        self._memory = ResidentMemory()
        self._phase = ("warm-up", options.warmup)
        self._left_behind = 0
        self._interrupted = False
        self._effects = Effects()

    def execute(self, folder: Path, billing: Billing) -> RunResult:
        """Warm up, measure, work out the figures. Ctrl-C ends it early, with what there is."""
        session_on = recording_session(
            self._clock,
            probes=self._options.probes,
            loop=self._thread.loop if self._mode == "async" else None,
        )
        with session_on as session, effects_noted() as self._effects:
            session.recording.keeps_answers = self._options.capture_content
            conductor = self.conductor(
                self._after_request, lambda: self._digester.digest(session.recording)
            )
            try:
                cold_s = self._warm_up(session, conductor)
                self._measure(session, conductor)
            except KeyboardInterrupt:
                self._interrupted = True
                if self._phase[0] == "warm-up":
                    raise
        return self._result(session, conductor, cold_s, folder, billing)

    def add_extras(self, result: RunResult, extras: Extras, hosts: Collection[str]) -> None:
        """Make the passes that tell more, unless the measured one came to no good end.

        Whatever goes wrong here costs the measured result nothing.
        """
        profile = result.profile
        if profile.interrupted or result.abandoned:
            return
        passes = FurtherPasses(profile, self._clock, self.conductor, self.drive, self._progress)
        if extras.sample is None and hosts:
            profile.warnings.append(not_sampled(len(hosts)))
        elif extras.sample is not False:
            add_sampling(passes)
        if extras.memory:
            add_memory(passes)

    def conductor(
        self, after_request: Callable[[InFlight, int], None], idle: Callable[[], None]
    ) -> Conductor:
        """Keeps the book of one pass over the inputs."""
        options = self._options
        return Conductor(
            request_plan(self._target, self._inputs, options),
            self._clock,
            concurrency=options.concurrency,
            timeout_s=options.timeout_s,
            failed_when=options.failed_when,
            pool_size=lambda: pool_size(self._thread.loop if self._mode == "async" else None),
            after_request=after_request,
            idle=idle,
        )

    def _after_request(self, request: InFlight, done: int) -> None:
        request.log.input_hash = self._digester.value_hash(request.payload)
        request.payload = None
        self._memory.read()
        phase, total = self._phase
        self._progress(phase, done, total)

    def _warm_up(self, session: RecordingSession, conductor: Conductor) -> float | None:
        options = self._options
        first = options.requests
        if session.probes is not None:
            session.probes.in_place = InPlaceWatch(self._effects)
        self._drive_recorded(session, conductor, range(first, first + options.warmup))
        if session.probes is not None:
            session.probes.in_place = None
        self._refuse_unfit_input(session, conductor)
        cold_s = _cold_s(conductor)
        conductor.forget_finished()
        self._digester.digest(session.recording)
        session.recording.clear()
        return cold_s

    def _measure(self, session: RecordingSession, conductor: Conductor) -> None:
        self._phase = ("measure", self._options.requests)
        self._memory = ResidentMemory()
        self._memory.read()
        self._drive_recorded(session, conductor, range(self._options.requests))
        self._refuse_unfit_input(session, conductor)

    def _refuse_unfit_input(self, session: RecordingSession, conductor: Conductor) -> None:
        """An input that no request got past is the user's to mend, not the graph's failure."""
        errors = [request.error for request in conductor.finished]
        first = errors[0] if errors else None
        if (
            first is None
            or not all(map(is_input_error, errors))
            or session.recording.any_node_ran()
        ):
            return
        raise UsageError(
            f"the input does not fit the graph: {input_complaint(first)}",
            hint="give one that does with -i '{...}' or -i @inputs.jsonl",
        )

    def _drive_recorded(
        self, session: RecordingSession, conductor: Conductor, indices: range
    ) -> None:
        self.drive(conductor, indices, session.probes.caller_threads if session.probes else None)

    def drive(
        self, conductor: Conductor, indices: Iterable[int], callers: set[int] | None = None
    ) -> None:
        """Make the requests of the indices.

        Args:
            conductor: Keeps their book.
            indices: Taken as there is a place for another request.
            callers: Is told of the threads that call a sync graph.
        """
        if self._mode == "async":
            if not self._thread.stuck:
                AsyncDriver(self._target, conductor, self._thread).drive(indices)
            return
        callers = set() if callers is None else callers
        driver = SyncDriver(self._target, conductor, callers)
        try:
            driver.drive(indices)
        finally:
            self._left_behind += driver.left_behind

    def _result(
        self,
        session: RecordingSession,
        conductor: Conductor,
        cold_s: float | None,
        folder: Path,
        billing: Billing,
    ) -> RunResult:
        unfinished = session.note_unfinished()
        threads_run = session.thread_work.outlives(conductor.timed_out, _ENDS_WITHIN_S)
        self._digester.digest(session.recording)
        finished = sorted(conductor.finished, key=lambda request: request.log.index)
        started = [request for request in finished if request.log.legs]
        origin_ns = min((request.start_ns for request in started), default=0)
        builder = SpanBuilder(session.recording, origin_ns, in_loop=self._mode == "async")
        requests = builder.requests(
            [request.log for request in started],
            [request.log for request in conductor.set_aside],
        )
        failures = group_failures(
            (request.error, made.error_node)
            for request, made in zip(started, requests, strict=True)
            if request.error is not None
        )
        facts = RunFacts(
            orphans=builder.orphans,
            unanswered=sorted(conductor.unanswered),
            not_supplied=self._source.not_supplied,
            left_threads=conductor.left_threads,
            left_behind=max(self._left_behind + self._thread.stuck, unfinished, threads_run),
            needs_async=self._mode == "sync" and any(map(is_async_only, failures)),
            not_made=0 if self._interrupted else self._options.requests - len(started),
            inputs_synthesized=self._inputs.synthesized,
            probes=self._options.probes,
            intolerant=sorted(conductor.blame.guilty),
            cleared=sorted(conductor.blame.cleared - conductor.blame.guilty),
            repeats=conductor.blame.repeats,
            tracing_switched_off=tracing_is_on(),
        )
        profile = self._profile(requests, cold_s, facts, folder, billing)
        if self._options.capture_content:
            note_messages(profile.errors, failures)
        return RunResult(profile, failures, abandoned=facts.left_behind > 0)

    def _described_target(self) -> Target:
        target = described(self._source.spec, self._target, self._inputs, self._mode)
        for path, hints in target.hints.items():
            hints.effects = self._effects.of(path)
            if self._effects.reads_files(path) and "a file" not in hints.context:
                hints.context.append("a file")
        return target

    def _profile(
        self,
        requests: list[Request],
        cold_s: float | None,
        facts: RunFacts,
        folder: Path,
        billing: Billing,
    ) -> Profile:
        options, memory = self._options, self._memory
        now = datetime.now(UTC)
        environment = describe_environment(folder)
        prices = Prices(billing.prices, now)
        source = price_calls(requests, prices)
        if source is not None:
            environment.prices_source, environment.prices_date = source
        made = figures(
            requests,
            Process(
                cold_s=cold_s,
                warmup=options.warmup,
                concurrency=options.concurrency,
                peak_rss_bytes=memory.peak_bytes or None,
                rss_growth_bytes=memory.last_bytes - memory.first_bytes,
                sees_rate_limits=options.probes,
            ),
        )
        note_prompt_caches(made.models, requests, prices)
        target = self._described_target()
        note_nested_reads(made.nodes, target.graphs)
        return Profile(
            kind="run",
            created=now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            lgprof=lgprof.__version__,
            target=target,
            environment=environment,
            settings={
                **({"monthly_requests": monthly} if (monthly := billing.monthly_requests) else {}),
                "requests": options.requests,
                "warmup": options.warmup,
                "concurrency": options.concurrency,
                "timeout_s": options.timeout_s,
                "probes": options.probes,
            },
            summary=made.summary,
            attribution_s=made.attribution_s,
            nodes=made.nodes,
            models=made.models,
            tools=made.tools,
            errors=made.errors,
            critical_path=made.critical_path,
            warnings=run_warnings(made, requests, facts),
            interrupted=self._interrupted,
            requests=requests,
        )


def _cold_s(conductor: Conductor) -> float | None:
    """Latency of the very first request; None where it did not succeed or does not count."""
    made = [*conductor.finished, *conductor.set_aside]
    first = min(made, key=lambda request: request.start_ns, default=None)
    if first is None or first.log.outcome != "ok" or first in conductor.set_aside:
        return None
    return sum(leg.end_ns - leg.start_ns for leg in first.log.legs) / 1e9
