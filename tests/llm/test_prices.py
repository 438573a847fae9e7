"""Costs against hand calculation, with the arithmetic written out; USD per million tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import genai_prices.data_snapshot
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.errors import UsageError
from lgprof.llm.price_table import PriceTable, parse_price_table, read_price_file
from lgprof.llm.prices import Prices
from lgprof.model import ModelCall, Tokens

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
M = 1_000_000
OWN = parse_price_table(
    {
        "my-llama": {"input": 0.2, "output": 0.6, "cache_read": 0.05, "cache_write": 0.3},
        "team-*": {"input": 1, "output": 2},
        "team-large-*": {"input": 3, "output": 4},
        "gpt-4o": {"input": 2.0, "output": 8.0},
    },
    "the test",
)


def cost(
    model: str, provider: str | None, tokens: Tokens | None, own: PriceTable = OWN, **more: object
) -> float | None:
    at = more.pop("at", AT)
    asked = more.pop("asked", model)
    call = ModelCall(name=model, provider=provider, tokens=tokens, **more)
    return Prices(own, at).cost_usd(call, asked)


def used(read: int = 8_000, write: int = 0, hour: int = 0, **more: int) -> Tokens:
    return Tokens(
        **{"input": 10_000, "output": 1_000, **more},
        cache_read=read,
        cache_write=write or None,
        cache_write_1h=hour or None,
        reasoning=600,  # part of the output
    )


@pytest.mark.parametrize(
    ("model", "provider", "tokens", "dollars"),
    [
        (
            "gpt-4o-2024-08-06",
            "openai",
            used(),
            (2_000 * 2.5 + 8_000 * 1.25 + 1_000 * 10) / M,  # 0.025
        ),
        (
            "gpt-4o-mini",
            "openai",
            used(),
            (2_000 * 0.15 + 8_000 * 0.075 + 1_000 * 0.6) / M,
        ),
        (
            "claude-sonnet-4-5",
            "anthropic",
            used(),
            (2_000 * 3 + 8_000 * 0.3 + 1_000 * 15) / M,  # 0.0234
        ),
        (
            "claude-sonnet-4-5",
            "anthropic",
            used(2_000, 6_000),
            (2_000 * 3 + 2_000 * 0.3 + 6_000 * 3.75 + 1_000 * 15) / M,  # 0.0441
        ),
        (
            "claude-sonnet-4-5",
            "anthropic",
            used(2_000, 6_000, 6_000),
            (2_000 * 3 + 2_000 * 0.3 + 6_000 * 6 + 1_000 * 15) / M,  # 0.0576
        ),
        (
            "models/gemini-2.5-pro",
            "google_genai",
            used(),
            (2_000 * 1.25 + 8_000 * 0.125 + 1_000 * 10) / M,  # 0.0135
        ),
    ],
)
def test_the_bill_is_exact(model: str, provider: str, tokens: Tokens, dollars: float) -> None:
    assert cost(model, provider, tokens, PriceTable()) == pytest.approx(dollars, abs=1e-9)


def test_a_long_prompt_costs_by_its_tier() -> None:
    short = used(0, input=200_000)
    long = used(0, input=200_001)
    assert cost("gemini-2.5-pro", "google_genai", short) == pytest.approx(
        (200_000 * 1.25 + 1_000 * 10) / M, abs=1e-9
    )
    assert cost("gemini-2.5-pro", "google_genai", long) == pytest.approx(
        (200_001 * 2.5 + 1_000 * 15) / M, abs=1e-9
    )


def test_a_price_holds_from_its_date_and_for_its_tier() -> None:
    priority = {"own": PriceTable(), "service_tier": "priority"}
    before = datetime(2026, 10, 11, tzinfo=UTC)
    # Listed for the priority tier since 2026-10-12: 4.25, 2.125 and 17.
    assert cost("gpt-4o", "openai", used(), **priority) == pytest.approx(
        (2_000 * 4.25 + 8_000 * 2.125 + 1_000 * 17) / M, abs=1e-9
    )
    assert cost("gpt-4o", "openai", used(), at=before, **priority) == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("model", "provider"),
    [("my-own-model", "openai"), ("gpt-4o-mini", "ollama"), ("nobody-knows", None)],
)
def test_a_model_without_a_price_has_no_cost(model: str, provider: str | None) -> None:
    assert cost(model, provider, used()) is None


def test_without_usage_there_is_no_cost() -> None:
    assert cost("gpt-4o-mini", "openai", None) is None
    assert cost("gpt-4o-mini", "openai", Tokens(input=5)) is None
    assert cost("gpt-4o", "openai", Tokens(output=5)) is None


def test_usage_that_contradicts_itself_has_no_cost() -> None:
    assert cost("gpt-4o-mini", "openai", used(20_000)) is None
    assert cost("my-llama", "openai", used(20_000)) is None


def test_the_llm_cache_is_free() -> None:
    assert cost("anything", None, None, llm_cache_hit=True) == 0.0


def test_own_prices_win_over_listed_ones() -> None:
    assert cost("gpt-4o", "openai", used()) == pytest.approx((10_000 * 2 + 1_000 * 8) / M)
    assert cost("my-llama", "ollama", used(write=500)) == pytest.approx(
        (1_500 * 0.2 + 8_000 * 0.05 + 500 * 0.3 + 1_000 * 0.6) / M
    )


def test_exact_names_win_over_prefixes_and_long_prefixes_over_short_ones() -> None:
    plain = Tokens(input=M, output=0)
    assert cost("team-small", None, plain) == pytest.approx(1.0)
    assert cost("team-large-2", None, plain) == pytest.approx(3.0)
    assert cost("gpt-4o-2024-08-06", "openai", plain) == pytest.approx(2.5)  # no exact own price


def test_a_renamed_deployment_is_found_by_the_name_it_was_asked_by() -> None:
    plain = Tokens(input=M, output=0)
    assert cost("gpt-4o-mini", "azure", plain, asked="team-eu") == pytest.approx(1.0)
    assert cost("served-name", "openai", plain, asked="gpt-4o-mini") == pytest.approx(0.15)


def test_other_libraries_cannot_change_the_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = genai_prices.data_snapshot.DataSnapshot([], from_auto_update=True)
    monkeypatch.setattr(genai_prices.data_snapshot, "_custom_snapshot", empty)
    assert cost("gpt-4o-mini", "openai", Tokens(input=M, output=0)) == pytest.approx(0.15)


def test_the_source_is_named_with_the_date_of_its_newest_price_in_force() -> None:
    name, date = Prices(PriceTable(), AT).source()
    assert name.startswith("genai-prices 0.2.")
    assert "2026-11-01" <= date <= "2026-11-20"
    assert Prices(PriceTable(), datetime(1970, 1, 1, tzinfo=UTC)).source().date is None


@given(
    tokens=st.lists(st.integers(0, 10**7), min_size=3, max_size=3),
    output=st.integers(0, 10**6),
)
def test_own_cost_grows_with_every_kind_of_token(tokens: list[int], output: int) -> None:
    plain, read, write = tokens
    counts = Tokens(input=plain + read + write, output=output, cache_read=read, cache_write=write)
    expected = (plain * 0.2 + read * 0.05 + write * 0.3 + output * 0.6) / M
    assert cost("my-llama", None, counts) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_files_of_either_format_read_the_same(tmp_path: Path) -> None:
    toml, json = tmp_path / "prices.toml", tmp_path / "prices.json"
    toml.write_text('"my-*" = { input = 0.1, output = 2 }')
    json.write_text('{"my-*": {"input": 0.1, "output": 2}}')
    assert read_price_file(toml, "x") == read_price_file(json, "x")
    assert cost("my-1", None, used(0), read_price_file(toml, "x")) == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('"m" = { input = 1 }', "'m' needs a price for input and for output"),
        ('"m" = 3', "'m' needs a price"),
        ('"m" = { input = 1, output = 2, ouput = 3 }', "'m' has no 'ouput'"),
        ('"m" = { input = -1, output = 2 }', "-1 is no price"),
        ('"m" = { input = nan, output = 2 }', "nan is no price"),
        ('"m" = { input = true, output = 2 }', "True is no price"),
        ('"m" = ', "is not valid TOML"),
    ],
)
def test_what_is_no_price_is_said(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=complaint):
        read_price_file(file, "--prices")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_price_file(tmp_path / "none.toml", "--prices")
