"""A call's cost comes from the price table or an override. Without a price, the cost is zero."""

import logging

import pytest

from app.errors import ConfigurationError
from app.keypool.pricing import Price, make_pricing, parse_prices


def test_a_known_model_costs_the_price_of_the_table() -> None:
    """gpt-4.1-mini costs 0.40 US dollars per million input tokens and 1.60 per million of output (OpenAI, 2025-04)."""
    microusd = make_pricing()
    assert microusd("gpt-4.1-mini", 1_000_000, 1_000_000) == 2_000_000
    assert microusd("gpt-4.1-mini", 1_000_000, 1_000_000, "batch") == 1_000_000
    assert microusd("gpt-4.1-mini", 1_000_000, 1_000_000, "flex") == 2_000_000, "this model has no flex price"
    assert microusd("gpt-4.1-mini-2025-04-14", 1000, 10) == 416
    assert microusd("text-embedding-3-small", 1_000_000, 0) == 20_000


def test_a_tier_costs_its_price_in_the_table() -> None:
    """A million tokens cost $0.25 as input and $2.00 as output. Flex costs half, priority 1.8 times as much."""
    microusd = make_pricing()
    prices = {tier: microusd("gpt-5-mini", 1_000_000, 1_000_000, tier) for tier in ("", "default", "flex", "priority")}
    assert prices == {"": 2_250_000, "default": 2_250_000, "flex": 1_125_000, "priority": 4_050_000}
    assert microusd("gpt-5-mini", 1_000_000, 1_000_000, "fast") == prices["priority"]


#: US dollars per million tokens of input and of cached input, from OpenAI's pricing page (2026-11). The model table of
#: LiteLLM 1.110 has the same prices.
CACHED_PRICES = {
    "gpt-4.1": (2.00, 0.50),
    "gpt-4.1-mini": (0.40, 0.10),
    "gpt-4o": (2.50, 1.25),
    "gpt-5": (1.25, 0.125),
    "gpt-5-mini": (0.25, 0.025),
    "o3": (2.00, 0.50),
    "o4-mini": (1.10, 0.275),
    "gpt-6-luna": (0.10, 0.01),
}


@pytest.mark.parametrize("model", CACHED_PRICES)
def test_cached_input_has_its_own_price(model: str) -> None:
    microusd, (full, cached) = make_pricing(), CACHED_PRICES[model]
    assert microusd(model, 20_000, 0) == round(20_000 * full)
    assert microusd(model, 20_000, 0, cached=16_000) == round(4_000 * full + 16_000 * cached)
    assert microusd(model, 0, 1_000, cached=0) == microusd(model, 20_000, 1_000) - round(20_000 * full)


@pytest.mark.parametrize("model", ["gpt-4-turbo", "gpt-5-pro", "text-embedding-3-small"])
def test_a_model_without_a_known_price_of_cached_input_is_charged_in_full(model: str) -> None:
    microusd = make_pricing()
    assert microusd(model, 20_000, 100, cached=16_000) == microusd(model, 20_000, 100) > 0


@pytest.mark.parametrize(
    ("model", "tier", "cached"),
    [
        ("gpt-5-mini", "flex", 0.0125),
        ("gpt-5-mini", "priority", 0.045),
        ("gpt-5-mini", "batch", 0.0125),
        ("o4-mini", "flex", 0.138),
        ("gpt-4.1-mini", "priority", 0.175),
    ],
)
def test_cached_input_costs_the_price_of_its_tier(model: str, tier: str, cached: float) -> None:
    assert make_pricing()(model, 10_000, 0, tier, cached=10_000) == round(10_000 * cached)


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "gpt-4o", "o3", "o1"])
def test_a_batch_of_a_model_before_gpt_5_is_charged_in_full(model: str) -> None:
    """OpenAI lists no batch price for these models' cached input, and says that their batches are not cached."""
    microusd = make_pricing()
    assert microusd(model, 10_000, 0, "batch", cached=10_000) == microusd(model, 10_000, 0, "batch")
    assert 2 * microusd(model, 10_000, 0, "batch") == microusd(model, 10_000, 0)


