"""Each worker listens whether beat still has reports made, and raises the alarm if not: beat cannot do so itself.

A thread of the parent, because the children of a forking worker may all be busy for minutes. The parent opens nothing
that its children could inherit: what the thread needs is opened for one look and closed after it, and no child is
forked meanwhile. A fork in the middle would hand the child locks that nobody releases there (of SQLite, of a resolver)
and sockets of the parent. So the hooks below make a fork wait for the end of a look: milliseconds as a rule, some
seconds while beat is silent and a receiver of webhooks is slow.
"""

from __future__ import annotations

import logging
import os
import threading

import redis

from app.errors import PropertyIntelligenceError
from app.errors.broker import BrokerUnavailableError
from app.property.storage.alerts import AlertStore
from app.redaction import redact
from app.redis.embedded_valkey import connect
from app.services.reports.health.silence import Listener, report_age, silence_limit
from app.services.reports.health.watch import report_silence, tell
from app.services.reports.metrics.flusher import Flusher, make_flusher
from app.services.runtime.stores import open_stores
from app.settings import Settings
from tasks import resources
from worker.configuration import settings
from worker.lifetime import accompany

log = logging.getLogger(__name__)

#: between two looks; shorter if a short silence is an alarm already
_INTERVAL_SECONDS = 15.0
_PATIENCE_SECONDS = 2.0

#: held during a look, and during a fork
_looking = threading.Lock()


class BeatListener:
    """Looks every few seconds until stopped. Not for a process that forks without `hold_back_forks`.

    `flusher` reports what this process counts, if nothing else does.
    """

    def __init__(self, chosen: Settings, flusher: Flusher | None = None) -> None:
        limit = silence_limit(chosen)
        self._settings = chosen
        self._listener = Listener(limit)
        self._flusher = flusher
        self._interval_seconds = min(_INTERVAL_SECONDS, limit / 4)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beat-listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(_PATIENCE_SECONDS)  # a receiver that hangs must not hold up the end
        if self._flusher is not None and not self._thread.is_alive():
            self._flusher.stop()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_seconds):
            with _looking:
                self._look()

    def _look(self) -> None:
        try:
            with connect(self._settings, _PATIENCE_SECONDS) as connection:
                age = report_age(connection)
            if (seconds := self._listener.silent_for(age)) is not None:
                self._raise_alarm(seconds)
            if self._flusher is not None:
                self._flusher.flush_and_let_go()
        except (BrokerUnavailableError, redis.RedisError):
            pass  # without Redis nobody can tell, and whoever needs it says so already
        except PropertyIntelligenceError as exc:
            log.warning("The silence of beat could not be reported: %s", redact(str(exc)))
        except Exception:  # the thread must outlive what nobody has thought of
            log.exception("The silence of beat could not be reported")

    def _raise_alarm(self, seconds: float) -> None:
        """At every look while it lasts: it fires once for the fleet, and what could not be told is tried again."""
        with open_stores(self._settings) as stores:
            alerts = AlertStore(stores.database)
            report_silence(self._settings, alerts, seconds)
            tell(self._settings, alerts, stores.database.clock)


def hold_back_forks() -> None:
    """From now on a fork of this process waits for the end of a look."""
    os.register_at_fork(before=_looking.acquire, after_in_parent=_looking.release, after_in_child=_looking.release)


def connect_signals() -> None:
    """Follow the worker's life; safe to call again."""
    accompany("listener", _listener)


def _listener(_node: str) -> BeatListener:
    """A process that runs tasks itself reports by itself what it counts; the parent of those that do has nobody."""
    hold_back_forks()
    return BeatListener(settings(), None if resources.is_open() else make_flusher(settings()))
