"""Reindex the properties whose blocking keys were computed by older rules. Workers may run meanwhile."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from app.errors import PropertyIntelligenceError
from app.errors.storage import StoreError
from app.property.storage.database import Database
from app.property.storage.properties.reindex import BEGIN, count_due, due_after, reindex_one

log = logging.getLogger(__name__)

_AT_ONCE = 100
#: Pause between groups of properties. Other writers, which retry every 0.1 s, can acquire SQLite's lock meanwhile.
_GAP_SECONDS = 0.11
#: Stop after this many failures, because the cause is probably not in the properties.
_MOST_FAILURES = 100


@dataclass(slots=True)
class Reindexed:
    """The number of reindexed properties, the ids of properties that failed, and the number of properties left."""

    reindexed: int = 0
    failed: list[str] = field(default_factory=list)
    left: int = 0


def reindex(database: Database, on_progress: Callable[[int], None] = lambda _: None) -> Reindexed:
    """Reindex all due properties. Safe to interrupt, and to run in several processes at a time.

    Raises `StoreError` if the database cannot be used, and the error of the last property after `_MOST_FAILURES`
    failures.
    """
    run, place = Reindexed(), BEGIN
    while some := due_after(database, place, _AT_ONCE):
        place = some[-1]
        for _, property_id in some:
            try:
                run.reindexed += reindex_one(database, property_id)
            except StoreError:
                raise
            except (PropertyIntelligenceError, ValueError, TypeError, KeyError):
                log.exception("Property %s cannot be reindexed", property_id)
                run.failed.append(property_id)
                if len(run.failed) >= _MOST_FAILURES:
                    raise
        on_progress(run.reindexed)
        database.clock.sleep(_GAP_SECONDS)
    with database.reading() as connection:
        run.left = count_due(connection)
    return run
