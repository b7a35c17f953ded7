"""Store received pages. A resumed job uses its stored pages; other jobs need them for conditional requests.

Bodies and texts are compressed with zstd, and stored once per content, under its SHA-256.
"""

import hashlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, insert, select, update

from app.property.page import CacheValidators, Page
from app.property.storage.pages.tables import IS_UNKEPT, SEEN_AT, Blob, OpenedOrigin, PageCopy
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.properties.tables import RecipeExample
from app.property.storage.statements import Store, clean, entities, insert_if_new

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A page that a job received earlier.

    `confirmed_at` is when its site answered 304 (None: it sent the page in full).
    """

    page: Page
    confirmed_at: datetime | None = None


class PageStore(Store):
    """Stores received pages. Each change is one transaction."""

    def save_page(self, page: Page, job_id: str | None = None, confirmed_at: datetime | None = None) -> None:
        """Store the page. With `job_id`, it becomes the job's checkpoint of `page.url`.

        `confirmed_at` is when the site answered 304 (None: it sent the page in full). A `no_store` page is stored only
        as a checkpoint, and `drop_unkept` deletes it. Raises `PurgedMeanwhileError` if the page was purged after it was
        fetched, and `PersonPurgedMeanwhileError` if it contains a name purged since then.
        """
        no_store = page.validators.no_store
        text = page.text.encode("utf-8", "surrogatepass")
        row = {
            "url": page.url,
            "final_url": clean(page.final_url),
            "content_type": clean(page.content_type),
            "sha256": page.sha256,
            "text_sha256": hashlib.sha256(text).hexdigest(),
            "fetched_at": page.fetched_at,
            "declared_url": clean(page.declared_url),
            "etag": None if no_store else page.validators.etag,
            "last_modified": None if no_store else page.validators.last_modified,
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
            save_blobs(connection, blobs, now)
            mine = update(PageCopy).where(PageCopy.job_id == job_id, PageCopy.url == page.url).values(row)
            if job_id is None or not connection.execute(mine).rowcount:
                connection.execute(insert(PageCopy).values(job_id=job_id, **row))

        self._database.repeat(work)

    def checkpoint(self, job_id: str, url: str | None = None) -> Checkpoint | None:
        """Return the job's checkpoint of `url` (None: its newest one), or None if there is none."""
        query = select(PageCopy).where(PageCopy.job_id == job_id).order_by(PageCopy.id.desc()).limit(1)
        if url is not None:
            query = query.where(PageCopy.url == url)
        copies = self._read(query)
        return next((Checkpoint(_page_of(copy), copy.confirmed_at) for copy in copies), None)

    def kept_since(self, url: str, since: datetime) -> Checkpoint | None:
        """Return the newest kept page that was requested as `url`, if it was received or confirmed after `since`."""
        mine = PageCopy.url == url, PageCopy.is_kept, since < SEEN_AT
        copies = self._read(select(PageCopy).where(*mine).order_by(SEEN_AT.desc(), PageCopy.id.desc()).limit(1))
        return next((Checkpoint(_page_of(copy), copy.confirmed_at) for copy in copies), None)

    def forget_checkpoint(self, job_id: str) -> None:
        """Remove the job's checkpoints, so that a retry fetches each page in full.

        `no_store` pages are deleted; other pages are kept without a job. The stored cache validators of their final
        URLs are removed.
        """
        mine = select(PageCopy.final_url).where(PageCopy.job_id == job_id)

        def work(connection: Connection) -> None:
            _forget_validators(connection, PageCopy.final_url.in_(mine))
            connection.execute(update(PageCopy).where(PageCopy.job_id == job_id, PageCopy.is_kept).values(job_id=None))
            drop_pages(connection, PageCopy.job_id == job_id)

        self._database.repeat(work)

    def drop_unkept(self, job_id: str) -> None:
        mine = PageCopy.job_id == job_id, IS_UNKEPT
        with self._database.reading() as connection:
            if not connection.execute(select(PageCopy.id).where(*mine)).first():
                return
        self._database.repeat(lambda connection: drop_pages(connection, *mine))

    def validators(self, url: str) -> CacheValidators | None:
        """Return the cache validators of the newest page at the final URL `url`, or None if it has none."""
        with self._database.reading() as connection:
            row = connection.execute(_newest(select(PageCopy.etag, PageCopy.last_modified), url)).one_or_none()
        return CacheValidators(*row) if row is not None and any(row) else None

    def still_holds(self, url: str, final_url: str) -> Page | None:
        """Return the newest stored page at `final_url`, with `url` as its requested URL.

        Call this after `final_url` answered 304. Return None if no page with cache validators is stored.
        """
        copies = self._read(_newest(select(PageCopy), final_url))
        return next((replace(_page_of(copy), url=url) for copy in copies if copy.etag or copy.last_modified), None)

    def open_origin(self, origin: str) -> bool:
        """Note that a caller's or the operator's own URL enters a private network at `origin`. Return True."""
        row = {"sha256": _hash_of(origin), "at": self._database.clock.now()}

        def work(connection: Connection) -> None:
            connection.execute(insert_if_new(connection, OpenedOrigin).values(row))

        if not self.is_opened(origin):
            self._database.repeat(work)
        return True

    def is_opened(self, origin: str) -> bool:
        return self._scalar(select(OpenedOrigin.at).where(OpenedOrigin.sha256 == _hash_of(origin))) is not None


