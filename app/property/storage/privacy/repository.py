"""Purge all data about a URL, a host, a property, an address, or a person from every table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from app.property.people import parse_name
from app.property.storage import audit
from app.property.storage.database import Database
from app.property.storage.privacy.persons import person_steps
from app.property.storage.privacy.purge import Removal, Step, find, steps_of
from app.property.storage.privacy.scope import PurgeKind, named_scope
from app.property.storage.statements import Store
from app.property.storage.watches.schedule import TICK


@dataclass(frozen=True, slots=True)
class Purged:
    removed: dict[str, int]
    job_ids: Sequence[str] = field(repr=False)


class PurgeStore(Store):
    def purge(self, kind: PurgeKind, name: str, *, who: str, dry_run: bool) -> Purged:
        """Delete all data about `name`: a URL, a lowercase host, a property id, an address, or a person.

        The purge of an address includes the results of its jobs, and the properties at the address. Jobs are deleted
        too; a job that is running then cannot store its result (`PurgedMeanwhileError`). A purged name is never stored
        again. The audit log records who purged, and the numbers of deleted rows.

        The result counts deleted rows by table, and as "texts" the rows from which only a name was removed. A dry run
        does everything in one transaction and rolls it back.

        Raises `InvalidTargetError` for an invalid URL or address, `InvalidPersonError` for an unusable name, and
        `ConfigurationError` if there is no key for hashing names. After such an error, nothing is deleted.
        """
        database = self._database
        if kind is PurgeKind.PERSON:
            steps = person_steps(database, parse_name(name), dry_run=dry_run)
        else:
            steps = steps_of(database, find(database, named_scope(kind, name), dry_run=dry_run))
        purged = _do(database, steps, dry_run=dry_run)
        if not dry_run:
            record_purge(database, who, kind, purged.removed)
        return purged


def record_purge(database: Database, who: str, kind: str, removed: Mapping[str, int]) -> None:
    now = database.clock.now()
    with database.writing() as connection:
        audit.record(connection, now, who, "purge", str(kind), removed=dict(removed))


def _do(database: Database, steps: Iterable[Step], *, dry_run: bool) -> Purged:
    removed, job_ids = Counter[str](), set[str]()

    def note(part: Removal) -> None:
        removed.update(part.removed)
        job_ids.update(part.job_ids)

    def work(step: Step, connection: Connection) -> Removal:
        if not dry_run:
            database.advisory_lock(connection, TICK)  # no watch may be refreshed while it is being deleted
        part = Removal(database, connection, dry_run=dry_run)
        step(part)
        return part

    if dry_run:
        steps = list(steps)  # generating steps reads the database, which must happen outside the transaction
        with database.writing() as connection:
            for step in steps:
                note(work(step, connection))
            connection.rollback()
    else:
        for step in steps:
            note(database.repeat_paced(partial(work, step)))
    return Purged(dict(sorted((+removed).items())), sorted(job_ids))
