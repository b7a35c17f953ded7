"""Pages that are looked at before their watch is due: those that show a change which nobody was told yet, and those
that could not be read while others of their watch were.

A page keeps its row until a job of its watch has read it, so that a look that failed is repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, select, update

from app.property.storage.models import JobState
from app.property.storage.rows import chunks, insert_if_new, upsert
from app.property.storage.tables import ACTIVE, jobs, watch_rechecks, watches
from app.property.storage.watch_times import again_after

_C = watch_rechecks.c


def look_at(connection: Connection, url: str, watch_id: str, at: datetime) -> None:
    """Have the page looked at by `at`; it keeps an earlier time that it waits for already."""
    waits = connection.execute(select(_C.due_at).where(_C.url == url, _C.asked_at.is_(None))).scalar()
    if waits is None or at < waits:
        anew = {"watch_id": watch_id, "due_at": at, "asked_at": None, "failures": 0}
        upsert(connection, watch_rechecks, {"url": url}, anew)


def look_if_nobody_does(connection: Connection, urls: Iterable[str], watch_id: str, at: datetime) -> None:
    """Have the pages looked at by `at`, but for those that wait for a look already."""
    for url in sorted(urls):
        row = {"url": url, "watch_id": watch_id, "due_at": at}
        connection.execute(insert_if_new(connection, watch_rechecks).values(row))


def repeat_failed(connection: Connection, bad: Iterable[Row[Any]], now: datetime) -> None:
    """Look again at the pages of the failed jobs `bad`, whose watch was refreshed by others."""
    for job in bad:
        after = again_after(1, [job])
        if after is not None:
            row = {"url": job.target, "watch_id": job.watch_id, "due_at": now + after, "failures": 1}
            connection.execute(insert_if_new(connection, watch_rechecks).values(row))


def due(connection: Connection, now: datetime, *, most: int, failed: bool) -> Sequence[Row[Any]]:
    """The pages that want a look now, as long as their watch goes on: those whose last look `failed`, or the others."""
    which = _C.due_at <= now, _C.asked_at.is_(None), _C.failures > 0 if failed else _C.failures == 0
    goes_on = exists().where(watches.c.id == _C.watch_id, watches.c.state == "active")
    connection.execute(delete(watch_rechecks).where(*which, ~goes_on))
    query = select(watch_rechecks).where(*which).order_by(_C.due_at, _C.url)
    return connection.execute(query.limit(most)).all()


def put_off(connection: Connection, urls: Iterable[str], until: datetime) -> None:
    """Others have these pages in hand."""
    for some in chunks(sorted(urls)):
        connection.execute(update(watch_rechecks).where(_C.url.in_(some)).values(due_at=until))


def begun(connection: Connection, urls: Sequence[str], now: datetime) -> None:
    """Jobs were made for these pages."""
    for some in chunks(urls):
        connection.execute(update(watch_rechecks).where(_C.url.in_(some)).values(asked_at=now))


def refreshed(connection: Connection, urls: Sequence[str]) -> None:
    """The watch of these pages is due: whatever failed before, they are all asked for now."""
    for some in chunks(urls):
        connection.execute(delete(watch_rechecks).where(_C.url.in_(some), _C.failures > 0, _C.asked_at.is_(None)))


def settle_rechecks(connection: Connection, now: datetime) -> None:
    """Account for the looks whose jobs are over: what failed and may pass is looked at again."""
    theirs = exists().where(jobs.c.target == _C.url, jobs.c.state.in_(ACTIVE))
    for row in connection.execute(select(watch_rechecks).where(_C.asked_at.is_not(None), ~theirs)).all():
        its = jobs.c.target == row.url, jobs.c.watch_id == row.watch_id, jobs.c.created_at >= row.asked_at
        job = connection.execute(select(jobs).where(*its).order_by(jobs.c.created_at.desc()).limit(1)).one_or_none()
        after = _again(row, job)
        mine = _C.url == row.url
        if after is None:
            connection.execute(delete(watch_rechecks).where(mine))
        else:
            again = {"due_at": now + after, "asked_at": None, "failures": row.failures + 1}
            connection.execute(update(watch_rechecks).where(mine).values(again))


def _again(row: Row[Any], job: Row[Any] | None) -> timedelta | None:
    """When to look again after `job`; None if it read the page, or failed in a way that stays."""
    if job is None or job.state != JobState.FAILED:
        return None
    return again_after(row.failures + 1, [job])
