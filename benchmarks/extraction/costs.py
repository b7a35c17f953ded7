"""What a model costs for 1,000 pages like the labelled ones: at full price, and with what the provider's cache saves.

OpenAI keeps what requests begin with from 1,024 tokens on, in steps of 128, and charges less for it when the next one
begins alike (https://platform.openai.com/docs/guides/prompt-caching, 2026-11). Ours begin with the schema and the
instruction; the page's own marker ends what they have in common.
"""

from __future__ import annotations

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
    """Tokens are means of a page; of its prompt `alike` are the same for every page and `cached` come from the cache.
    Prices are US dollars for 1,000 pages: with nothing cached, with the cache, and in batches.
    """

    prompt: float
    answer: float
    alike: int
    cached: int
    plain: float
    with_cache: float
    batches: float


def costs(batch: Batch) -> Costs:
    """Return what asking `MODEL` about the pages of `batch` costs, each with its own prompt and answer."""
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
    """Return how many of the tokens that requests begin with alike the provider keeps."""
    return 0 if alike < _LEAST_CACHED else alike - (alike - _LEAST_CACHED) % _STEP
