"""Repeats purges on a database that is from before them: a backup that was restored.

What they purged is told by keyed hashes (`purge_account.py`), so all that is stored is looked through for what has
these. Properties, hosts and pages are then purged as anything is, with what else the restored database knows to be
theirs; people are suppressed, and removed wherever they are named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from app.property.storage.engine import Database
from app.property.storage.person_purging import PersonPurge
from app.property.storage.purge_account import PurgeAccount, PurgeEntry, note_repeated, stored_scope, write_down
from app.property.storage.purge_marks import hold_off
from app.property.storage.purge_removal import COUNTED, Removal
from app.property.storage.purge_scope import complete
from app.property.storage.purged_names import finder_of_marks, key_of
from app.property.storage.purging import Purged


class Repurge:
    """Repeats what is due in a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, *, who: str) -> tuple[int, Purged]:
        """-> how many purges were repeated, and what went. Broken off it begins anew, and nothing is lost by that.

        Raises `ConfigurationError`, before anything is removed, without the key that the purges were made with.
        """
        due = PurgeAccount(self._database).due()
        if not due:
            return 0, Purged({}, [])
        key = key_of(self._database, {entry.key_id for entry in due})
        people = self._forget(key, due)

        def work(connection: Connection) -> Purged:
            self._database.exclusively(connection, "properties")
            hold_off(self._database, connection)
            scope = complete(connection, stored_scope(connection, key, due))
            pages = Removal(self._database, connection, scope)
            pages.run()
            counts = Counter(people.removed) + pages.removed
            removed = {name: counts[name] for name in (*COUNTED, "texts")}
            note_repeated(connection, due)
            write_down(connection, self._database.clock.now(), who, "repeat", removed)
            return Purged(removed, sorted({*people.job_ids, *pages.job_ids}))

        return len(due), self._database.repeat(work)

    def _forget(self, key: bytes, due: Sequence[PurgeEntry]) -> Purged:
        marks = {mark: words for entry in due for mark, words in entry.marks.get("name", {}).items()}
        if not marks:
            return Purged({}, [])
        purge = PersonPurge(self._database)
        purge.suppress(key, marks)
        return purge.remove(finder_of_marks(key, marks, (word for words in marks.values() for word in words)))
