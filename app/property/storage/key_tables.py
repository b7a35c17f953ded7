"""The keys: their history, the alerts about them, and what operators did."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from app.property.storage.columns import ID, UtcDateTime, json_column, metadata

#: every key that was ever configured, with what the pool had counted for it when it was last asked
key_history = Table(
    "key_history",
    metadata,
    Column("key_id", ID, primary_key=True),
    Column("mask", Text, nullable=False),
    Column("limit_group", Text, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    # empty while it is configured
    Column("removed_at", UtcDateTime),
    # when its circuit was last seen to have opened, when it was refused (401), when its group's money ran out
    Column("opened_at", UtcDateTime),
    Column("died_at", UtcDateTime),
    Column("quota_gone_at", UtcDateTime),
    # cumulative: {"calls": {model: {figure: n}}, "transitions": {name: n}}, and when that was
    json_column("counters"),
    Column("counted_at", UtcDateTime, nullable=False),
)

#: the same for a model, all keys together
model_history = Table(
    "model_history",
    metadata,
    Column("model", Text, primary_key=True),
    json_column("counters"),
    Column("counted_at", UtcDateTime, nullable=False),
)

#: what one key did with one model in one hour (UTC)
key_hours = Table(
    "key_hours",
    metadata,
    Column("hour", UtcDateTime, primary_key=True),
    Column("key_id", ID, primary_key=True),
    Column("model", Text, primary_key=True),
    *(
        Column(name, BigInteger, nullable=False)
        for name in (
            "requests",
            "successes",
            "failures",
            "rate_limits",
            "input_tokens",
            "output_tokens",
            "microusd",
        )
    ),
    # of the input, what came from the provider's cache
    Column("cached_tokens", BigInteger, nullable=False, server_default="0"),
)

#: who had to wait for a key, and who got none, in one hour (UTC)
model_hours = Table(
    "model_hours",
    metadata,
    Column("hour", UtcDateTime, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("sent", BigInteger, nullable=False),
    Column("waited_us", BigInteger, nullable=False),
    # for how long no key could have taken a request, by the limit that was in the way
    Column("saturated_requests_us", BigInteger, nullable=False),
    Column("saturated_tokens_us", BigInteger, nullable=False),
    # {reason: n}
    json_column("refusals"),
)

IS_FIRING = text("resolved_at IS NULL")
#: what is or was wrong; one that comes back is another row
alerts = Table(
    "alerts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("message", Text, nullable=False),
    json_column("details"),
    Column("fired_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime, index=True),
    CheckConstraint("severity IN ('warning', 'critical')", name="severity"),
    Index("uq_alerts_firing", "kind", "subject", unique=True, sqlite_where=IS_FIRING, postgresql_where=IS_FIRING),
)

#: what ALERT_WEBHOOK_URL is to be told: all alerts that fired, or were over, in one evaluation
alert_notices = Table(
    "alert_notices",
    metadata,
    Column("id", ID, primary_key=True),
    Column("type", String(32), nullable=False),
    json_column("alerts"),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    # when to try (again); none: delivered or given up
    Column("notify_at", UtcDateTime, index=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text),
)

#: what operators did with keys; `outcome` says what it came to, `state` is the key's after it
key_actions = Table(
    "key_actions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", String(16), nullable=False),
    Column("key_id", ID, nullable=False),
    Column("mask", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Index("ix_key_actions_at_id", "at", "id"),
    Index("ix_key_actions_key_id_at_id", "key_id", "at", "id"),
)
