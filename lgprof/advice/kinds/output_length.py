"""``output_length``: generation of tokens dominates."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import StatisticsError, linear_regression, mean

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed, some
from lgprof.readable import average, duration, plural, whole_percent
from lgprof.whatif.changes import FewerOutputTokens

_DOMINATES = 0.4
"""Of the latency, spent generating in one node."""
_LONG_TOKENS = 100
"""Shorter answers have little to lose."""
_FEWER = 0.75
_ENOUGH_CALLS = 10


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes whose models write for most of the time."""
    for path in observed.paths:
        calls = [call for call in observed.spans("model", path) if call.span.outcome == "ok"]
        tokens = [number for call in calls if (number := _output(call))]
        if not tokens or mean(tokens) < _LONG_TOKENS:
            continue
        per_token_s = _seconds_per_token(calls)
        if per_token_s is None:
            continue
        generating_s = per_token_s * sum(tokens) / max(len(observed.requests), 1)
        share = min(generating_s, observed.rows[path].critical_s) / (observed.mean_latency_s or 1)
        if share >= _DOMINATES:
            yield _finding(observed, path, calls, tokens, share)


def _output(call: Call) -> int | None:
    model = call.span.model
    return model.tokens.output if model and model.tokens and not model.llm_cache_hit else None


def _seconds_per_token(calls: list[Call]) -> float | None:
    """From streams, else from the slope of durations over output tokens."""
    streamed = [
        (call.seconds - model.first_token_s, tokens)
        for call in calls
        if (model := call.span.model)
        and model.first_token_s is not None
        and (tokens := _output(call))
    ]
    if streamed:
        return sum(seconds for seconds, _ in streamed) / sum(tokens for _, tokens in streamed)
    known = [(tokens, call.seconds) for call in calls if (tokens := _output(call))]
    if len(known) < _ENOUGH_CALLS:
        return None
    try:
        slope = linear_regression([t for t, _ in known], [s for _, s in known]).slope
    except StatisticsError:  # all answers are equally long
        return None
    return slope if slope > 0 else None


def _finding(
    observed: Observed, path: str, calls: list[Call], tokens: list[int], share: float
) -> Finding:
    limit = round(mean(tokens) * _FEWER)
    models = ", ".join(dict.fromkeys(call.span.name for call in calls))
    return Finding(
        kind="output_length",
        nodes=[path],
        title=f"Ask for shorter answers in {path}",
        why=(
            f"{whole_percent(share)} of the latency is {models} writing the answers of {path}: "
            f"{average(mean(tokens))} tokens on average, {max(tokens)} at most, in "
            f"{plural(len(calls), 'call')} of {duration(mean(c.seconds for c in calls))}."
        ),
        change="\n".join(
            [
                f"# say in the prompt how long the answer may be (such as {limit} tokens), or ask",
                "# for fields in place of prose; as a guard against the longest ones:",
                f"model = model.bind(max_tokens={max(tokens)})",
            ]
        ),
        changes=(FewerOutputTokens(path, _FEWER),),
        evidence=some(calls),
        grounds=Grounds(
            doubts=[
                "the saving is that of a quarter fewer tokens: whether the answers can do without "
                "is yours to judge"
            ]
        ),
    )
