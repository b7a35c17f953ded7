"""The key pool's interface, which the specification defines: a manager that provides OpenAI clients.

A worker calls `install_manager` when it starts. In other processes, the first call of `get_openai_client_manager`
builds a manager from the environment.
"""

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
from app.keypool.attempts import DEFAULT_LIMITS, AnswerLimits, AsyncBoundedTransport, BoundedTransport
from app.keypool.keys import ApiKey, KeyChange, KeySet, compare_keys, load_keys, load_keys_again
from app.keypool.organizations import SharedLimits
from app.keypool.pool import KeyPool
from app.keypool.pricing import Pricing, free_of_charge
from app.keypool.retry_loop import Terms
from app.keypool.snapshots import KeySnapshot
from app.keypool.stores.base import Store
from app.keypool.stores.memory import MemoryStore
from app.keypool.transport import AsyncPooledTransport, PooledTransport
from app.plurals import counted
from app.services.keys.reload import KeyReload, KeyReloader
from app.services.keys.store import open_key_store, pricing_of
from app.settings import Settings, load_settings
from app.settings.base_url import checked_base_url

log = logging.getLogger(__name__)

#: Defaults for how long a request waits for a key with capacity. Tasks wait less, because they are retried.
MAX_WAIT_IN_TASK_SECONDS = 1.5
MAX_WAIT_DIRECT_SECONDS = 30.0
_CONNECT_TIMEOUT_SECONDS = 10.0
#: The SDK requires a key. The transport replaces this placeholder by a key in every request.
_PLACEHOLDER = "the-transport-puts-a-key-here"


class OpenAIClientManager:
    """Uses many keys as if they were one OpenAI client. Thread-safe, but not fork-safe: build one manager per process.

    `inner` sends the requests. `price` computes costs.
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
        limits: AnswerLimits = DEFAULT_LIMITS,
    ) -> None:
        self.keys = tuple(keys)
        clock = clock or SystemClock()
        self._pool = KeyPool(self.keys, store or MemoryStore(self.keys, strategy, clock), strategy)
        #: Methods of the store may raise `redis.RedisError`.
        self.store: Store = self._pool.store
        self._base_url = base_url
        self._timeout = httpx2.Timeout(timeout_seconds, connect=min(_CONNECT_TIMEOUT_SECONDS, timeout_seconds))
        self._proxy = proxy
        self._terms = Terms(max_wait_seconds, price, base_url, SharedLimits(lambda: self._pool.keys), limits=limits)
        self._reloader: KeyReloader | None = None
        inner = inner or BoundedTransport(proxy=proxy, limits=openai.DEFAULT_CONNECTION_LIMITS)
        self._transport = PooledTransport(self._pool, clock, self._terms, inner)
        # a proxy from the environment would replace the pool's transport
        self._http = httpx2.Client(transport=self._transport, timeout=self._timeout, trust_env=False)
        self._client = openai.OpenAI(
            api_key=_PLACEHOLDER, base_url=base_url, http_client=self._http, max_retries=0, timeout=self._timeout
        )

    def get_client(self) -> openai.OpenAI | None:
        """Return the pooled client, or None if no key is configured. The caller must not close it."""
        return self._client if self.keys else None

    @property
    def base_urls(self) -> frozenset[str]:
        """Keys without their own URL use the manager's base URL."""
        return frozenset(key.base_url or self._base_url for key in self.keys)

    def open_async_client(self, max_retries: int | None = None) -> openai.AsyncOpenAI:
        """Return a new async client that uses the same keys. The caller must close it in the event loop that used it.

        Each request may try up to `max_retries` further keys, or all keys if None. Raises `NoKeysError` if no key is
        configured, and `ValueError` if `max_retries` is negative.
        """
        self._check(max_retries)
        terms = replace(self._terms, further_keys=max_retries, closed=threading.Event())
        inner = AsyncBoundedTransport(proxy=self._proxy, limits=openai.DEFAULT_CONNECTION_LIMITS)
        transport = AsyncPooledTransport(self._pool, terms, inner)
        http = httpx2.AsyncClient(transport=transport, timeout=self._timeout, trust_env=False)
        return openai.AsyncOpenAI(
            api_key=_PLACEHOLDER, base_url=self._base_url, http_client=http, max_retries=0, timeout=self._timeout
        )

    def execute_with_retry[T](self, fn: Callable[[openai.OpenAI], T], max_retries: int | None = None) -> T:
        """Run `fn` once with a pooled client, whose requests may each try up to `max_retries` further keys.

        If `max_retries` is None, they may try all keys. `fn` is not repeated, because the client itself retries failed
        requests with other keys. Raises the SDK's error if no key could answer a request, `NoKeysError` if no key is
        configured, and `ValueError` if `max_retries` is negative.
        """
        self._check(max_retries)
        if max_retries is None or max_retries >= len(self.keys):
            return fn(self._client)
        http = httpx2.Client(transport=self._transport.capped(max_retries), timeout=self._timeout, trust_env=False)
        # do not close `http`, because all clients share its connections
        return fn(self._client.with_options(http_client=http))

    async def aexecute_with_retry[T](
        self, fn: Callable[[openai.AsyncOpenAI], Awaitable[T]], max_retries: int | None = None
    ) -> T:
        """Run the async function `fn` like `execute_with_retry` with a new client, and then close the client.

        For many calls in one event loop, use one client from `open_async_client`, which keeps its connections.
        """
        async with self.open_async_client(max_retries) as client:
            return await fn(client)

    def _check(self, max_retries: int | None) -> None:
        if max_retries is not None and max_retries < 0:
            raise ValueError(f"max_retries must be 0 or more, not {max_retries}")
        if not self.keys:
            raise NoKeysError

    def get_stats(self) -> dict[str, Any]:
        """Return the `data` of the stats response that the specification defines. All keys in it are masked."""
        return self._pool.stats()

    def get_snapshots(self) -> tuple[KeySnapshot, ...]:
        return self._pool.snapshots()

    def replace_keys(self, keys: Sequence[ApiKey]) -> None:
        """Use these keys from now on. Removed keys get no new requests, but their open requests finish.

        Raises `NoKeysError` for an empty list.
        """
        if not keys:
            raise NoKeysError
        self._pool.replace_keys(keys)
        self.keys = tuple(keys)

    def reload(self, settings: Settings) -> KeyChange:
        """Load and use the keys of `settings`, and return the changes. The strategy and the base URL are not changed.

        Raises `ConfigurationError` or `NoKeysError` if the new keys are unusable. In that case, the old keys stay in
        use.
        """
        found = load_keys_again(settings)
        change = compare_keys(self.keys, found.keys)
        if found.keys != self.keys:  # only a key's group or position may have changed, which `change` omits
            self.replace_keys(found.keys)
        return change

    def follow_keys_file(self, settings: Settings) -> None:
        """Reload the keys of `settings` whenever their file changes, until this manager is closed.

        Do nothing if OPENAI_API_KEYS_FILE is not set. Workers and the web server use their own `KeyReload` instead.
        """
        if settings.openai.api_keys_file is not None and self._reloader is None:
            self._reloader = KeyReloader(reload_of(self, settings))
            self._reloader.start()

    def warm_up(self, model: str) -> None:
        """Load the price table, so that the first request is not delayed."""
        if self.keys:
            self._terms.price(model, 0, 0)

    def close(self) -> None:
        """Report outstanding outcomes of requests to the store, and close all connections. Safe to call again."""
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
        return f"OpenAIClientManager({counted(len(self.keys), 'key')}, {self._pool.strategy})"


