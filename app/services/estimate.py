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

import redis

from app.keypool.figures import Room
from app.keypool.pricing import BATCH_TIER, WEB_SEARCH
from app.property.store import (
    Database,
    Experience,
    address_of_target,
    experience,
    host_of_target,
    is_address,
    new_targets,
)
from app.services.key_store import pricing_of
from app.services.key_view import KeyView
from app.services.sources import sources_file
from app.settings import Settings

#: from so many pages on, our own experience counts
_LEAST_PAGES = 20
#: the labelled pages of `benchmarks.extraction`: each of the 38 left a question, of 831 tokens on average; half as many
#: are counted for the answer as are allowed for it
_TYPICAL = Experience(pages=38, calls=38, input_tokens=831, output_tokens=220)
#: what a search is taken to find: cited pages that are read
_PAGES_OF_SEARCH = 2
#: with so many sources of its own an address is not searched for
_ENOUGH_SOURCES = 2
#: What a search finds counts as input; for small models that is a block of 8,000 tokens
#: (https://developers.openai.com/api/docs/pricing, "Web search"; 2026-11). The fee for the tool is among the prices.
_SEARCH_TOKENS = 8_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """`jobs` of the `targets` would be new, `duplicates` make none. The job of a URL fetches a page, that of one of the
    `addresses` those of the sources that `sources.toml` has for it, and of those with fewer than two what one of the
    `web_searches` finds: `pages` is what all fetch, about.

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
    addresses: int = 0
    web_searches: int = 0
    pages: int = 0

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors show: JSON types only."""
        return {
            "targets": self.targets,
            "jobs": self.jobs,
            "duplicates": self.duplicates,
            "addresses": self.addresses,
            "pages": self.pages,
            "model": self.model,
            "model_calls": self.model_calls,
            "web_searches": self.web_searches,
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
        places = f" {self.addresses:,} are addresses: about {self.pages:,} pages in all." if self.addresses else ""
        searches = f" and about {self.web_searches:,} web searches" if self.web_searches else ""
        return (
            f"{self.targets:,} targets: {self.jobs:,} jobs, {self.duplicates:,} duplicates.{places} "
            f"About {self.model_calls:,} calls of {self.model}{searches}, {self.tokens:,} tokens, {cost}. "
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

    Raises `InvalidTargetError` and `StoreError`, and for addresses `ConfigurationError` if `sources.toml` is no good.
    """
    new = new_targets(database, targets, fresh_days=settings.property_fresh_days, refresh=refresh)
    known = experience(database, settings.openai_model)
    ours = known.pages >= _LEAST_PAGES
    basis = known if ours else _TYPICAL
    addresses = [target for target in new if is_address(target)]
    pages_of_addresses, searches = _pages_and_searches(addresses, settings, has_keys=bool(keys.keys))
    # an address is asked about once, however many pages it has
    calls = math.ceil((len(new) - len(addresses)) * basis.calls / basis.pages) + len(addresses) if keys.keys else 0
    price, tier = pricing_of(settings), BATCH_TIER if economy else settings.openai_service_tier or ""
    microusd = price(settings.openai_model, calls * basis.input_tokens, calls * basis.output_tokens, tier)
    # nobody waits a day for what decides which pages are fetched: searches go at the usual price
    search_tier = settings.openai_service_tier or ""
    searching = price(settings.openai_model, searches * _SEARCH_TOKENS, searches * basis.output_tokens, search_tier)
    searching += price(WEB_SEARCH, searches, 0)
    usd = (microusd + searching) / 1_000_000 if microusd or not calls else None
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
        tokens=round(
            calls * (basis.input_tokens + basis.output_tokens) + searches * (_SEARCH_TOKENS + basis.output_tokens)
        ),
        usd=usd,
        minutes=None if model_minutes is None else round(max(model_minutes, host_minutes), 1),
        slowest_host=host if host_minutes and host_minutes >= (model_minutes or 0) else "",
        basis_pages=known.pages if ours else 0,
        economy=economy,
        addresses=len(addresses),
        web_searches=searches,
        pages=len(new) - len(addresses) + pages_of_addresses,
    )


def _pages_and_searches(addresses: Sequence[str], settings: Settings, *, has_keys: bool) -> tuple[int, int]:
    """How many pages are asked about these addresses, and for how many the web is searched."""
    if not addresses:
        return 0, 0
    sources, pages, searches = sources_file(settings).current(), 0, 0
    for address in map(address_of_target, addresses):
        own = len(sources.for_address(state=address.state, city=address.city, postal_code=address.postal_code))
        is_searched = own < _ENOUGH_SOURCES and sources.web_search.is_on and has_keys
        pages += own + (_PAGES_OF_SEARCH if is_searched else 0)
        searches += is_searched
    return pages, searches


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
    """The host with the most pages, and how many. Where addresses lead to is not known before they are looked up."""
    hosts = Counter(host for target in targets if (host := host_of_target(target)))
    return max(hosts.items(), key=lambda found: found[1]) if hosts else ("", 0)
