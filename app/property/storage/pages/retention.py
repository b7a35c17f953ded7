"""Delete page copies by age and by total size, oldest first, unless active jobs need them.

A body's age counts from when it was last received, or confirmed by its site. Its rows in `pages` and its recipe
examples are deleted with it. The records of a page stay.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, func, or_, select

from app.property.storage.database import Database
from app.property.storage.jobs.models import Job
from app.property.storage.pages.repository import drop_pages
from app.property.storage.pages.tables import IS_UNKEPT, SEEN_AT, Blob, PageCopy
from app.property.storage.statements import Store
from app.property.storage.types import ACTIVE

#: Maximum number of blobs or rows per transaction, so that other writers wait only briefly.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Pruned:
    """The result of a step. If `more`, there may be more blobs to delete."""

    bodies: int = 0
    packed_bytes: int = 0
    more: bool = False


class Retention(Store):
    """Deletes page copies. Each call of a method is one small transaction."""

    def prune_old(self, days: float) -> Pruned:
        """Delete some blobs, and some rows of `pages`, that are older than `days`."""
        oldest = self._database.clock.now() - timedelta(days=days)

        def work(connection: Connection) -> Pruned:
            gone = _drop_bodies(connection, _oldest_first(connection, Blob.used_at < oldest))
            left = _drop_rows(connection, oldest > SEEN_AT)  # old rows whose body is kept because of a newer row
            return Pruned(gone.bodies + left.bodies, gone.packed_bytes + left.packed_bytes, gone.more or left.more)

        return self._database.repeat_paced(work)

    def prune_surplus(self, max_bytes: int) -> Pruned:
        """Delete some of the least recently received blobs if all blobs together exceed `max_bytes`, compressed."""
        surplus = stored_bytes(self._database) - max_bytes
        if surplus <= 0:
            return Pruned()

        def work(connection: Connection) -> Pruned:
            chosen, left = list[tuple[str, int]](), surplus
            for sha256, packed_bytes in _oldest_first(connection):
                if left <= 0:
                    break
                chosen.append((sha256, packed_bytes))
                left -= packed_bytes
            return _drop_bodies(connection, chosen)

        return self._database.repeat_paced(work)

    def prune_unkept(self) -> Pruned:
        return self._database.repeat_paced(lambda connection: _drop_rows(connection, IS_UNKEPT))


def stored_bytes(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.coalesce(func.sum(Blob.packed_bytes), 0))).scalar_one())


def _is_needed() -> ColumnElement[bool]:
    return select(Job.id).where(Job.id == PageCopy.job_id, Job.state.in_(ACTIVE)).exists()


def _oldest_first(connection: Connection, *which: ColumnElement[bool]) -> list[tuple[str, int]]:
    refers = or_(PageCopy.sha256 == Blob.sha256, PageCopy.text_sha256 == Blob.sha256)
    needed = select(PageCopy.id).where(refers, _is_needed()).exists()
    query = select(Blob.sha256, Blob.packed_bytes).where(~needed, *which).order_by(Blob.used_at, Blob.sha256)
    return [(row.sha256, row.packed_bytes) for row in connection.execute(query.limit(_AT_ONCE))]


def _drop_bodies(connection: Connection, chosen: list[tuple[str, int]]) -> Pruned:
    if not chosen:
        return Pruned()
    hashes = {sha256 for sha256, _ in chosen}
    leads = or_(PageCopy.sha256.in_(hashes), PageCopy.text_sha256.in_(hashes))
    gone = drop_pages(connection, leads, ~_is_needed(), blobs=hashes)
    return Pruned(len(gone), sum(gone), len(chosen) == _AT_ONCE)


def _drop_rows(connection: Connection, which: ColumnElement[bool]) -> Pruned:
    some = connection.execute(select(PageCopy.id).where(which, ~_is_needed()).limit(_AT_ONCE)).scalars().all()
    gone = drop_pages(connection, PageCopy.id.in_(some), ~_is_needed())
    return Pruned(len(gone), sum(gone), len(some) == _AT_ONCE)
