"""What the store of watches hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from app.property.storage.jobs.models import Job


class WatchKind(StrEnum):
    """What is looked at again and again: a stored property with all its pages, one URL, or an address."""

    PROPERTY = "property"
    URL = "url"
    ADDRESS = "address"


class WatchStatus(StrEnum):
    """waiting: for its time · due: for the next tick · put_off: a day's budget had no room for it, it comes first on
    the next · under_way: its jobs are · paused: until it is added again."""

    WAITING = "waiting"
    DUE = "due"
    PUT_OFF = "put_off"
    UNDER_WAY = "under_way"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Watch:
    """Something that is refreshed every `interval_days`.

    `target` is a property's id, or a URL or an address in its one spelling. `property` is known of a URL or an address
    after its first refresh. `failures` counts the refreshes in a row that brought nothing; `error` says what went wrong
    with the last refresh, also where only some of its pages failed.
    """

    id: str
    kind: WatchKind
    target: str
    property: str | None
    interval_days: int
    status: WatchStatus
    pause_reason: str | None
    due_at: datetime
    put_off_at: datetime | None
    under_way_since: datetime | None
    failures: int
    error: dict[str, str] | None
    refreshed_at: datetime | None
    created_at: datetime
    created_by: str

    def as_json(self) -> dict[str, Any]:
        """The shape that the doors show: JSON types only, times in ISO 8601."""
        return {
            "id": self.id,
            "kind": str(self.kind),
            "target": self.target,
            "property": self.property,
            "interval_days": self.interval_days,
            "status": str(self.status),
            "pause_reason": self.pause_reason,
            "due_at": self.due_at.isoformat(),
            "put_off_at": _iso(self.put_off_at),
            "under_way_since": _iso(self.under_way_since),
            "failures": self.failures,
            "error": self.error,
            "refreshed_at": _iso(self.refreshed_at),
            "created_at": self.created_at.isoformat(),
            "created_by": self.created_by,
        }


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick did: `jobs` are to be sent, for `refreshed` watches and `rechecked` pages.

    `settled` says how many refreshes ended, by outcome (done, failed, cancelled); `paused` are the watches that they
    paused. `put_off` watches wait for the next day; `tells_put_off` if they are the first of today.
    """

    jobs: list[Job] = field(default_factory=list)
    refreshed: int = 0
    rechecked: int = 0
    settled: Mapping[str, int] = field(default_factory=dict)
    paused: list[Watch] = field(default_factory=list)
    put_off: int = 0
    tells_put_off: bool = False


def watch_of(row: Row[Any], now: datetime) -> Watch:
    """The watch that a row of `tables.watches` holds."""
    error = {"code": row.error_code, "message": row.error_message or ""} if row.error_code else None
    return Watch(
        id=row.id,
        kind=WatchKind(row.kind),
        target=row.target,
        property=row.property_id,
        interval_days=row.interval_days,
        status=_status(row, now),
        pause_reason=row.pause_reason,
        due_at=row.due_at,
        put_off_at=row.waiting_since,
        under_way_since=row.under_way_since,
        failures=row.failures,
        error=error,
        refreshed_at=row.refreshed_at,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _status(row: Row[Any], now: datetime) -> WatchStatus:
    if row.state == "paused":
        return WatchStatus.PAUSED
    if row.under_way_since is not None:
        return WatchStatus.UNDER_WAY
    if row.waiting_since is not None:
        return WatchStatus.PUT_OFF
    return WatchStatus.DUE if row.due_at <= now else WatchStatus.WAITING


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
