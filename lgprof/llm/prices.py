"""What a model call costs: the user's own prices, else the snapshot inside genai-prices.

The snapshot is an instance of our own: other libraries of the process may swap or update the
package's global one. Loading it takes some 0.3 s, so it waits for the first call that needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from lgprof.llm.price_table import PriceTable
from lgprof.model import ModelCall, Tokens

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, Usage

_PROVIDERS = {
    "amazon_bedrock": "aws",
    "bedrock": "aws",
    "google_genai": "google",
    "google_vertexai": "google",
    "mistralai": "mistral",
    "xai": "x-ai",
}
"""Names that LangChain gives to providers, where genai-prices has others."""


class PriceSource(NamedTuple):
    """Where the prices come from."""

    name: str
    """Package and version."""
    date: str | None
    """Of the newest price in force, ``YYYY-MM-DD``; None where the clock is older than all."""


class Prices:
    """Prices at one moment.

    Args:
        own: The user's prices; they win.
        at: When the calls were made: prices change, and some depend on the hour.
    """

    def __init__(self, own: PriceTable, at: datetime) -> None:
        self._own = own
        self._at = at
        self._unknown: set[tuple[str, str | None]] = set()

    def cost_usd(self, call: ModelCall, asked: str) -> float | None:
        """What a call costs; None where its price or its usage is not known.

        Args:
            call: The call.
            asked: The name by which the model was asked for: a deployment's, perhaps.
        """
        if call.llm_cache_hit:
            return 0.0
        if call.tokens is None:
            return None
        own = self._own.find((asked, call.name))
        if own is not None:
            cost = own.cost_usd(call.tokens)
        else:
            cost = self._listed(call, asked, call.tokens)
        return None if cost is None else float(cost)

    def source(self) -> PriceSource:
        """Where listed prices come from."""
        newest = _newest_start(self._at.date())
        return PriceSource(
            f"genai-prices {version('genai-prices')}", newest.isoformat() if newest else None
        )

    def _listed(self, call: ModelCall, asked: str, tokens: Tokens) -> Decimal | None:
        usage = _usage(tokens)
        if usage is None:
            return None
        context = {"service_tier": call.service_tier} if call.service_tier else None
        provider = _PROVIDERS.get(call.provider or "", call.provider)
        for name in dict.fromkeys((call.name, asked)):
            if (name, provider) in self._unknown:
                continue
            try:
                found = _snapshot().calc(
                    usage, name.removeprefix("models/"), provider, None, self._at, context
                )
            except LookupError:  # no such provider or model
                self._unknown.add((name, provider))
            except ValueError:  # usage that contradicts itself, or that its price cannot split
                return None
            else:
                return found.total_price if _has_prices(found.model_price) else None
        return None


@cache
def _snapshot() -> DataSnapshot:
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    return DataSnapshot(providers=providers, from_auto_update=False)


def _newest_start(until: date) -> date | None:
    """The day since which the newest of the listed prices has been in force."""
    from genai_prices.types import StartDateConstraint

    rules = [
        rule.constraint
        for provider in _snapshot().providers
        for model in provider.models
        for rule in (*_conditional(model), *(model.price_variants or ()))
    ]
    starts = [rule.start_date for rule in rules if isinstance(rule, StartDateConstraint)]
    return max((start for start in starts if start <= until), default=None)


def _conditional(model: ModelInfo) -> Sequence[ConditionalPrice]:
    return model.prices if isinstance(model.prices, list) else ()


def _usage(tokens: Tokens) -> Usage | None:
    """The call's usage as genai-prices takes it; None where input or output is not known."""
    from genai_prices import Usage

    if tokens.input is None or tokens.output is None:
        return None
    parts = {
        "cache_read_tokens": tokens.cache_read,
        "cache_write_tokens": tokens.cache_write,
        "cache_write_1h_tokens": tokens.cache_write_1h,
        "output_reasoning_tokens": tokens.reasoning,
        "input_audio_tokens": tokens.input_audio,
        "output_audio_tokens": tokens.output_audio,
    }
    known = {name: count for name, count in parts.items() if count}
    return Usage(input_tokens=tokens.input, output_tokens=tokens.output, **known)


def _has_prices(price: ModelPrice) -> bool:
    """Without any, genai-prices would say 0."""
    return price.input_mtok is not None or price.output_mtok is not None
