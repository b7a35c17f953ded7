"""Removes all that is stored of a URL, a host, a property or an address: not hidden, gone from every table.

One transaction: all of it or nothing. A dry run is the same work, undone at its end, so that its numbers are right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from app.property.storage import audit
from app.property.storage.database import Database
from app.property.storage.privacy.marks import hold_off
from app.property.storage.privacy.removal import Removal
from app.property.storage.privacy.scope import PurgeKind, scope_of


@dataclass(frozen=True, slots=True)
class Purged:
    """What went, in rows by what they are; `job_ids` are those whose results elsewhere go too."""

    removed: dict[str, int]
    job_ids: list[str] = field(repr=False)

    @property
    def in_words(self) -> str:
        """What went, for a log."""
        return ", ".join(f"{count} {what}" for what, count in self.removed.items() if count) or "nothing was stored"


class PurgeStore:
    """Purges a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def purge(self, kind: PurgeKind, name: str, *, who: str, dry_run: bool) -> Purged:
        """Remove all that is stored of `name`: a URL, a host in small letters, a property's id, or an address: what was
        found for it, and the properties that are filed under it. `InvalidTargetError` for what is no URL or address.

        Done again it removes nothing more. Jobs for it are removed, those under way too: what they have in hand is
        refused (`PurgedMeanwhileError`). Who did so is recorded, and in numbers what went.
        """

        def work(connection: Connection) -> Purged:
            hold_off(self._database, connection)
            removal = Removal(self._database, connection, scope_of(connection, kind, name))
            removal.run()
            purged = Purged(dict(removal.removed), removal.job_ids)
            if dry_run:
                connection.rollback()
            else:
                record_purge(connection, self._database.clock.now(), who, kind, purged.removed)
            return purged

        return self._database.repeat(work)


def record_purge(connection: Connection, at: datetime, who: str, kind: str, removed: Mapping[str, int]) -> None:
    """Record who purged what kind of thing, and in numbers what went."""
    audit.record(connection, at, who, "purge", str(kind), removed=dict(removed))
