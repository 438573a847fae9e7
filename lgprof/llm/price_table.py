"""The user's own prices: for private models, renamed deployments and negotiated rates."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from lgprof.errors import UsageError
from lgprof.model import Tokens

_PER = Decimal(1_000_000)
_REQUIRED = ("input", "output")
_OPTIONAL = ("cache_read", "cache_write")
_EXAMPLE = '"my-model" = { input = 2.5, output = 10.0 }'


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """USD per million tokens. Tokens from or for the prompt cache cost as input by default."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None

    def as_settings(self) -> dict[str, float]:
        """Its prices by name; those that were not given are left out."""
        prices = {name: getattr(self, name) for name in (*_REQUIRED, *_OPTIONAL)}
        return {name: float(price) for name, price in prices.items() if price is not None}

    def cost_usd(self, tokens: Tokens) -> Decimal | None:
        """What a call costs; None where the tokens are not known or contradict each other."""
        if tokens.input is None or tokens.output is None:
            return None
        read, write = tokens.cache_read or 0, tokens.cache_write or 0
        plain = tokens.input - read - write
        if plain < 0:
            return None
        return (
            plain * self.input
            + read * (self.input if self.cache_read is None else self.cache_read)
            + write * (self.input if self.cache_write is None else self.cache_write)
            + tokens.output * self.output
        ) / _PER


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by the exact name of a model, or by what its name begins with."""

    exact: Mapping[str, OwnPrice] = field(default_factory=dict)
    prefixes: Mapping[str, OwnPrice] = field(default_factory=dict)

    def as_settings(self) -> dict[str, dict[str, float]]:
        """The table as `parse_price_table` takes it."""
        named = {**self.exact, **{f"{start}*": price for start, price in self.prefixes.items()}}
        return {name: price.as_settings() for name, price in named.items()}

    def find(self, names: Iterable[str]) -> OwnPrice | None:
        """The price of a model known by these names: exact before prefix, the longest prefix."""
        names = list(names)
        for name in names:
            if name in self.exact:
                return self.exact[name]
        fitting = [start for start in self.prefixes if any(n.startswith(start) for n in names)]
        return self.prefixes[max(fitting, key=len)] if fitting else None


def parse_price_table(table: Mapping[str, Any], where: str) -> PriceTable:
    """Prices out of settings or a file.

    Args:
        table: By model name, a trailing ``*`` for all that begin so: ``input``, ``output`` and,
            optionally, ``cache_read`` and ``cache_write``, each in USD per million tokens.
        where: It comes from, for messages.

    Raises:
        UsageError: Something that is no price.
    """
    prices = {name: _price(name, entry, where) for name, entry in table.items()}
    return PriceTable(
        exact={name: price for name, price in prices.items() if not name.endswith("*")},
        prefixes={name[:-1]: price for name, price in prices.items() if name.endswith("*")},
    )


def read_price_file(file: Path, where: str) -> PriceTable:
    """Prices out of a TOML file, or a JSON file of the same form.

    Raises:
        UsageError: A file that cannot be read, or holds no prices.
    """
    try:
        text = file.read_text(encoding="utf-8")
        table = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{where}: {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        kind = "JSON" if file.suffix == ".json" else "TOML"
        raise UsageError(f"{where}: {file} is not valid {kind}: {error}") from error
    if not isinstance(table, dict):
        raise UsageError(f"{where}: {file} holds no table of prices", hint=f"write {_EXAMPLE}")
    return parse_price_table(table, f"{where} {file.name}")


def _price(name: str, entry: object, where: str) -> OwnPrice:
    if not isinstance(entry, dict) or not set(_REQUIRED) <= set(entry):
        raise UsageError(
            f"{where}: {name!r} needs a price for input and for output",
            hint=f"write {_EXAMPLE}, USD per million tokens",
        )
    unknown = sorted(set(entry) - {*_REQUIRED, *_OPTIONAL})
    if unknown:
        known = ", ".join((*_REQUIRED, *_OPTIONAL))
        raise UsageError(f"{where}: {name!r} has no {unknown[0]!r}", hint=f"there are {known}")
    return OwnPrice(**{key: _usd(value, f"{where}: {name!r}") for key, value in entry.items()})


def _usd(value: object, where: str) -> Decimal:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:  # type: ignore[arg-type, operator]
        raise UsageError(f"{where}: {value!r} is no price", hint="USD per million tokens: 2.5")
    return Decimal(str(value))
