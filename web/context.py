"""The resources that routes share, such as settings, token verifier, stores, and Celery app.

Each is opened on first use, so the server can start while the database is down.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated, Any

from celery import Celery
from fastapi import Depends, Request

from app.access.page_sessions import PageSessions
from app.access.rate_limits import RateLimits
from app.access.tokens import Caller, TokenVerifier, build_verifier
from app.clock import Clock, SystemClock
from app.deadline import TimeLimited
from app.keypool.keys import load_keys_again
from app.plurals import counted
from app.property.storage.jobs.figures import read_job_figures
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.usage import Requester
from app.property.storage.keys.alerts import AlertStore
from app.property.storage.keys.history import KeyHistoryStore
from app.redis.embedded_valkey import broker_url, connect
from app.services.keys.reload import KeyReload, KeyReloader
from app.services.keys.store import connect_store
from app.services.keys.view import KeyView
from app.services.reports.key_report.report import newest_report
from app.services.reports.metrics.exposition import Exposition
from app.services.reports.metrics.samples import HealthFigures
from app.services.reports.metrics.shared_counts import read_counts
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from tasks._celery.config import ALL_QUEUES
from tasks._celery.publish import waiting_messages
from tasks._celery.submission import make_sender

#: The time limit of the readiness check for the database. The check for the broker gets one second more.
_PROBE_SECONDS = 2.0


class Context:
    """The resources of one app, which any thread may use. If a resource cannot be opened, its next use tries again."""

    def __init__(self, load: Callable[[], Settings], clock: Clock | None) -> None:
        self._load, self._clock = load, clock
        self._lock = threading.RLock()
        self._parts: dict[str, Any] = {}
        self._opening = threading.Lock()  # a lock of its own: only requests that need the database wait for it
        self._stores: Stores | None = None
        #: A thread only for rendering metrics, because all threads of the routes may be busy.
        self.scrape_threads = ThreadPoolExecutor(1, "scrape")
        self.exposition = Exposition(
            masks=lambda: {key.key_id: key.mask for key in self.keys.keys},
            totals=self.shared_counts,
            keys=lambda: self.keys.report(),  # noqa: PLW0108 (opened on first use)
            jobs=lambda: read_job_figures(self.stores.database),
            messages=self._waiting_messages,
            health=self._health_figures,
            reported=self._reported_at,
        )
        #: Threads only for readiness checks, because all threads of the routes may be waiting for the database.
        self.probe_threads = ThreadPoolExecutor(4, "readiness")
        #: The readiness checks by name. A failed check raises `PropertyIntelligenceError` within seconds.
        self.probes: Mapping[str, Callable[[], None]] = {
            "database": TimeLimited(lambda: self.stores.ping(), "the database", _PROBE_SECONDS),  # noqa: PLW0108
            "broker": TimeLimited(self._ping_broker, "the broker", _PROBE_SECONDS + 1),
        }

    def _once[T](self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._parts:
                self._parts[name] = make()
            part: T = self._parts[name]
            return part

    def _timed[T](self, name: str, make: Callable[[Settings, Clock], T]) -> T:
        return self._once(name, lambda: make(self.settings, self._clock or SystemClock()))

    @property
    def settings(self) -> Settings:
        """Raises `ConfigurationError` if a variable is invalid."""
        return self._once("settings", self._load)

    @property
    def verifier(self) -> TokenVerifier:
        """Raises `ConfigurationError` if there is no secret or identity provider."""
        return self._timed("verifier", build_verifier)

    @property
    def rate_limits(self) -> RateLimits:
        return self._timed("rate_limits", RateLimits)

    @property
    def page_sessions(self) -> PageSessions:
        return self._timed("page_sessions", PageSessions)

    @property
    def stores(self) -> Stores:
        """Raises `StoreError` while the database is unusable."""
        settings = self.settings
        with self._opening:
            if self._stores is None:
                self._stores = open_stores(settings, self._clock)
            return self._stores

    def requester(self, caller: Caller, key: RequestKey | None = None) -> Requester:
        """Return the caller's ID and daily quota, and the idempotency key, for enqueueing jobs."""
        return Requester(caller.id, self.settings.web.api_daily_targets_per_caller, key)

    @property
    def celery(self) -> Celery:
        return self._once("celery", lambda: make_sender(self.settings))

    @property
    def keys(self) -> KeyView:
        """A key reload replaces this view. Raises `ConfigurationError` for unusable keys."""
        return self._once("keys", lambda: KeyView(self.settings, self._clock))

    def shared_counts(self) -> dict[str, float]:
        """Return the metric counters by series, summed over all processes. Raises `redis.RedisError` if Redis fails."""
        return read_counts(self._once("counts", lambda: connect_store(broker_url(self.settings))))

    def _health_figures(self) -> HealthFigures:
        known = KeyHistoryStore(self.stores.database).known_keys()
        present = (key for key in known if key.removed_at is None)
        first_seen = {key.key_id: key.first_seen_at for key in present}
        firing = [(str(alert.kind), str(alert.severity)) for alert in AlertStore(self.stores.database).firing()]
        return HealthFigures(first_seen, firing)

    def _reported_at(self) -> datetime | None:
        report = newest_report(self.settings)
        return datetime.fromisoformat(report["reported_at"]) if report is not None else None

    def _waiting_messages(self) -> dict[str, int]:
        self._ping_broker()  # raises at once if the broker is unreachable; Celery would retry
        return waiting_messages(self.celery, ALL_QUEUES)

    def _ping_broker(self) -> None:
        connect(self.settings, within_seconds=_PROBE_SECONDS).close()

    def key_reloader(self) -> KeyReloader:
        """Return a thread that reloads the OpenAI keys on request, or when the keys file changes."""
        return KeyReloader(KeyReload(self.settings, self._use_keys, load=self._load))

    def _use_keys(self, fresh: Settings) -> str:
        found = load_keys_again(fresh)
        with self._lock:
            view: KeyView | None = self._parts.get("keys")
            if view is not None and view.keys == found.keys:
                self._parts["settings"] = fresh
                return ""
            # pass the keys loaded above: a second read of the keys file could return other keys
            self._parts |= {"keys": KeyView(fresh, self._clock, found.keys), "settings": fresh}
        if view is not None:
            view.close()  # a request that still uses the old view reconnects
        return f"{counted(len(found.keys), 'OpenAI key')} read again"

    def close(self) -> None:
        self.probe_threads.shutdown(wait=False)
        self.scrape_threads.shutdown(wait=False)
        with self._opening:
            stores, self._stores = self._stores, None
        with self._lock:
            names = ("celery", "keys", "counts", "rate_limits", "page_sessions")
            opened = [self._parts.pop(name) for name in names if name in self._parts]
        for part in [stores, *opened] if stores is not None else opened:
            part.close()


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


ContextOf = Annotated[Context, Depends(context_of)]
