"""Estimate the cost of targets before they are enqueued, from the cost of recent jobs."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import redis

from app.keypool.figures import Capacity
from app.keypool.pricing import BATCH_TIER, WEB_SEARCH
from app.plurals import counted
from app.property.sources.config import ENOUGH_SOURCES
from app.property.storage.database import Database
from app.property.storage.jobs.enqueue import new_targets
from app.property.storage.jobs.figures import RECENT_DAYS, RecentWork, read_recent_work
from app.property.urls.targets import host_of_target, is_address
from app.services.keys.store import pricing_of
from app.services.keys.view import KeyView
from app.services.reports.address_plan import AddressPlan, plan_addresses
from app.settings import Settings

#: Minimum number of recent jobs of a kind (URLs or addresses). If there are fewer, typical figures are used.
LEAST_JOBS = 20


class _Cost(NamedTuple):
    """`cached_tokens` are the input tokens that the provider had in its cache."""

    pages: float = 1
    calls: float = 0
    input_tokens: float = 0
    cached_tokens: float = 0
    output_tokens: float = 0
    searches: float = 0
    search_tokens: float = 0


#: Averages over labeled pages of real sites: a prompt has 3,413 tokens, of which OpenAI caches the first 1,024, and a
#: full answer has 284 tokens. OpenAI bills the content of a web search as 8,000 tokens
#: (https://developers.openai.com/api/docs/pricing, "Web search"; 2026-11).
_TYPICAL_URL = _Cost(1, 1, 3_413, 1_024, 284)
_SEARCH_TOKENS = 8_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated cost of `targets` targets, of which `jobs` need a new job. The others are `duplicates`.

    Of the jobs, `without_source` would fail, because nothing can be asked about their addresses. `problem` says why and
    what to do (None: nothing is known to fail).

    `model_calls` includes web searches. `usd` is None if the model's price is unknown. `minutes` is a lower bound, or
    None while the keys' limits are unknown. `recent_jobs` maps "urls" and "addresses" to the number of recent jobs on
    which the estimate is based. A 0 means that typical figures are used.
    """

    targets: int
    jobs: int
    duplicates: int
    pages: int
    model: str
    model_calls: int
    tokens: int
    usd: float | None
    minutes: float | None
    recent_jobs: dict[str, int]
    economy: bool
    without_source: int = 0
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def sentence(self) -> str:
        cost = "of unknown cost (set OPENAI_PRICES)"
        if self.usd is not None:
            cost = f"${self.usd:,.2f}" if self.usd >= 0.01 or not self.usd else "under $0.01"
        time = "unknown until a key has been used" if self.minutes is None else f"at least {self.minutes:g} min"
        batch = " The model answers within a day, in batches." if self.economy and self.model_calls else ""
        basis = "".join(
            f" {'URLs' if kind == 'urls' else 'Addresses'}: "
            + (
                f"like {counted(n, 'job')} of the last {RECENT_DAYS} days."
                if n
                else "typical figures, for lack of recent jobs."
            )
            for kind, n in self.recent_jobs.items()
        )
        return (
            f"{counted(self.targets, 'target')}: {counted(self.jobs, 'job')}, {counted(self.duplicates, 'duplicate')}. "
            f"About {counted(self.pages, 'page')}, {counted(self.model_calls, 'call')} of {self.model}, "
            f"{counted(self.tokens, 'token')}, {cost}. "
            f"Time: {time}.{batch}{basis}" + (f" {self.problem}" if self.problem else "")
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
    """Estimate the cost of enqueuing `targets`. If `economy`, model calls have batch prices.

    Raises `InvalidTargetError` for an invalid target, and errors of the database.
    """
    can_ask, fresh_days = settings.reading.model_use != "never" and bool(keys.keys), settings.jobs.property_fresh_days
    new = new_targets(database, targets, fresh_days=fresh_days, refresh=refresh, can_ask=can_ask)
    addresses = [target for target in new if is_address(target)]
    plan = plan_addresses(settings, addresses, has_keys=bool(keys.keys))
    work, recent_jobs, total = read_recent_work(database), dict[str, int](), _Cost(pages=0)
    for kind, count in (("urls", len(new) - len(addresses)), ("addresses", len(addresses))):
        if not count:
            continue
        cost, recent_jobs[kind] = _cost_of(kind, work)
        if not can_ask:
            cost = _Cost(searches=cost.searches, search_tokens=cost.search_tokens)
        costs = _costs_of_addresses(cost, plan) if kind == "addresses" else {cost: count}
        for one, times in costs.items():
            total = _Cost(*(so_far + times * figure for so_far, figure in zip(total, one, strict=True)))
    calls, model = math.ceil(total.calls + total.searches), settings.openai.model
    tokens = total.input_tokens + total.output_tokens + total.search_tokens
    try:
        capacities = () if economy else keys.recent_report().figures.capacities
    except redis.RedisError:
        capacities = ()
    # rate limits do not apply to batches, which OpenAI answers within a day
    minutes = 0.0 if economy else _model_minutes(capacities, model, calls, tokens)
    most = max((Counter(filter(None, map(host_of_target, new))) + plan.hosts).values(), default=1)
    host_minutes = (most - 1) * settings.fetch.min_delay_seconds / 60
    return Estimate(
        targets=len(targets),
        jobs=len(new),
        duplicates=len(targets) - len(new),
        pages=round(total.pages),
        model=model,
        model_calls=calls,
        tokens=round(tokens),
        usd=_usd(settings, total, economy=economy),
        minutes=None if minutes is None else round(max(minutes, host_minutes), 1),
        recent_jobs=recent_jobs,
        economy=economy,
        without_source=len(plan.failing),
        problem=plan.problem,
    )


def _costs_of_addresses(cost: _Cost, plan: AddressPlan) -> Counter[_Cost]:
    """Return the costs of the addresses of `plan`, and how many cost as much. `cost` is that of an average address.

    The web is searched if an address has too few sources. Otherwise, recent jobs show how often their pages were too
    few. A search is assumed to add the missing pages.
    """
    costs = Counter[_Cost]()
    for target, pages in plan.pages.items():
        if target in plan.failing:
            continue
        one = cost._replace(pages=pages)
        if plan.why_no_search is not None:
            one = one._replace(searches=0, search_tokens=0)
        elif pages < ENOUGH_SOURCES:
            tokens = cost.search_tokens / cost.searches if cost.searches else _SEARCH_TOKENS
            one = one._replace(pages=ENOUGH_SOURCES, searches=1, search_tokens=tokens)
        costs[one] += 1
    return costs


def _cost_of(kind: str, work: RecentWork) -> tuple[_Cost, int]:
    """Return the average cost of a job, and the number of recent jobs on which it is based (0: typical figures). The
    pages of an address are not known here (`plan_addresses`).

    Model calls are not counted separately for URLs and addresses, so the average over all jobs is used for both.
    """
    jobs = work.addresses if kind == "addresses" else work.urls
    if jobs < LEAST_JOBS or not work.calls:
        return _TYPICAL_URL, 0
    model = (work.calls, work.input_tokens, work.cached_tokens, work.output_tokens)
    calls, given, cached, made = (figure / (work.urls + work.addresses) for figure in model)
    if kind == "urls":
        return _Cost(1, calls, given, cached, made), jobs
    of_address = (figure / jobs for figure in (work.searches, work.search_tokens))
    return _Cost(1, calls, given, cached, made, *of_address), jobs


def _usd(settings: Settings, total: _Cost, *, economy: bool) -> float | None:
    """Return the price in US dollars, or None if the model's price is unknown.

    Uncached input is assumed to be written to the cache, for which some models charge. Web searches have no
    batch prices.
    """
    price, model, tier = pricing_of(settings), settings.openai.model, settings.openai.service_tier or ""
    if total.calls + total.searches and not price(model, 1_000, 1_000):
        return None
    given, cached = total.input_tokens, total.cached_tokens
    asking = BATCH_TIER if economy else tier
    microusd = price(model, given, total.output_tokens, asking, cached=cached, written=given - cached)
    microusd += price(model, total.search_tokens, 0, tier) + price(WEB_SEARCH, total.searches, 0)
    return microusd / 1_000_000


def _model_minutes(capacities: Sequence[Capacity], model: str, calls: int, tokens: float) -> float | None:
    if not calls:
        return 0.0
    rate_of: dict[str, float] = {}
    for capacity in capacities:
        if capacity.model == model and capacity.per_minute > 0:
            rate = capacity.per_minute if capacity.unit == "requests" else capacity.per_minute * calls / max(tokens, 1)
            rate_of[capacity.group] = min(rate, rate_of.get(capacity.group, math.inf))
    return calls / sum(rate_of.values()) if rate_of else None
