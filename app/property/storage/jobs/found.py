"""End a search job and create jobs for the listings that it found, in one transaction.

The new jobs belong to the search's batch, so the batch completes after them. They count against the caller's quota.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from app.property.storage.pages.index import EVER
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.statements import chunks, entities
from app.property.storage.watches.models import Watch


class LeftOut(StrEnum):
    SPONSORED = "sponsored"
    OTHER_SITE = "other_site"  # the listing is on another site
    OVER_LIMIT = "over_limit"  # the search already has the maximum number of listings
    UNDER_WAY = "under_way"
    FRESH = "fresh"  # the page was read recently
    KNOWN = "known"  # the page was read before, and the search belongs to a watch
    QUOTA = "quota"
    PURGED = "purged"  # the page was purged during the search, or the URL names a person whose data was purged
    UNWATCHED = "unwatched"


@dataclass(frozen=True, slots=True)
class Walked:
    """The result of a search: its listings, the number of skipped listings by reason, and the number of result pages.

    `ended_by` is why the search stopped: last_page, nothing_new, other_search, max_pages, max_listings, blocked, gone,
    or an error code.
    """

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
    can_ask: bool = True,
    daily_targets: int | None = None,
) -> list[Job]:
    """End the search job of `lease`, and create jobs for the listings found. The caller must send the returned jobs.

    `daily_targets` is the caller's quota of jobs per day. Unless the search has `refresh`, a listing that was read
    within `fresh_days` gets no job, except if it waits for a model that `can_ask`. In the search of a watch, only
    listings that were never read get jobs. Raises `LeaseLostError`, and then changes nothing.
    """

    def work(connection: Connection) -> list[Job]:
        now = database.clock.now()
        held = entities(connection, select(Job).where(lease.holds()))
        if not held:
            raise LeaseLostError(lease.job_id)
        job, left_out = held[0], Counter(walked.left_out)
        purged = purged_since(database, connection, job.started_at or now, walked.listings).urls
        names = purged_since(database, connection, None).names
        is_paid_for = job.watch_id is None or _lock_watch(connection, job.watch_id)
        hold(connection, lease)
        wanted = [url for url in walked.listings if url not in purged and not names.is_in(url)]
        left_out[LeftOut.PURGED] += len(walked.listings) - len(wanted)
        since = EVER if job.watch_id is not None else None if job.refresh else now - timedelta(days=fresh_days)
        wanted = _news(connection, job, wanted, since, left_out, can_ask=can_ask)
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
    connection: Connection,
    job: Job,
    listings: Sequence[str],
    fresh_since: datetime | None,
    left_out: Counter[str],
    *,
    can_ask: bool,
) -> list[str]:
    wanted = list[str]()
    for some in chunks(listings):
        known = known_jobs(connection, some, fresh_since, can_ask)
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
    left_out[LeftOut.UNDER_WAY] += granted - len(made)  # another process created these jobs first
    if requester is not None and granted > len(made):
        usage.refund(connection, requester, now.date(), granted - len(made))
    return made


def _lock_watch(connection: Connection, watch_id: str) -> bool:
    query = select(Watch.id).where(Watch.id == watch_id).with_for_update(read=True)
    return connection.execute(query).first() is not None
