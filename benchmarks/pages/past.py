"""A clock in the past and a database that uses it, for writing history."""

from datetime import datetime, timedelta

from app.clock import Clock, SystemClock
from app.property.storage.database import Database


class Past(SystemClock):
    """A clock that is moved within a time span ending now, and a database connection that uses this clock."""

    def __init__(self, database: Database, span: timedelta) -> None:
        self._until, self._span = database.clock.now(), span
        self._at = self._until - span
        clock: Clock = self
        self.database = Database(database.url.render_as_string(hide_password=False), clock)

    def move_to(self, share: float) -> None:
        """Move the clock to this share of the span: 0 is the beginning, 1 is now."""
        self._at = self._until - self._span * (1 - share)

    def now(self) -> datetime:
        return self._at

    def now_us(self) -> int:
        return round(self._at.timestamp() * 1_000_000)
