"""The key report that beat asks for: collected, logged, exported, and shown by Flower as the task's result."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from app.services.key_health import export_report, fleet_stats, log_report
from tasks.base import ScheduledTask
from tasks.resources import current


@shared_task(name="tasks.health.report_key_stats", base=ScheduledTask)
def report_key_stats() -> dict[str, Any]:
    """Log the pool's state and return it: the `data` of the specification's stats response, masks only."""
    settings = current().settings
    stats = fleet_stats(settings)
    log_report(stats)
    if settings.openai_stats_file is not None:
        export_report(stats, settings.openai_stats_file)
    return stats
