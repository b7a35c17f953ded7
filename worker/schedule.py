"""What beat sends and when, and the scheduler: one schedule in force however many beats run."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import redis
from celery import Celery
from redbeat import RedBeatScheduler
from redbeat.schedulers import acquire_distributed_beat_lock

from app.property.storage.watches.schedule import TICK_SECONDS
from app.settings import Settings
from tasks.config import TURN_HEADER

log = logging.getLogger(__name__)

RECOVERY_INTERVAL_SECONDS = 5.0
BATCHES_INTERVAL_SECONDS = 5.0
CHANGES_INTERVAL_SECONDS = 5.0
#: what is parked is looked at, and batches of the model that are due; sooner if these are polled more often
MODEL_BATCHES_INTERVAL_SECONDS = 10.0
PRUNING_INTERVAL_SECONDS = 600.0
#: an open circuit is told within this time, sooner if reports are more frequent
ALERTS_INTERVAL_SECONDS = 15.0
_LOST_REDIS_PAUSE_SECONDS = 1.0


def beat_config(settings: Settings) -> dict[str, Any]:
    """Beat's part of the configuration."""
    return {
        "beat_scheduler": f"{__name__}.{OneSchedule.__name__}",
        "beat_schedule": {
            "report-key-stats": _entry("tasks.health.report_key_stats", settings.jobs.key_report_interval_seconds),
            "check-alerts": _entry(
                "tasks.alerts.check_alerts", min(ALERTS_INTERVAL_SECONDS, settings.jobs.key_report_interval_seconds)
            ),
            "recover-jobs": _entry("tasks.recovery.recover_jobs", RECOVERY_INTERVAL_SECONDS),
            "complete-batches": _entry("tasks.batches.complete_batches", BATCHES_INTERVAL_SECONDS),
            "check-changes": _entry("tasks.changes.check_changes", CHANGES_INTERVAL_SECONDS),
            "look-at-model-batches": _entry(
                "tasks.model_batches.look_at_batches",
                min(MODEL_BATCHES_INTERVAL_SECONDS, settings.openai.batch_poll_seconds),
            ),
            "prune-pages": _entry("tasks.pages.prune_pages", PRUNING_INTERVAL_SECONDS),
            "tick-watches": _entry("tasks.watches.tick_watches", TICK_SECONDS),
        },
    }


def _entry(task: str, seconds: float) -> dict[str, Any]:
    # a broker is asked level by level: on the most urgent one only the most urgent jobs take turns with it. Nobody
    # reads the results; to listen for one, beat would wait up to 20 s for a broker that goes away at that moment
    options = {"headers": {TURN_HEADER: seconds}, "priority": 0, "ignore_result": True}
    return {"task": task, "schedule": seconds, "options": options}


class OneSchedule(RedBeatScheduler):
    """RedBeat that outlives its Redis, and a predecessor whose clock was ahead.

    RedBeat ends with an exception when its lock ran out (Redis paused, restarted or emptied) or Redis is away; this
    one waits, takes the lock again and writes its schedule anew. It writes its first schedule in its first tick, so
    that it also starts while Redis is away. What ran last in the future would not be due before.

    Once told to end it ends: Celery closes the scheduler in the handler of the signal and then raises `SystemExit`
    wherever the process is, which a finalizer (`__del__`) loses, and not at all if closing fails.
    """

    lock: Any
    _has_schedule = False
    _is_whole = False
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
            log.warning("Beat lost its lock; it waits for its turn")
            self.lock, self._has_schedule = None, False
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as exc:
            log.warning("Beat does not reach Redis (%s)", type(exc).__name__)
        return _LOST_REDIS_PAUSE_SECONDS

    def close(self) -> None:
        self._is_closed = True
        try:
            super().close()
        except (redis.exceptions.RedisError, OSError) as exc:
            self.lock = None
            log.warning("Beat did not give its lock back (%s); another takes over when it runs out", type(exc).__name__)

    def setup_schedule(self) -> None:
        super().setup_schedule()
        self._is_whole = True
        for name in self.app.conf.beat_schedule:
            try:
                entry = self.Entry.from_key(f"{self.app.redbeat_conf.key_prefix}{name}", app=self.app)
            except KeyError:
                log.warning("Redis was emptied while beat wrote its schedule; it is written anew")
                self._is_whole = False
                return
            if entry.last_run_at is not None and entry.last_run_at > self.app.now():
                log.warning("%s ran last at %s by another machine's clock", name, entry.last_run_at)
                entry.reschedule()

    def _take_over(self) -> None:
        if self.lock is None:
            acquire_distributed_beat_lock(sender=SimpleNamespace(scheduler=self))
        self.setup_schedule()
        self._has_schedule = self._is_whole
