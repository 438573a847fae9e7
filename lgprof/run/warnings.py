"""What the reader of a run should know, each with the option or change that answers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lgprof.analysis.build import Figures
from lgprof.model import Profile, Request, Warn
from lgprof.run.plan import Unanswered

BLOCKING_SHARE = 0.01
"""Blocking the loop is worth a warning from this share of the mean latency,"""
BLOCKING_PER_CALL_S = 0.002
"""and from this long a call: on a busy machine any code stands still for a moment."""
UNATTRIBUTED_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the figures do not show."""

    orphans: int
    unanswered: list[Unanswered]
    not_supplied: tuple[str, ...]
    left_threads: int
    left_behind: int
    not_made: int
    needs_async: bool
    inputs_synthesized: bool
    probes: bool
    intolerant: list[str]
    """Nodes that failed only with a tracked state."""
    cleared: list[str]
    """Nodes of which that was suspected in vain."""
    repeats: int
    """Requests made again to find out."""
    tracing_switched_off: bool


def run_warnings(figures: Figures, requests: Sequence[Request], facts: RunFacts) -> list[Warn]:
    """All that hold, the ones that make figures doubtful first."""
    return [
        *_about_requests(figures, facts),
        *_about_measurement(figures, facts),
        *_about_tracking(facts),
        *_about_nodes(figures, requests),
        *_about_models(figures, requests),
    ]


def add_left_behind(profile: Profile) -> None:
    """Warn of what only the clearing up showed: a request that timed out and still runs."""
    known = any(warning.code == "left_behind" for warning in profile.warnings)
    if profile.summary.timed_out and not known:
        profile.warnings.append(_left_behind())


def _left_behind(not_made: int = 0) -> Warn:
    return Warn(
        code="left_behind",
        message="a timed-out request could not be stopped and kept running"
        + (f"; {_requests(not_made)} could not be made" if not_made else ""),
        fix="await instead of blocking, or give its client a timeout of its own",
    )


def _about_requests(figures: Figures, facts: RunFacts) -> Iterator[Warn]:
    if facts.inputs_synthesized:
        yield Warn(
            code="synthesized_input",
            message="the input was made from the graph's input schema; real inputs take other "
            "paths and other times",
            fix="give your own with -i '{...}' or -i @inputs.jsonl",
        )
    for part in facts.not_supplied:
        yield Warn(
            code="not_supplied",
            message=f"langgraph.json asks for {part}, which lgprof does not supply: searches of "
            "the store run without embeddings",
            fix="compile the graph with a store of its own",
        )
    yield from map(about_interrupts, facts.unanswered)
    if facts.needs_async:
        yield Warn(
            code="needs_async",
            message="the graph has async nodes, which invoke cannot call",
            fix="use --mode async, or leave out --mode",
        )
    if figures.summary.timed_out:
        yield Warn(
            code="timed_out",
            message=f"{_requests(figures.summary.timed_out)} reached the time limit; the latency "
            "counts the time waited",
            fix="raise it with --timeout, or look at what they waited for in the timeline",
        )
    if facts.left_threads:
        yield Warn(
            code="left_threads",
            message=f"the checkpointer kept {facts.left_threads} threads that lgprof made",
            fix="delete those whose thread_id begins with lgprof-",
        )
    if facts.left_behind:
        yield _left_behind(facts.not_made)


def about_interrupts(unanswered: Unanswered) -> Warn:
    """A graph waited for more answers than it was given."""
    nodes, interrupts, answers = unanswered
    where, fix = f"an interrupt in {nodes}", "answer it with --resume JSON"
    if interrupts > 1:
        left = "1 answer" if answers == 1 else f"{answers or 'no'} answers"
        where = f"{interrupts} interrupts at once in {nodes}, with {left} left for them"
        fix = f"answer all {interrupts} with --resume JSON"
    return Warn(
        code="unanswered_interrupt",
        message=f"the graph stopped at {where}: what follows was not measured",
        fix=f"{fix} (repeat it for several, in order)",
    )


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count} requests"


