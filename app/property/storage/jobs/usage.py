"""What has a limit a day is counted by UTC days in the database: exact for all processes together.

Callers have a quota of jobs. A job that is retried counts like a new one: otherwise canceling and retrying would make
any number of jobs for the price of one. So does a watch that is added, since its first look is due soon, and each look
after that. What the looks of all watches may cost is `watches/budget.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, select, update

from app.errors.requests import QuotaExceededError
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.models import DailyUsage
from app.property.storage.statements import chunks, insert_into

_TARGET = "target"
#: the day of what is counted as long as there is anything
EVER = date.max


@dataclass(frozen=True, slots=True)
class Requester:
    """Who a batch is made for: `caller` names it (64 hex digits), `daily_targets` is its quota (None: none), `key` is
    the idempotency key of its request, if it sent one."""

    caller: str
    daily_targets: int | None = None
    key: RequestKey | None = None


def next_day(now: datetime) -> datetime:
    """Return when the counts begin anew: the next midnight UTC."""
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def add(connection: Connection, day: date, subject: str, unit: str, count: int, *, limit: int | None) -> bool:
    """Count `count` more on `day`; False, and nothing is counted, if that is more than `limit`.

    One statement: however many processes count at once, the sum stays within the limit. Without one it is counted too,
    so that one that is set later is right at once.
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
    """Return what was counted on `day`, by unit."""
    query = select(DailyUsage.unit, DailyUsage.amount).where(DailyUsage.day == day, DailyUsage.subject == subject)
    return {row.unit: row.amount for row in connection.execute(query)}


# --- quotas of callers


def charge(connection: Connection, requester: Requester, now: datetime, count: int) -> None:
    """Count `count` new jobs, or raise `QuotaExceededError` if they are more than are left."""
    quota = requester.daily_targets
    if count and not add(connection, now.date(), requester.caller, _TARGET, count, limit=quota):
        left, ends = max(0, (quota or 0) - used(connection, requester.caller, now.date())), next_day(now)
        seconds = (ends - now).total_seconds()
        raise QuotaExceededError(count, left, quota or 0, ends.isoformat(timespec="seconds"), seconds)


def charge_up_to(connection: Connection, requester: Requester, now: datetime, count: int) -> int:
    """Count as many of `count` new jobs as are left; return how many that is."""
    caller, quota, day = requester.caller, requester.daily_targets, now.date()
    for _ in range(2):  # another one may have taken what was left meanwhile
        room = count if quota is None else max(0, min(count, quota - used(connection, caller, day)))
        if not room or add(connection, day, caller, _TARGET, room, limit=quota):
            return room
    return 0


def refund(connection: Connection, requester: Requester, day: date, count: int) -> None:
    """Take back what `charge` counted on `day`: the jobs never ran."""
    mine = DailyUsage.day == day, DailyUsage.subject == requester.caller, DailyUsage.unit == _TARGET
    connection.execute(update(DailyUsage).where(*mine).values(amount=DailyUsage.amount - count))


def used(connection: Connection, caller: str, day: date) -> int:
    """Return how many new jobs were counted on `day`."""
    return amounts(connection, day, caller).get(_TARGET, 0)


def left(connection: Connection, callers: Collection[str], quota: int, day: date) -> dict[str, int]:
    """Return how many new jobs of `quota` each caller has left on `day`, held until the transaction ends."""
    found = dict.fromkeys(callers, quota)
    for some in chunks(sorted(callers)):
        query = select(DailyUsage).where(DailyUsage.day == day, DailyUsage.subject.in_(some))
        found |= {row.subject: quota - row.amount for row in connection.execute(query.with_for_update())}
    return found
