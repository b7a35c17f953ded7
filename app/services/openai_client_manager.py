"""The face of the key pool that the specification names: a manager, and the OpenAI clients it hands out.

A worker builds its manager in a signal and installs it; anywhere else the first call builds one from the environment.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import httpx2
import openai

from app.clock import Clock, SystemClock
from app.errors import ConfigurationError
from app.errors.keys import NoKeysError
from app.keypool.keys import ApiKey, KeyChange, compare_keys, load_keys, load_keys_again
from app.keypool.organizations import SharedLimits
from app.keypool.pool import KeyPool
from app.keypool.pricing import Pricing, free_of_charge
from app.keypool.retry_loop import Terms
from app.keypool.snapshots import KeySnapshot
from app.keypool.stores.base import Store
from app.keypool.stores.memory import MemoryStore
from app.keypool.transport import AsyncPooledTransport, PooledTransport
from app.services.keys.reload import KeyReload, KeyReloader
from app.services.keys.store import open_key_store, pricing_of
from app.settings import Settings, load_settings
from app.settings.base_url import checked_base_url

log = logging.getLogger(__name__)

#: Longest wait for a key with room: a task comes back by itself, somebody who calls directly would rather wait.
MAX_WAIT_IN_TASK_SECONDS = 1.5
MAX_WAIT_DIRECT_SECONDS = 30.0
_CONNECT_TIMEOUT_SECONDS = 10.0
#: The SDK asks for a key; the transport replaces it on every request.
_PLACEHOLDER = "the-transport-puts-a-key-here"


class OpenAIClientManager:
    """Many keys as one client. Thread-safe; not to be carried over a fork (build one per process).

    `keys` holds the configured keys in order, secrets wrapped. `inner` replaces the network below the pool (tests),
    `price` says what calls cost.
    """

    def __init__(
        self,
        keys: Sequence[ApiKey],
        *,
        strategy: str = "round_robin",
        base_url: str = "https://api.openai.com/v1",
        max_wait_seconds: float = MAX_WAIT_DIRECT_SECONDS,
        timeout_seconds: float = 120.0,
        proxy: str | None = None,
        clock: Clock | None = None,
        store: Store | None = None,
        inner: httpx2.BaseTransport | None = None,
        price: Pricing = free_of_charge,
    ) -> None:
        self.keys = tuple(keys)
        clock = clock or SystemClock()
        self._pool = KeyPool(self.keys, store or MemoryStore(self.keys, strategy, clock), strategy)
        #: charges and settles batches of requests, and knows what was counted and spent; raises `redis.RedisError`
        self.store: Store = self._pool.store
        self._base_url = base_url
        self._timeout = httpx2.Timeout(timeout_seconds, connect=min(_CONNECT_TIMEOUT_SECONDS, timeout_seconds))
        self._proxy = proxy
        self._terms = Terms(max_wait_seconds, price, base_url, SharedLimits(lambda: self._pool.keys))
        self._reloader: KeyReloader | None = None
        inner = inner or httpx2.HTTPTransport(proxy=proxy, limits=openai.DEFAULT_CONNECTION_LIMITS)
        self._transport = PooledTransport(self._pool, clock, self._terms, inner)
        # trust_env: a proxy from the environment would be mounted in place of the pool
        self._http = httpx2.Client(transport=self._transport, timeout=self._timeout, trust_env=False)
        self._client = openai.OpenAI(
            api_key=_PLACEHOLDER, base_url=base_url, http_client=self._http, max_retries=0, timeout=self._timeout
        )

    def get_client(self) -> openai.OpenAI | None:
        """The pooled client, the same at every call; None without keys. Do not close it: close the manager."""
        return self._client if self.keys else None

    @property
    def base_urls(self) -> frozenset[str]:
        """The servers that the keys belong to."""
        return frozenset(key.base_url or self._base_url for key in self.keys)

    def open_async_client(self, max_retries: int | None = None) -> openai.AsyncOpenAI:
        """A new pooled async client on the same keys and state; close it in the loop that used it.

        Its requests may move on to `max_retries` further keys each; None allows every key. Raises `NoKeysError` without
        keys, `ValueError` for a negative number.
        """
        self._check(max_retries)
        terms = replace(self._terms, further_keys=max_retries, closed=threading.Event())
        inner = httpx2.AsyncHTTPTransport(proxy=self._proxy, limits=openai.DEFAULT_CONNECTION_LIMITS)
        transport = AsyncPooledTransport(self._pool, terms, inner)
        http = httpx2.AsyncClient(transport=transport, timeout=self._timeout, trust_env=False)
        return openai.AsyncOpenAI(
            api_key=_PLACEHOLDER, base_url=self._base_url, http_client=http, max_retries=0, timeout=self._timeout
        )

    def execute_with_retry[T](self, fn: Callable[[openai.OpenAI], T], max_retries: int | None = None) -> T:
        """Run `fn` once with a pooled client; its requests may move on to `max_retries` further keys each.

        None allows every key. The rotation happens below `fn`, request by request, so what it did before is not done
        again. The cap belongs to the client that `fn` is given, in whatever thread it uses it. Raises what the SDK
        raises when no key could help, `NoKeysError` without keys, `ValueError` for a negative number.
        """
        self._check(max_retries)
        if max_retries is None or max_retries >= len(self.keys):
            return fn(self._client)
        http = httpx2.Client(transport=self._transport.capped(max_retries), timeout=self._timeout, trust_env=False)
        return fn(self._client.with_options(http_client=http))  # not closed: its connections are those of all clients

    async def aexecute_with_retry[T](
        self, fn: Callable[[openai.AsyncOpenAI], Awaitable[T]], max_retries: int | None = None
    ) -> T:
        """`execute_with_retry` for `async` code, with a client that is closed at its end: `fn` reads a stream itself.

        For many calls in one loop, keep a client of `open_async_client`: it keeps its connections.
        """
        async with self.open_async_client(max_retries) as client:
            return await fn(client)

    def _check(self, max_retries: int | None) -> None:
        if max_retries is not None and max_retries < 0:
            raise ValueError(f"max_retries must be 0 or more, not {max_retries}")
        if not self.keys:
            raise NoKeysError

    def get_stats(self) -> dict[str, Any]:
        """The `data` of the specification's stats response, keys by their mask."""
        return self._pool.stats()

    def get_snapshots(self) -> tuple[KeySnapshot, ...]:
        """Return each key as it stands, the configured ones in their order, then draining ones."""
        return self._pool.snapshots()

    def replace_keys(self, keys: Sequence[ApiKey]) -> None:
        """Use these keys from now on. One that is missing gets no new request; those under way with it finish. Raises
        `NoKeysError` without any: a running pool never forgets all its keys."""
        if not keys:
            raise NoKeysError
        self._pool.replace_keys(keys)
        self.keys = tuple(keys)

    def reload(self, settings: Settings) -> KeyChange:
        """Read the keys of `settings` anew and use them; -> what changed. Strategy and address stay. Raises
        `ConfigurationError` or `NoKeysError` for keys that cannot be used; then the old ones stay in use."""
        found = load_keys_again(settings)
        change = compare_keys(self.keys, found.keys)
        if found.keys != self.keys:  # also when only a group has changed
            self.replace_keys(found.keys)
        return change

    def follow_keys_file(self, settings: Settings) -> None:
        """Read the keys of `settings` again whenever their file has changed, until this manager is closed. For a
        process without its own reloader (workers and the web server have one). Without a file it does nothing."""
        if settings.openai.api_keys_file is not None and self._reloader is None:
            self._reloader = KeyReloader(reload_of(self, settings))
            self._reloader.start()

    def warm_up(self, model: str) -> None:
        """Look up what `model` costs: the first look-up loads the table of prices, for which no request should wait."""
        if self.keys:
            self._terms.price(model, 0, 0)

    def close(self) -> None:
        """Close the connections, and report to the fleet what is still to be reported. Safe to call again."""
        if self._reloader is not None:
            self._reloader.stop()
        try:
            self._http.close()
        finally:
            self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OpenAIClientManager({len(self.keys)} keys, {self._pool.strategy})"


