"""What Prometheus is told: everything that the fleet shares, read where it is kept, at most once a second.

Any process of the HTTP door gives the same answer, since none counts for itself. A source that is away takes its
samples with it, not the answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from importlib.metadata import version

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

#: a scraper gives up after ten seconds by default; what is still asked for then is asked for once
SOURCE_SECONDS = 2.5
_KEPT_SECONDS = 1.0
#: in a storm of scrapes nobody waits for the next rendering; one who comes now and then gets no old one
_GRACE_SECONDS = 2.0
#: to count a million jobs takes a database half a second, which is too much for every scrape of every scraper
_DATABASE_KEPT_SECONDS = 10.0
#: one that cannot do it in time has done so by the next scrape
_DATABASE_STALE_SECONDS = 60.0

_FORMATS = choose_encoder("text/plain"), choose_encoder("application/openmetrics-text")
#: the content types that are offered: Prometheus' text format 0.0.4, and OpenMetrics 1.0
TEXT, OPENMETRICS = (kind for _, kind in _FORMATS)


class Exposition(Collector):
    """Thread-safe. `render` may take as long as a source is waited for.

    Each argument asks for figures, in a thread of its own, and may raise `redis.RedisError` and errors of `app.errors`.
    `masks` names the configured keys and is not asked of anybody else; `reported` is when the newest key report was
    made, None if there was none.
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
        self._collecting = threading.Lock()  # the two formats may be asked for at the same time
        self._rendered = {
            kind: TtlCache(partial(encode, self), _KEPT_SECONDS, grace_seconds=_GRACE_SECONDS)
            for encode, kind in _FORMATS
        }

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the answer to a request with this `Accept`, and its content type: `TEXT` or `OPENMETRICS`."""
        _, wanted = choose_encoder(accept)
        kind = OPENMETRICS if wanted.partition(";")[0] == OPENMETRICS.partition(";")[0] else TEXT
        return self._rendered[kind](), kind

    def collect(self) -> list[Metric]:
        """Return every family of `SPECS`; called by the library that renders them."""
        with self._collecting:
            sources = [self._totals, self._keys, self._jobs, self._messages, self._health, self._reported]
            for source in sources:  # all at the same time, so that the slowest alone is waited for
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
                if source is not self._keys or masks is not None:  # keys that cannot be used say nothing about Redis
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
    """One question, its name in `propintel_scrape_source_up`, and whether it was answered the last time. `instead` is
    what to answer when there is no answer in time."""

    def __init__(self, name: str, ask: Callable[[], T], instead: Callable[[], T | None] = lambda: None) -> None:
        self.name = name
        self.up = True
        self._instead = instead
        self._bounded = TimeLimited(ask, f"the {name}", SOURCE_SECONDS)
        self._wait: Callable[[], T] | None = None

    def begin(self) -> None:
        self._wait = self._bounded.begin()

    def answer(self) -> T | None:
        """Return None if there is none in time. What is wrong is logged once."""
        assert self._wait is not None  # noqa: S101 (`begin` comes first)
        answer, failure = None, None
        try:
            answer = self._wait()
        except (PropertyIntelligenceError, redis.RedisError) as exc:
            answer = self._instead() if isinstance(exc, NoAnswerError) else None
            failure = exc if answer is None else None
        if self.up and failure is not None:
            log.warning("Metrics without what the %s holds: %s", self.name, type(failure).__name__)
        self.up = failure is None
        return answer


def _database[T](ask: Callable[[], T]) -> _Source[T]:
    kept = TtlCache(ask, _DATABASE_KEPT_SECONDS)
    return _Source("database", kept, lambda: kept.last(_DATABASE_STALE_SECONDS))
