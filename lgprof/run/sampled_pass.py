"""A second pass over the inputs, sampled for Python frames.

The sampler slows the graph, so nothing that the measured pass told is taken from here.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence

from lgprof.analysis.spans import SpanBuilder
from lgprof.clock import Clock
from lgprof.model import Profile, Request, Sampling, Warn
from lgprof.record.event_log import Recording
from lgprof.run.conduct import Conductor, InFlight

_BUDGET_SHARE = 0.5
_LEAST_BUDGET_S, _MOST_BUDGET_S = 1.0, 10.0
"""No further request is sampled after half the time of the measured pass, within these bounds: a
thousand samples a second are many by then."""

Conduct = Callable[[Callable[[InFlight, int], None], Callable[[], None]], Conductor]
Drive = Callable[[Conductor, Iterable[int]], None]


def add_sampling(
    profile: Profile,
    clock: Clock,
    conduct: Conduct,
    drive: Drive,
    progress: Callable[[str, int, int], None],
) -> None:
    """Make the successful requests of a run again, sampled; those that time allows.

    What fails or ends early in this pass leaves the Profile as it was, but for a warning.

    Args:
        profile: Of the measured pass.
        clock: The source of all times.
        conduct: Makes the conductor of a pass.
        drive: Makes requests.
        progress: Told of each request that ended.
    """
    indices = [request.index for request in profile.requests if request.outcome == "ok"]
    if not indices:
        return
    until_ns = clock.now_ns() + round(_budget_s(profile.requests) * 1e9)
    try:
        _sample(profile, _while_time(indices, clock, until_ns), clock, conduct, drive, progress)
    except KeyboardInterrupt:
        profile.interrupted = True
    except Exception as error:
        profile.warnings.append(_failed(error))


def not_sampled(hosts: int) -> Warn:
    """The sampled pass was left out, since it would repeat calls that may cost money."""
    machines = "another machine" if hosts == 1 else f"{hosts} other machines"
    return Warn(
        code="not_sampled",
        message=f"the graph connects to {machines}: no sampled pass, which would repeat its calls",
        fix="--sample repeats them for a flame graph with Python frames",
    )


def _failed(error: Exception) -> Warn:
    return Warn(
        code="sampling_failed",
        message=f"no Python frames: the sampled pass ended in {type(error).__name__}",
        fix="--no-sample leaves it out",
    )


def _budget_s(measured: Sequence[Request]) -> float:
    start_s = min(request.start_s for request in measured)
    elapsed_s = max(request.end_s for request in measured) - start_s
    return min(max(_BUDGET_SHARE * elapsed_s, _LEAST_BUDGET_S), _MOST_BUDGET_S)


def _while_time(indices: Sequence[int], clock: Clock, until_ns: int) -> Iterator[int]:
    """The first index, and the others until a time."""
    for number, index in enumerate(indices):
        if number and clock.now_ns() >= until_ns:
            return
        yield index


def _sample(
    profile: Profile,
    indices: Iterable[int],
    clock: Clock,
    conduct: Conduct,
    drive: Drive,
    progress: Callable[[str, int, int], None],
) -> None:
    # pyinstrument, needed here alone
    from lgprof.analysis.stacks import place_stacks
    from lgprof.record.sampler import INTERVAL_S, sampling

    def after_request(request: InFlight, done: int) -> None:
        request.payload = None
        progress("sample", done, 0)

    recording = Recording()
    conductor = conduct(after_request, lambda: None)
    try:
        with sampling(recording, clock) as sampler:
            drive(conductor, indices)
    finally:
        made = [request.log for request in conductor.finished if request.log.legs]
        others = [request.log for request in conductor.set_aside]
        builder = SpanBuilder(recording, 0, in_loop=profile.target.mode == "async")
        requests = builder.requests(made, others)
        spans = [span for request in requests for span in request.spans]
        stacks = place_stacks(list(sampler.stretches), spans, builder.span_around, _second_of)
        if requests:
            profile.sampling = Sampling(
                requests=len(requests),
                slowdown=_slowdown(profile.requests, requests),
                samples=stacks.samples,
                interval_s=INTERVAL_S,
                frames=stacks.frames,
                places=stacks.places,
            )


def _second_of(t_ns: int) -> float:
    return t_ns / 1e9


def _slowdown(measured: Iterable[Request], sampled: Iterable[Request]) -> float | None:
    """Mean latency of the requests that succeeded in both passes: sampled / measured."""
    before_s = {request.index: request.latency_s for request in measured if _is_ok(request)}
    pairs = [
        (request.latency_s, before_s[request.index])
        for request in sampled
        if _is_ok(request) and request.index in before_s
    ]
    if not pairs:
        return None
    after, before = (statistics.fmean(latencies) for latencies in zip(*pairs, strict=True))
    return after / before if before > 0 else None


def _is_ok(request: Request) -> bool:
    return request.outcome == "ok"
