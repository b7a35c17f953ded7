"""The check of the clocks: leases go by Redis' own, but beat, tokens and heartbeats by each machine's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.property.storage.database import database_url
from app.property.storage.inspection import inspect_database
from app.services.reports.doctor.broker import asked
from app.services.reports.doctor.findings import Verdict, all_in_all, skipped, warning
from app.settings import Settings

#: as much as a stale heartbeat or a token just signed can bear
_MOST_SECONDS = 5.0


def check_clock(settings: Settings, clock: Clock) -> Verdict:
    """How far this machine's clock is from Redis' and from PostgreSQL's; SQLite has none of its own."""
    offsets: dict[str, float] = {}
    for name, ask in (("Redis", _redis_time), ("PostgreSQL", _database_time)):
        try:
            offset = _offset(ask, settings, clock)
        except PropertyIntelligenceError:
            continue  # its own check says so
        if offset is not None:
            offsets[name] = offset
    if not offsets:
        return skipped("there is no other clock to compare with")
    said = ", ".join(f"{seconds:+.1f} s from {name}'s" for name, seconds in offsets.items())
    return all_in_all(f"this machine's clock is {said}", _complaints(offsets))


def _complaints(offsets: Mapping[str, float]) -> Iterator[Verdict]:
    far = [name for name, seconds in offsets.items() if abs(seconds) > _MOST_SECONDS]
    if far:
        yield warning(
            f"too far from {' and '.join(far)}: beat, tokens and heartbeats go by it",
            "Let NTP set the clocks of all machines (`timedatectl set-ntp true`).",
        )


def _offset(ask: Callable[[Settings], datetime | None], settings: Settings, clock: Clock) -> float | None:
    """Ours minus theirs in seconds, theirs read halfway between two looks at ours (Cristian 1989)."""
    before = clock.now()
    theirs = ask(settings)
    return None if theirs is None else (before + (clock.now() - before) / 2 - theirs).total_seconds()


def _redis_time(settings: Settings) -> datetime:
    with asked(settings) as connection:
        seconds, microseconds = connection.time()
    return datetime.fromtimestamp(seconds + microseconds / 1_000_000, UTC)


def _database_time(settings: Settings) -> datetime | None:
    return inspect_database(database_url(settings)).now
