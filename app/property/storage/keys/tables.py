"""The keys: what was counted of them, by hour, and the alerts about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Id, JsonWords, Plain, PlainJson, Words, where


class Key(Base):
    """Every key that was ever configured, with what the pool had counted for it when it was last asked.

    The key "" is the whole pool: its counters are what each model was asked for.
    """

    __tablename__ = "keys"

    key_id: Mapped[Id] = mapped_column(primary_key=True)
    mask: Mapped[Plain]
    limit_group: Mapped[Plain]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    # empty while it is configured
    removed_at: Mapped[datetime | None] = mapped_column(index=True)
    # when its circuit was last seen to have opened, when it was refused (401), when its group's money ran out
    opened_at: Mapped[datetime | None]
    died_at: Mapped[datetime | None]
    quota_gone_at: Mapped[datetime | None]
    # cumulative: {"calls": {model: {figure: n}}, "transitions": {name: n}}, and when that was
    counters: Mapped[PlainJson]
    counted_at: Mapped[datetime]


class KeyHour(Base):
    """What one key did with one model in one hour (UTC); of the key "", how the pool served the model."""

    __tablename__ = "key_history"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    key_id: Mapped[Id] = mapped_column(primary_key=True)
    model: Mapped[Plain] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    successes: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    rate_limits: Mapped[int] = mapped_column(BigInteger)
    input_tokens: Mapped[int] = mapped_column(BigInteger)
    output_tokens: Mapped[int] = mapped_column(BigInteger)
    microusd: Mapped[int] = mapped_column(BigInteger)
    # of the input, what came from the provider's cache
    cached_tokens: Mapped[int] = mapped_column(BigInteger)
    # of the pool: requests sent, how long they waited for a key
    sent: Mapped[int] = mapped_column(BigInteger)
    waited_us: Mapped[int] = mapped_column(BigInteger)
    # for how long no key could have taken a request, by the limit that was in the way
    saturated_requests_us: Mapped[int] = mapped_column(BigInteger)
    saturated_tokens_us: Mapped[int] = mapped_column(BigInteger)
    # requests that got no key, {reason: n}
    refusals: Mapped[PlainJson]


IS_FIRING = text("resolved_at IS NULL")


class Alert(Base):
    """What is or was wrong; one that comes back is another row."""

    __tablename__ = "alerts"

    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[Words]
    severity: Mapped[str] = mapped_column(String(16))
    message: Mapped[Words]
    details: Mapped[JsonWords]
    fired_at: Mapped[datetime]
    # empty while it is firing
    resolved_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (
        CheckConstraint("severity IN ('warning', 'critical')", name="severity"),
        Index("uq_alerts_firing", "kind", "subject", unique=True, **where(IS_FIRING)),
    )

    def as_json(self) -> dict[str, Any]:
        """Return the shape that the doors and the webhook show: JSON types only, times in ISO 8601."""
        shown = {name: getattr(self, name) for name in ("id", "kind", "subject", "severity", "message", "details")}
        over = self.resolved_at.isoformat() if self.resolved_at else None
        return shown | {"fired_at": self.fired_at.isoformat(), "resolved_at": over}
