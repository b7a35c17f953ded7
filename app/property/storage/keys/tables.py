"""Tables of OpenAI keys, their hourly usage, and alerts."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Id, JsonWords, Plain, PlainJson, Words, where


class Key(Base):
    """An OpenAI key that is or was configured. The row with the id "" stands for the whole pool."""

    __tablename__ = "keys"

    key_id: Mapped[Id] = mapped_column(primary_key=True)
    mask: Mapped[Plain]
    limit_group: Mapped[Plain]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    removed_at: Mapped[datetime | None] = mapped_column(index=True)
    opened_at: Mapped[datetime | None]  # time when the key's circuit breaker last opened; null if never
    died_at: Mapped[datetime | None]  # time when OpenAI last rejected the key with status 401; null if never
    quota_gone_at: Mapped[datetime | None]  # time when the key's group last ran out of quota; null if never
    # cumulative counters as last recorded: {"calls": {model: {figure: n}}, "transitions": {name: n}}
    counters: Mapped[PlainJson]
    counted_at: Mapped[datetime]


class KeyHour(Base):
    """The usage of a key for a model in one hour (UTC). For the key "", it is the demand for the model."""

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
    cached_tokens: Mapped[int] = mapped_column(BigInteger)  # input tokens from the provider's cache
    # The following columns are used only for the key "".
    sent: Mapped[int] = mapped_column(BigInteger)  # requests that got a key and were sent
    waited_us: Mapped[int] = mapped_column(BigInteger)  # total time that these requests waited for a key
    # time in which no key had capacity for another request, by the limit reached
    saturated_requests_us: Mapped[int] = mapped_column(BigInteger)
    saturated_tokens_us: Mapped[int] = mapped_column(BigInteger)
    refusals: Mapped[PlainJson]  # requests that got no key in time, by reason


IS_FIRING = text("resolved_at IS NULL")


class Alert(Base):
    """A firing or resolved alert. If the problem recurs later, it gets a new row."""

    __tablename__ = "alerts"

    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[Words]
    severity: Mapped[str] = mapped_column(String(16))
    message: Mapped[Words]
    details: Mapped[JsonWords]
    fired_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (
        CheckConstraint("severity IN ('warning', 'critical')", name="severity"),
        Index("uq_alerts_firing", "kind", "subject", unique=True, **where(IS_FIRING)),
    )

    def as_json(self) -> dict[str, Any]:
        return self.shown(("id", "kind", "subject", "severity", "message", "details", "fired_at", "resolved_at"))
