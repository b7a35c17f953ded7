"""Count usage per day (UTC) in the database, exactly across all processes.

Each caller has a daily quota of jobs. A retried job is charged again. Otherwise, canceling and retrying would allow
unlimited jobs. Pages and model calls of watches have a separate budget (`watches/budget.py`).
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
    """The client of a request: its id (64 hex digits), daily quota of jobs (None: unlimited), and idempotency key."""

    caller: str
    daily_targets: int | None = None
    key: RequestKey | None = None


def next_day(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def add(connection: Connection, day: date, subject: str, unit: str, count: int, *, limit: int | None) -> bool:
    """Add `count` to the usage on `day`. Return False and add nothing if the sum would exceed `limit`.

    A single statement does this, so concurrent processes cannot exceed the limit. Usage is counted even without a
    limit, because a limit may be set later that day.
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
    """Charge `count` new jobs to the requester's quota. If the quota is too small, raise `QuotaExceededError`."""
    quota = requester.daily_targets
    if count and not add(connection, now.date(), requester.caller, _TARGET, count, limit=quota):
        left, ends = max(0, (quota or 0) - used(connection, requester.caller, now.date())), next_day(now)
        seconds = (ends - now).total_seconds()
        raise QuotaExceededError(count, left, quota or 0, ends.isoformat(timespec="seconds"), seconds)


def charge_up_to(connection: Connection, requester: Requester, now: datetime, count: int) -> int:
    """Charge as many of the `count` jobs as the quota allows, and return their number."""
    caller, quota, day = requester.caller, requester.daily_targets, now.date()
    for _ in range(2):  # again, because another process may use the quota between the two statements
        room = count if quota is None else max(0, min(count, quota - used(connection, caller, day)))
        if not room or add(connection, day, caller, _TARGET, room, limit=quota):
            return room
    return 0


def refund(connection: Connection, requester: Requester, day: date, count: int) -> None:
    """Refund `count` jobs that never ran to the quota of `day`."""
    mine = DailyUsage.day == day, DailyUsage.subject == requester.caller, DailyUsage.unit == _TARGET
    connection.execute(update(DailyUsage).where(*mine).values(amount=DailyUsage.amount - count))


def used(connection: Connection, caller: str, day: date) -> int:
    return amounts(connection, day, caller).get(_TARGET, 0)


def left(connection: Connection, callers: Collection[str], quota: int, day: date) -> dict[str, int]:
    """Return how many of `quota` jobs each caller has left on `day`, and lock the counts until the transaction ends."""
    found = dict.fromkeys(callers, quota)
    for some in chunks(sorted(callers)):
        query = select(DailyUsage).where(DailyUsage.day == day, DailyUsage.subject.in_(some))
        found |= {row.subject: quota - row.amount for row in connection.execute(query.with_for_update())}
    return found
