"""How a refresh ended: what brought nothing is tried again soon, then rarely, and at last its watch is paused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update

from app.property.storage.models import JobState
from app.property.storage.tables import ACTIVE, jobs, watches
from app.property.storage.watch_models import Watch, watch_of
from app.property.storage.watch_rechecks import repeat_failed
from app.property.storage.watch_times import again_after, is_gone

#: what says that it is gone is asked once more within a day, and then believed
_GONE_AGAIN = timedelta(days=1)
_GONE_TRIES = 2
#: for so many refreshes and so long nothing came of it: nobody asks any more until somebody says so
_HOPELESS_TRIES = 8
_HOPELESS_AFTER = timedelta(days=14)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Settled:
    """How many refreshes ended, by outcome, and the watches that were paused by it."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    paused: list[Watch] = field(default_factory=list)


def settle(connection: Connection, now: datetime) -> Settled:
    """Account for the refreshes whose jobs are all over."""
    theirs = exists().where(jobs.c.watch_id == watches.c.id, jobs.c.state.in_(ACTIVE))
    query = select(watches).where(watches.c.under_way_since.is_not(None), ~theirs)
    rows = connection.execute(query.order_by(watches.c.under_way_since, watches.c.id).limit(_AT_ONCE)).all()
    outcomes, paused = Counter[str](), list[Watch]()
    for row in rows:
        made = _jobs_of(connection, row)
        outcome, change = _ended(row, made, now)
        if outcome == "done":
            repeat_failed(connection, [job for job in made if job.state == JobState.FAILED], now)
        outcomes[outcome] += 1
        change |= {"under_way_since": None, "batch_id": None}
        statement = update(watches).where(watches.c.id == row.id).values(change).returning(*watches.c)
        after = connection.execute(statement).one()
        if after.state != row.state:
            paused.append(watch_of(after, now))
    return Settled(outcomes, paused)


def _jobs_of(connection: Connection, watch: Row[Any]) -> Sequence[Row[Any]]:
    """The jobs of the refresh, and those that came of them."""
    its = jobs.c.watch_id == watch.id, jobs.c.created_at >= watch.under_way_since
    return connection.execute(select(jobs).where(*its).order_by(jobs.c.created_at, jobs.c.position)).all()


def _ended(watch: Row[Any], made: Sequence[Row[Any]], now: datetime) -> tuple[str, dict[str, Any]]:
    """The outcome, and what changes in the row of the watch."""
    bad = next((job for job in made if job.state == JobState.FAILED), None)
    told = {"error_code": bad and bad.error_code, "error_message": bad and bad.error_message}
    own = next((job for job in made if job.target == watch.target), None)
    change: dict[str, Any] = {**told}
    if own is not None and own.watch_pages:
        change["expected_pages"] = own.watch_pages
    if any(job.state == JobState.DONE for job in made):
        if own is not None and own.property_id is not None:
            change["property_id"] = own.property_id
        refreshed_at = max(job.finished_at for job in made if job.state == JobState.DONE)
        return "done", {**change, "failures": 0, "failing_since": None, "refreshed_at": refreshed_at}
    if bad is None:
        return "cancelled", change
    return "failed", change | _failed(watch, [job for job in made if job.state == JobState.FAILED], now)


def _failed(watch: Row[Any], bad: Sequence[Row[Any]], now: datetime) -> dict[str, Any]:
    failures, since = watch.failures + 1, watch.failing_since or now
    change: dict[str, Any] = {"failures": failures, "failing_since": since}
    if all(is_gone(job) for job in bad):
        if failures >= _GONE_TRIES and is_gone(watch):
            return change | _paused(f"It is gone: {bad[0].error_message}")
        return change | {"due_at": min(watch.due_at, now + _GONE_AGAIN)}
    if failures >= _HOPELESS_TRIES and now - since >= _HOPELESS_AFTER:
        days = (now - since).days
        return change | _paused(f"{failures} refreshes in {days} days brought nothing: {bad[0].error_message}")
    after = again_after(failures, bad)
    return change | ({"due_at": min(watch.due_at, now + after)} if after is not None else {})


def _paused(why: str) -> dict[str, Any]:
    return {"state": "paused", "pause_reason": why}
