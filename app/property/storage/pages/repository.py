"""Pages as they were received, each body once: a job that comes back finds its page here and fetches nothing, and a
site is asked whether what it answered before still holds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from app.property.page import Keeping, Page
from app.property.storage.database import Database
from app.property.storage.pages.blobs import count_bytes, drop_unused_blobs, save_blobs, unpack
from app.property.storage.privacy.marks import refuse_purged
from app.property.storage.privacy.names import purged_since
from app.property.storage.statements import clean, upsert
from app.property.storage.tables import bodies, pages, site_answers
from app.property.urls.targets import MAX_URL_CHARS


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A page that a job got before. `confirmed_at`: when its site said that what was kept of it still holds; None: it
    came whole."""

    page: Page
    confirmed_at: datetime | None = None


class PageStore:
    """Pages in a `Database`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_page(self, page: Page, job_id: str | None = None, confirmed_at: datetime | None = None) -> None:
        """Keep the page; with a job, as the job's checkpoint for `page.url`, in place of an older one. `confirmed_at`
        is when its site said that it still holds, if it did not come whole.

        What its site does not want kept is the job's checkpoint only, until `drop_unkept`; without a job nothing is.
        Raises `PurgedMeanwhileError` for what was purged after it was fetched, `PersonPurgedMeanwhileError` for what
        names somebody who was.
        """
        no_store = page.keeping.no_store
        text = page.text.encode("utf-8", "surrogatepass")
        row = {
            "url": page.url,
            "final_url": clean(page.final_url),
            "content_type": clean(page.content_type),
            "sha256": page.sha256,
            "text_sha256": hashlib.sha256(text).hexdigest(),
            "fetched_at": page.fetched_at,
            "declared_url": clean(page.declared_url),
            "is_kept": not no_store,
            "confirmed_at": confirmed_at,
        }
        blobs = {page.sha256: page.body, str(row["text_sha256"]): text}
        now = self._database.clock.now()

        def work(connection: Connection) -> None:
            refuse_purged(self._database, connection, (page.url, page.final_url), page.fetched_at)
            since = purged_since(self._database, connection, page.fetched_at)
            since.refuse(page.text, page.url, page.final_url, page.declared_url)
            if no_store and job_id is None:
                connection.execute(delete(site_answers).where(site_answers.c.url == row["final_url"]))
                return
            added = save_blobs(connection, blobs, now)
            _note_answer(connection, page.keeping, row)
            mine = update(pages).where(pages.c.job_id == job_id, pages.c.url == page.url).values(row)
            if job_id is None or not connection.execute(mine).rowcount:
                connection.execute(insert(pages).values(job_id=job_id, **row))
            count_bytes(connection, page.sha256, added)

        self._database.repeat(work)

    def page_for_job(self, job_id: str, url: str | None = None) -> Page | None:
        """The page that the job fetched before, the newest if `url` is None; None if it has to be fetched."""
        found = self.checkpoint(job_id, url)
        return None if found is None else found.page

    def checkpoint(self, job_id: str, url: str | None = None) -> Checkpoint | None:
        """As `page_for_job`, with what its site said of it."""
        query = _with_bodies(pages).where(pages.c.job_id == job_id).order_by(pages.c.id.desc()).limit(1)
        if url is not None:
            query = query.where(pages.c.url == url)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        page = _page_of(row, row.url, row.final_url, Keeping(no_store=not row.is_kept))
        return Checkpoint(page, row.confirmed_at)

    def forget_checkpoint(self, job_id: str) -> None:
        """The job's pages turned out to be of no use: keep them, but let a retry of the job fetch anew, whole."""
        mine = select(pages.c.final_url).where(pages.c.job_id == job_id)
        with self._database.writing() as connection:
            connection.execute(delete(site_answers).where(site_answers.c.url.in_(mine)))
            connection.execute(update(pages).where(pages.c.job_id == job_id, pages.c.is_kept).values(job_id=None))
            drop_pages(connection, pages.c.job_id == job_id)

    def drop_unkept(self, job_id: str) -> None:
        """The job is over: what its sites did not want kept goes."""
        with self._database.reading() as connection:
            if not connection.execute(select(pages.c.id).where(pages.c.job_id == job_id, ~pages.c.is_kept)).first():
                return
        self._database.repeat(lambda connection: drop_pages(connection, pages.c.job_id == job_id, ~pages.c.is_kept))

    # --- what sites said about keeping

    def validators(self, url: str) -> Keeping | None:
        """How to ask whether what `url` answered before still holds; None if nothing of it is kept."""
        c = site_answers.c
        with self._database.reading() as connection:
            row = connection.execute(select(c.etag, c.last_modified).where(c.url == url)).one_or_none()
        return None if row is None else Keeping(row.etag, row.last_modified)

    def still_holds(self, url: str, final_url: str, at: datetime) -> Page | None:
        """`final_url` says that what it answered before still holds: that answer, as the page of `url`.

        It stays in use from `at` on. None if it is not kept any more.
        """

        def work(connection: Connection) -> Row[Any] | None:
            query = _with_bodies(site_answers).where(site_answers.c.url == final_url)
            row = connection.execute(query).one_or_none()
            if row is not None:
                used = update(bodies).where(bodies.c.sha256.in_((row.sha256, row.text_sha256)))
                connection.execute(used.values(used_at=at))
            return row

        row = self._database.repeat(work)
        return None if row is None else _page_of(row, url, final_url, Keeping(row.etag, row.last_modified))


