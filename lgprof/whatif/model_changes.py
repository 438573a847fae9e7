"""Other model calls: another model, fewer output tokens, the provider's prompt cache."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple, TypeGuard

from msgspec.structs import replace

from lgprof.analysis.prompt_cache import sent_prompts
from lgprof.llm.prices import Prices
from lgprof.model import ModelCall, Tokens
from lgprof.whatif.changes import FewerOutputTokens, PromptCacheUsed, SwapModel
from lgprof.whatif.pieces import Call, Hold, Piece, Wait, Work
from lgprof.whatif.rewrite import Rewriter, all_pieces
from lgprof.whatif.scenario import Scenario

_SAME = 0.001
"""A call whose recorded cost differs by more, relatively, was not priced by these prices."""
_FEWEST_CALLS = 5
"""For a line through durations over output tokens."""


class _Changed(NamedTuple):
    """What becomes of a model call."""

    seconds: float
    model: ModelCall


class _ModelCalls(Rewriter):
    """Changes the model calls of one node; answers of LangChain's own cache stay."""

    def __init__(self, node: str, change: Callable[[Call, ModelCall, float], _Changed]) -> None:
        self.within = node
        self._change = change
        self.found = 0

    def call(self, call: Call) -> Piece:
        if call.span.path != self.within or call.model is None or call.model.llm_cache_hit:
            return call
        self.found += 1
        if call.span.outcome != "ok":
            return call
        seconds, model = self._change(call, call.model, _seconds(call))
        return replace(call, pieces=_lasting(call, seconds), model=model)


def _change_calls(
    node: str, scenario: Scenario, change: Callable[[Call, ModelCall, float], _Changed]
) -> None:
    rewriter = _ModelCalls(node, change)
    scenario.rewrite(rewriter)
    if not rewriter.found:
        scenario.note(f"no model call was seen in {node}: nothing changes")


def _doubt_unfinished(node: str, scenario: Scenario) -> None:
    """Calls that never answered do not tell how long they would have taken."""
    calls = [
        span
        for request in scenario.requests
        for span in request.spans
        if span.kind == "model" and span.path == node
    ]
    unfinished = sum(call.outcome != "ok" for call in calls)
    if unfinished:
        scenario.unmeasured.append(
            f"{unfinished} of {len(calls)} model calls of {node} failed or were cut off: how they "
            "would have ended is not known"
        )


def _seconds(call: Call) -> float:
    """How long it took, less what the machine was late."""
    return math.fsum(
        piece.seconds if isinstance(piece, Wait) else piece.wall_s
        for piece in call.pieces
        if isinstance(piece, Hold | Work) or (isinstance(piece, Wait) and not piece.late)
    )


def _lasting(call: Call, seconds: float) -> tuple[Piece, ...]:
    """A call's pieces when it takes so long: its waits shrink or grow, its computing stays."""
    more_s = seconds - _seconds(call)
    waits_s = math.fsum(piece.seconds for piece in call.pieces if _is_own_wait(piece))
    if waits_s <= 0 or more_s == 0:
        return call.pieces
    factor = max(0.0, 1 + more_s / waits_s)
    return tuple(
        Wait(piece.seconds * factor) if _is_own_wait(piece) else piece for piece in call.pieces
    )


def _is_own_wait(piece: Piece) -> TypeGuard[Wait]:
    return isinstance(piece, Wait) and not piece.late


def _calls(scenario: Scenario, node: str | None = None) -> Iterator[tuple[Call, ModelCall]]:
    """The model calls of one node, or of all, that a provider answered."""
    for schedule in scenario.schedules:
        for piece in all_pieces(schedule.runs, within=node):
            if isinstance(piece, Call) and piece.model and not piece.model.llm_cache_hit:
                yield piece, piece.model


class _Pricing:
    """Prices changed calls by what priced the recorded ones."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._prices = Prices(scenario.prices, datetime.fromisoformat(scenario.profile.created))

    def with_tokens(self, model: ModelCall, tokens: Tokens) -> ModelCall:
        """The call with other tokens."""
        changed = replace(model, tokens=tokens)
        cost_usd = None
        if model.cost_usd is not None:
            now_usd = self._prices.cost_usd(model, model.name)
            if now_usd is None or abs(now_usd - model.cost_usd) > _SAME * model.cost_usd:
                self._unknown(f"{model.name} was not billed at a listed price: give --prices")
            else:
                cost_usd = self._prices.cost_usd(changed, model.name)
        return replace(changed, cost_usd=self._told(cost_usd, model.name))

    def of_model(self, model: ModelCall, name: str) -> ModelCall:
        """The same tokens, sent to another model."""
        changed = replace(model, name=name, provider=None)
        cost_usd = self._prices.cost_usd(changed, name)
        return replace(changed, cost_usd=self._told(cost_usd, name))

    def _told(self, cost_usd: float | None, name: str) -> float | None:
        if cost_usd is None:
            self._unknown(f"the price or the usage of {name} is not known")
        return cost_usd

    def _unknown(self, why: str) -> None:
        self._scenario.cost_known = False
        self._scenario.note(f"no saving of cost is told: {why}")


def swap_model(change: SwapModel, scenario: Scenario) -> None:
    """Send the node's calls to another model."""
    pricing = _Pricing(scenario)
    speed = _speed_of(change.model, scenario) if change.model else None
    if change.duration_factor is None and speed is None:
        scenario.note(
            f"how fast {change.model or 'the other model'} answers is not known: latency is left "
            "as it was; give speed=FACTOR"
        )

    def swapped(call: Call, model: ModelCall, seconds: float) -> _Changed:
        changed = pricing.of_model(model, change.model) if change.model else model
        if change.price_factor is not None:
            known = model.cost_usd is not None
            scenario.cost_known = scenario.cost_known and known
            cost_usd = model.cost_usd * change.price_factor if model.cost_usd is not None else None
            changed = replace(changed, cost_usd=cost_usd)
        if change.duration_factor is not None:
            factor = change.duration_factor
        elif speed is not None and seconds > 0:
            factor = speed.seconds(model) / seconds
        else:
            factor = 1.0
        first_s = None if model.first_token_s is None else model.first_token_s * factor
        return _Changed(seconds * factor, replace(changed, first_token_s=first_s))

    _change_calls(change.node, scenario, swapped)
    _doubt_unfinished(change.node, scenario)


