"""What becomes of watches: a refresh that brought nothing is tried again soon, then rarely, and at last its watch is
paused; and when two properties turn out to be one, so do their watches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.models import JobState
from app.property.storage.properties.tables import Property
from app.property.storage.statements import chunks, entities
from app.property.storage.types import ACTIVE
from app.property.storage.watches.models import Watch, write
from app.property.storage.watches.slots import again_after, is_gone

#: what says that it is gone is asked once more within a day, and then believed
_GONE_AGAIN = timedelta(days=1)
_GONE_TRIES = 2
#: for so many refreshes and so long nothing came of it: nobody asks any more until somebody says so
_HOPELESS_TRIES = 8
_HOPELESS_AFTER = timedelta(days=14)
_AT_ONCE = 500
_CHANGED = (
    *("error_code", "error_message", "property_id", "failures", "failing_since", "refreshed_at"),
    *("state", "pause_reason", "due_at", "under_way_since"),
)


def settle(connection: Connection, now: datetime) -> tuple[Counter[str], list[Watch]]:
    """Account for the refreshes whose jobs are all over, at most 500 at a time.

    -> how many ended, by outcome (done, failed, cancelled), and the watches that were paused by it.
    """
    theirs = exists().where(JobRow.watch_id == Watch.id, JobRow.state.in_(ACTIVE))
    query = select(Watch).where(Watch.under_way_since.is_not(None), ~theirs)
    ended = entities(connection, query.order_by(Watch.under_way_since, Watch.id).limit(_AT_ONCE).with_for_update())
    made = _jobs_of(connection, [watch.id for watch in ended])
    outcomes = {watch.id: _end(watch, made[watch.id], now) for watch in ended}
    write(connection, ended, _CHANGED)
    # the watch itself is tried again
    forget_failed(connection, JobRow.watch_id, [one for one, outcome in outcomes.items() if outcome != "done"])
    return Counter(outcomes.values()), [watch for watch in ended if watch.state == "paused"]


def forget_failed(connection: Connection, column: InstrumentedAttribute[Any], values: Sequence[str]) -> None:
    """Queue failed jobs with one of `values` in `column` not again."""
    for some in chunks(values):
        waits = column.in_(some), JobRow.state == JobState.FAILED, JobRow.due_at.is_not(None)
        connection.execute(update(JobRow).where(*waits).values(due_at=None))


def _jobs_of(connection: Connection, ids: Sequence[str]) -> Mapping[str, list[Row[Any]]]:
    """The jobs of the refreshes by watch, with those that came of them."""
    made = defaultdict[str, list[Row[Any]]](list)
    c = JobRow
    its = c.watch_id, c.target, c.state, c.error_code, c.error_message, c.finished_at, c.property_id
    columns: tuple[Any, ...] = (*its, Property.merged_into)
    query = select(*columns).join(Watch, Watch.id == c.watch_id)
    query = query.outerjoin(Property, Property.id == c.property_id)
    for some in chunks(ids):
        theirs = query.where(Watch.id.in_(some), c.created_at >= Watch.under_way_since)
        for job in connection.execute(theirs.order_by(c.created_at, c.position)):
            made[job.watch_id].append(job)
    return made


def _end(watch: Watch, made: Sequence[Row[Any]], now: datetime) -> str:
    """Note in `watch` how its refresh ended; -> the outcome."""
    bad = [job for job in made if job.state == JobState.FAILED]
    done = [job for job in made if job.state == JobState.DONE]
    was_gone = is_gone(watch.error_code, watch.error_message)
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
    _try_again(watch, bad, now, was_gone=was_gone)
    return "failed"


def _try_again(watch: Watch, bad: Sequence[Row[Any]], now: datetime, *, was_gone: bool) -> None:
    failed_for = now - (watch.failing_since or now)
    after = again_after(watch.failures, bad)
    if all(is_gone(job.error_code, job.error_message) for job in bad):
        if watch.failures >= _GONE_TRIES and was_gone:
            watch.pause(f"It is gone: {bad[0].error_message}")
            return
        after = _GONE_AGAIN
    elif watch.failures >= _HOPELESS_TRIES and failed_for >= _HOPELESS_AFTER:
        why = f"{watch.failures} refreshes in {failed_for.days} days brought nothing: {bad[0].error_message}"
        watch.pause(why)
        return
    if after is not None:
        watch.due_at = min(watch.due_at, now + after)


def fold_watches(connection: Connection, gone: str, home: str) -> None:
    """What was watched of the property `gone` is watched of `home`; of two watches one stays, with the jobs of both.

    That is the active one, else the one with the shorter interval. What was due or under way stays so.
    """
    connection.execute(update(Watch).where(Watch.property_id == gone).values(property_id=home))
    both = select(Watch).where(Watch.kind == "property", Watch.target.in_((gone, home)))
    found = entities(connection, both.order_by(Watch.state, Watch.interval_days, Watch.id))  # `active` before `paused`
    if all(watch.target == home for watch in found):
        return
    stays, *others = found
    stays.target = home
    for other in others:
        connection.execute(update(JobRow).where(JobRow.watch_id == other.id).values(watch_id=stays.id))
        connection.execute(delete(Watch).where(Watch.id == other.id))
        if other.state == stays.state:
            stays.due_at = min(stays.due_at, other.due_at)
        begun = [at for at in (stays.under_way_since, other.under_way_since) if at is not None]
        stays.under_way_since = min(begun, default=None)
    write(connection, [stays], ("target", "due_at", "under_way_since"))
