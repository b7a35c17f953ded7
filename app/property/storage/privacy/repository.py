"""Purges a database of a URL, a host, a property, an address or a person: not hidden, gone from every table."""

from __future__ import annotations

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
from app.property.storage.watches.schedule import TICK


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows went, by table; `job_ids` are those whose results elsewhere go too."""

    removed: dict[str, int]
    job_ids: Sequence[str] = field(repr=False)


class PurgeStore:
    """Purges a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def purge(self, kind: PurgeKind, name: str, *, who: str, dry_run: bool) -> Purged:
        """Remove all that is stored of `name`: a URL, a host in small letters, a property's id, an address (what was
        found for it, and the properties that are filed under it), or a person, whose name is not stored any more.

        Counts rows by table, and in "texts" those that lost the name and are kept. Done again it removes nothing more.
        Jobs for it are removed, those under way too: what they have in hand is refused (`PurgedMeanwhileError`). Who
        did so is recorded, and in numbers what went. A dry run is the same work in one transaction, undone at its end,
        so that its numbers are right.

        Raises `InvalidTargetError` for what is no URL or address, `InvalidPersonError` for what names nobody, and
        `ConfigurationError` without a key that the name could be hashed with, before anything is removed.
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
    """Record who purged what kind of thing, and in numbers what went."""
    now = database.clock.now()
    with database.writing() as connection:
        audit.record(connection, now, who, "purge", str(kind), removed=dict(removed))


def _do(database: Database, steps: Iterable[Step], *, dry_run: bool) -> Purged:
    """Do one step after the other; a dry run in one transaction, which is undone."""
    removed, job_ids = Counter[str](), set[str]()

    def note(part: Removal) -> None:
        removed.update(part.removed)
        job_ids.update(part.job_ids)

    def work(step: Step, connection: Connection) -> Removal:
        if not dry_run:
            database.advisory_lock(connection, TICK)  # else a watch that goes with its page would ask for it once more
        part = Removal(database, connection, dry_run=dry_run)
        step(part)
        return part

    if dry_run:
        steps = list(steps)  # what has to be read is read outside of the transaction
        with database.writing() as connection:
            for step in steps:
                note(work(step, connection))
            connection.rollback()
    else:
        for step in steps:
            note(database.repeat_paced(partial(work, step)))
    return Purged(dict(sorted((+removed).items())), sorted(job_ids))
