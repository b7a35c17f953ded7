"""Send reports and heartbeats to Redis in the background.

While Redis is lost, the outbox keeps the reports and tries to rejoin every half second. Attempts are less frequent if
Redis was lost again soon after its last return.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import redis
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError

from app.keypool.stores.redis import RedisStore
from app.keypool.stores.server_time import monotonic_us

if TYPE_CHECKING:
    from app.keypool.stores.fleet import FleetStore

log = logging.getLogger(__name__)

_BEAT_US = 2_000_000
_REGISTER_US = 3_600_000_000
_RETRY_US = 500_000
_LONGEST_RETRY_US = 30_000_000
#: If Redis is lost again within this time after its return, the interval between attempts to rejoin doubles.
_UNSTEADY_US = 10_000_000
#: Maximum number of reports kept while Redis is lost. If there are more, the oldest are dropped.
_MOST_KEPT = 10_000
_CLOSE_SECONDS = 3.0
#: Errors that mean that Redis is unavailable, read-only, or full. The report is kept and sent again later.
_AWAY = (redis.ConnectionError, redis.TimeoutError, ReadOnlyError, OutOfMemoryError, BusyLoadingError)
#: Codes of such errors that have no class: too few replicas, and a failed snapshot to disk.
_AWAY_CODES = ("NOREPLICAS", "MISCONF")

Report = Callable[[RedisStore], object]


class ReportOutbox:
    """Sends reports in a background thread. `start` or the first `send` starts the thread, and `stop` ends it."""

    def __init__(self, store: FleetStore, remote: RedisStore) -> None:
        self._store = store
        self._remote = remote
        self._reports: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._kept: deque[Report] = deque(maxlen=_MOST_KEPT)
        self._starting = threading.Lock()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._beat_at_us = self._register_at_us = self._rejoin_at_us = self._back_at_us = 0
        self._retry_us = _RETRY_US

    def start(self) -> None:
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="key-store-outbox", daemon=True)
                self._thread.start()

    def send(self, report: Report) -> None:
        """Reports are sent in order. While Redis is unavailable, they are kept."""
        self.start()
        self._reports.put(report)

    def keep(self, report: Report, *, first: bool = False) -> None:
        """Keep a report until Redis is reachable. If `first`, send it before the other kept reports."""
        if first:
            self._kept.appendleft(report)
        else:
            self._kept.append(report)
        self.wake()

    def wake(self) -> None:
        self._reports.put(_nothing)

    def stop(self) -> None:
        """Send the remaining reports and end the thread, waiting at most three seconds. Later calls do nothing."""
        with self._starting:
            self._stopped = True
        self._reports.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_CLOSE_SECONDS)

    def send_kept(self) -> None:
        """Send all kept reports. Raises `redis.RedisError` if Redis is unavailable."""
        while self._kept:
            report = self._kept.popleft()
            try:
                self._send(report)
            except redis.RedisError:
                self._kept.appendleft(report)
                raise

    def _run(self) -> None:
        while True:
            try:
                report = self._reports.get(timeout=self._seconds_to_wait())
            except queue.Empty:
                report = _nothing
            try:
                if report is None:
                    self._store.leave()
                    return
                if self._store.lost:
                    self._keep_and_rejoin(report)
                else:
                    self._send_and_beat(report)
            except redis.RedisError as exc:
                if report is None:
                    return  # without heartbeats, Redis forgets this process by itself
                self._store.lose(exc)
            except Exception:
                log.exception("The key store's outbox failed to send a report")
                if report is None:
                    return

    def _seconds_to_wait(self) -> float:
        due = self._rejoin_at_us if self._store.lost else self._beat_at_us
        return max(0.0, (due - monotonic_us()) / 1_000_000)

    def _send_and_beat(self, report: Report) -> None:
        if report is not _nothing:
            self._kept.append(report)
        self.send_kept()
        now = monotonic_us()
        if now >= self._beat_at_us:
            self._beat_at_us = now + _BEAT_US
            self._store.beat()
        if now >= self._register_at_us:
            self._register_at_us = now + _REGISTER_US
            self._remote.register()

    def _send(self, report: Report) -> None:
        """Send one report. Drop it if Redis rejects it although Redis is available, so that it does not block later
        reports.
        """
        try:
            report(self._remote)
        except redis.RedisError as exc:
            if isinstance(exc, _AWAY) or str(exc).startswith(_AWAY_CODES):
                raise
            log.error("The key store refused a report, which is dropped (%s)", type(exc).__name__)

    def _keep_and_rejoin(self, report: Report) -> None:
        if report is not _nothing:
            self._kept.append(report)
        if monotonic_us() < self._rejoin_at_us:
            return
        self._rejoin_at_us = monotonic_us() + self._retry_us
        self._store.rejoin()
        now = monotonic_us()
        unsteady = self._back_at_us and now - self._back_at_us < _UNSTEADY_US + self._retry_us
        self._retry_us = min(2 * self._retry_us, _LONGEST_RETRY_US) if unsteady else _RETRY_US
        self._back_at_us, self._rejoin_at_us = now, now + self._retry_us
        self._beat_at_us = 0
        self._send_and_beat(_nothing)


def _nothing(_store: RedisStore) -> None:
    """Do nothing. This empty report only wakes the thread."""
