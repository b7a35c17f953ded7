"""Render the metrics of all processes for Prometheus. The result is cached for a second per output format.

All web processes return the same metrics, because the counters are shared. While a source is unavailable, its metrics
have no samples.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from importlib.metadata import version
from typing import Any

import redis
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app.deadline import TimeLimited
from app.errors import NoAnswerError, PropertyIntelligenceError
from app.property.storage.jobs.figures import JobFigures
from app.services.keys.view import KeyReport
from app.services.reports.metrics.instruments import COUNTED, SPECS
from app.services.reports.metrics.samples import HealthFigures, health_samples, job_samples, pool_samples
from app.services.reports.metrics.shared_counts import families
from app.services.runtime.ttl_cache import TtlCache

log = logging.getLogger(__name__)

#: Time limit of each source. Prometheus waits ten seconds by default.
SOURCE_SECONDS = 2.5
_KEPT_SECONDS = 1.0
#: For this time after `_KEPT_SECONDS`, scrapes get the cached metrics while new ones are collected.
_GRACE_SECONDS = 2.0
#: How long the database's figures are cached, because counting a million jobs takes half a second.
_DATABASE_KEPT_SECONDS = 10.0
#: If the database does not reply in time, cached figures up to this age are used.
_DATABASE_STALE_SECONDS = 60.0

_FORMATS = choose_encoder("text/plain"), choose_encoder("application/openmetrics-text")
TEXT, OPENMETRICS = (kind for _, kind in _FORMATS)


class Exposition(Collector):
    """Collects and renders the metrics. Thread-safe.

    Each argument except `masks` is a source. A source is called in its own thread, and may raise `redis.RedisError` and
    errors of `app.errors`. `masks` returns the masks of the configured keys by key id. `reported` returns the time of
    the newest key report, or None.
    """

    def __init__(
        self,
        *,
        masks: Callable[[], Mapping[str, str]],
        totals: Callable[[], Mapping[str, float]],
        keys: Callable[[], KeyReport],
        jobs: Callable[[], JobFigures],
        messages: Callable[[], Mapping[str, int]],
        health: Callable[[], HealthFigures],
        reported: Callable[[], datetime | None],
    ) -> None:
        self._masks = masks
        self._totals = _Source("redis", totals)
        self._keys = _Source("redis", keys)
        self._jobs = _database(jobs)
        self._messages = _Source("broker", messages)
        self._health = _database(health)
        self._reported = _Source("redis", reported)
        self._collecting = threading.Lock()  # the two formats may be rendered concurrently
        self._rendered = {
            kind: TtlCache(partial(encode, self), _KEPT_SECONDS, grace_seconds=_GRACE_SECONDS)
            for encode, kind in _FORMATS
        }

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the response body for an `Accept` header, and its content type (`TEXT` or `OPENMETRICS`)."""
        _, wanted = choose_encoder(accept)
        kind = OPENMETRICS if wanted.partition(";")[0] == OPENMETRICS.partition(";")[0] else TEXT
        return self._rendered[kind](), kind

    def collect(self) -> list[Metric]:
        """Return all metric families for Prometheus' library."""
        with self._collecting:
            sources: list[_Source[Any]] = [self._totals, self._keys, self._jobs, self._messages]
            sources += [self._health, self._reported]
            for source in sources:  # begin all before waiting, so that they run concurrently
                source.begin()
            totals, report = self._totals.answer(), self._keys.answer()
            jobs, messages = self._jobs.answer(), self._messages.answer()
            health, reported_at = self._health.answer(), self._reported.answer()
            masks: Mapping[str, str] | None = None
            try:
                masks = self._masks()
            except PropertyIntelligenceError as exc:
                log.warning("Metrics without keys: %s", exc)
            up: dict[tuple[str, ...], float] = {}
            for source in sources:
                # `keys` also fails if keys are unusable, which does not mean that Redis is down
                if source is not self._keys or masks is not None:
                    up[(source.name,)] = min(up.get((source.name,), 1.0), float(source.up))
            samples = {
                **pool_samples(len(masks) if masks is not None else None, report),
                **job_samples(jobs, messages),
                **health_samples(health, report.masks if report else masks or {}),
                "key_report_timestamp_seconds": {(): reported_at.timestamp()} if reported_at is not None else {},
                "scrape_source_up": up,
                "build_info": {(version("property-intelligence"),): 1.0},
            }
            read = [spec.family(samples.get(name)) for name, spec in SPECS.items() if spec not in COUNTED]
            return [*families(COUNTED, totals), *read]


class _Source[T]:
    """A source of figures. `name` is its label in `propintel_scrape_source_up`. `up` is False if its last call failed.

    `instead` returns substitute figures after a timeout.
    """

    def __init__(self, name: str, ask: Callable[[], T], instead: Callable[[], T | None] = lambda: None) -> None:
        self.name = name
        self.up = True
        self._instead = instead
        self._bounded = TimeLimited(ask, f"the {name}", SOURCE_SECONDS)
        self._wait: Callable[[], T] | None = None

    def begin(self) -> None:
        self._wait = self._bounded.begin()

    def answer(self) -> T | None:
        """Return the figures, or None after an error or a timeout. Of consecutive errors, only the first is logged."""
        assert self._wait is not None  # noqa: S101 (`begin` comes first)
        answer, failure = None, None
        try:
            answer = self._wait()
        except (PropertyIntelligenceError, redis.RedisError) as exc:
            answer = self._instead() if isinstance(exc, NoAnswerError) else None
            failure = exc if answer is None else None
        if self.up and failure is not None:
            log.warning("Metrics without the figures of the %s: %s", self.name, type(failure).__name__)
        self.up = failure is None
        return answer


def _database[T](ask: Callable[[], T]) -> _Source[T]:
    kept = TtlCache(ask, _DATABASE_KEPT_SECONDS)
    return _Source("database", kept, lambda: kept.last(_DATABASE_STALE_SECONDS))
