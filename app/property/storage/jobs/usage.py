"""Count usage per UTC day in the database. The counts are exact across all processes.

Each caller has a daily quota of jobs. A retried job counts like a new one; otherwise, canceling and retrying would
allow any number of jobs. A new watch counts as one job, because its first refresh is due soon. Each later refresh
counts as one job too. The pages and model calls of all watches have a separate budget (`watches/budget.py`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, select, update

from app.errors.requests import QuotaExceededError
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.models import DailyUsage
from app.property.storage.statements import chunks, insert_into

_TARGET = "target"


@dataclass(frozen=True, slots=True)
class Requester:
    """The client that requests a batch. `caller` is its id (64 hex digits).

    `daily_targets` is its quota of jobs per day (None: unlimited). `key` is the idempotency key of its request, if any.
    """

    caller: str
    daily_targets: int | None = None
    key: RequestKey | None = None


def next_day(now: datetime) -> datetime:
    """Return the next midnight UTC, when the counts begin again at 0."""
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def add(connection: Connection, day: date, subject: str, unit: str, count: int, *, limit: int | None) -> bool:
    """Add `count` to the usage of `day`. Return False and add nothing if the sum would exceed `limit`.

    This is one statement, so that concurrent processes cannot exceed the limit. Usage is counted even if there is no
    limit, so that a limit set later applies to the whole day.
    """
    if limit is not None and count > limit:
        return False
    total = DailyUsage.amount + count
    counted = insert_into(connection, DailyUsage).values(day=day, subject=subject, unit=unit, amount=count)
    counted = counted.on_conflict_do_update(
        index_elements=["day", "subject", "unit"],
        set_={"amount": total},
        where=total <= limit if limit is not None else None,
    )
    return connection.execute(counted.returning(DailyUsage.amount)).first() is not None


def amounts(connection: Connection, day: date, subject: str) -> dict[str, int]:
    query = select(DailyUsage.unit, DailyUsage.amount).where(DailyUsage.day == day, DailyUsage.subject == subject)
    return {row.unit: row.amount for row in connection.execute(query)}


def charge(connection: Connection, requester: Requester, now: datetime, count: int) -> None:
    """Charge `count` new jobs to the requester's daily quota.

    If too little of the quota is left, raise `QuotaExceededError` and charge nothing.
    """
    quota = requester.daily_targets
    if count and not add(connection, now.date(), requester.caller, _TARGET, count, limit=quota):
        left, ends = max(0, (quota or 0) - used(connection, requester.caller, now.date())), next_day(now)
        seconds = (ends - now).total_seconds()
        raise QuotaExceededError(count, left, quota or 0, ends.isoformat(timespec="seconds"), seconds)


def charge_up_to(connection: Connection, requester: Requester, now: datetime, count: int) -> int:
    """Charge as many of `count` new jobs as the requester's daily quota allows, and return their number."""
    caller, quota, day = requester.caller, requester.daily_targets, now.date()
    for _ in range(2):  # try again if another process used the quota between the two statements
        room = count if quota is None else max(0, min(count, quota - used(connection, caller, day)))
        if not room or add(connection, day, caller, _TARGET, room, limit=quota):
            return room
    return 0


def refund(connection: Connection, requester: Requester, day: date, count: int) -> None:
    """Undo a `charge` on `day` for `count` jobs that never ran."""
    mine = DailyUsage.day == day, DailyUsage.subject == requester.caller, DailyUsage.unit == _TARGET
    connection.execute(update(DailyUsage).where(*mine).values(amount=DailyUsage.amount - count))


def used(connection: Connection, caller: str, day: date) -> int:
    return amounts(connection, day, caller).get(_TARGET, 0)


def left(connection: Connection, callers: Collection[str], quota: int, day: date) -> dict[str, int]:
    """Return how many jobs of `quota` each caller has left on `day`. Lock the counts until the transaction ends."""
    found = dict.fromkeys(callers, quota)
    for some in chunks(sorted(callers)):
        query = select(DailyUsage).where(DailyUsage.day == day, DailyUsage.subject.in_(some))
        found |= {row.subject: quota - row.amount for row in connection.execute(query.with_for_update())}
    return found
