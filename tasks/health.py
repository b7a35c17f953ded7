"""The key report that beat asks for: collected, logged, exported, and shown by Flower as the task's result."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from app.services.key_health import export_report, log_report
from tasks.base import ScheduledTask
from tasks.resources import current


@shared_task(name="tasks.health.report_key_stats", base=ScheduledTask)
def report_key_stats() -> dict[str, Any]:
    """Log the pool's state and return it: the `data` of the specification's stats response, masks only."""
    resources = current()
    stats = resources.manager.get_stats()  # by the keys of now: its settings have those of the process's start
    log_report(stats)
    if resources.settings.openai_stats_file is not None:
        export_report(stats, resources.settings.openai_stats_file)
    return stats
