"""What a list of targets would cost before it is enqueued: jobs, pages, model calls, tokens, dollars and minutes.

Judged by what such targets took before, as far as this database tells (`estimate_basis.py`); while that is too little,
addresses by what `sources.toml` has for them, and pages by those that the extractors are tested on. It queues nothing,
fetches nothing and asks no model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any
from urllib.parse import urlsplit

import redis

from app.keypool.figures import Room
from app.keypool.pricing import BATCH_TIER, WEB_SEARCH
from app.property.sources.config import Sources
from app.property.storage.engine import Database
from app.property.storage.forecast import CACHED_DAYS, Took, cached_share, new_targets
from app.property.storage.recipes import StoredRecipes
from app.property.urls.targets import host_of_target, is_address
from app.services.keys.store import pricing_of
from app.services.keys.view import KeyView
from app.services.reports.estimate_basis import LEAST_HISTORY, Basis, BasisFrom, Range, total, total_range
from app.services.reports.estimate_kinds import CACHED_TOKENS, bases_of, known_host, sources_of
from app.services.scraping.sources import sources_file
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Estimate:
    """`jobs` of the `targets` would be new, `duplicates` make none. The job of a URL fetches a page, that of one of the
    `addresses` those of its sources, and what a search finds: `pages` is what all fetch, about.

    `model_calls`, `web_searches`, `tokens` and `usd` are what the model would take (`usd` None: no price of the model
    is known). `cached_share` (0 to 1) of what it reads of pages is priced as cached, as so much of its input was
    lately, or where nothing was counted (`cached_measured` False) as much as every question begins with, from the
    second one on; 0 where that saves nothing. `ranges` has, by these names and "pages", between what each lies nine
    times in ten; None unless all kinds of targets were done before. `bases` says of each kind what it is judged by.

    `minutes` is the least that it takes: the keys' rate, or the pace at which one host is asked, whichever is slower
    (None: no key was used yet, so its limits are unknown); with `economy` it is the pace alone, and the model answers
    within a day. `basis_pages` of our own were looked at for URLs; 0: typical pages.
    """

    targets: int
    jobs: int
    duplicates: int
    model: str
    model_calls: int
    tokens: int
    usd: float | None
    cached_share: float
    cached_measured: bool
    minutes: float | None
    slowest_host: str
    basis_pages: int
    economy: bool
    addresses: int
    web_searches: int
    pages: int
    ranges: dict[str, Range] | None
    bases: tuple[Basis, ...]

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
            "cached_share": self.cached_share,
            "ranges": None if self.ranges is None else {name: list(pair) for name, pair in self.ranges.items()},
            "minutes": self.minutes,
            "slowest_host": self.slowest_host,
            "basis_pages": self.basis_pages,
            "bases": [one.as_json() for one in self.bases],
            "economy": self.economy,
        }

    def sentence(self) -> str:
        """The same in words."""
        time = "unknown until a key has been used" if self.minutes is None else f"at least {self.minutes:g} min"
        host = f", for the pace at {self.slowest_host}" if self.slowest_host else ""
        batch = " The model answers within a day, in batches." if self.economy and self.model_calls else ""
        places = f" {self.addresses:,} are addresses: about {self.pages:,} pages in all." if self.addresses else ""
        searches = f" and about {self.web_searches:,} web searches" if self.web_searches else ""
        return (
            f"{self.targets:,} targets: {self.jobs:,} jobs, {self.duplicates:,} duplicates.{places} "
            f"About {self.model_calls:,} calls of {self.model}{searches}, {self.tokens:,} tokens, {self._cost()}."
            f"{self._ranges()} Time: {time}{host}.{batch}{self._judged()}"
        )

    def _cost(self) -> str:
        if self.usd is None:
            return "of unknown cost (no price is known: OPENAI_PRICES)"
        cost = f"${self.usd:,.2f}" if self.usd >= 0.01 or not self.usd else "under $0.01"
        lately = f"as in the last {CACHED_DAYS} days" if self.cached_measured else "as all prompts begin alike"
        cached = f", with {self.cached_share:.0%} of the input cached {lately}"
        return cost + cached if self.usd and self.cached_share >= 0.01 else cost

    def _ranges(self) -> str:
        if not self.ranges or not self.jobs:
            return ""
        said = [
            f"{low:,.0f} to {high:,.0f} {words}"
            for name, words in (("pages", "pages"), ("model_calls", "calls"))
            for low, high in (self.ranges[name],)
            if low < high
        ]
        low, high = self.ranges.get("usd", (0.0, 0.0))
        said += [f"${low:,.2f} to ${high:,.2f}"] if high - low >= 0.01 else []
        return f" Nine times in ten: {', '.join(said)}." if said else ""

    def _judged(self) -> str:
        said: list[str] = []
        for one in self.bases:
            least, usual, most = one.pages
            if one.basis is BasisFrom.RECIPE:
                sites = "a learned site" if one.hosts == 1 else f"{one.hosts:,} learned sites"
                without = 1 - fmean(took.calls for took in one.samples)
                said.append(f"{one.targets:,} URLs of {sites} by their recipes ({without:.0%} need no model)")
            elif one.sources is None:
                measured = f"URLs by the newest {len(one.samples):,} pages"
                said.append(measured if one.is_measured else "URLs by typical pages: too few are stored")
            elif one.is_measured:
                range_ = f"{usual:g} pages each, {least:g} to {most:g}"
                said.append(f"{one.targets:,} addresses by the last {len(one.samples):,} with these sources ({range_})")
            else:
                asked = f"{least:g} pages each" + (f", up to {most:g} with a search" if most > least else "")
                said.append(f"{one.targets:,} addresses by what sources.toml has for them ({asked})")
        return f" Judged: {'; '.join(said)}." if said else ""


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
    addresses = [target for target in new if is_address(target)]
    sources = sources_file(settings).current() if addresses else Sources()
    shares = _shares(database, settings, new)
    bases = bases_of(database, settings.openai_model, sources, new, has_keys=bool(keys.keys), shares=shares)
    if settings.model_use == "never":
        bases = tuple(replace(one, samples=[_unasked(took) for took in one.samples]) for one in bases)
    measured = cached_share(database, settings.openai_model)
    expected = _alike(total(bases, lambda took: took.calls), total(bases, lambda took: took.input_tokens))
    usd_of, cached, has_price = _usd(settings, expected if measured is None else measured, economy=economy)
    figures: dict[str, Callable[[Took], float]] = {
        "pages": lambda took: took.pages,
        "model_calls": lambda took: took.calls,
        "web_searches": lambda took: took.searches,
        "tokens": _tokens,
        "usd": usd_of,
    }
    totals = {name: total(bases, figure) for name, figure in figures.items()}
    calls = math.ceil(totals["model_calls"])
    if calls and not has_price:
        del totals["usd"]
    ranges = {name: total_range(bases, figures[name]) for name in totals}
    known = {name: _whole(name, pair) for name, pair in ranges.items() if pair is not None}
    host, pages_of_host = _busiest(new, sources)
    # batches have limits of their own, and nobody says when within their day they answer
    rooms = () if economy else _rooms(keys)
    model_minutes = 0.0 if economy else _model_minutes(rooms, settings.openai_model, calls, total(bases, _asked_tokens))
    host_minutes = max(0, pages_of_host - 1) * settings.fetch_min_delay_seconds / 60
    return Estimate(
        targets=len(targets),
        jobs=len(new),
        duplicates=len(targets) - len(new),
        model=settings.openai_model,
        model_calls=calls,
        tokens=round(totals["tokens"]),
        usd=totals.get("usd"),
        cached_share=round(cached, 4),
        cached_measured=measured is not None,
        minutes=None if model_minutes is None else round(max(model_minutes, host_minutes), 1),
        slowest_host=host if host_minutes and host_minutes >= (model_minutes or 0) else "",
        basis_pages=next((len(b.samples) for b in bases if b.sources is None and b.basis is BasisFrom.HISTORY), 0),
        economy=economy,
        addresses=len(addresses),
        web_searches=math.ceil(totals["web_searches"]),
        pages=round(totals["pages"]),
        ranges=known if len(known) == len(totals) and bases else None,
        bases=bases,
    )


def _shares(database: Database, settings: Settings, targets: Sequence[str]) -> dict[str, float]:
    """By hosts that were learned the share of their pages that needs no model."""
    if settings.recipe_use == "off" or settings.model_use == "always":
        return {}
    hosts = {known_host(target) for target in targets if not is_address(target)}
    return StoredRecipes(database).shares(hosts, LEAST_HISTORY)


def _unasked(took: Took) -> Took:
    return replace(took, calls=0, input_tokens=0, output_tokens=0)


def _asked_tokens(took: Took) -> float:
    return took.input_tokens + took.output_tokens


def _tokens(took: Took) -> float:
    return _asked_tokens(took) + took.search_input_tokens + took.search_output_tokens


def _alike(calls: float, tokens: float) -> float:
    """The share of the input that questions have in common with the first one."""
    return min(1.0, max(0.0, calls - 1) * CACHED_TOKENS / tokens) if tokens else 0.0


def _usd(settings: Settings, cached: float, *, economy: bool) -> tuple[Callable[[Took], float], float, bool]:
    """What a target costs in dollars; the share of its input that is priced as cached, which is `cached` or 0 where
    that saves nothing; and whether a price of the model is known. What is not cached yet is taken to be written to the
    cache, for which some models charge.
    """
    price, model = pricing_of(settings), settings.openai_model
    tier = settings.openai_service_tier or ""
    # nobody waits a day for what decides which pages are fetched: searches go at the usual price
    asking = BATCH_TIER if economy else tier
    saves = price(model, 1_000, 0, asking, cached=1_000) < price(model, 1_000, 0, asking)
    share = cached if saves else 0.0

    def usd(took: Took) -> float:
        given, read = took.input_tokens, took.input_tokens * share
        microusd = price(model, given, took.output_tokens, asking, cached=read, written=given - read)
        microusd += price(model, took.search_input_tokens, took.search_output_tokens, tier)
        return (microusd + price(WEB_SEARCH, took.searches, 0)) / 1_000_000

    return usd, share, price(model, 1_000, 1_000) > 0


def _whole(name: str, pair: Range) -> Range:
    """Both ends of a range, rounded outwards; of dollars to hundredths of a cent."""
    step = 10_000 if name == "usd" else 1
    low, high = math.floor(pair[0] * step) / step, math.ceil(pair[1] * step) / step
    return (low, high) if name == "usd" else (int(low), int(high))


def _rooms(keys: KeyView) -> tuple[Room, ...]:
    """The limits that the provider has told; none while no Redis answers."""
    try:
        return keys.recent_report().figures.rooms
    except redis.RedisError:
        return ()


def _model_minutes(rooms: Sequence[Room], model: str, calls: int, tokens: float) -> float | None:
    """How long the limits of all groups together make `calls`, of `tokens` in all, last. None if none is known."""
    if not calls:
        return 0.0
    rate_of: dict[str, float] = {}
    for room in rooms:
        if room.model == model and room.per_minute > 0:
            rate = room.per_minute if room.unit == "requests" else room.per_minute * calls / max(tokens, 1)
            rate_of[room.group] = min(rate, rate_of.get(room.group, math.inf))
    return calls / sum(rate_of.values()) if rate_of else None


def _busiest(targets: Sequence[str], sources: Sources) -> tuple[str, int]:
    """The host with the most pages, and how many: of URLs, and of the sources that addresses have. What a search leads
    to is not known before.
    """
    hosts: Counter[str] = Counter()
    for target in targets:
        if is_address(target):
            hosts.update(urlsplit(one.template.text).hostname or "" for one in sources_of(sources, target))
        else:
            hosts[host_of_target(target) or ""] += 1
    del hosts[""]
    return max(hosts.items(), key=lambda found: found[1]) if hosts else ("", 0)