def text_of(connection: Connection, sha256: str) -> str | None:
    """The text of the body with this hash; None if it is not kept (any more)."""
    query = select(bodies.c.packing, bodies.c.packed).join(pages, pages.c.text_sha256 == bodies.c.sha256)
    row = connection.execute(query.where(pages.c.sha256 == sha256).limit(1)).one_or_none()
    return None if row is None else unpack(row.packing, row.packed).decode("utf-8", "surrogatepass")


def page_by_body(connection: Connection, sha256: str, final_url: str) -> Page | None:
    """The page at `final_url` whose body has this hash, as it was last received; None if it is not kept (any more)."""
    mine = _with_bodies(pages).where(pages.c.sha256 == sha256, pages.c.final_url == final_url)
    row = connection.execute(mine.order_by(pages.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _page_of(row, row.url, row.final_url, Keeping())


def drop_pages(connection: Connection, *which: Any) -> list[int]:
    """Delete rows of `pages`, and the blobs that nothing else refers to; return the packed sizes of those blobs."""
    c = pages.c
    gone = connection.execute(delete(pages).where(*which).returning(c.sha256, c.text_sha256)).all()
    return drop_unused_blobs(connection, {sha256 for row in gone for sha256 in row})


def _note_answer(connection: Connection, keeping: Keeping, row: dict[str, Any]) -> None:
    """What `final_url` answered now is what it will be asked about, if there is a way to ask."""
    url = str(row["final_url"])
    if keeping.no_store or not (keeping.etag or keeping.last_modified) or len(url) > MAX_URL_CHARS:
        connection.execute(delete(site_answers).where(site_answers.c.url == url))
        return
    answer = {name: row[name] for name in ("content_type", "sha256", "text_sha256", "declared_url", "fetched_at")}
    answer |= {"etag": keeping.etag, "last_modified": keeping.last_modified}
    upsert(connection, site_answers, {"url": url}, answer)


def _with_bodies(table: Any) -> Select[Any]:
    text = bodies.alias("text")
    return (
        select(
            table,
            bodies.c.packed.label("body"),
            bodies.c.packing.label("body_packing"),
            text.c.packed.label("text"),
            text.c.packing.label("text_packing"),
        )
        .join(bodies, bodies.c.sha256 == table.c.sha256)
        .join(text, text.c.sha256 == table.c.text_sha256)
    )


def _page_of(row: Row[Any], url: str, final_url: str, keeping: Keeping) -> Page:
    return Page(
        url=url,
        final_url=final_url,
        content_type=row.content_type,
        text=unpack(row.text_packing, row.text).decode("utf-8", "surrogatepass"),
        body=unpack(row.body_packing, row.body),
        fetched_at=row.fetched_at,
        keeping=keeping,
        declared_url=row.declared_url,
    )
