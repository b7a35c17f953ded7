"""How long copies of pages are kept, and how much of them: the oldest go first, what a job under way needs stays.

A body's age counts from when it was last received, or last said by its site to hold. With it go the rows that lead to
it, and the examples that recipes were learned from it; records and properties stay, their evidence then names a body
that is not kept any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select

from app.property.storage.database import Database
from app.property.storage.pages.blobs import drop_unused_blobs, stored_bytes
from app.property.storage.pages.repository import drop_pages
from app.property.storage.pages.tables import IS_UNKEPT
from app.property.storage.tables import (
    ACTIVE,
    bodies,
    jobs,
    model_answers,
    pages,
    purge_marks,
    recipe_examples,
    site_answers,
    web_searches,
)

#: bodies that go in one transaction, so that no writer waits long
_AT_ONCE = 200
#: a purge is remembered for as long as a fetch from before it could still be stored, and much longer
_MARKS_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one step removed: copies of pages and their packed bytes, and answers of models. `more`: there is more."""

    bodies: int = 0
    packed_bytes: int = 0
    answers: int = 0
    more: bool = False


class Retention:
    """Removes what is too old or too much, a part at a time; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stored_bytes(self) -> int:
        """How much all bodies take, packed."""
        with self._database.reading() as connection:
            return stored_bytes(connection)

    def prune_old(self, days: float) -> Pruned:
        """Remove bodies, rows of pages and answers of models that are older than `days`."""
        oldest = self._database.clock.now() - timedelta(days=days)

        def work(connection: Connection) -> Pruned:
            _drop_rows(connection, oldest)
            answers = _drop_answers(connection, oldest)
            gone = _drop_bodies(connection, _oldest_first(connection, bodies.c.used_at < oldest))
            return Pruned(gone.bodies, gone.packed_bytes, answers, gone.more or answers == _AT_ONCE)

        return self._database.repeat(work)

    def prune_surplus(self, max_bytes: int) -> Pruned:
        """Remove those bodies that were of no use for longest, until all together take at most `max_bytes`, packed."""

        def work(connection: Connection) -> Pruned:
            surplus = stored_bytes(connection) - max_bytes
            if surplus <= 0:
                return Pruned()
            chosen = list[tuple[str, int]]()
            for sha256, packed_bytes in _oldest_first(connection):
                if surplus <= 0:
                    break
                chosen.append((sha256, packed_bytes))
                surplus -= packed_bytes
            return _drop_bodies(connection, chosen)

        return self._database.repeat(work)

    def prune_unkept(self) -> Pruned:
        """Remove what sites did not want kept and a job that is over left behind, and what only runs needed."""
        now = self._database.clock.now()

        def work(connection: Connection) -> Pruned:
            left = select(pages.c.id).where(IS_UNKEPT, ~_is_needed()).limit(_AT_ONCE)
            gone = drop_pages(connection, pages.c.id.in_(left))
            connection.execute(delete(purge_marks).where(purge_marks.c.at < now - _MARKS_KEPT))
            return Pruned(len(gone), sum(gone), 0, len(gone) >= _AT_ONCE)

        return self._database.repeat(work)


def _is_needed() -> ColumnElement[bool]:
    """Of a row of `pages`: it is the checkpoint of a job that is not over."""
    return select(jobs.c.id).where(jobs.c.id == pages.c.job_id, jobs.c.state.in_(ACTIVE)).exists()


def _oldest_first(connection: Connection, *which: ColumnElement[bool]) -> list[tuple[str, int]]:
    """Bodies (of those `which`) that no job under way needs, with their packed sizes."""
    c = bodies.c
    refers = or_(pages.c.sha256 == c.sha256, pages.c.text_sha256 == c.sha256)
    needed = select(pages.c.id).where(refers, _is_needed()).exists()
    query = select(c.sha256, c.packed_bytes).where(~needed, *which).order_by(c.used_at, c.sha256).limit(_AT_ONCE)
    return [(row.sha256, row.packed_bytes) for row in connection.execute(query)]


def _drop_bodies(connection: Connection, chosen: list[tuple[str, int]]) -> Pruned:
    """Delete the bodies, the rows that lead to them, and the other halves of those rows."""
    if not chosen:
        return Pruned()
    hashes = {sha256 for sha256, _ in chosen}
    touched = set(hashes)
    for table in (site_answers, pages):
        c = table.c
        leads = or_(c.sha256.in_(hashes), c.text_sha256.in_(hashes))
        spared = and_(leads, ~_is_needed()) if table is pages else leads
        rows: Any = connection.execute(delete(table).where(spared).returning(c.sha256, c.text_sha256))
        touched.update(sha256 for row in rows for sha256 in row)
    gone = drop_unused_blobs(connection, touched)
    return Pruned(len(gone), sum(gone), 0, len(chosen) == _AT_ONCE)


def _drop_rows(connection: Connection, oldest: datetime) -> None:
    """Old rows of `pages` whose bodies are in use: their newer rows lead there as well."""
    old = select(pages.c.id).where(pages.c.fetched_at < oldest, ~_is_needed()).limit(_AT_ONCE)
    drop_pages(connection, pages.c.id.in_(old))


def _drop_answers(connection: Connection, oldest: datetime) -> int:
    connection.execute(delete(web_searches).where(web_searches.c.asked_at < oldest))
    connection.execute(delete(recipe_examples).where(recipe_examples.c.at < oldest))
    old = select(model_answers.c.id).where(model_answers.c.created_at < oldest).limit(_AT_ONCE)
    return connection.execute(delete(model_answers).where(model_answers.c.id.in_(old))).rowcount
