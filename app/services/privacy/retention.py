"""Delete data by age and size (page copies, people's names, values, jobs, and others), in runs of about ten seconds."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.property.storage import expiry
from app.property.storage.database import Database
from app.property.storage.pages.retention import Retention
from app.property.storage.privacy.ages import AgeLimits
from app.services.reports.metrics.instruments import BODIES_PRUNED, BODIES_PRUNED_BYTES
from app.settings import Settings

log = logging.getLogger(__name__)

#: Time after which a run begins no further step.
_RUN_SECONDS = 10.0


def prune_pages(settings: Settings, database: Database) -> dict[str, Any]:
    """Delete page copies that must not be kept (`no-store`) or are too old.

    If the copies together exceed PAGE_STORE_MAX_BYTES, also delete the least recently used ones. The maximum age is the
    lower of PAGE_RETENTION_DAYS and PERSONAL_DATA_RETENTION_DAYS, because pages may name people. Return `{"bodies": n,
    "packed_bytes": n}`.
    """
    retention, limits = Retention(database), settings.retention
    days = min(limits.page_retention_days, limits.personal_data_retention_days)
    steps: dict[str, Callable[[], Any]] = {"unkept": retention.prune_unkept, "age": lambda: retention.prune_old(days)}
    if limits.page_store_max_bytes:
        steps["size"] = lambda: retention.prune_surplus(limits.page_store_max_bytes)
    removed = {"bodies": 0, "packed_bytes": 0}
    for reason, pruned in _run_steps(database, steps):
        removed["bodies"] += pruned.bodies
        removed["packed_bytes"] += pruned.packed_bytes
        BODIES_PRUNED.labels(reason).inc(pruned.bodies)
        BODIES_PRUNED_BYTES.labels(reason).inc(pruned.packed_bytes)
    if any(removed.values()):
        log.info("Deleted %(bodies)s page copies (%(packed_bytes)s bytes) by age, size, or no-store", removed)
    return removed


def prune_values(settings: Settings, database: Database) -> dict[str, int]:
    """Delete people's names that no page has shown for PERSONAL_DATA_RETENTION_DAYS, and old values.

    OBSERVATION_RETENTION_DAYS is the maximum age of values that no current page shows. Return `{"observations": n,
    "records": n}`: the number of deleted values, and of records whose names were deleted.
    """
    ages, limits = AgeLimits(database), settings.retention
    steps: dict[str, Callable[[], Any]] = {"names": lambda: ages.prune_names(limits.personal_data_retention_days)}
    if limits.observation_retention_days:
        steps["values"] = lambda: ages.prune_observations(limits.observation_retention_days)
    removed = {"observations": 0, "records": 0}
    for _, aged in _run_steps(database, steps):
        removed["observations"] += aged.observations
        removed["records"] += aged.records
    if any(removed.values()):
        log.info("Deleted %(observations)s values by age, and names in %(records)s records", removed)
    return removed


def prune_jobs(settings: Settings, database: Database) -> dict[str, int]:
    """Delete jobs after JOB_RETENTION_DAYS, and other rows by age (`expiry.py`). Return `{"jobs": n, "rows": n}`."""
    deleted = Counter[str]()
    for _, some in _run_steps(database, {"rows": lambda: expiry.delete_expired(database, settings)}):
        deleted += some
    if deleted:
        log.info("Deleted by age: %s", ", ".join(f"{count} {name}" for name, count in deleted.items()))
    return {"jobs": deleted["jobs"], "rows": deleted.total() - deleted["jobs"]}


def _run_steps(database: Database, steps: Mapping[str, Callable[[], Any]]) -> Iterator[tuple[str, Any]]:
    until = database.clock.now_us() + round(_RUN_SECONDS * 1_000_000)
    for name, step in steps.items():
        more = True
        while more and database.clock.now_us() < until:
            done = step()
            yield name, done
            # the result is the number of deleted rows, or has an attribute `more`
            more = bool(getattr(done, "more", done))
