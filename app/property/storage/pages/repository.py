"""Pages as they were received, each body once: a job that comes back finds its page here and fetches nothing, and a
site is asked whether what it answered before still holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, insert, select, update

from app.property.page import Keeping, Page
from app.property.storage.database import Database
from app.property.storage.pages.blobs import count_bytes, drop_unused_blobs, save_blobs, unpack
from app.property.storage.pages.tables import IS_UNKEPT, SEEN_AT, Blob, PageCopy
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.statements import clean, entities


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
            "etag": None if no_store else page.keeping.etag,
            "last_modified": None if no_store else page.keeping.last_modified,
            "is_kept": not no_store,
            "confirmed_at": confirmed_at,
        }
        blobs = {page.sha256: page.body, str(row["text_sha256"]): text}
        now = self._database.clock.now()

        def work(connection: Connection) -> None:
            purged = purged_since(self._database, connection, page.fetched_at, (page.url, page.final_url))
            purged.refuse(page.text, page.url, page.final_url, page.declared_url)
            if no_store:
                _forget_validators(connection, PageCopy.final_url == row["final_url"])
                if job_id is None:
                    return
            added = save_blobs(connection, blobs, now)
            mine = update(PageCopy).where(PageCopy.job_id == job_id, PageCopy.url == page.url).values(row)
            if job_id is None or not connection.execute(mine).rowcount:
                connection.execute(insert(PageCopy).values(job_id=job_id, **row))
            count_bytes(connection, page.sha256, added)

        self._database.repeat(work)

    def checkpoint(self, job_id: str, url: str | None = None) -> Checkpoint | None:
        """The page that the job fetched before, the newest if `url` is None; None if it has to be fetched."""
        query = select(PageCopy).where(PageCopy.job_id == job_id).order_by(PageCopy.id.desc()).limit(1)
        if url is not None:
            query = query.where(PageCopy.url == url)
        with self._database.reading() as connection:
            copies = entities(connection, query)
        return next((Checkpoint(_page_of(copy), copy.confirmed_at) for copy in copies), None)

    def forget_checkpoint(self, job_id: str) -> None:
        """The job's pages turned out to be of no use: keep them, but let a retry of the job fetch anew, whole."""
        mine = select(PageCopy.final_url).where(PageCopy.job_id == job_id)

        def work(connection: Connection) -> None:
            _forget_validators(connection, PageCopy.final_url.in_(mine))
            connection.execute(update(PageCopy).where(PageCopy.job_id == job_id, PageCopy.is_kept).values(job_id=None))
            drop_pages(connection, PageCopy.job_id == job_id)

        self._database.repeat(work)

    def drop_unkept(self, job_id: str) -> None:
        """The job is over: what its sites did not want kept goes."""
        mine = PageCopy.job_id == job_id, IS_UNKEPT
        with self._database.reading() as connection:
            if not connection.execute(select(PageCopy.id).where(*mine)).first():
                return
        self._database.repeat(lambda connection: drop_pages(connection, *mine))

    # --- what sites said about keeping

    def validators(self, url: str) -> Keeping | None:
        """How to ask whether what `url` answered before still holds; None if nothing of it is kept."""
        with self._database.reading() as connection:
            row = connection.execute(_newest(select(PageCopy.etag, PageCopy.last_modified), url)).one_or_none()
        return Keeping(*row) if row is not None and any(row) else None

    def still_holds(self, url: str, final_url: str) -> Page | None:
        """`final_url` says that what it answered before still holds: that answer, as the page of `url`. None if it is
        not kept any more."""
        with self._database.reading() as connection:
            copies = entities(connection, _newest(select(PageCopy), final_url))
        return next((replace(_page_of(copy), url=url) for copy in copies if copy.etag or copy.last_modified), None)


def text_of(connection: Connection, sha256: str) -> str | None:
    """The text of the body with this hash; None if it is not kept (any more)."""
    query = select(Blob.packed).join(PageCopy, PageCopy.text_sha256 == Blob.sha256)
    packed = connection.execute(query.where(PageCopy.sha256 == sha256).limit(1)).scalar()
    return None if packed is None else unpack(packed).decode("utf-8", "surrogatepass")


def page_by_body(connection: Connection, sha256: str, final_url: str) -> Page | None:
    """The page at `final_url` whose body has this hash, as it was last received; None if it is not kept (any more)."""
    query = _newest(select(PageCopy).where(PageCopy.sha256 == sha256), final_url)
    return next((_page_of(copy) for copy in entities(connection, query)), None)


def drop_pages(connection: Connection, *which: Any, blobs: Iterable[str] = (), counted: bool = True) -> list[int]:
    """Delete rows of `pages`, and of their blobs and `blobs` those that nothing else refers to; return the packed sizes
    of these."""
    gone = connection.execute(delete(PageCopy).where(*which).returning(PageCopy.sha256, PageCopy.text_sha256)).all()
    return drop_unused_blobs(connection, {*blobs, *(sha256 for row in gone for sha256 in row)}, counted=counted)


def _forget_validators(connection: Connection, which: ColumnElement[bool]) -> None:
    connection.execute(update(PageCopy).where(which).values(etag=None, last_modified=None))


def _newest(query: Any, final_url: str) -> Select[Any]:
    newest: Select[Any] = query.where(PageCopy.final_url == final_url).order_by(SEEN_AT.desc(), PageCopy.id.desc())
    return newest.limit(1)


def _page_of(copy: PageCopy) -> Page:
    return Page(
        url=copy.url,
        final_url=copy.final_url,
        content_type=copy.content_type,
        text=unpack(copy.decoded.packed).decode("utf-8", "surrogatepass"),
        body=unpack(copy.body.packed),
        fetched_at=copy.fetched_at,
        keeping=Keeping(copy.etag, copy.last_modified, no_store=not copy.is_kept),
        declared_url=copy.declared_url,
    )
