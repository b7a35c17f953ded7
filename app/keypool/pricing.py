"""What a model call costs, estimated, in millionths of a US dollar.

Prices come from `genai-prices`, whose table lies in the package: nothing is fetched. OPENAI_PRICES overrides them, for
models that it does not know and for prices of one's own. A service tier has its own price: what the table says of it,
else a share of the standard one.

Input that came from the provider's cache costs what is known for it, else as much as any other: never too little.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple, Protocol

from app.errors import ConfigurationError

log = logging.getLogger(__name__)

#: what stands for the service tier of what is asked with a batch
BATCH_TIER = "batch"
#: What stands for the web search tool in the place of a model, its searches for input tokens: $10 a thousand, whatever
#: the tier (https://developers.openai.com/api/docs/pricing, "Web search"; 2026-11). OPENAI_PRICES overrides that too.
WEB_SEARCH = "web_search"
_SEARCH_USD_PER_MILLION = 10_000.0
#: Tiers that cost another price than the standard one, and how many times as much where the table does not tell: batch
#: and flex are half price (https://developers.openai.com/api/docs/guides/flex-processing), priority is up to 2.5 times
#: the price (gpt-5.5, the most of the table; 2026-11).
_SHARES = {BATCH_TIER: 0.5, "flex": 0.5, "priority": 2.5, "fast": 2.5}
#: Below this many input tokens no model of the table has a second tier (the lowest starts at 128,000; 2026-11).
_LONG_INPUT = 100_000
_SAMPLE = 1_000


class Pricing(Protocol):
    """What a call costs in millionths of a US dollar; `tier` is a `service_tier` or "batch", else the standard one.

    Of the tokens `given`, `cached` came from the provider's cache, and `written` were put there; `made` is the output.
    """

    def __call__(
        self, model: str, given: float, made: float, tier: str = "", /, *, cached: float = 0, written: float = 0
    ) -> int: ...


def free_of_charge(*_: object, **__: object) -> int:
    """The price where nobody counts cost."""
    return 0


class Price(NamedTuple):
    """US dollars per million tokens, which is also millionths of a dollar per token.

    `cached` is the price of input that came from the provider's cache, `written` of input that was put there.
    """

    input: float
    output: float
    cached: float
    written: float


def parse_prices(text: str) -> dict[str, Price]:
    """OPENAI_PRICES: `model=input/output;...` or `model=input/output/cached`, US dollars per million tokens.

    Raises `ConfigurationError`.
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
            raise _unusable(f"{entry!r} has cached input cost more than other input")
        if model in prices:
            raise _unusable(f"{model!r} is priced twice")
        prices[model] = Price(given, made, min(cached, default=given), given)
    return prices


def make_pricing(overrides: Mapping[str, Price] | None = None) -> Pricing:
    """The function that prices a call.

    A model's own name is looked up in `overrides`, which are prices of the standard tier, then in the table, which also
    knows dated names and tiers. A model found in neither costs 0, and is named once in the log. The table is loaded at
    the first look-up (0.3 s, 13 MB).
    """
    own = {"": Price(0, 0, 0, 0), WEB_SEARCH: Price(_SEARCH_USD_PER_MILLION, 0, 0, 0), **(overrides or {})}

    def microusd(
        model: str, given: float, made: float, tier: str = "", /, *, cached: float = 0, written: float = 0
    ) -> int:
        tier, length = tier if tier in _SHARES else "", round(given) if given > _LONG_INPUT else _SAMPLE
        price = _at_share(own[model], tier) if model in own else _listed_price(model, length, tier)
        if price is None:
            _name_unpriced(model)
            return 0
        return math.ceil(round(math.sumprod((given - cached - written, made, cached, written), price), 6))

    return microusd


def _at_share(price: Price, tier: str) -> Price:
    """The tier's share of a standard price. Not all batches have a price of cached input, so none is assumed."""
    price = price._replace(cached=price.input) if tier == BATCH_TIER else price
    return Price(*(_SHARES.get(tier, 1.0) * one for one in price))


@cache
def _name_unpriced(model: str) -> None:
    log.warning(
        "No price is known for model %s, so budgets in US dollars cannot count it; set it in OPENAI_PRICES", model
    )


@lru_cache(maxsize=1024)
def _listed_price(model: str, input_tokens: int, tier: str) -> Price | None:
    """The table's price of a model for a prompt of that length: above a threshold some charge all tokens more.

    A tier of which the table says nothing costs there what the standard one does, so the estimate stays from above.
    A tier with a price of its own and none for cached input charges it like other input: so do batches before GPT-5
    (https://developers.openai.com/api/docs/pricing, 2026-11).
    """
    from genai_prices import Usage, calc_price  # noqa: PLC0415 (the table is loaded only when a price is asked for)

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
        return _at_share(found, tier) if tier == BATCH_TIER else found
    return found._replace(cached=found.input) if found.cached == standard.cached else found


def _unusable(problem: str) -> ConfigurationError:
    remedy = (
        "Write MODEL=INPUT/OUTPUT[/CACHED];..., in US dollars per million tokens, like a=0.40/1.60/0.10;my-model=1/2"
    )
    return ConfigurationError("OPENAI_PRICES", problem, remedy)
