"""Process ended refreshes: retry failed ones with backoff, and pause watches that fail for weeks."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, delete, exists, literal, null, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import every_kind
from app.errors.fetching import HttpStatusError
from app.errors.jobs import DeadlineExceededError, WorkerDiedError
from app.errors.pages import PageBlockedError, PageGoneError
from app.errors.targets import NoSourceError
from app.plurals import counted
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.properties.tables import Property
from app.property.storage.statements import chunks, entities
from app.property.storage.types import ACTIVE, UtcDateTime
from app.property.storage.watches.models import Watch, WatchKind, write

_PASSING = {*(kind.code for kind in every_kind() if kind.transient), DeadlineExceededError.code, WorkerDiedError.code}
#: Hours to wait after each consecutive failure, by error code. Further failures, and failures with other error codes,
#: wait for the regular due time.
_HOURS = {
    **dict.fromkeys((PageBlockedError.code, HttpStatusError.code), (24, 24)),
    **dict.fromkeys((*_PASSING, NoSourceError.code), (1, 4, 16, 24, 24)),
}
_GONE_STATUS = re.compile(r" answered HTTP 4(?:04|10)\.")
#: Hours until a page that is gone is requested again, and the number of such failures that pauses its watch.
_GONE_AGAIN_HOURS = 24
_GONE_TRIES = 2
#: A watch is paused after `_PAUSED_TRIES` consecutive failed refreshes, if the first was at least `_PAUSED_AFTER` ago.
_PAUSED_TRIES = 8
_PAUSED_AFTER = timedelta(days=14)
_AT_ONCE = 500
#: Matches failed jobs of watches that will be retried at their `due_at`.
HAS_FAILED = and_(Job.watch_id.is_not(None), Job.state == JobState.FAILED, Job.due_at.is_not(None))
UNDER_WAY = exists().where(Job.watch_id == Watch.id, Job.state.in_(ACTIVE))


def settle(connection: Connection, now: datetime) -> tuple[Counter[str], list[Watch]]:
    """Process up to 500 ended refreshes. Return their number by outcome, and the watches that were paused."""
    query = select(Watch).where(Watch.under_way_since.is_not(None), ~UNDER_WAY)
    ended = entities(connection, query.order_by(Watch.under_way_since, Watch.id).limit(_AT_ONCE).with_for_update())
    made = defaultdict[str, list[Row[Any]]](list)
    job: tuple[Any, ...] = Job.watch_id, Job.target, Job.state, Job.property_id, Job.finished_at
    columns = (*job, Job.error_code, Job.error_message, Property.merged_into)
    jobs = select(*columns).outerjoin(Property, Property.id == Job.property_id)
    # includes the jobs for listings that a watched search found
    jobs = jobs.join(Watch, and_(Watch.id == Job.watch_id, Job.created_at >= Watch.under_way_since))
    jobs = jobs.where(Watch.id.in_([watch.id for watch in ended])).order_by(Job.created_at, Job.position)
    for job in connection.execute(jobs):
        made[job.watch_id].append(job)
    homes = {watch.id: watch.property_id for watch in ended}
    outcomes = {watch.id: _end(watch, made[watch.id], now) for watch in ended}
    write(connection, ended)
    for home in sorted({str(one.property_id) for one in ended if one.property_id not in (None, homes[one.id])}):
        merge_watches(connection, home, home)  # two names may have proved to be one home
    # the next refresh repeats all jobs of a failed refresh, so do not retry its failed jobs separately
    forget_failed(connection, Job.watch_id, [one for one, outcome in outcomes.items() if outcome != "done"])
    return Counter(outcomes.values()), [watch for watch in ended if watch.state == "paused"]


def forget_failed(connection: Connection, column: InstrumentedAttribute[Any], values: Sequence[str]) -> None:
    for some in chunks(values):
        connection.execute(update(Job).where(column.in_(some), HAS_FAILED).values(due_at=None))


def _end(watch: Watch, made: Sequence[Row[Any]], now: datetime) -> str:
    bad = [job for job in made if job.state == JobState.FAILED]
    done = [job for job in made if job.state == JobState.DONE]
    was_gone = _is_gone(watch.error_code, watch.error_message)
    watch.under_way_since = None
    watch.error_code, watch.error_message = (bad[0].error_code, bad[0].error_message) if bad else (None, None)
    if done:
        own = next((job for job in made if job.target == watch.target), None)
        if own is not None and own.property_id is not None:
            watch.property_id = own.merged_into or own.property_id
        watch.failures, watch.failing_since = 0, None
        watch.refreshed_at = max(job.finished_at for job in done)
        return "done"
    if not bad:
        return "cancelled"
    watch.failures += 1
    watch.failing_since = watch.failing_since or now
    failed_for = now - watch.failing_since
    is_gone = all(_is_gone(job.error_code, job.error_message) for job in bad)
    waits = max((_hours(job.error_code, job.error_message) for job in bad), key=len)
    if is_gone and was_gone and watch.failures >= _GONE_TRIES:
        watch.pause(f"The page is gone: {watch.error_message}")
    elif not is_gone and watch.failures >= _PAUSED_TRIES and failed_for >= _PAUSED_AFTER:
        watch.pause(
            f"{counted(watch.failures, 'refresh')} failed in {counted(failed_for.days, 'day')}: {watch.error_message}"
        )
    elif is_gone or watch.failures <= len(waits):
        hours = _GONE_AGAIN_HOURS if is_gone else waits[watch.failures - 1]
        watch.due_at = min(watch.due_at, now + timedelta(hours=hours))
    return "failed"


def job_again_at(error_code: str, error_message: str, now: datetime) -> ColumnElement[Any]:
    """Return a SQL expression for the retry time of a job that fails at `now`.

    The time is NULL if the job has no watch or is not retried. The job's age selects the wait from `_HOURS`.
    """
    hours = _hours(error_code, error_message)
    waits = [
        (
            and_(Job.watch_id.is_not(None), Job.created_at > now - timedelta(hours=elapsed)),
            literal(now + timedelta(hours=wait), UtcDateTime()),
        )
        for wait, elapsed in zip(hours, accumulate(hours), strict=True)
    ]
    return case(*waits, else_=null()) if waits else null()


def _hours(error_code: str, error_message: str | None) -> tuple[int, ...]:
    return () if _is_gone(error_code, error_message) else _HOURS.get(error_code, ())


def _is_gone(error_code: str | None, error_message: str | None) -> bool:
    if error_code == HttpStatusError.code:
        return bool(_GONE_STATUS.search(error_message or ""))
    return error_code == PageGoneError.code


def merge_watches(connection: Connection, merged_id: str, kept_id: str) -> None:
    """Make the watches of the property `merged_id` watches of `kept_id`, and keep only one of these.

    That is the active one, or the one with the shorter interval if all are active or paused. It then watches all pages
    of the property, and gets the deleted watches' jobs and refresh in progress. From those that were active or paused
    like itself, it also gets the earlier due time.
    """
    connection.execute(update(Watch).where(Watch.property_id == merged_id).values(property_id=kept_id))
    of_home = select(Watch).where(Watch.property_id == kept_id).with_for_update()
    watches = entities(connection, of_home.order_by(Watch.state, Watch.interval_days, Watch.id))
    if not watches or (len(watches) == 1 and watches[0].kind != WatchKind.PROPERTY):
        return
    stays, *others = watches
    stays.kind, stays.target = WatchKind.PROPERTY, kept_id
    for other in others:
        connection.execute(update(Job).where(Job.watch_id == other.id).values(watch_id=stays.id))
        connection.execute(delete(Watch).where(Watch.id == other.id))
        if other.state == stays.state:
            stays.due_at = min(stays.due_at, other.due_at)
        begun = [at for at in (stays.under_way_since, other.under_way_since) if at is not None]
        stays.under_way_since = min(begun, default=None)
    write(connection, [stays])
