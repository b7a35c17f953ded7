"""What a model call costs, estimated, in millionths of a US dollar.

Prices come from `genai-prices`, whose table lies in the package: nothing is fetched. OPENAI_PRICES overrides them, for
models that it does not know and for prices of one's own. Cached input is priced in full: an estimate from above.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.errors import ConfigurationError

log = logging.getLogger(__name__)

#: model, input tokens, output tokens -> millionths of a US dollar
Pricing = Callable[[str, float, float], int]

#: Below this many input tokens no model of the table has a second tier (the lowest starts at 128,000; 2026-11).
_LONG_INPUT = 100_000
_SAMPLE = 1_000


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
    """The function that prices a call: `microusd(model, input_tokens, output_tokens)`.

    A model's own name is looked up in `overrides`, then in the table, which also knows dated names. A model found in
    neither costs 0, and is named once in the log. The table is loaded at the first look-up (0.3 s, 13 MB).
    """
    known: dict[str, Price | None] = {"": Price(0, 0), **(overrides or {})}
    own = frozenset(known)

    def microusd(model: str, input_tokens: float, output_tokens: float) -> int:
        if model not in known:
            known[model] = _listed_price(model, _SAMPLE)
            if known[model] is None:
                log.warning(
                    "No price is known for model %s, so budgets in US dollars cannot count it; set it in OPENAI_PRICES",
                    model,
                )
        price = known[model]
        if price is not None and input_tokens > _LONG_INPUT and model not in own:
            price = _listed_price(model, round(input_tokens))
        return 0 if price is None else math.ceil(input_tokens * price.input + output_tokens * price.output)

    return microusd


def _listed_price(model: str, input_tokens: int) -> Price | None:
    """The table's price of a model for a prompt of that length: above a threshold some charge all tokens more."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 (only who asks for a price pays for the table)

    try:
        found = calc_price(Usage(input_tokens=input_tokens, output_tokens=_SAMPLE), model, provider_id="openai")
    except LookupError:
        return None
    return Price(float(found.input_price) * 1e6 / input_tokens, float(found.output_price) * 1e6 / _SAMPLE)


def _unusable(problem: str) -> ConfigurationError:
    remedy = "Write MODEL=INPUT/OUTPUT;..., in US dollars per million tokens, like gpt-4.1-mini=0.40/1.60;my-model=1/2"
    return ConfigurationError("OPENAI_PRICES", problem, remedy)
