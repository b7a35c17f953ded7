"""When a watch is due: at a time of its own within each interval, so that all together are spread evenly. And when what
failed is tried again before that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, literal, null

from app.errors import every_kind
from app.errors.fetching import HttpStatusError
from app.errors.jobs import DeadlineExceededError, WorkerDiedError
from app.errors.pages import PageBlockedError, PageGoneError
from app.errors.targets import NoSourceError
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.types import UtcDateTime

#: how soon what has never been seen is looked at for the first time
FIRST_WITHIN_DAYS = 1
#: this share of the interval, but at most so many seconds, before it is over comes the next refresh: what has changed
#: is looked at once more and told in time, even where the day's budget puts the refresh off
_EARLY_SHARE, _EARLY_SECONDS = 12, 43_200
#: hours from each failure in a row to the next try, of what may pass by itself
_AGAIN_HOURS = (1, 4, 16, 24, 24)
#: of a site that shows a wall, or refuses (403) what it gave before: it is left alone for longer
_WALL_HOURS = (24, 24)
_WALLS = frozenset({PageBlockedError.code, HttpStatusError.code})
_GONE_STATUS = re.compile(r" answered HTTP 4(?:04|10)\.")
_PASSING = frozenset(
    {kind.code for kind in every_kind() if kind.transient}
    | {DeadlineExceededError.code, WorkerDiedError.code, NoSourceError.code}
)


def slot_after(target: str, interval_days: int, moment: datetime) -> datetime:
    """The first time after `moment` that is the target's own: one every interval less a twelfth of it (half a day at
    most), always the same ones."""
    period = interval_days * 86_400 - _early(interval_days)
    phase = int.from_bytes(hashlib.sha256(target.encode()).digest()[:8]) % period
    second = int(moment.timestamp())
    return datetime.fromtimestamp(second - (second - phase) % period + period, UTC)


def _early(interval_days: int) -> int:
    return min(_EARLY_SECONDS, interval_days * 86_400 // _EARLY_SHARE)


def due_first(target: str, interval_days: int, now: datetime, *, is_known: bool) -> datetime:
    """When a new watch is due: within its interval where something is known of it (`is_known`), else within a day."""
    slot = slot_after(target, interval_days, now)
    return slot if is_known else min(slot, slot_after(target, FIRST_WITHIN_DAYS, now))


def due_next(target: str, interval_days: int, now: datetime) -> datetime:
    """When a watch that is refreshed `now` is due again: at its own time. One that came late (the budget of the day
    before was spent, everything stood still), so shortly before that time, passes it over, and is in time all the same.
    """
    return slot_after(target, interval_days, now + timedelta(seconds=_early(interval_days) / 2))


def again_after(failures: int, bad: Iterable[Row[Any]]) -> timedelta | None:
    """Return the wait after the `failures`th failed refresh in a row, whose failed jobs are `bad`; None: until the
    watch is due anyway.
    """
    hours = max((_hours(job.error_code, job.error_message) for job in bad), key=len, default=())
    return timedelta(hours=hours[failures - 1]) if failures <= len(hours) else None


def job_again_at(error_code: str, error_message: str, now: datetime) -> ColumnElement[Any]:
    """Return, as SQL, when a watch's job that fails `now` is queued again: NULL if it is not, or of no watch.

    Its waits are those of a watch. Which one is next follows from how long ago the job was made.
    """
    elapsed, waits = timedelta(), list[tuple[ColumnElement[bool], ColumnElement[Any]]]()
    for wait in (timedelta(hours=hours) for hours in _hours(error_code, error_message)):
        elapsed += wait
        is_next = and_(JobRow.watch_id.is_not(None), JobRow.created_at > now - elapsed)
        waits.append((is_next, literal(now + wait, UtcDateTime())))
    return case(*waits, else_=null()) if waits else null()


def _hours(error_code: str | None, error_message: str | None) -> tuple[int, ...]:
    if is_gone(error_code, error_message):
        return ()
    return _AGAIN_HOURS if error_code in _PASSING else _WALL_HOURS if error_code in _WALLS else ()


def is_gone(error_code: str | None, error_message: str | None) -> bool:
    """Whether a job, or the last refresh of a watch, ended with a page that is gone."""
    if error_code == HttpStatusError.code:
        return bool(_GONE_STATUS.search(error_message or ""))
    return error_code == PageGoneError.code
