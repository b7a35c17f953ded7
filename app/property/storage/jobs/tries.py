"""Pages that a job asked for in vain. What a job did get is its checkpoint (`pages.py`)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from app.property.storage.database import Database
from app.property.storage.statements import clean, upsert
from app.property.storage.tables import source_tries


@dataclass(frozen=True, slots=True)
class SourceTry:
    """What came of asking for a page: the error's code and words, and how often. `is_final`: it is not asked again."""

    code: str
    message: str
    tries: int
    is_final: bool


class SourceTries:
    """Tries of jobs in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_job(self, job_id: str) -> dict[str, SourceTry]:
        """The job's tries by URL."""
        c = source_tries.c
        with self._database.reading() as connection:
            rows = connection.execute(select(source_tries).where(c.job_id == job_id)).all()
        return {row.url: SourceTry(row.code, row.message, row.tries, row.is_final) for row in rows}

    def note(self, job_id: str, url: str, tried: SourceTry) -> None:
        """Put `tried` in the place of what was known of the URL."""
        row = {"code": tried.code, "message": clean(tried.message), "tries": tried.tries, "is_final": tried.is_final}

        def work(connection: Connection) -> None:
            upsert(connection, source_tries, {"job_id": job_id, "url": url}, row)

        self._database.repeat(work)


def forget_tries(connection: Connection, job_id: str) -> None:
    """The job is over, or begins anew."""
    connection.execute(delete(source_tries).where(source_tries.c.job_id == job_id))
