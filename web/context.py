"""What the routes work with, opened on first need: settings, token verifier, stores and Celery app.

A database that is down when the door starts is no reason to stay away: the next request tries again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated

import redis
from celery import Celery
from fastapi import Depends, Request

from app.access.page_sessions import PageSessions
from app.access.rate_limits import RateLimits
from app.access.tokens import Caller, TokenVerifier, build_verifier
from app.clock import Clock, SystemClock
from app.deadline import TimeLimited
from app.keypool.keys import load_keys_again
from app.property.storage.jobs.figures import JobFigures, read_job_figures
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.usage import Requester
from app.property.storage.keys.alerts import AlertStore
from app.property.storage.keys.history import KeyHistoryStore
from app.redis.embedded_valkey import broker_url, connect
from app.services.keys.reload import KeyReload, KeyReloader
from app.services.keys.store import connect_store
from app.services.keys.view import KeyReport, KeyView
from app.services.reports.key_report.report import newest_report
from app.services.reports.metrics.exposition import Exposition
from app.services.reports.metrics.samples import HealthFigures
from app.services.reports.metrics.shared_counts import Flusher, make_flusher, read_counts
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from tasks._celery.config import ALL_QUEUES
from tasks._celery.publish import waiting_messages
from tasks._celery.submission import make_sender

#: the longest that readiness waits for each of database and broker
_PROBE_SECONDS = 2.0


class Context:
    """One per app. Thread-safe; every part is made once, one that could not be made is tried again when asked for."""

    def __init__(self, load: Callable[[], Settings], clock: Clock | None) -> None:
        self._load, self._clock = load, clock
        self._lock = threading.RLock()
        self._opening = threading.Lock()  # a database that hangs holds up nobody who needs none
        self._settings: Settings | None = None
        self._verifier: TokenVerifier | None = None
        self._rate_limits: RateLimits | None = None
        self._page_sessions: PageSessions | None = None
        self._stores: Stores | None = None
        self._celery: Celery | None = None
        self._keys: KeyView | None = None
        self._counts: redis.Redis | None = None
        #: one scrape is answered at a time, and waits for no thread of the routes either
        self.scrape_threads = ThreadPoolExecutor(1, "scrape")
        self.exposition = Exposition(
            masks=lambda: {key.key_id: key.mask for key in self.keys.keys},
            totals=self.shared_counts,
            keys=self._report_keys,
            jobs=self._job_figures,
            messages=self._waiting_messages,
            health=self._health_figures,
            reported=self._reported_at,
        )
        #: readiness waits for no thread of the routes, which may all be waiting for the database
        self.probe_threads = ThreadPoolExecutor(4, "readiness")
        #: by name, what must answer before jobs can be taken; each raises `PropertyIntelligenceError` within seconds
        self.probes: Mapping[str, Callable[[], None]] = {
            "database": TimeLimited(self._ping_database, "the database", _PROBE_SECONDS),
            "broker": TimeLimited(self._ping_broker, "the broker", _PROBE_SECONDS + 1),
        }

    @property
    def settings(self) -> Settings:
        """Raises `ConfigurationError` for a variable that cannot be used."""
        with self._lock:
            if self._settings is None:
                self._settings = self._load()
            return self._settings

    @property
    def verifier(self) -> TokenVerifier:
        """Raises `ConfigurationError` if no way to check tokens is configured."""
        with self._lock:
            if self._verifier is None:
                self._verifier = build_verifier(self.settings, self._clock or SystemClock())
            return self._verifier

    @property
    def rate_limits(self) -> RateLimits:
        """Connects to nothing before somebody is counted."""
        with self._lock:
            if self._rate_limits is None:
                self._rate_limits = RateLimits(self.settings, self._clock or SystemClock())
            return self._rate_limits

    @property
    def page_sessions(self) -> PageSessions:
        """Connects to nothing before somebody signs in."""
        with self._lock:
            if self._page_sessions is None:
                self._page_sessions = PageSessions(self.settings, self._clock or SystemClock())
            return self._page_sessions

    @property
    def stores(self) -> Stores:
        """Jobs and properties. Raises `StoreError` while the database cannot be used."""
        settings = self.settings
        with self._opening:
            if self._stores is None:
                self._stores = open_stores(settings, self._clock)
            return self._stores

    def requester(self, caller: Caller, key: RequestKey | None = None) -> Requester:
        """Return who is charged for what `caller` asks."""
        return Requester(caller.id, self.settings.web.api_daily_targets_per_caller, key)

    @property
    def celery(self) -> Celery:
        """The app that sends jobs. Connects to nothing before something is sent."""
        with self._lock:
            if self._celery is None:
                self._celery = make_sender(self.settings)
            return self._celery

    @property
    def keys(self) -> KeyView:
        """The keys as the fleet uses them, until they are read again. Raises `ConfigurationError`."""
        with self._lock:
            if self._keys is None:
                self._keys = KeyView(self.settings, self._clock)
            return self._keys

    def shared_counts(self) -> dict[str, float]:
        """Return the counters of all processes by series (`metrics/shared_counts.py`). Raises `redis.RedisError`."""
        with self._lock:
            if self._counts is None:
                self._counts = connect_store(broker_url(self.settings))
            counts = self._counts
        return read_counts(counts)

    def _report_keys(self) -> KeyReport:
        return self.keys.report()

    def _job_figures(self) -> JobFigures:
        return read_job_figures(self.stores.database)

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
        self._ping_broker()  # which says at once that it is away; Celery would try again
        return waiting_messages(self.celery, ALL_QUEUES)

    def report_counts(self) -> Flusher:
        """What brings the counts of this process to the fleet's; the caller starts and stops it."""
        return make_flusher(self.settings)

    def _ping_database(self) -> None:
        self.stores.ping()

    def _ping_broker(self) -> None:
        connect(self.settings, within_seconds=_PROBE_SECONDS).close()

    def key_reloader(self) -> KeyReloader:
        """What reads the keys anew at SIGHUP, the mark or a change of their file; the caller starts and stops it."""
        return KeyReloader(KeyReload(self.settings, self._use_keys, load=self._load))

    def _use_keys(self, fresh: Settings) -> str:
        """Put settings and the view that is made of them to use together, or leave both as they are."""
        found = load_keys_again(fresh)
        with self._lock:
            view = self._keys
            if view is not None and view.keys == found.keys:
                self._settings = fresh
                return ""
            # of the keys that were just checked: their file may have changed again since
            self._keys, self._settings = KeyView(fresh, self._clock, found.keys), fresh
        if view is not None:
            view.close()  # a question that is under way opens a connection of its own
        return f"{len(found.keys)} OpenAI keys read again"

    def close(self) -> None:
        """Close what was opened. May be called again."""
        self.probe_threads.shutdown(wait=False)
        self.scrape_threads.shutdown(wait=False)
        with self._opening:
            stores, self._stores = self._stores, None
        with self._lock:
            celery, self._celery = self._celery, None
            keys, self._keys = self._keys, None
            counts, self._counts = self._counts, None
            limits, self._rate_limits = self._rate_limits, None
            sessions, self._page_sessions = self._page_sessions, None
        if stores is not None:
            stores.close()
        if celery is not None:
            celery.close()
        for opened in (keys, counts, limits, sessions):
            if opened is not None:
                opened.close()


def context_of(request: Request) -> Context:
    """The context of the app that serves `request`."""
    context: Context = request.app.state.context
    return context


#: What a route asks for to work with.
ContextOf = Annotated[Context, Depends(context_of)]