def reload_of(manager: OpenAIClientManager, settings: Settings, **options: Any) -> KeyReload:
    def apply(fresh: Settings) -> str:
        change = manager.reload(fresh)
        return f"OpenAI keys reloaded: {change}" if change else ""

    return KeyReload(settings, apply, **options)


def build_manager(settings: Settings, clock: Clock | None = None, *, in_task: bool = False) -> OpenAIClientManager:
    """Return a manager for the configured keys. Without keys, the manager has no client.

    With Redis or the embedded Valkey, all processes share the state of the keys. `in_task` selects the shorter default
    of OPENAI_MAX_WAIT_SECONDS, and turns off warnings about the keys, which the worker logs at its start. Raises
    `ConfigurationError` for unusable settings.
    """
    found = load_keys(settings)
    if not in_task:
        log_key_warnings(found)
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
            limits=AnswerLimits(
                round(settings.openai.max_answer_megabytes * 1_000_000),
                round(settings.openai.max_file_megabytes * 1_000_000),
                settings.openai.max_stream_seconds,
            ),
        )
    except (ValueError, httpx2.InvalidURL) as exc:
        raise ConfigurationError(
            "OPENAI_PROXY", f"is not the URL of a proxy ({type(exc).__name__})", "Correct it"
        ) from None


def log_key_warnings(found: KeySet) -> None:
    for remark in found.remarks():
        log.warning("%s.", remark)
    if not found.keys:
        log.warning("%s Fields that only a model can read stay empty.", NoKeysError())


class _Installed:
    """The installed manager and its process id. A forked child process does not use it."""

    manager: OpenAIClientManager | None = None
    pid: int | None = None
    building = threading.Lock()


os.register_at_fork(after_in_child=lambda: setattr(_Installed, "building", threading.Lock()))


def install_manager(manager: OpenAIClientManager | None) -> None:
    """Make `get_openai_client_manager` return `manager` in this process. None removes the manager."""
    _Installed.manager, _Installed.pid = manager, os.getpid()


def get_openai_client_manager() -> OpenAIClientManager:
    """Return this process's manager. If none is installed, build one from the environment and install it.

    This manager reloads its keys when OPENAI_API_KEYS_FILE changes. Raises the errors of `build_manager`.
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
    """Return this process's pooled client, or None if no key is configured."""
    return get_openai_client_manager().get_client()
