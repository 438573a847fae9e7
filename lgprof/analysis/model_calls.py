"""From what was told of a model call to its part of a span."""

from __future__ import annotations

from lgprof.analysis.runs import Run
from lgprof.histogram import histogram_of
from lgprof.llm.usage import counted_tokens, is_cache_hit, reported_tokens, service_tier
from lgprof.model import ModelCall
from lgprof.record.event_log import ModelEvent


def model_call(run: Run, event: ModelEvent) -> ModelCall:
    """What is known of a call.

    Args:
        run: Its run.
        event: What the callbacks and the wire told of it, digested.
    """
    first_ns, shape = event.first_token_ns, event.shape
    return ModelCall(
        name=event.served_model or run.name,
        provider=event.provider,
        tokens=reported_tokens(event.usage) or counted_tokens(event.counted),
        service_tier=service_tier(event.usage),
        llm_cache_hit=is_cache_hit(event.usage),
        first_token_s=None if first_ns is None else (first_ns - run.start_ns) / 1e9,
        chunks=event.chunks,
        token_gaps_us=list(histogram_of(event.gaps_ns).values_us()) if event.gaps_ns else None,
        kind=event.kind,
        attempts=event.attempts or None,
        prompt=shape,
        content=event.content,
        prompt_blocks=[part.blocks[-1] for part in shape.parts if part.role != "tools"]
        if shape
        else None,
    )
