"""A search ends, and what it found becomes jobs: both in one transaction, in the search's own batch.

So the batch is not complete before the listings are. A listing that is under way or fresh makes no job, and the
caller's quota holds for listings as for other targets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, select, update

from app.errors.jobs import LeaseLostError
from app.property.storage.database import Database
from app.property.storage.jobs import usage
from app.property.storage.jobs.enqueue import insert_jobs, known_jobs
from app.property.storage.jobs.leases import Lease, finish, hold
from app.property.storage.jobs.models import Batch, Job
from app.property.storage.jobs.recovery import RESEND_SECONDS
from app.property.storage.jobs.repository import FRESH_DAYS
from app.property.storage.jobs.usage import Requester
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.statements import chunks, entities
from app.property.storage.watches.models import Watch

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class LeftOut(StrEnum):
    """Why a listing that a search found makes no job. sponsored: its place was paid for · other_site: it is on a host
    of another site · over_limit: the search has more than may be taken · under_way: another job has it · fresh: it was
    read lately · known: it was read before, and a watch of a search takes what is new · quota: its caller has no more
    jobs today · purged: it was purged meanwhile, or its URL names a person who was · unwatched: the watch that would
    pay was removed meanwhile."""

    SPONSORED = "sponsored"
    OTHER_SITE = "other_site"
    OVER_LIMIT = "over_limit"
    UNDER_WAY = "under_way"
    FRESH = "fresh"
    KNOWN = "known"
    QUOTA = "quota"
    PURGED = "purged"
    UNWATCHED = "unwatched"


@dataclass(frozen=True, slots=True)
class Walked:
    """A search that was walked: URLs of listings in the spelling of targets, each once; how many were left out, by why;
    pages of results that were read; and why it ended there: last_page, nothing_new, other_search, max_pages,
    max_listings, or the code of the error that the next page had."""

    listings: Sequence[str]
    left_out: Mapping[str, int]
    pages: int
    ended_by: str


def finish_search(
    database: Database,
    lease: Lease,
    walked: Walked,
    *,
    fresh_days: float = FRESH_DAYS,
    daily_targets: int | None = None,
) -> list[Job]:
    """End the job of `lease`; return the jobs that it made, to be sent. Raises `LeaseLostError`, and changes nothing.

    `daily_targets` is the quota of each caller. Of a job that refreshes, fresh listings are taken as well; of a
    watch's, which pays for them, only those that were never read.
    """

    def work(connection: Connection) -> list[Job]:
        now = database.clock.now()
        held = entities(connection, select(Job).where(lease.holds()))
        if not held:
            raise LeaseLostError(lease.job_id)
        job, left_out = held[0], Counter(walked.left_out)
        purged = purged_since(database, connection, job.started_at or now, walked.listings).urls
        names = purged_since(database, connection, None).names
        is_paid_for = job.watch_id is None or _holds(connection, job.watch_id)
        hold(connection, lease)
        wanted = [url for url in walked.listings if url not in purged and not names.is_in(url)]
        left_out[LeftOut.PURGED] += len(walked.listings) - len(wanted)
        since = _EVER if job.watch_id is not None else None if job.refresh else now - timedelta(days=fresh_days)
        wanted = _news(connection, job, wanted, since, left_out)
        if not is_paid_for:
            left_out[LeftOut.UNWATCHED] += len(wanted)
            wanted = []
        made = _make(connection, job, now, wanted, daily_targets, left_out)
        search = {
            "pages": walked.pages,
            "found": len(walked.listings) + sum(walked.left_out.values()),
            "taken": len(made),
            "left_out": {str(why): count for why, count in sorted((+left_out).items())},
            "ended_by": walked.ended_by,
        }
        finish(connection, lease, now, search=search)
        grown = {"targets": Batch.targets + len(made)}
        connection.execute(update(Batch).where(Batch.id == job.batch_id).values(grown))
        return made

    return database.repeat(work)


def _news(
    connection: Connection, job: Job, listings: Sequence[str], fresh_since: datetime | None, left_out: Counter[str]
) -> list[str]:
    """Return those that are neither under way nor fresh; the others are counted."""
    wanted = list[str]()
    for some in chunks(listings):
        known = known_jobs(connection, some, fresh_since)
        wanted += [target for target in some if target not in known]
        for its in known.values():
            why = LeftOut.FRESH if job.watch_id is None else LeftOut.KNOWN
            left_out[LeftOut.UNDER_WAY if its is not None and not its.state.is_final else why] += 1
    return wanted


def _make(  # noqa: PLR0917
    connection: Connection,
    job: Job,
    now: datetime,
    wanted: Sequence[str],
    daily_targets: int | None,
    left_out: Counter[str],
) -> list[Job]:
    """Make jobs for those of `wanted` that the caller's quota has room for, at the end of the search's batch."""
    caller = connection.execute(select(Batch.caller).where(Batch.id == job.batch_id)).scalar()
    requester = Requester(caller, daily_targets) if caller else None
    granted = usage.charge_up_to(connection, requester, now, len(wanted)) if requester is not None else len(wanted)
    last = connection.execute(select(func.max(Job.position)).where(Job.batch_id == job.batch_id)).scalar() or 0
    common = {
        "batch_id": job.batch_id,
        "priority": job.priority,
        "refresh": job.refresh and job.watch_id is None,
        "resend_at": now + timedelta(seconds=RESEND_SECONDS),
        "economy": job.economy,
        "created_at": now,
        "found_by": job.id,
        "watch_id": job.watch_id,
    }
    rows = [{**common, "position": last + n, "target": target} for n, target in enumerate(wanted[:granted], 1)]
    made = [new for some in chunks(rows) for new in insert_jobs(connection, some).values()]
    left_out[LeftOut.QUOTA] += len(wanted) - granted
    left_out[LeftOut.UNDER_WAY] += granted - len(made)  # another process was faster
    if requester is not None and granted > len(made):
        usage.refund(connection, requester, now.date(), granted - len(made))
    return made


def _holds(connection: Connection, watch_id: str) -> bool:
    """Whether there is the watch; until this transaction ends it is not removed."""
    query = select(Watch.id).where(Watch.id == watch_id).with_for_update(read=True)
    return connection.execute(query).first() is not None
