"""Beat's scheduler, which recovers from the loss of Redis, its lock, or its schedule. Only the beat that holds the lock
is active.
"""

import logging
from types import SimpleNamespace
from typing import Any

import redis
from celery import Celery
from redbeat import RedBeatScheduler
from redbeat.schedulers import acquire_distributed_beat_lock, get_redis

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class ResilientScheduler(RedBeatScheduler):
    """A RedBeat scheduler that recovers from the loss of Redis, and from last run times that lie in the future.

    RedBeat exits with an exception if its lock expires (because Redis was paused, restarted, or emptied) or if Redis is
    unavailable. This scheduler waits, acquires the lock again, and writes its schedule again. It writes its schedule in
    its first tick, not earlier, so that it can start while Redis is unavailable.

    After `close`, the next tick raises `SystemExit`. The `SystemExit` that Celery's signal handler raises can be lost
    in a finalizer (`__del__`), and is not raised if `close` fails.
    """

    lock: Any
    _has_schedule = False
    _is_complete = False
    _is_closed = False

    def __init__(self, app: Celery, **options: Any) -> None:
        super().__init__(app, **{**options, "lazy": True})

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if self._is_closed:
            raise SystemExit
        try:
            if self.lock is None or not self._has_schedule:
                self._take_over()
            return float(super().tick(*args, **kwargs))
        except redis.exceptions.LockError:
            log.warning("Beat lost its lock and waits until it can take the lock again")
            self.lock, self._has_schedule = None, False
        except (redis.exceptions.RedisError, OSError) as exc:  # also if Redis is full, or read-only after a failover
            log.warning("Beat cannot use Redis (%s)", type(exc).__name__)
            get_redis(self.app).connection_pool.disconnect()  # the next attempt may reach the new primary
        return _RETRY_SECONDS

    def close(self) -> None:
        self._is_closed = True
        try:
            super().close()
        except (redis.exceptions.RedisError, OSError) as exc:
            self.lock = None
            log.warning("Beat could not release its lock (%s); another beat waits until it expires", type(exc).__name__)

    def setup_schedule(self) -> None:
        super().setup_schedule()
        self._is_complete = True
        for name in self.app.conf.beat_schedule:
            try:
                entry = self.Entry.from_key(f"{self.app.redbeat_conf.key_prefix}{name}", app=self.app)
            except KeyError:
                log.warning("Redis was emptied while beat wrote its schedule; beat writes it again")
                self._is_complete = False
                return
            if entry.last_run_at is not None and entry.last_run_at > self.app.now():
                log.warning("%s ran last at %s by another machine's clock, which is ahead", name, entry.last_run_at)
                entry.reschedule()

    def _take_over(self) -> None:
        if self.lock is None:
            acquire_distributed_beat_lock(sender=SimpleNamespace(scheduler=self))
        self.setup_schedule()
        self._has_schedule = self._is_complete
