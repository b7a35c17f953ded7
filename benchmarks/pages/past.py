"""A database whose clock stands in the past: what is written through it was written then."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.clock import Clock, SystemClock
from app.property.storage.database import Database


class Past(SystemClock):
    """A stretch of time that ends now; `database` is another connection to one, by this clock."""

    def __init__(self, database: Database, span: timedelta) -> None:
        self._until, self._span = database.clock.now(), span
        self._at = self._until - span
        clock: Clock = self
        self.database = Database(database.url.render_as_string(hide_password=False), clock)

    def move_to(self, share: float) -> None:
        """Forward to that share (0 to 1) of the stretch."""
        self._at = self._until - self._span * (1 - share)

    def now(self) -> datetime:
        return self._at

    def now_us(self) -> int:
        return round(self._at.timestamp() * 1_000_000)
