"""The keys: their history, the alerts about them, and what operators did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Id, Json, where


class Key(Base):
    """Every key that was ever configured, with what the pool had counted for it when it was last asked."""

    __tablename__ = "key_history"

    key_id: Mapped[Id] = mapped_column(primary_key=True)
    mask: Mapped[str]
    limit_group: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    # empty while it is configured
    removed_at: Mapped[datetime | None]
    # when its circuit was last seen to have opened, when it was refused (401), when its group's money ran out
    opened_at: Mapped[datetime | None]
    died_at: Mapped[datetime | None]
    quota_gone_at: Mapped[datetime | None]
    # cumulative: {"calls": {model: {figure: n}}, "transitions": {name: n}}, and when that was
    counters: Mapped[Json]
    counted_at: Mapped[datetime]


class ModelCounted(Base):
    """The same for a model, all keys together."""

    __tablename__ = "model_history"

    model: Mapped[str] = mapped_column(primary_key=True)
    counters: Mapped[Json]
    counted_at: Mapped[datetime]


class KeyHour(Base):
    """What one key did with one model in one hour (UTC)."""

    __tablename__ = "key_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    key_id: Mapped[Id] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    successes: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    rate_limits: Mapped[int] = mapped_column(BigInteger)
    input_tokens: Mapped[int] = mapped_column(BigInteger)
    output_tokens: Mapped[int] = mapped_column(BigInteger)
    microusd: Mapped[int] = mapped_column(BigInteger)
    # of the input, what came from the provider's cache
    cached_tokens: Mapped[int] = mapped_column(BigInteger, server_default="0")


class ModelHour(Base):
    """Who had to wait for a key, and who got none, in one hour (UTC)."""

    __tablename__ = "model_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    sent: Mapped[int] = mapped_column(BigInteger)
    waited_us: Mapped[int] = mapped_column(BigInteger)
    # for how long no key could have taken a request, by the limit that was in the way
    saturated_requests_us: Mapped[int] = mapped_column(BigInteger)
    saturated_tokens_us: Mapped[int] = mapped_column(BigInteger)
    # {reason: n}
    refusals: Mapped[Json]


IS_FIRING = text("resolved_at IS NULL")


class Alert(Base):
    """What is or was wrong; one that comes back is another row."""

    __tablename__ = "alerts"

    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str]
    severity: Mapped[str] = mapped_column(String(16))
    message: Mapped[str]
    details: Mapped[Json]
    fired_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (
        CheckConstraint("severity IN ('warning', 'critical')", name="severity"),
        Index("uq_alerts_firing", "kind", "subject", unique=True, **where(IS_FIRING)),
    )