def _about_measurement(figures: Figures, facts: RunFacts) -> Iterator[Warn]:
    summary = figures.summary
    if facts.orphans:
        yield Warn(
            code="orphans",
            message=f"{facts.orphans} calls could not be assigned to a request and are left out",
            fix="use --concurrency 1" if summary.concurrency > 1 else None,
        )
    if facts.tracing_switched_off:
        yield Warn(
            code="tracing_off",
            message="LangSmith tracing was switched off while measuring: it costs time and sends "
            "prompts over the network",
        )
    if not facts.probes:
        yield Warn(
            code="no_probes",
            message="without probes a node's own time, CPU, reads and writes are unknown",
            fix="leave out --no-probes",
        )
    elif summary.latency_s and (
        figures.attribution_s.unattributed > UNATTRIBUTED_SHARE * summary.latency_s.mean
    ):
        share = figures.attribution_s.unattributed / summary.latency_s.mean
        yield Warn(
            code="unattributed",
            message=f"{share:.0%} of the latency lies in nodes that the probes could not enter",
        )


def _about_tracking(facts: RunFacts) -> Iterator[Warn]:
    again = f"{_requests(facts.repeats)} more ran from scratch to find that out"
    if facts.intolerant:
        nodes = ", ".join(facts.intolerant)
        yield Warn(
            code="not_tracked",
            message=f"{nodes} failed with a state that notes what is read, and not with the plain "
            f"one, which is used since then: its reads are unknown; {again}",
            fix="use --no-probes where such a state makes a difference without an error",
        )
    elif facts.cleared:
        yield Warn(
            code="made_again",
            message=f"{', '.join(facts.cleared)} failed, and not because of the probes; {again}",
            fix="use --no-probes where no request may run twice",
        )


def _about_nodes(figures: Figures, requests: Sequence[Request]) -> Iterator[Warn]:
    latency_s = figures.summary.latency_s
    for row in figures.nodes:
        blocking_s = row.blocking_s or 0.0
        if not latency_s or not row.calls or blocking_s <= BLOCKING_SHARE * latency_s.mean:
            continue
        if blocking_s * len(requests) / row.calls >= BLOCKING_PER_CALL_S:
            yield Warn(
                code="blocking",
                message=f"{row.path} blocks the event loop for {blocking_s * 1e3:.0f} ms per "
                "request: nothing else runs meanwhile",
                fix="await an async client, or wrap the call in asyncio.to_thread",
            )


def _about_models(figures: Figures, requests: Sequence[Request]) -> Iterator[Warn]:
    calls = [
        span.model
        for request in requests
        for span in request.spans
        if span.kind == "model" and span.outcome == "ok" and span.model
        if not span.model.llm_cache_hit
    ]
    silent = [call for call in calls if call.tokens is None or call.tokens.estimated_share]
    yield from about_usage(
        len(calls),
        silent=len(silent),
        unknown=sum(call.tokens is None for call in silent),
        streamed=any(call.chunks for call in silent),
        by_sdk=all(call.prompt is None for call in silent if call.chunks),
    )


_ASK_FOR_USAGE = {
    False: "set stream_usage=True on the model",
    True: 'pass stream_options={"include_usage": True} to the SDK',
}


def about_usage(
    calls: int, *, silent: int, unknown: int, streamed: bool, by_sdk: bool = False
) -> Iterator[Warn]:
    """Calls whose provider reported no usage.

    Args:
        calls: How many there were.
        silent: How many of them reported nothing.
        unknown: How many of these could not be counted either.
        streamed: Whether one of these was streamed: providers then have to be asked for usage.
        by_sdk: Whether all that were streamed went past LangChain.
    """
    if silent:
        rest = "theirs are estimated" if not unknown else f"those of {unknown} are unknown"
        yield Warn(
            code="no_usage",
            message=f"{silent} of {calls} model calls reported no tokens: {rest}",
            fix=_ASK_FOR_USAGE[by_sdk] if streamed else None,
        )
