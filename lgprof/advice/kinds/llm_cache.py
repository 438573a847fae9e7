"""``llm_cache``: model calls with a prompt that was answered before."""

from __future__ import annotations

from collections.abc import Iterator

from lgprof.advice.finding import Finding, Grounds
from lgprof.advice.observed import Call, Observed, some
from lgprof.advice.repeats import Repeats, repeats
from lgprof.readable import duration, plural


def find(observed: Observed) -> Iterator[Finding]:
    """Nodes that send a model what it was sent before."""
    for path in observed.paths:
        found = repeats(observed, observed.spans("model", path), _prompt_of)
        if found.calls:
            yield _finding(observed, path, found)


def _prompt_of(call: Call) -> str | None:
    model = call.span.model
    if model is None or model.prompt is None or model.llm_cache_hit or call.span.outcome != "ok":
        return None
    return f"{model.name} {model.prompt.parts[-1].blocks[-1]}"


def _finding(observed: Observed, path: str, found: Repeats) -> Finding:
    calls = observed.spans("model", path)
    repeated = found.calls
    models = " and ".join(dict.fromkeys(call.span.name for call in repeated))
    each_s = sum(call.seconds for call in repeated) / len(repeated)
    grounds = Grounds(
        facts=[
            f"{plural(len(repeated), 'repeat')} in {plural(len(calls), 'call')}",
            "a cached answer stays the same: not where answers are meant to vary",
            "InMemoryCache belongs to one process and grows without end",
        ]
    )
    if not found.within:
        grounds.doubts += observed.doubt_few_inputs()
    return Finding(
        kind="llm_cache",
        nodes=[path],
        title=f"Keep the answers of {models} in {path}",
        why=(
            f"{len(repeated)} of {plural(len(calls), 'call')} sent the prompt of an earlier call "
            f"{found.whereabouts}: {duration(each_s)} each."
        ),
        change="\n".join(
            [
                "from langchain_core.caches import InMemoryCache",
                "",
                f"# where the model of {path} is made:",
                "model.cache = InMemoryCache()",
                "# or, within a request, keep the answer in the state and look there first",
            ]
        ),
        changes=(found.skipped,),
        evidence=some(repeated),
        grounds=grounds,
    )
