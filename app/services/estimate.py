"""What a list of targets would cost before it is enqueued: jobs, model calls, tokens, dollars and minutes.

An estimate from the newest pages of this database, or from those that the extractors are tested on while there are too
few. It queues nothing, fetches nothing and asks no model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import redis

from app.keypool.figures import Room
from app.keypool.pricing import BATCH_TIER
from app.property.store import FRESH_DAYS, Database, Experience, experience, new_targets
from app.services.key_store import pricing_of
from app.services.key_view import KeyView
from app.settings import Settings

#: from so many pages on, our own experience counts
_LEAST_PAGES = 20
#: the labelled pages of `benchmarks.extraction`: each of the 38 left a question, of 831 tokens on average; half as many
#: are counted for the answer as are allowed for it
_TYPICAL = Experience(pages=38, calls=38, input_tokens=831, output_tokens=220)


@dataclass(frozen=True, slots=True)
class Estimate:
    """`jobs` of the `targets` would be new, `duplicates` make none. Each job fetches a page.

    `model_calls`, `tokens` and `usd` are what the model would take (`usd` None: no price of the model is known).

    `minutes` is the least that it takes: the keys' rate, or the pace at which one host is asked, whichever is slower
    (None: no key was used yet, so its limits are unknown); with `economy` it is the pace alone, and the model answers
    within a day. `basis_pages` of our own were looked at; 0: typical pages.
    """

    targets: int
    jobs: int
    duplicates: int
    model: str
    model_calls: int
    tokens: int
    usd: float | None
    minutes: float | None
    slowest_host: str
    basis_pages: int
    economy: bool = False

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors show: JSON types only."""
        return {
            "targets": self.targets,
            "jobs": self.jobs,
            "duplicates": self.duplicates,
            "pages": self.jobs,
            "model": self.model,
            "model_calls": self.model_calls,
            "tokens": self.tokens,
            "usd": self.usd,
            "minutes": self.minutes,
            "slowest_host": self.slowest_host,
            "basis_pages": self.basis_pages,
            "economy": self.economy,
        }

    def sentence(self) -> str:
        """The same in words."""
        cost = "under $0.01"
        if self.usd is None:
            cost = "of unknown cost (no price is known: OPENAI_PRICES)"
        elif self.usd >= 0.01 or not self.usd:
            cost = f"${self.usd:,.2f}"
        time = "unknown until a key has been used" if self.minutes is None else f"at least {self.minutes:g} min"
        host = f", for the pace at {self.slowest_host}" if self.slowest_host else ""
        batch = " The model answers within a day, in batches." if self.economy and self.model_calls else ""
        basis = f"the newest {self.basis_pages:,} pages" if self.basis_pages else "typical pages: too few are stored"
        return (
            f"{self.targets:,} targets: {self.jobs:,} jobs, {self.duplicates:,} duplicates. "
            f"About {self.model_calls:,} calls of {self.model}, {self.tokens:,} tokens, {cost}. "
            f"Time: {time}{host}.{batch} Judged by {basis}."
        )


def estimate(
    database: Database,
    keys: KeyView,
    settings: Settings,
    targets: Sequence[str],
    *,
    refresh: bool = False,
    economy: bool = False,
) -> Estimate:
    """What `JobStore.enqueue(targets)` would lead to, with `economy` at the price of batches.

    Raises `InvalidTargetError` and `StoreError`.
    """
    new = new_targets(database, targets, fresh_days=FRESH_DAYS, refresh=refresh)
    known = experience(database, settings.openai_model)
    ours = known.pages >= _LEAST_PAGES
    basis = known if ours else _TYPICAL
    calls = math.ceil(len(new) * basis.calls / basis.pages) if keys.keys else 0
    price, tier = pricing_of(settings), BATCH_TIER if economy else settings.openai_service_tier or ""
    microusd = price(settings.openai_model, calls * basis.input_tokens, calls * basis.output_tokens, tier)
    host, pages_of_host = _busiest(new)
    # batches have limits of their own, and nobody says when within their day they answer
    model_minutes = 0.0 if economy else _model_minutes(_rooms(keys), settings.openai_model, calls, basis)
    host_minutes = max(0, pages_of_host - 1) * settings.fetch_min_delay_seconds / 60
    return Estimate(
        targets=len(targets),
        jobs=len(new),
        duplicates=len(targets) - len(new),
        model=settings.openai_model,
        model_calls=calls,
        tokens=round(calls * (basis.input_tokens + basis.output_tokens)),
        usd=microusd / 1_000_000 if microusd or not calls else None,
        minutes=None if model_minutes is None else round(max(model_minutes, host_minutes), 1),
        slowest_host=host if host_minutes and host_minutes >= (model_minutes or 0) else "",
        basis_pages=known.pages if ours else 0,
        economy=economy,
    )


def _rooms(keys: KeyView) -> tuple[Room, ...]:
    """The limits that the provider has told; none while no Redis answers."""
    try:
        return keys.recent_report().figures.rooms
    except redis.RedisError:
        return ()


def _model_minutes(rooms: Sequence[Room], model: str, calls: int, basis: Experience) -> float | None:
    """How long the limits of all groups together make `calls` last. None if none of them is known."""
    if not calls:
        return 0.0
    tokens = basis.input_tokens + basis.output_tokens
    rate_of: dict[str, float] = {}
    for room in rooms:
        if room.model == model and room.per_minute > 0:
            rate = room.per_minute if room.unit == "requests" else room.per_minute / tokens
            rate_of[room.group] = min(rate, rate_of.get(room.group, math.inf))
    return calls / sum(rate_of.values()) if rate_of else None


def _busiest(targets: Sequence[str]) -> tuple[str, int]:
    """The host with the most pages, and how many."""
    hosts = Counter(urlsplit(target).hostname or "" for target in targets)
    return max(hosts.items(), key=lambda found: found[1]) if hosts else ("", 0)
