"""A backup does not bring back what was purged: purges are written down outside the database too, and a database that
does not know of one of them is used by nobody until it is repeated there.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.property.storage.engine import Database
from app.property.storage.purge_account import PurgeAccount
from app.property.storage.purge_journal import PurgeJournal
from app.property.storage.repurging import Repurge
from app.services.privacy.purge_traces import forget_results, wiped
from app.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RepurgeResult:
    """How many purges were repeated, and in numbers what went. `wiped`: it is overwritten in the database's files."""

    repeated: int
    removed: dict[str, int]
    wiped: bool

    def as_json(self) -> dict[str, Any]:
        """`{"repeated": n, "removed": {what: n}, "wiped": bool}`"""
        return {"repeated": self.repeated, "removed": self.removed, "wiped": self.wiped}


def purge_journal(settings: Settings, database: Database) -> PurgeJournal | None:
    """PURGE_JOURNAL, else a file beside the SQLite file; None for a database that others share."""
    if settings.purge_journal is not None:
        return PurgeJournal(settings.purge_journal)
    return PurgeJournal(Path(f"{database.url.database}.purges")) if database.is_sqlite else None


def keep_journal(settings: Settings, database: Database) -> int | None:
    """Write into the journal what the database knows and it does not; -> how many purges, None without a journal.

    Raises `ConfigurationError` for a journal that cannot be written.
    """
    journal = purge_journal(settings, database)
    if journal is None:
        return None
    new = PurgeAccount(database).entries(without={entry.id for entry in journal.read()})
    return journal.add(new) if new else 0


def require_repurged(settings: Settings, database: Database) -> None:
    """Raise `PurgesDueError` if the journal has purges that the database does not know of, or another process found
    so. Raises `ConfigurationError` for a journal that cannot be read: nobody knows what it says."""
    note_due(settings, database)
    PurgeAccount(database).require_none_due()


def note_due(settings: Settings, database: Database) -> None:
    """Have the database know of what the journal has and it does not."""
    journal = purge_journal(settings, database)
    if journal is not None:
        PurgeAccount(database).note_due(journal.read())


def repurge(settings: Settings, database: Database, *, who: str) -> RepurgeResult:
    """Repeat what was purged since the backup that `database` was restored from; nothing if there is nothing.

    Raises `ConfigurationError`, before anything is removed, without the key of these purges or for a journal that
    cannot be used, and errors of the database.
    """
    note_due(settings, database)
    repeated, purged = Repurge(database).run(who=who)
    if not repeated:
        return RepurgeResult(0, {}, wiped=False)
    told = {"who": who, **purged.removed}
    log.warning("%d purges were repeated by %s: %s", repeated, who, purged.in_words, extra=told)
    forget_results(settings, purged.job_ids)
    return RepurgeResult(repeated, purged.removed, wiped(database))
