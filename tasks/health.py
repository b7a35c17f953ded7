"""The key report: collect the key pool's statistics at an interval, log and export them, and store the latest."""

import logging
import threading
from datetime import datetime
from typing import Any

from celery import shared_task

from app.errors.broker import BrokerUnavailableError
from app.errors.storage import StoreError
from app.redaction import redact
from app.services.reports.key_report.advice import advise, gather
from app.services.reports.key_report.pool_monitor import PoolMonitor
from app.services.reports.key_report.report import export_report, keep_report, log_advice, log_report, make_report
from tasks._celery.context import current, pool_monitor
from tasks.base import ScheduledTask

log = logging.getLogger(__name__)

#: Held while a report uses the database, so that only one report at a time waits for the database.
_HISTORY = threading.Lock()


@shared_task(name="tasks.health.report_key_stats", base=ScheduledTask, may_overlap=True)
def report_key_stats() -> dict[str, Any]:
    """Report on the key pool.

    Returns the `data` of the specification's stats response, with keys shown by their mask, plus `advice`, `alerts`,
    and `alerts_firing`. If the database is unavailable, the report contains neither advice nor alerts.
    """
    monitor, settings = pool_monitor(), current().settings
    at, stats = monitor.database.clock.now(), monitor.manager.get_stats()
    report = make_report(stats, (), ())
    log_report(report)  # before the database is used, because a locked database may block for a while
    if _HISTORY.acquire(blocking=False):
        try:
            report = _with_history(monitor, at, stats) or report
            log_advice(report)
            if settings.openai.stats_file is not None:
                export_report(report, settings.openai.stats_file, at)
        finally:
            _HISTORY.release()
    else:
        log.warning("The key report was logged only: the previous report still waits for the database")
    try:
        keep_report(settings, report, at)
    except BrokerUnavailableError as exc:
        log.warning("The key report was not stored: %s", redact(str(exc)))
    return report


def _with_history(monitor: PoolMonitor, at: datetime, stats: dict[str, Any]) -> dict[str, Any] | None:
    try:
        view = monitor.look(at, stats)
        advice = advise(gather(view, monitor.history)) if view is not None else []
        return make_report(stats, advice, monitor.alerts.firing())
    except StoreError as exc:
        log.warning("The key report has no history and no advice: %s", redact(str(exc)))
        return None
