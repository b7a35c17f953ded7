"""The cost of a model for 1,000 pages like the labeled pages: at full price, and with the provider's cache.

OpenAI charges less for the beginning of a prompt if an earlier request began with the same 1,024 or more tokens. It
caches in steps of 128 tokens (https://platform.openai.com/docs/guides/prompt-caching, 2026-11). The project's prompts
begin with the schema and the instruction. The part that all prompts share ends at a marker that differs for each page.
"""

import statistics
from dataclasses import dataclass

from app.keypool.pricing import BATCH_TIER, make_pricing
from app.settings import DECLARED
from benchmarks.extraction.batches import Batch

MODEL = str(DECLARED["OPENAI_MODEL"].default)
_LEAST_CACHED, _STEP = 1_024, 128
_PAGES = 1_000


@dataclass(frozen=True, slots=True)
class Costs:
    """The mean token counts per page, and the prices of 1,000 pages in US dollars.

    `alike` counts the tokens with which every prompt begins.
    """

    prompt: float
    answer: float
    alike: int
    cached: int
    plain: float
    with_cache: float
    batches: float


def costs(batch: Batch) -> Costs:
    """Return the cost of one request to `MODEL` for each page of `batch`."""
    pages = [(page.tokens, batch.answered.tokens[page.file]) for page in batch.sent.pages if page.tokens]
    alike = max((page.instruction + page.schema for page in batch.sent.pages), default=0)
    cached = cacheable(alike)
    price = make_pricing()

    def per_thousand(tier: str, cached: int) -> float:
        spent = sum(price(MODEL, given, made, tier, cached=cached) for given, made in pages)
        return spent / 1e6 / max(1, len(batch.sent.pages)) * _PAGES

    return Costs(
        statistics.mean(given for given, _ in pages),
        statistics.mean(made for _, made in pages),
        alike,
        cached,
        per_thousand("", 0),
        per_thousand("", cached),
        per_thousand(BATCH_TIER, 0),
    )


def cacheable(alike: int) -> int:
    """Return how many of the `alike` tokens at a prompt's beginning the provider caches."""
    return 0 if alike < _LEAST_CACHED else alike - (alike - _LEAST_CACHED) % _STEP
