"""How a refresh ended: what brought nothing is tried again soon, then rarely, and at last its watch is paused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Row, bindparam, exists, select, update

from app.property.storage.jobs.models import JobState
from app.property.storage.statements import chunks
from app.property.storage.tables import ACTIVE, jobs, properties, watches
from app.property.storage.watches.models import Watch, watch_of
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
    *("state", "pause_reason", "due_at"),
)


@dataclass(frozen=True, slots=True)
class Settled:
    """How many refreshes ended, by outcome, and the watches that were paused by it."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    paused: list[Watch] = field(default_factory=list)


def settle(connection: Connection, now: datetime) -> Settled:
    """Account for the refreshes whose jobs are all over, at most 500 at a time."""
    theirs = exists().where(jobs.c.watch_id == watches.c.id, jobs.c.state.in_(ACTIVE))
    query = select(watches).where(watches.c.under_way_since.is_not(None), ~theirs)
    rows = connection.execute(query.order_by(watches.c.under_way_since, watches.c.id).limit(_AT_ONCE)).all()
    if not rows:
        return Settled()
    made, canonical = _jobs_of(connection, [row.id for row in rows])
    outcomes, changes, paused, over = Counter[str](), list[dict[str, Any]](), list[str](), list[str]()
    for row in rows:
        outcome, change = _ended(row, made[row.id], now, canonical)
        outcomes[outcome] += 1
        changes.append({"its_id": row.id, **{f"new_{name}": change.get(name, getattr(row, name)) for name in _CHANGED}})
        if outcome != "done":
            over.append(row.id)
        if change.get("state", row.state) != row.state:
            paused.append(row.id)
    values: dict[str, Any] = {"under_way_since": None, **{name: bindparam(f"new_{name}") for name in _CHANGED}}
    connection.execute(update(watches).where(watches.c.id == bindparam("its_id")).values(values), changes)
    # the watch itself is tried again
    forget_failed(connection, jobs.c.watch_id, over)
    return Settled(outcomes, watches_of(connection, paused, now))


def forget_failed(connection: Connection, column: Column[Any], values: Sequence[str]) -> None:
    """Queue failed jobs with one of `values` in `column` not again."""
    for some in chunks(values):
        waits = column.in_(some), jobs.c.state == JobState.FAILED, jobs.c.due_at.is_not(None)
        connection.execute(update(jobs).where(*waits).values(due_at=None))


def watches_of(connection: Connection, ids: Sequence[str], now: datetime) -> list[Watch]:
    """Return the watches of these ids."""
    found = list[Watch]()
    for some in chunks(ids):
        query = select(watches).where(watches.c.id.in_(some)).order_by(watches.c.id)
        found += [watch_of(row, now) for row in connection.execute(query)]
    return found


def _jobs_of(connection: Connection, ids: Sequence[str]) -> tuple[dict[str, list[Row[Any]]], dict[str, str]]:
    """The jobs of the refreshes by watch, with those that came of them; and the properties that theirs turned out to
    be."""
    made, canonical = defaultdict[str, list[Row[Any]]](list), dict[str, str]()
    c = jobs.c
    its = c.watch_id, c.target, c.state, c.error_code, c.error_message, c.property_id, c.finished_at
    columns: tuple[Column[Any], ...] = (*its, properties.c.merged_into)
    query = select(*columns).join(watches, watches.c.id == c.watch_id)
    query = query.outerjoin(properties, properties.c.id == c.property_id)
    for some in chunks(ids):
        theirs = query.where(watches.c.id.in_(some), c.created_at >= watches.c.under_way_since)
        for job in connection.execute(theirs.order_by(c.created_at, c.position)):
            made[job.watch_id].append(job)
            if job.property_id is not None:
                canonical[job.property_id] = job.merged_into or job.property_id
    return made, canonical


def _ended(
    watch: Row[Any], made: Sequence[Row[Any]], now: datetime, canonical: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """The outcome, and what changes in the row of the watch."""
    bad = [job for job in made if job.state == JobState.FAILED]
    done = [job for job in made if job.state == JobState.DONE]
    change: dict[str, Any] = {
        "error_code": bad[0].error_code if bad else None,
        "error_message": bad[0].error_message if bad else None,
    }
    if done:
        own = next((job for job in made if job.target == watch.target), None)
        if own is not None and own.property_id is not None:
            change["property_id"] = canonical[own.property_id]
        refreshed_at = max(job.finished_at for job in done)
        return "done", {**change, "failures": 0, "failing_since": None, "refreshed_at": refreshed_at}
    return ("failed", change | _failed(watch, bad, now)) if bad else ("cancelled", change)


def _failed(watch: Row[Any], bad: Sequence[Row[Any]], now: datetime) -> dict[str, Any]:
    failures, since = watch.failures + 1, watch.failing_since or now
    change: dict[str, Any] = {"failures": failures, "failing_since": since}
    if all(is_gone(job.error_code, job.error_message) for job in bad):
        if failures >= _GONE_TRIES and is_gone(watch.error_code, watch.error_message):
            return change | _paused(f"It is gone: {bad[0].error_message}")
        return change | {"due_at": min(watch.due_at, now + _GONE_AGAIN)}
    if failures >= _HOPELESS_TRIES and now - since >= _HOPELESS_AFTER:
        days = (now - since).days
        return change | _paused(f"{failures} refreshes in {days} days brought nothing: {bad[0].error_message}")
    after = again_after(failures, bad)
    return change | ({"due_at": min(watch.due_at, now + after)} if after is not None else {})


def _paused(why: str) -> dict[str, Any]:
    return {"state": "paused", "pause_reason": why}
