"""Removes all that is stored of a URL, a host, a property or an address: not hidden, gone from every table.

One transaction: all of it or nothing. A dry run is the same work, undone at its end, so that its numbers are right.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from app.property.storage.engine import Database
from app.property.storage.purge_account import marks_of_scope, write_down
from app.property.storage.purge_marks import hold_off
from app.property.storage.purge_removal import Removal
from app.property.storage.purge_scope import PurgeKind, scope_of


@dataclass(frozen=True, slots=True)
class Purged:
    """What went, in rows by what they are; `job_ids` are those whose results elsewhere go too. `spelled` is how a
    person's name was written in copies of pages, and how often; `doubtful`, of a dry run, what may be meant for it or
    for somebody else's name, and stays."""

    removed: dict[str, int]
    job_ids: list[str] = field(repr=False)
    spelled: dict[str, int] = field(default_factory=dict, repr=False)
    doubtful: dict[str, int] = field(default_factory=dict, repr=False)

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
        refused (`PurgedMeanwhileError`). It is written down who did so, in numbers what went, and in keyed hashes what
        it was; `ConfigurationError`, before anything is removed, if there is no key for these.
        """
        key = None if dry_run else self._database.names_key.make()

        def work(connection: Connection) -> Purged:
            self._database.exclusively(connection, "properties")
            hold_off(self._database, connection)
            scope = scope_of(connection, kind, name)
            removal = Removal(self._database, connection, scope)
            removal.run()
            purged = Purged(dict(removal.removed), removal.job_ids)
            if key is None:
                raise _Undo(purged)
            at = self._database.clock.now()
            write_down(connection, at, who, kind, purged.removed, key=key, marks=marks_of_scope(key, scope))
            return purged

        try:
            return self._database.repeat(work)
        except _Undo as undone:
            return undone.purged


class _Undo(Exception):  # noqa: N818 (it is no error: it ends a transaction)
    def __init__(self, purged: Purged) -> None:
        self.purged = purged
