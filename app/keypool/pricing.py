"""Estimate the cost of a model call in millionths of a US dollar.

Prices come from the price table in the installed package `genai-prices`; nothing is downloaded. OPENAI_PRICES adds
missing models and replaces prices of the table. Prices in OPENAI_PRICES are multiplied by a factor that depends on the
service tier. If the table has no price for a tier, a batch costs half the standard price, and other tiers cost the
standard price. If the table has no price for cached input, cached input costs as much as other input.
"""

import logging
import math
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple, Protocol

from app.errors import ConfigurationError

log = logging.getLogger(__name__)

#: The name of the batch API, which is treated as a service tier.
BATCH_TIER = "batch"
#: Web searches are priced as input tokens of a model with this name: $10 per 1,000 searches in every tier
#: (https://developers.openai.com/api/docs/pricing, "Web search"; 2026-11). OPENAI_PRICES overrides this price too.
WEB_SEARCH = "web_search"
_SEARCH_USD_PER_MILLION = 10_000.0
#: The factor by which the standard prices in OPENAI_PRICES are multiplied for each tier. Batch and flex cost half the
#: standard price (https://developers.openai.com/api/docs/guides/flex-processing). Priority costs up to 2.5 times the
#: standard price (gpt-5.5 in the table; 2026-11).
_FACTORS = {BATCH_TIER: 0.5, "flex": 0.5, "priority": 2.5, "fast": 2.5}
#: Prompts with up to this many tokens have the same price per token. The lowest length with another price in the table
#: is 128,000 tokens (2026-11).
_LONG_INPUT = 100_000
_SAMPLE = 1_000


class Pricing(Protocol):
    """A function that returns the cost of a call in millionths of a US dollar.

    `tier` is a `service_tier` or "batch"; an unknown tier costs the standard price. `given` is the number of input
    tokens, and `made` the number of output tokens. `cached` input tokens were read from the provider's cache, and
    `written` were written to it.
    """

    def __call__(
        self, model: str, given: float, made: float, tier: str = "", /, *, cached: float = 0, written: float = 0
    ) -> int: ...


def free_of_charge(*_: object, **__: object) -> int:
    """Return 0, for a pool that does not count costs."""
    return 0


class Price(NamedTuple):
    """Prices in US dollars per million tokens, which is the same as millionths of a dollar per token.

    `cached` is the price of input read from the provider's cache, and `written` the price of input written to it.
    """

    input: float
    output: float
    cached: float
    written: float


def parse_prices(text: str) -> dict[str, Price]:
    """Parse OPENAI_PRICES: `model=input/output;...` or `model=input/output/cached`, in US dollars per million tokens.

    Raises `ConfigurationError` if the text is invalid.
    """
    prices: dict[str, Price] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        model, _, figures = (part.strip() for part in entry.rpartition("="))
        try:
            given, made, *cached = (float(number) for number in figures.split("/"))
        except ValueError:
            given, made, cached = math.nan, math.nan, []
        if not model or len(cached) > 1 or not all(0 <= price < math.inf for price in (given, made, *cached)):
            raise _unusable(f"{entry!r} is not MODEL=INPUT/OUTPUT or MODEL=INPUT/OUTPUT/CACHED")
        if any(price > given for price in cached):
            raise _unusable(f"{entry!r} prices cached input higher than other input")
        if model in prices:
            raise _unusable(f"{model!r} is priced twice")
        prices[model] = Price(given, made, min(cached, default=given), given)
    return prices


def make_pricing(overrides: Mapping[str, Price] | None = None) -> Pricing:
    """Return a function that computes the cost of a call.

    A model's price in `overrides`, multiplied by the tier's factor, takes precedence over its price in the table. An
    unknown model costs 0 and is logged once. The table is loaded on its first use (0.3 s, 13 MB).
    """
    own = {"": Price(0, 0, 0, 0), WEB_SEARCH: Price(_SEARCH_USD_PER_MILLION, 0, 0, 0), **(overrides or {})}

    def microusd(
        model: str, given: float, made: float, tier: str = "", /, *, cached: float = 0, written: float = 0
    ) -> int:
        tier, length = tier if tier in _FACTORS else "", round(given) if given > _LONG_INPUT else _SAMPLE
        price = _at_tier(own[model], tier) if model in own else _listed_price(model, length, tier)
        if price is None:
            _name_unpriced(model)
            return 0
        return math.ceil(round(math.sumprod((given - cached - written, made, cached, written), price), 6))

    return microusd


def _at_tier(price: Price, tier: str) -> Price:
    """In a batch, cached input has the price of other input."""
    price = price._replace(cached=price.input) if tier == BATCH_TIER else price
    return Price(*(_FACTORS.get(tier, 1.0) * one for one in price))


@cache
def _name_unpriced(model: str) -> None:
    log.warning(
        "No price is known for model %s, so budgets in US dollars cannot count it; set it in OPENAI_PRICES", model
    )


@lru_cache(maxsize=1024)
def _listed_price(model: str, input_tokens: int, tier: str) -> Price | None:
    """Return the table's price of a model for prompts of `input_tokens`, or None.

    If a tier has its own price but none for cached input, cached input costs as much as other input, as in batches
    before GPT-5 (https://developers.openai.com/api/docs/pricing, 2026-11).
    """
    from genai_prices import Usage, calc_price  # noqa: PLC0415 (loads the table, only when a price is needed)

    def listed(**context: str) -> Price:
        usages = [
            Usage(input_tokens=input_tokens, output_tokens=_SAMPLE, cache_read_tokens=read, cache_write_tokens=written)
            for read, written in ((0, 0), (input_tokens, 0), (0, input_tokens))
        ]
        found = [calc_price(usage, model, provider_id="openai", price_context=context) for usage in usages]
        plain, cached, written = (float(one.input_price) * 1e6 / input_tokens for one in found)
        return Price(plain, float(found[0].output_price) * 1e6 / _SAMPLE, cached, written)

    try:
        standard = listed(service_tier="default")
        found = listed(processing="batch") if tier == BATCH_TIER else listed(service_tier=tier or "default")
    except LookupError:
        return None
    if found == standard:
        return _at_tier(found, tier) if tier == BATCH_TIER else found
    return found._replace(cached=found.input) if found.cached == standard.cached else found


def _unusable(problem: str) -> ConfigurationError:
    remedy = (
        "Write MODEL=INPUT/OUTPUT[/CACHED];..., in US dollars per million tokens, like a=0.40/1.60/0.10;my-model=1/2"
    )
    return ConfigurationError("OPENAI_PRICES", problem, remedy)