def test_writing_to_the_cache_costs_extra_if_the_model_charges_for_it() -> None:
    """GPT-5.6 and later models charge 1.25 times the input price for a cache write (OpenAI, 2026-11)."""
    microusd = make_pricing()
    assert microusd("gpt-6-sol", 10_000, 0, written=10_000) == 25_000
    assert microusd("gpt-6-sol", 10_000, 0, "batch", cached=4_000, written=6_000) == 400 + 7_500
    assert microusd("gpt-5", 10_000, 0, written=10_000) == microusd("gpt-5", 10_000, 0) == 12_500


@pytest.mark.parametrize(
    ("tier", "cost", "cached_cost"),
    [
        ("", 2_000, 2_000),
        ("auto", 2_000, 2_000),
        ("flex", 1_000, 1_000),
        ("batch", 1_000, 5_000),
        ("priority", 5_000, 5_000),
    ],
)
def test_an_override_is_for_the_standard_tier(tier: str, cost: int, cached_cost: int) -> None:
    microusd = make_pricing(parse_prices("house-model=1/2/0.2"))
    assert microusd("house-model", 1_000, 500, tier) == cost
    assert microusd("house-model", 10_000, 0, tier, cached=10_000) == cached_cost


def test_part_of_a_millionth_counts_as_one() -> None:
    assert make_pricing()("gpt-4.1-mini", 1, 0) == 1
    assert make_pricing()("gpt-4.1-mini", 0, 0) == 0


def test_a_long_prompt_costs_the_price_of_long_prompts() -> None:
    microusd = make_pricing()
    assert microusd("gpt-6-sol", 300_000, 0) == 2 * microusd("gpt-6-sol", 50_000, 0) * 6


def test_an_unknown_model_costs_nothing_and_is_named_once_whatever_its_tier(caplog: pytest.LogCaptureFixture) -> None:
    microusd = make_pricing()
    assert [microusd("house-model", 10, 10, tier) for tier in ("flex", "", "priority")] == [0, 0, 0]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "house-model" in record.getMessage()
    assert "OPENAI_PRICES" in record.getMessage()


def test_a_request_without_a_model_is_free_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert make_pricing()("", 10, 10) == 0
    assert caplog.records == []


def test_an_override_wins_over_the_table_at_any_length() -> None:
    microusd = make_pricing(parse_prices("gpt-6-sol=1/2"))
    assert microusd("gpt-6-sol", 300_000, 1) == 300_002
    assert microusd("gpt-6-sol", 10_000, 0, cached=10_000) == 10_000, "cached input has no price of its own"


def test_prices_are_read_by_model() -> None:
    assert parse_prices(" gpt-4.1-mini=0.40/1.60/0.10; ft:gpt-4o:acme::x = 1/2 ;") == {
        "gpt-4.1-mini": Price(0.4, 1.6, 0.1, 0.4),
        "ft:gpt-4o:acme::x": Price(1, 2, 1, 1),
    }
    assert parse_prices("") == {}


@pytest.mark.parametrize(
    "text",
    ["m", "m=1", "m=1/2/1/1", "m=1/2/-1", "m=1/2/x", "=1/2", "m=a/b", "m=-1/2", "m=nan/1", "m=1/inf", "m=1/2;m=1/3"],
)
def test_invalid_prices_are_named_with_the_remedy(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"OPENAI_PRICES: .*US dollars per million tokens"):
        parse_prices(text)


def test_cached_input_that_costs_more_than_other_input_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'m=0.4/0.1/1.6' prices cached input higher .*INPUT/OUTPUT\[/CACHED"):
        parse_prices("m=0.4/0.1/1.6")


def test_a_web_search_costs_a_cent_for_every_model_unless_overridden() -> None:
    assert make_pricing()("web_search", 3, 0) == 30_000
    assert make_pricing(parse_prices("web_search=25000/0"))("web_search", 1, 0) == 25_000
