"""Beat's schedule: the interval of each scheduled task."""

from typing import Any

from app.property.storage.watches.schedule import TICK_SECONDS
from app.settings import Settings
from tasks._celery.config import INTERVAL_HEADER, PRIORITIES

RECOVERY_INTERVAL_SECONDS = 5.0
BATCHES_INTERVAL_SECONDS = 5.0
CHANGES_INTERVAL_SECONDS = 5.0
#: A shorter OPENAI_BATCH_POLL_SECONDS replaces this interval.
MODEL_BATCHES_INTERVAL_SECONDS = 10.0
PRUNING_INTERVAL_SECONDS = 600.0
#: A shorter KEY_REPORT_INTERVAL_SECONDS replaces this interval.
ALERTS_INTERVAL_SECONDS = 15.0


def beat_config(settings: Settings) -> dict[str, Any]:
    reports, polling = settings.jobs.key_report_interval_seconds, settings.openai.batch_poll_seconds
    return {
        "beat_scheduler": "worker.beat_watchdog.ResilientScheduler",
        "beat_schedule": {
            "report-key-stats": _entry("tasks.health.report_key_stats", reports),
            "check-alerts": _entry("tasks.alerts.check_alerts", min(ALERTS_INTERVAL_SECONDS, reports)),
            "recover-jobs": _entry("tasks.recovery.recover_jobs", RECOVERY_INTERVAL_SECONDS),
            "complete-batches": _entry("tasks.batches.complete_batches", BATCHES_INTERVAL_SECONDS),
            "check-changes": _entry("tasks.changes.check_changes", CHANGES_INTERVAL_SECONDS),
            "look-at-model-batches": _entry(
                "tasks.model_batches.look_at_batches", min(MODEL_BATCHES_INTERVAL_SECONDS, polling)
            ),
            "prune-pages": _entry("tasks.pages.prune_pages", PRUNING_INTERVAL_SECONDS),
            "tick-watches": _entry("tasks.watches.tick_watches", TICK_SECONDS),
        },
    }


def _entry(task: str, seconds: float) -> dict[str, Any]:
    # Scheduled tasks have the most urgent priority, which workers serve first. Their results are ignored: otherwise
    # beat would subscribe to each result, and block for up to 20 s after the broker is lost.
    options = {"headers": {INTERVAL_HEADER: seconds}, "priority": PRIORITIES[0], "ignore_result": True}
    return {"task": task, "schedule": seconds, "options": options}
