"""The thread of a process that brings what it has counted to the fleet's totals, every few seconds and at its end.

What a process that is killed had counted since the last time is lost: five seconds' worth at most. A Redis that is away
loses nothing and delays nobody.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading

import redis
from prometheus_client import CollectorRegistry

from app.redis.embedded_valkey import broker_url
from app.services.keys.store import connect_store
from app.services.reports.metrics.instruments import REGISTRY
from app.services.reports.metrics.outbox import Outbox
from app.services.reports.metrics.totals import Totals
from app.settings import Settings

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0


class Flusher:
    """Reports what is counted in this process from now on. Made after a fork: of a child that inherits one nothing is
    sent.
    """

    def __init__(
        self,
        totals: Totals,
        *,
        registry: CollectorRegistry = REGISTRY,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._totals = totals
        self._outbox = Outbox(registry)
        self._interval_seconds = interval_seconds
        self._pid = os.getpid()
        self._process = f"{socket.gethostname()}:{self._pid}:{secrets.token_hex(8)}"
        self._away = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Report what is left, within some seconds, and end. May be called again, and without `start`."""
        if os.getpid() != self._pid or self._stopped.is_set():
            return
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()
        self._totals.close()

    def flush_and_let_go(self) -> None:
        """Report what was counted and keep no connection: for a process that may fork before the next time."""
        try:
            self.flush()
        finally:
            self._totals.close()

    def flush(self) -> bool:
        """Report what was counted; False if Redis does not take it now. Not for two threads at once."""
        try:
            for _ in range(2):  # one that was not confirmed the last time, and what was counted since
                report = self._outbox.report()
                if report is None:
                    break
                self._totals.add(self._process, report)
                self._outbox.confirm()
        except redis.RedisError as exc:
            if not self._away:
                log.warning("Metrics wait until Redis takes them (%s)", type(exc).__name__)
            self._away = True
            return False
        if self._away:
            log.info("Redis takes metrics again")
        self._away = False
        return True

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_seconds):
            try:
                self.flush()
            except Exception:
                log.exception("Metrics could not be reported; the next try is in %.0f s", self._interval_seconds)


def make_flusher(settings: Settings) -> Flusher:
    """Of this process, to the Redis in use; connects to nothing before there is something to report."""
    return Flusher(Totals(connect_store(broker_url(settings))))
