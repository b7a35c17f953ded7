"""Files all properties anew that an older version filed by other rules, beside running workers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from app.errors import PropertyIntelligenceError
from app.errors.storage import StoreError
from app.property.storage.database import Database
from app.property.storage.properties.reindex import BEGIN, count_due, due_after, reindex_one

log = logging.getLogger(__name__)

_AT_ONCE = 100
#: writers that wait for a SQLite file look every 0.1 s whether it is free
_GAP_SECONDS = 0.11
#: after so many it is no single property that is at fault
_MOST_FAILURES = 100


@dataclass(slots=True)
class Reindexed:
    """How many properties were filed anew, which could not be (they stay due), and how many are due."""

    reindexed: int = 0
    failed: list[str] = field(default_factory=list)
    left: int = 0


def reindex(database: Database, on_progress: Callable[[int], None] = lambda _: None) -> Reindexed:
    """File all that is due anew. May be stopped at any time, and run by many at once. Raises `StoreError` if the
    database cannot be used, and the error of a property after very many failed."""
    run, place = Reindexed(), BEGIN
    while some := due_after(database, place, _AT_ONCE):
        place = some[-1]
        for _, property_id in some:
            try:
                run.reindexed += reindex_one(database, property_id)
            except StoreError:
                raise
            except (PropertyIntelligenceError, ValueError, TypeError, KeyError):
                log.exception("Property %s cannot be filed anew", property_id)
                run.failed.append(property_id)
                if len(run.failed) >= _MOST_FAILURES:
                    raise
        on_progress(run.reindexed)
        database.clock.sleep(_GAP_SECONDS)
    with database.reading() as connection:
        run.left = count_due(connection)
    return run
