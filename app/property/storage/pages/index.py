"""Map URLs to pages and their newest records, and let only one job at a time read a page.

If several URLs lead to one page, its record is stored once, and the other URLs in `page_aliases`. While a job reads a
page, other jobs for the page wait, and then use its record.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, or_, select, update
from sqlalchemy.orm import aliased

from app.errors.jobs import LeaseLostError
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.pages.tables import PageAlias
from app.property.storage.properties.tables import AS_OF, SourceRow
from app.property.storage.statements import Store, upsert

#: A time before all records.
EVER = datetime(1970, 1, 1, tzinfo=UTC)
_OF_SAME_PROPERTY = aliased(SourceRow)
#: Condition that a page of the record's property must be sent to a model again.
_IS_ASKED_AGAIN = exists().where(_OF_SAME_PROPERTY.property_id == SourceRow.property_id, _OF_SAME_PROPERTY.asks_again)


def is_fresh(since: datetime, *, can_ask: bool = True, whole_property: bool = False) -> ColumnElement[bool]:
    """Return the condition for fresh records: current after `since`, and the page waits for no model that `can_ask`.

    With `whole_property`, no page of the property waits. If no model can be asked, waiting would change nothing.
    """
    if not can_ask:
        return since < AS_OF
    return and_(since < AS_OF, ~(_IS_ASKED_AGAIN if whole_property else SourceRow.asks_again))


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A stored record and its property. `is_whole` is False if a model's answer for a field is still missing.

    `waits` is True if no model was heard about the page, so that the next model that can be asked is asked.
    """

    record: SourceRecord
    property_id: str
    is_whole: bool
    waits: bool = False


class Seen(NamedTuple):
    """A body that was received for `url`.

    `page_url` is the page's canonical URL, and `edition` the version of the extractors. If a model `can_ask`, a record
    that waits for one is not what this body yields.
    """

    url: str
    page_url: str
    sha256: str
    edition: str
    can_ask: bool = True


class PageIndex(Store):
    def fresh(self, url: str, since: datetime, *, can_ask: bool = True) -> tuple[str, PageKind] | None:
        """Return the property id and page kind of `url` if its page is fresh (`is_fresh`), else None."""
        known_as = select(PageAlias.page_url).where(PageAlias.url == url)
        mine = or_(SourceRow.url == url, SourceRow.page_url.in_(known_as))
        with self._database.reading() as connection:
            row = connection.execute(_newest(mine).where(is_fresh(since, can_ask=can_ask))).first()
        return (row.property_id, PageKind(row.kind)) if row else None

    def known_as(self, url: str) -> str | None:
        return self._scalar(select(PageAlias.page_url).where(PageAlias.url == url))

    def record_of(self, page_url: str) -> KnownRecord | None:
        query = _newest(or_(SourceRow.page_url == page_url, SourceRow.url == page_url))
        row = next(iter(self._read(query)), None)
        return KnownRecord(row.to_record(), row.property_id, not row.wanted_model, row.asks_again) if row else None

    def is_confirmed_by(self, seen: Seen) -> bool:
        """Return whether `PropertyStore.confirm` would find a record now, without taking a lock."""
        with self._database.reading() as connection:
            return record_with_body(connection, seen) is not None

    def take_reading(self, page_url: str, lease: Lease) -> bool:
        """Reserve the page for the job that holds `lease`.

        Return False if another job is reading it. Raises `LeaseLostError`.
        """
        now = self._database.clock.now()
        reads = and_(Job.state == JobState.RUNNING, Job.lease_expires_at > now)

        def work(connection: Connection) -> bool:
            self._database.advisory_lock(connection, f"page {page_url}")
            theirs = Job.reading_url == page_url, Job.id != lease.job_id
            if connection.execute(select(Job.id).where(*theirs, reads)).first():
                return False
            connection.execute(update(Job).where(*theirs).values(reading_url=None))  # the jobs are no longer running
            mine = update(Job).where(lease.holds()).values(reading_url=page_url)
            if connection.execute(mine).rowcount != 1:
                raise LeaseLostError(lease.job_id)
            return True

        return self._database.repeat(work)


def record_with_body(connection: Connection, seen: Seen) -> Row[Any] | None:
    """Return the row of the record that contains everything in this body, or None if the body must be read."""
    same_content = select(PageAlias.record_sha256).where(
        PageAlias.url == seen.url, PageAlias.content_sha256 == seen.sha256
    )
    same = and_(
        or_(SourceRow.content_sha256 == seen.sha256, SourceRow.content_sha256.in_(same_content)),
        SourceRow.edition == seen.edition,
    )
    mine = or_(SourceRow.url == seen.url, SourceRow.page_url == seen.page_url)
    row = connection.execute(_newest(mine).where(same)).first()
    return None if row is None or row.wanted_model or (row.asks_again and seen.can_ask) else row


def note_same(connection: Connection, read: SourceRecord, known: SourceRecord) -> None:
    """Store the URL of `read` as an alias of the page of `known`, which must contain everything in `read`."""
    at = max(read.as_of, known.as_of)
    note_url(connection, read.url, known.page_url or known.final_url, at, read.content_sha256, known.content_sha256)


def note_url(connection: Connection, url: str, page_url: str, at: datetime, *bodies: str) -> None:
    """Store `url` as an alias of the page `page_url`.

    `bodies` are two hashes: of the body at `url`, and of the body whose record has the same content. Omit them if the
    contents were not compared.
    """
    own, known = bodies or (None, None)
    values = {"page_url": page_url, "seen_at": at, "content_sha256": own, "record_sha256": known}
    upsert(connection, PageAlias, {"url": url}, values)


def fresh_urls(urls: Any, since: datetime, *, can_ask: bool = True) -> Select[Any]:
    """Select those of the normalized `urls` whose pages are fresh (`is_fresh`)."""
    fresh = is_fresh(since, can_ask=can_ask)
    own = select(SourceRow.url).where(SourceRow.url.in_(urls), fresh)
    other = (
        select(PageAlias.url)
        .join(SourceRow, SourceRow.page_url == PageAlias.page_url)
        .where(PageAlias.url.in_(urls), fresh)
    )
    return own.union(other)  # type: ignore[return-value]


def _newest(condition: ColumnElement[bool]) -> Select[Any]:
    return select(SourceRow).where(condition).order_by(AS_OF.desc(), SourceRow.id.desc()).limit(1)
