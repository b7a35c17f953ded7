"""Deletes what is too old or too much, within a few seconds: copies of pages, names of people, values, jobs, and other
bookkeeping."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from app.property.storage import expiry
from app.property.storage.database import Database
from app.property.storage.pages.retention import Pruned, Retention
from app.property.storage.privacy.ages import Aged, AgeLimits
from app.services.reports.metrics.instruments import BODIES_PRUNED, BODIES_PRUNED_BYTES
from app.settings import Settings

log = logging.getLogger(__name__)

#: what is left then goes with the next run
_PATIENCE_SECONDS = 10.0


def prune_pages(settings: Settings, database: Database) -> dict[str, Any]:
    """Remove by PAGE_RETENTION_DAYS and PAGE_STORE_MAX_BYTES; -> `{"bodies": n, "packed_bytes": n, "answers": n}`.

    Copies and answers name people, so they are kept no longer than these may be.
    """
    retention, clock = Retention(database), database.clock
    days = min(settings.retention.page_retention_days, settings.retention.personal_data_retention_days)
    steps: Mapping[str, Callable[[], Pruned]] = {
        "unkept": retention.prune_unkept,
        "age": lambda: retention.prune_old(days),
        "size": lambda: retention.prune_surplus(settings.retention.page_store_max_bytes),
    }
    if not settings.retention.page_store_max_bytes:
        steps = {reason: step for reason, step in steps.items() if reason != "size"}
    until = clock.now_us() + round(_PATIENCE_SECONDS * 1_000_000)
    removed = {"bodies": 0, "packed_bytes": 0, "answers": 0}
    for reason, step in steps.items():
        more = True
        while more and clock.now_us() < until:
            with database.turn():
                pruned = step()
            more = pruned.more
            for name in removed:
                removed[name] += getattr(pruned, name)
            BODIES_PRUNED.labels(reason).inc(pruned.bodies)
            BODIES_PRUNED_BYTES.labels(reason).inc(pruned.packed_bytes)
    if any(removed.values()):
        told = f"{removed['bodies']} bodies ({removed['packed_bytes']} bytes), {removed['answers']} answers of models"
        log.info("Copies of pages went by age, size or their sites' wish: %s", told)
    return removed


def prune_values(settings: Settings, database: Database) -> dict[str, int]:
    """Remove by PERSONAL_DATA_RETENTION_DAYS and OBSERVATION_RETENTION_DAYS; -> `{"observations": n, "records": n}`:
    what went, and records that lost a name."""
    ages, clock = AgeLimits(database), database.clock
    steps: list[Callable[[], Aged]] = [lambda: ages.prune_names(settings.retention.personal_data_retention_days)]
    if settings.retention.observation_retention_days:
        steps.append(lambda: ages.prune_observations(settings.retention.observation_retention_days))
    until = clock.now_us() + round(_PATIENCE_SECONDS * 1_000_000)
    removed = {"observations": 0, "records": 0}
    for step in steps:
        more = True
        while more and clock.now_us() < until:
            aged = step()
            more = aged.more
            removed["observations"] += aged.observations
            removed["records"] += aged.records
    if any(removed.values()):
        log.info("Values went by age: %(observations)s, and names out of %(records)s records", removed)
    return removed


def prune_jobs(settings: Settings, database: Database) -> dict[str, int]:
    """Remove jobs by JOB_RETENTION_DAYS, and other old rows of the bookkeeping; -> `{"jobs": n, "rows": n}`."""
    days, clock = settings.jobs.job_retention_days, database.clock
    until = clock.now_us() + round(_PATIENCE_SECONDS * 1_000_000)
    removed = {"jobs": 0, "rows": 0}
    steps: Mapping[str, Callable[[], int]] = {
        "jobs": lambda: expiry.prune_jobs(database, days),
        "rows": lambda: expiry.prune_rows(database, job_days=days, page_days=settings.retention.page_retention_days),
    }
    for name, step in steps.items():
        more = True
        while more and clock.now_us() < until:
            with database.turn():
                gone = step()
            removed[name] += gone
            more = gone > 0
    if any(removed.values()):
        log.info("By age went %(jobs)s jobs, and %(rows)s rows of batches, aliases, usage, and audit", removed)
    return removed