def _hash_of(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()


def text_of(connection: Connection, sha256: str) -> str | None:
    """Return the text of the body with this SHA-256, or None if it is not stored."""
    query = select(Blob.packed).join(PageCopy, PageCopy.text_sha256 == Blob.sha256)
    packed = connection.execute(query.where(PageCopy.sha256 == sha256).limit(1)).scalar()
    return None if packed is None else unpack(packed).decode("utf-8", "surrogatepass")


def page_by_body(connection: Connection, sha256: str, final_url: str) -> Page | None:
    """Return the newest page at `final_url` with this body, or None if it is not stored."""
    query = _newest(select(PageCopy).where(PageCopy.sha256 == sha256), final_url)
    return next((_page_of(copy) for copy in entities(connection, query)), None)


def drop_pages(connection: Connection, *which: Any, blobs: Iterable[str] = ()) -> list[int]:
    """Delete rows of `pages`.

    Then delete their blobs and `blobs`, except blobs that remaining rows refer to. Return the compressed sizes of
    deleted blobs.
    """
    gone = connection.execute(delete(PageCopy).where(*which).returning(PageCopy.sha256, PageCopy.text_sha256)).all()
    return drop_unused_blobs(connection, {*blobs, *(sha256 for row in gone for sha256 in row)})


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
        validators=CacheValidators(copy.etag, copy.last_modified, no_store=not copy.is_kept),
        declared_url=copy.declared_url,
    )


def pack(content: bytes) -> bytes:
    return zstd.compress(content, _LEVEL)


def unpack(packed: bytes) -> bytes:
    return zstd.decompress(packed)


def save_blobs(connection: Connection, blobs: Mapping[str, bytes], now: datetime) -> None:
    """Store contents by their SHA-256. If a content is already stored, only its `used_at` is updated."""
    for sha256, content in sorted(blobs.items()):
        known = update(Blob).where(Blob.sha256 == sha256).values(used_at=now)
        if not connection.execute(known).rowcount:
            packed = pack(content)
            row = {"sha256": sha256, "packed": packed, "packed_bytes": len(packed), "used_at": now}
            connection.execute(insert_if_new(connection, Blob).values(row))


def drop_unused_blobs(connection: Connection, hashes: set[str]) -> list[int]:
    """Delete the blobs in `hashes` that no row of `pages` refers to, and the recipe examples with their bodies.

    Return the compressed sizes of the deleted blobs.
    """
    if not hashes:
        return []
    # locked separately, so that the next statement sees references added during the wait
    connection.execute(select(Blob.sha256).where(Blob.sha256.in_(hashes)).order_by(Blob.sha256).with_for_update())
    unused = (~exists().where(column == Blob.sha256) for column in (PageCopy.sha256, PageCopy.text_sha256))
    drop = delete(Blob).where(Blob.sha256.in_(hashes), *unused).returning(Blob.sha256, Blob.packed_bytes)
    gone = connection.execute(drop).all()
    learned = RecipeExample.content_sha256.in_([row.sha256 for row in gone])
    connection.execute(delete(RecipeExample).where(learned))
    return [row.packed_bytes for row in gone]
