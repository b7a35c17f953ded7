"""What a model call costs, estimated, in millionths of a US dollar.

Prices come from `genai-prices`, whose table lies in the package: nothing is fetched. OPENAI_PRICES overrides them, for
models that it does not know and for prices of one's own. Cached input is priced in full: an estimate from above.

A service tier has its own price: what the table says of it, else a share of the standard one.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol

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
    """What a call costs in millionths of a US dollar; `tier` is a `service_tier` or "batch", else the standard one."""

    def __call__(self, model: str, input_tokens: float, output_tokens: float, tier: str = "", /) -> int: ...


def free_of_charge(model: str, input_tokens: float, output_tokens: float, tier: str = "", /) -> int:  # noqa: ARG001
    """The price where nobody counts cost."""
    return 0


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, which is also millionths of a dollar per token."""

    input: float
    output: float


def parse_prices(text: str) -> dict[str, Price]:
    """OPENAI_PRICES: `model=input/output;...`, US dollars per million tokens. Raises `ConfigurationError`."""
    prices: dict[str, Price] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        model, _, pair = (part.strip() for part in entry.rpartition("="))
        try:
            given, made = (float(number) for number in pair.split("/"))
        except ValueError:
            given = made = math.nan
        if not model or not (0 <= given < math.inf and 0 <= made < math.inf):
            raise _unusable(f"{entry!r} is not MODEL=INPUT/OUTPUT")
        if model in prices:
            raise _unusable(f"{model!r} is priced twice")
        prices[model] = Price(given, made)
    return prices


def make_pricing(overrides: Mapping[str, Price] | None = None) -> Pricing:
    """The function that prices a call: `microusd(model, input_tokens, output_tokens, tier)`.

    A model's own name is looked up in `overrides`, which are prices of the standard tier, then in the table, which also
    knows dated names and tiers. A model found in neither costs 0, and is named once in the log. The table is loaded at
    the first look-up (0.3 s, 13 MB).
    """
    own: dict[str, Price] = {"": Price(0, 0), WEB_SEARCH: Price(_SEARCH_USD_PER_MILLION, 0), **(overrides or {})}

    def microusd(model: str, input_tokens: float, output_tokens: float, tier: str = "", /) -> int:
        tier = tier if tier in _SHARES else ""
        if model in own:
            price, share = own[model], _SHARES.get(tier, 1.0)
            return math.ceil(share * (input_tokens * price.input + output_tokens * price.output))
        found = _listed_price(model, round(input_tokens) if input_tokens > _LONG_INPUT else _SAMPLE, tier)
        if found is None:
            _name_unpriced(model)
            return 0
        return math.ceil(input_tokens * found.input + output_tokens * found.output)

    return microusd


@cache
def _name_unpriced(model: str) -> None:
    log.warning(
        "No price is known for model %s, so budgets in US dollars cannot count it; set it in OPENAI_PRICES", model
    )


@lru_cache(maxsize=1024)
def _listed_price(model: str, input_tokens: int, tier: str) -> Price | None:
    """The table's price of a model for a prompt of that length: above a threshold some charge all tokens more.

    A tier of which the table says nothing costs there what the standard one does, so the estimate stays from above.
    """
    from genai_prices import Usage, calc_price  # noqa: PLC0415 (the table is loaded only when a price is asked for)

    usage = Usage(input_tokens=input_tokens, output_tokens=_SAMPLE)
    share = _SHARES[BATCH_TIER] if tier == BATCH_TIER else 1.0  # the table has no prices of batches
    try:
        found = calc_price(usage, model, provider_id="openai", price_context={"service_tier": tier or "default"})
    except LookupError:
        return None
    return Price(
        share * float(found.input_price) * 1e6 / input_tokens, share * float(found.output_price) * 1e6 / _SAMPLE
    )


def _unusable(problem: str) -> ConfigurationError:
    remedy = "Write MODEL=INPUT/OUTPUT;..., in US dollars per million tokens, like gpt-4.1-mini=0.40/1.60;my-model=1/2"
    return ConfigurationError("OPENAI_PRICES", problem, remedy)