class _Speed(NamedTuple):
    """How fast a model answered."""

    median_s: float
    first_token_s: float | None
    per_token_s: float | None

    def seconds(self, model: ModelCall) -> float:
        """How long it would take to generate a call's output."""
        output = model.tokens.output if model.tokens else None
        if output is None or self.first_token_s is None or self.per_token_s is None:
            return self.median_s
        return self.first_token_s + output * self.per_token_s


def _speed_of(name: str, scenario: Scenario) -> _Speed | None:
    """As seen in the Profile; None where the model was not called."""
    calls = [(model, _seconds(call)) for call, model in _calls(scenario) if model.name == name]
    if not calls:
        return None
    streamed = [
        (model.first_token_s, (seconds - model.first_token_s) / model.tokens.output)
        for model, seconds in calls
        if model.first_token_s is not None and model.tokens and model.tokens.output
    ]
    median_s = statistics.median(seconds for _, seconds in calls)
    if not streamed:
        return _Speed(median_s, None, None)
    first_s, per_token_s = zip(*streamed, strict=True)
    return _Speed(median_s, statistics.median(first_s), statistics.median(per_token_s))


def fewer_output_tokens(change: FewerOutputTokens, scenario: Scenario) -> None:
    """Generate less: what comes after the first token shrinks."""
    pricing = _Pricing(scenario)
    per_token_s = _seconds_per_token(change.node, scenario)
    fewer = 1 - change.factor

    def shortened(call: Call, model: ModelCall, seconds: float) -> _Changed:
        output = model.tokens.output if model.tokens else None
        if model.first_token_s is not None:
            generating_s = seconds - model.first_token_s
            # The first token's time is not generation: n tokens have n - 1 intervals.
            intervals = max(1, (output or 0) - 1)
            saved_s = generating_s * min(1.0, fewer * (output or 1) / intervals)
        else:
            saved_s = (output or 0) * per_token_s.get(model.name, 0.0) * fewer
            if not saved_s:
                scenario.note(
                    f"calls of {change.node} do not stream, and how long they take does not follow "
                    "their output: the saving of time is not known and counted as none"
                )
        if model.tokens is None or output is None:
            scenario.cost_known = False
            return _Changed(seconds - saved_s, model)
        tokens = replace(model.tokens, output=round(output * change.factor), reasoning=None)
        return _Changed(max(0.0, seconds - saved_s), pricing.with_tokens(model, tokens))

    if fewer:
        _change_calls(change.node, scenario, shortened)
        _doubt_unfinished(change.node, scenario)


def _seconds_per_token(node: str, scenario: Scenario) -> dict[str, float]:
    """By model: the slope of a least-squares line through durations over output tokens."""
    seen: dict[str, list[tuple[int, float]]] = {}
    for call, model in _calls(scenario, node):
        if call.span.path == node and model.tokens and model.tokens.output:
            seen.setdefault(model.name, []).append((model.tokens.output, _seconds(call)))
    slopes: dict[str, float] = {}
    for name, points in seen.items():
        if len(points) >= _FEWEST_CALLS and len({tokens for tokens, _ in points}) > 1:
            tokens, seconds = zip(*points, strict=True)
            slope = statistics.linear_regression(tokens, seconds).slope
            slowest = min(duration / count for count, duration in points)
            slopes[name] = min(max(0.0, slope), slowest)
    return slopes


def prompt_cache_used(change: PromptCacheUsed, scenario: Scenario) -> None:
    """Bill what was sent before as read from the provider's cache."""
    pricing = _Pricing(scenario)
    repeated = {
        id(sent.span): sent.with_cache(
            sent.reordered_tokens if change.reordered else sent.cacheable_tokens
        )
        for sent in sent_prompts(scenario.requests)
    }
    scenario.note("a cached prompt also shortens the time to the first token: not predicted")

    def cached(call: Call, model: ModelCall, seconds: float) -> _Changed:
        tokens = repeated.get(id(call.span))
        if tokens is None:
            scenario.cost_known = False
            scenario.note(f"what {change.node} sent to {model.name} was not recorded")
            return _Changed(seconds, model)
        return _Changed(seconds, pricing.with_tokens(model, tokens))

    _change_calls(change.node, scenario, cached)
