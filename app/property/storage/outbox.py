"""A transactional outbox of webhooks: a message is stored in the same transaction as the event that it reports.

Delivery is at least once. A sender claims a message with a lease. If the sender records no outcome, the message is due
again at the end of the lease. The end of the lease is also the fencing token: a later claim changes it, and the earlier
sender's outcome is not stored.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, String, and_, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.statements import Store, clean, entities, insert_if_new
from app.property.storage.types import Base, Id, JsonWords, RowId, Words, where


class Channel(StrEnum):
    """What a message reports: a completed batch, alerts, or property changes."""

    BATCH = "batch"
    ALERT = "alert"
    CHANGE = "change"


class Message(Base):
    """A webhook message.

    The channel `change` has one permanent row, whose payload is the receiver's cursor in the change feed. Its
    `attempts` and `error` are about the next change.
    """

    __tablename__ = "outbox"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    # the same for all attempts, so that receivers recognize duplicates
    event_id: Mapped[str] = mapped_column(String(96), unique=True)
    type: Mapped[str] = mapped_column(String(32))
    batch_id: Mapped[Id | None] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), index=True)
    payload: Mapped[JsonWords]
    created_at: Mapped[datetime] = mapped_column(index=True)
    # time of the next attempt, or end of the lease; null after delivery or giving up
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[Words | None]  # error of the newest attempt; null if it succeeded or there was no attempt
    delivered_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("channel IN ('batch', 'alert', 'change')", name="channel"),
        Index("ix_outbox_channel_due_at", "channel", "due_at", **where(text("due_at IS NOT NULL"))),
    )


@dataclass(frozen=True, slots=True)
class Backlog:
    pending: int
    given_up: int
    error: str | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def put(connection: Connection, now: datetime, channel: Channel, event_id: str, **columns: Any) -> None:
    """Add a message in the caller's transaction, due `now`. If its event id exists already, do nothing."""
    row = {"channel": channel, "event_id": event_id, "created_at": now, "due_at": now, **columns}
    connection.execute(insert_if_new(connection, Message).values(row))


class Outbox(Store):
    def is_due(self, channel: Channel) -> bool:
        query = select(Message.id).where(Message.channel == channel, Message.due_at <= self._clock.now()).limit(1)
        return bool(self._rows(query))

    def find(self, event_id: str) -> Message | None:
        return next(iter(self._read(select(Message).where(Message.event_id == event_id))), None)

    def claim(self, channel: Channel, limit: int, lease_seconds: float) -> list[Message]:
        """Lease up to `limit` due messages and return them, the longest overdue first."""
        now = self._clock.now()
        due = select(Message.id).where(Message.channel == channel, Message.due_at <= now)
        due = due.order_by(Message.due_at, Message.id).limit(limit).with_for_update(skip_locked=True)
        lease = {"due_at": now + timedelta(seconds=lease_seconds), "attempts": Message.attempts + 1}

        def work(connection: Connection) -> list[Message]:
            ids = list(connection.execute(due).scalars())
            found = entities(connection, update(Message).where(Message.id.in_(ids)).values(lease).returning(Message))
            return sorted(found, key=lambda message: ids.index(message.id))

        return self._database.repeat(work)

    def delivered(self, message: Message) -> bool:
        """Record a delivery.

        Return False if the claim was lost: another sender claimed the message after the lease ended, or it was deleted.
        """
        return self._record(message, due_at=None, error=None, delivered_at=self._clock.now())

    def advance(self, message: Message, payload: Mapping[str, Any]) -> bool:
        """Record the delivery of a change. `payload` is the new cursor.

        Return False if the claim was lost.
        """
        now = self._clock.now()
        return self._record(message, payload=dict(payload), attempts=0, due_at=now, error=None, delivered_at=now)

    def failed(self, message: Message, error: str, again_at: datetime | None) -> bool:
        """Record a failed attempt. The next attempt is due at `again_at` (None: never).

        Return False if the claim was lost.
        """
        return self._record(message, due_at=again_at, error=clean(error))

    def _record(self, message: Message, **values: Any) -> bool:
        held = and_(Message.id == message.id, Message.due_at == message.due_at)
        with self._database.writing() as connection:
            return connection.execute(update(Message).where(held).values(values)).rowcount == 1

    def backlog(self, channel: Channel) -> Backlog:
        mine = Message.channel == channel
        waits, failed = Message.due_at.is_not(None), Message.error.is_not(None)
        counts = select(func.count().filter(waits), func.count().filter(~waits, failed)).where(mine)
        newest = select(Message.error).where(mine, failed).order_by(Message.id.desc()).limit(1)
        with self._database.reading() as connection:
            pending, given_up = connection.execute(counts.select_from(Message)).one()
            return Backlog(pending, given_up, connection.execute(newest).scalar())
