"""Open the key pool's store: in Redis, shared by all processes, or in this process's memory if there is no Redis."""

from collections.abc import Sequence

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.clock import Clock
from app.errors import ConfigurationError
from app.keypool.keys import ApiKey, load_keys
from app.keypool.pricing import Pricing, make_pricing, parse_prices
from app.keypool.spending import Budget, Cap
from app.keypool.stores.base import Store
from app.keypool.stores.fleet import FleetStore
from app.keypool.stores.memory import MemoryStore
from app.redis.embedded_valkey import redis_url
from app.settings import Settings

#: Timeout for connecting and for each reply: short, to detect an unavailable Redis soon, but enough for a busy machine.
_TIMEOUT_SECONDS = 1.0
#: Maximum number of connections. More threads wait, because a burst of new connections could time out.
_MOST_CONNECTIONS = 32


def open_key_store(keys: Sequence[ApiKey], settings: Settings, clock: Clock) -> Store:
    """Return a store that the caller must close. Raises `ConfigurationError` for an unknown rotation strategy."""
    url = redis_url(settings)
    strategy, budget = settings.openai.key_rotation_strategy, budget_of(settings)
    if url is None:
        return MemoryStore(keys, strategy, clock, budget=budget)
    return FleetStore(keys, strategy, connect_store(url), budget=budget)


def connect_store(url: str) -> redis.Redis:
    """Return a Redis client for the key store. The client reconnects once after a lost connection."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=_MOST_CONNECTIONS,
        timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )
    return redis.Redis.from_pool(pool)


def can_ask_model(settings: Settings) -> bool:
    """Return whether pages are sent to a model: MODEL_USE allows it, and a key is configured now.

    Unusable keys count as none. What uses a key reports them.
    """
    try:
        return settings.reading.model_use != "never" and bool(load_keys(settings).keys)
    except ConfigurationError:
        return False


def budget_of(settings: Settings) -> Budget:
    of = settings.budget
    return Budget(
        day=_cap(of.daily_model_calls, of.daily_tokens, of.daily_usd),
        key_day=_cap(of.key_daily_model_calls, of.key_daily_tokens, of.key_daily_usd),
        batch=_cap(of.batch_model_calls, of.batch_tokens, of.batch_usd),
    )


def pricing_of(settings: Settings) -> Pricing:
    """Return a function that computes the cost of calls from OPENAI_PRICES, or else from the table of list prices.

    Raises `ConfigurationError` for invalid prices, or for a budget in US dollars without a known price of OPENAI_MODEL.
    If there is such a budget, the table is loaded now, else at the function's first call.
    """
    own = parse_prices(settings.openai.prices)
    price = make_pricing(own)
    budget, model = budget_of(settings), settings.openai.model
    in_dollars = any(cap.microusd is not None for cap in (budget.day, budget.key_day, budget.batch))
    if in_dollars and model not in own and not price(model, 1_000, 1_000):
        raise ConfigurationError(
            "OPENAI_PRICES",
            f"no price of {model} is known, so a budget in US dollars could not stop its calls",
            f"Set OPENAI_PRICES={model}=INPUT/OUTPUT, in US dollars per million tokens",
        )
    return price


def _cap(calls: int | None, tokens: int | None, usd: float | None) -> Cap:
    return Cap(calls, tokens, None if usd is None else round(usd * 1_000_000))
