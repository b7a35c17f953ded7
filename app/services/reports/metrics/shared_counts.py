"""Add up the counts of all processes in one Redis hash.

A process adds the increase of its counters every few seconds, and when it ends. If Redis's reply is lost, an increase
is added twice. A process that is killed loses the counts since its last report.
"""

import json
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping

import redis
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from app.redis.embedded_valkey import broker_url
from app.services.keys.store import connect_store
from app.services.reports.metrics.instruments import REGISTRY, Samples, Spec
from app.settings import Settings

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0
_NAME = "{propintel}:metrics"
#: The hash expires if no process adds to it for this time.
_KEPT_SECONDS = 35 * 86_400


def encode(name: str, labels: Mapping[str, str]) -> str:
    """Return the name of the hash field for a series. The order of `labels` does not matter."""
    return json.dumps([name, labels], sort_keys=True, separators=(",", ":"))


def counts(registry: CollectorRegistry) -> dict[str, float]:
    """Return the values of all series in `registry`, except `_created` timestamps, which cannot be added up."""
    return {
        encode(sample.name, sample.labels): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def read_counts(connection: redis.Redis) -> dict[str, float]:
    """Return the totals of all processes by series. Raises `redis.RedisError` if Redis fails."""
    found: dict[bytes, bytes] = connection.hgetall(_NAME)  # type: ignore[assignment]
    return {series.decode(): float(total) for series, total in found.items()}


class Flusher:
    """Adds to the totals in Redis what this process has counted since the flusher was created.

    Create it after forking, because a child process starts with its parent's counts, which the parent reports. A child
    process that inherits a flusher reports nothing with it.
    """

    def __init__(
        self,
        connection: redis.Redis,
        *,
        registry: CollectorRegistry = REGISTRY,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._connection = connection
        self._registry = registry
        self._reported = counts(registry)
        self._interval_seconds = interval_seconds
        self._pid = os.getpid()
        self._away = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Report the remaining counts, and end the thread. Safe to call again, or without `start`."""
        if os.getpid() != self._pid or self._stopped.is_set():
            return
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self.flush()
        finally:
            self._connection.close()

    def flush(self) -> bool:
        """Report the new counts. Return False if Redis is unavailable. Not thread-safe."""
        now = counts(self._registry)
        grown = {series: more for series, value in now.items() if (more := value - self._reported.get(series, 0.0))}
        try:
            if grown:
                with self._connection.pipeline(transaction=True) as transaction:
                    for series, more in grown.items():
                        transaction.hincrbyfloat(_NAME, series, more)
                    transaction.expire(_NAME, _KEPT_SECONDS)
                    transaction.execute()
        except redis.RedisError as exc:
            if not self._away:
                log.warning("Metrics cannot be reported until Redis is back (%s)", type(exc).__name__)
            self._away = True
            return False
        if self._away:
            log.info("Metrics are reported to Redis again")
        self._away = False
        self._reported = now
        return True

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_seconds):
            try:
                self.flush()
            except Exception:
                log.exception("Metrics could not be reported; the next try is in %.0f s", self._interval_seconds)


def make_flusher(settings: Settings) -> Flusher:
    return Flusher(connect_store(broker_url(settings)))


def families(specs: Iterable[Spec], totals: Mapping[str, float] | None) -> list[Metric]:
    """Return a metric family for each spec, with samples from `totals`.

    Series in `Spec.first` are 0 if `totals` lacks them. Series that this version does not know are omitted. If `totals`
    is None, there are no samples, because 0 would look like a restart.
    """
    found: _Found = defaultdict(list)
    for series, total in sorted((totals or {}).items()):
        name, labels = json.loads(series)
        found[name].append((labels, total))
    if totals is None:
        return [spec.family() for spec in specs]
    return [
        spec.family(_histogram(spec, found) if spec.kind == "histogram" else {**spec.first, **_of(spec, found)})
        for spec in specs
    ]


_Found = defaultdict[str, list[tuple[dict[str, str], float]]]


def _histogram(spec: Spec, found: _Found) -> Samples:
    counted, sums = _of(spec, found, "_bucket", "le"), _of(spec, found, "_sum")
    series = sorted({labels[:-1] for labels in counted} or ({()} if not spec.labels else set()))
    return {  # Redis has only the buckets that were counted
        values: ([counted.get((*values, bucket), 0.0) for bucket in spec.buckets], sums.get(values, 0.0))
        for values in series
    }


def _of(spec: Spec, found: _Found, suffix: str = "", *more: str) -> dict[tuple[str, ...], float]:
    """Return the samples that have exactly the labels of `spec`. Older versions may have used other labels."""
    names = (*spec.label_names, *more)
    samples = found[f"{spec.shown}{suffix}"]
    return {tuple(labels[n] for n in names): total for labels, total in samples if set(labels) == set(names)}