def reload_of(manager: OpenAIClientManager, settings: Settings, **options: Any) -> KeyReload:
    """The `KeyReload` of a manager that was built from `settings`; `options` as there."""

    def apply(fresh: Settings) -> str:
        change = manager.reload(fresh)
        return f"OpenAI keys reloaded: {change}" if change else ""

    return KeyReload(settings, apply, **options)


def build_manager(settings: Settings, clock: Clock | None = None, *, in_task: bool = False) -> OpenAIClientManager:
    """A manager for the configured keys; without any it has no client, and says so once in the log.

    Its state is shared by the fleet if a Redis is in use. `in_task` chooses the shorter default for
    OPENAI_MAX_WAIT_SECONDS. Raises `ConfigurationError`.
    """
    found = load_keys(settings)
    for remark in found.remarks():
        log.warning("%s.", remark)
    if not found.keys:
        log.warning("%s Fields that only a model can read stay empty.", NoKeysError())
    clock = clock or SystemClock()
    default = MAX_WAIT_IN_TASK_SECONDS if in_task else MAX_WAIT_DIRECT_SECONDS
    wait = settings.openai.max_wait_seconds
    try:
        return OpenAIClientManager(
            found.keys,
            strategy=settings.openai.key_rotation_strategy,
            base_url=checked_base_url(settings.openai.base_url, "OPENAI_BASE_URL", settings),
            max_wait_seconds=default if wait is None else wait,
            timeout_seconds=settings.openai.timeout_seconds,
            proxy=settings.openai.proxy.get_secret_value() if settings.openai.proxy else None,
            clock=clock,
            store=open_key_store(found.keys, settings, clock),
            price=pricing_of(settings),
        )
    except (ValueError, httpx2.InvalidURL) as exc:
        raise ConfigurationError(
            "OPENAI_PROXY", f"is not the URL of a proxy ({type(exc).__name__})", "Correct it"
        ) from None


class _Installed:
    """The manager of this process. A fork inherits the object, not the right to use it: `pid` tells them apart."""

    manager: OpenAIClientManager | None = None
    pid: int | None = None
    building = threading.Lock()


os.register_at_fork(after_in_child=lambda: setattr(_Installed, "building", threading.Lock()))


def install_manager(manager: OpenAIClientManager | None) -> None:
    """Make `manager` the one that `get_openai_client_manager` returns in this process; None forgets it."""
    _Installed.manager, _Installed.pid = manager, os.getpid()


def get_openai_client_manager() -> OpenAIClientManager:
    """This process' manager: the one its worker installed, else one built from the environment at the first call.

    The latter follows OPENAI_API_KEYS_FILE until it is closed, as a script may run for days.
    Raises `ConfigurationError` for settings that cannot be used.
    """
    with _Installed.building:
        manager = _Installed.manager
        if manager is None or _Installed.pid != os.getpid():
            settings = load_settings()
            manager = build_manager(settings)
            manager.follow_keys_file(settings)
            install_manager(manager)
        return manager


def get_openai_client() -> openai.OpenAI | None:
    """The pooled client of this process, None if no key is configured."""
    return get_openai_client_manager().get_client()
