"""Pages as they were received, each body once: a job that comes back finds its page here and fetches nothing."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.property.page import Page
from app.property.store.engine import Database
from app.property.store.rows import clean
from app.property.store.tables import bodies, pages


class PageStore:
    """Pages in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_page(self, page: Page, job_id: str | None = None) -> None:
        """Keep the page; with a job, as the job's checkpoint for `page.url`, in place of an older one."""
        text = page.text.encode("utf-8", "surrogatepass")
        row = {
            "url": page.url,
            "final_url": clean(page.final_url),
            "content_type": clean(page.content_type),
            "sha256": page.sha256,
            "text_sha256": hashlib.sha256(text).hexdigest(),
            "fetched_at": page.fetched_at,
        }
        blobs = {row["sha256"]: page.body, row["text_sha256"]: text}

        def work(connection: Connection) -> None:
            for sha256, content in sorted(blobs.items()):
                self._save_body(connection, str(sha256), content)
            if job_id is not None:
                mine = pages.update().where(pages.c.job_id == job_id, pages.c.url == page.url)
                if connection.execute(mine.values(row)).rowcount:
                    return
            connection.execute(insert(pages).values(job_id=job_id, **row))

        self._database.repeat(work)

    def page_for_job(self, job_id: str, url: str | None = None) -> Page | None:
        """The page that the job fetched before, the newest if `url` is None; None if it has to be fetched."""
        text = bodies.alias("text")
        query = (
            select(pages, bodies.c.zlib.label("body"), text.c.zlib.label("text"))
            .join(bodies, bodies.c.sha256 == pages.c.sha256)
            .join(text, text.c.sha256 == pages.c.text_sha256)
            .where(pages.c.job_id == job_id)
            .order_by(pages.c.id.desc())
            .limit(1)
        )
        if url is not None:
            query = query.where(pages.c.url == url)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return Page(
            url=row.url,
            final_url=row.final_url,
            content_type=row.content_type,
            text=zlib.decompress(row.text).decode("utf-8", "surrogatepass"),
            body=zlib.decompress(row.body),
            fetched_at=row.fetched_at,
        )

    def forget_checkpoint(self, job_id: str) -> None:
        """The job's pages turned out to be of no use: keep them, but let a retry of the job fetch anew."""
        with self._database.writing() as connection:
            connection.execute(update(pages).where(pages.c.job_id == job_id).values(job_id=None))

    def _save_body(self, connection: Connection, sha256: str, content: bytes) -> None:
        if connection.execute(select(bodies.c.sha256).where(bodies.c.sha256 == sha256)).first():
            return
        packed = zlib.compress(content, 6)
        row = {"sha256": sha256, "size": len(content), "zlib": packed, "created_at": self._database.clock.now()}
        connection.execute(insert_if_new(connection, bodies).values(row))


def insert_if_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves rows alone which are there already, by whichever unique key."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()
