"""A second pass over the inputs, sampled for Python frames.

The sampler slows the graph, so nothing that the measured pass told is taken from here.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from lgprof.model import Request, Sampling, Warn
from lgprof.run.further_pass import FurtherPasses, Repeated


def add_sampling(passes: FurtherPasses) -> None:
    """Sample some of the requests for Python frames."""
    # pyinstrument, needed here alone
    from lgprof.analysis.stacks import place_stacks
    from lgprof.record.sampler import INTERVAL_S, Sampler, sampling

    profile = passes.profile

    def keep(sampler: Sampler, repeated: Repeated) -> None:
        spans = [span for request in repeated.requests for span in request.spans]
        stretches = list(sampler.stretches)
        stacks = place_stacks(stretches, spans, repeated.builder.span_around, _second_of)
        profile.sampling = Sampling(
            requests=len(repeated.requests),
            slowdown=_slowdown(profile.requests, repeated.requests),
            samples=stacks.samples,
            interval_s=INTERVAL_S,
            frames=stacks.frames,
            places=stacks.places,
        )

    passes.make("sample", sampling, keep, _failed)


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
