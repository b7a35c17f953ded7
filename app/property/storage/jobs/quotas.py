"""How many jobs a caller may have made on one UTC day, counted in their database: exact for all processes together.

A job that is retried counts like a new one: otherwise canceling and retrying would make any number of jobs for the
price of one. So does a watch that is added, since its first look is due soon, and each look after that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, and_, select, update

from app.errors.requests import QuotaExceededError
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.statements import chunks, insert_into
from app.property.storage.tables import caller_days


@dataclass(frozen=True, slots=True)
class Requester:
    """Who a batch is made for: `caller` names it (64 hex digits), `daily_targets` is its quota (None: none), `key` is
    the idempotency key of its request, if it sent one."""

    caller: str
    daily_targets: int | None = None
    key: RequestKey | None = None


def next_day(now: datetime) -> datetime:
    """When the counts begin anew: the next midnight UTC."""
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def charge(connection: Connection, requester: Requester, now: datetime, count: int) -> None:
    """Count `count` new jobs, or raise `QuotaExceededError` if they are more than are left.

    They are counted without a quota too, so that one that is set later is right at once.
    """
    if not count:
        return
    quota, today = requester.daily_targets, now.date()
    if quota is not None and count > quota:
        _refuse(connection, requester, now, count, quota)
    total = caller_days.c.targets + count
    counted = insert_into(connection, caller_days).values(caller=requester.caller, day=today, targets=count)
    counted = counted.on_conflict_do_update(
        index_elements=[caller_days.c.caller, caller_days.c.day],
        set_={"targets": total},
        where=total <= quota if quota is not None else None,
    )
    if connection.execute(counted.returning(caller_days.c.targets)).first() is None and quota is not None:
        _refuse(connection, requester, now, count, quota)


def charge_up_to(connection: Connection, requester: Requester, now: datetime, count: int) -> int:
    """Count as many of `count` new jobs as are left; -> how many that is."""
    for _ in range(2):  # another one may have taken what was left meanwhile
        left = count
        if requester.daily_targets is not None:
            left = min(count, requester.daily_targets - used(connection, requester.caller, now.date()))
        try:
            charge(connection, requester, now, max(0, left))
        except QuotaExceededError:
            continue
        return max(0, left)
    return 0


def refund(connection: Connection, requester: Requester, day: date, count: int) -> None:
    """Take back what `charge` counted on `day`: the jobs never ran."""
    its = and_(caller_days.c.caller == requester.caller, caller_days.c.day == day)
    connection.execute(update(caller_days).where(its).values(targets=caller_days.c.targets - count))


def used(connection: Connection, caller: str, day: date) -> int:
    """How many new jobs were counted on `day`."""
    query = select(caller_days.c.targets).where(caller_days.c.caller == caller, caller_days.c.day == day)
    return connection.execute(query).scalar() or 0


def left(connection: Connection, callers: Collection[str], quota: int, day: date) -> dict[str, int]:
    """Return how many new jobs of `quota` each caller has left on `day`, held until the transaction ends."""
    found = dict.fromkeys(callers, quota)
    for some in chunks(sorted(callers)):
        query = select(caller_days).where(caller_days.c.caller.in_(some), caller_days.c.day == day)
        found |= {row.caller: quota - row.targets for row in connection.execute(query.with_for_update())}
    return found


def _refuse(connection: Connection, requester: Requester, now: datetime, count: int, quota: int) -> None:
    left = max(0, quota - used(connection, requester.caller, now.date()))
    ends = next_day(now)
    raise QuotaExceededError(count, left, quota, ends.isoformat(timespec="seconds"), (ends - now).total_seconds())
