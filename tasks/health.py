"""The key report that beat asks for: collected, logged, exported, kept, and shown by Flower as the task's result."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import Any

from celery import shared_task

from app.errors.broker import BrokerUnavailableError
from app.errors.storage import StoreError
from app.redaction import redact
from app.services.reports.health.advice import advise, gather
from app.services.reports.health.report import export_report, keep_report, log_advice, log_report, make_report
from app.services.reports.health.watch import PoolWatch
from tasks.base import ScheduledTask
from tasks.resources import current, pool_watch

log = logging.getLogger(__name__)

#: one report at a time waits for the database
_HISTORY = threading.Lock()


@shared_task(name="tasks.health.report_key_stats", base=ScheduledTask, may_overlap=True)
def report_key_stats() -> dict[str, Any]:
    """Report on the pool; -> the `data` of the specification's stats response, masks only, and beside its fields
    `advice`, `alerts` and `alerts_firing`. A database that is away costs the advice, not the report."""
    watch, settings = pool_watch(), current().settings
    at, stats = watch.database.clock.now(), watch.manager.get_stats()
    report = make_report(stats, (), ())
    log_report(report)  # at once: a database that is locked may keep the rest waiting
    if _HISTORY.acquire(blocking=False):
        try:
            report = _with_history(watch, at, stats) or report
            log_advice(report)
            if settings.openai.stats_file is not None:
                export_report(report, settings.openai.stats_file, at)
        finally:
            _HISTORY.release()
    else:
        log.warning("The health report is only logged: the one before still waits for the database")
    try:
        keep_report(settings, report, at)
    except BrokerUnavailableError as exc:
        log.warning("The health report could not be kept: %s", redact(str(exc)))
    return report


def _with_history(watch: PoolWatch, at: datetime, stats: dict[str, Any]) -> dict[str, Any] | None:
    try:
        view = watch.look(at, stats)
        advice = advise(gather(view, watch.history)) if view is not None else []
        report = make_report(stats, advice, watch.alerts.firing())
    except StoreError as exc:
        log.warning("The health report goes without history and advice: %s", redact(str(exc)))
        return None
    return report
