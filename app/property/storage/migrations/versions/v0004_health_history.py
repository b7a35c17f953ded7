"""The keys get a history: what each did hour by hour, the reports on them, and the alerts with their webhooks."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_FIRING = sa.text("resolved_at IS NULL")
_TABLES = ("alert_notices", "alerts", "health_reports", "model_hours", "key_hours", "model_history", "key_history")


def _moment(name: str, *, nullable: bool = False, primary_key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, primary_key=primary_key)


def _json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(none_as_null=True), nullable=nullable)


def _counts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def upgrade() -> None:
    _make_history()
    _make_hours()
    _make_reports()
    _make_alerts()


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)


def _make_history() -> None:
    op.create_table(
        "key_history",
        sa.Column("key_id", sa.String(length=32), nullable=False),
        sa.Column("mask", sa.Text(), nullable=False),
        sa.Column("limit_group", sa.Text(), nullable=False),
        _moment("first_seen_at"),
        _moment("last_seen_at"),
        *(_moment(name, nullable=True) for name in ("removed_at", "opened_at", "died_at", "quota_gone_at")),
        _json("counters"),
        _moment("counted_at"),
        sa.Column("usual_requests", sa.Float()),
        sa.Column("usual_deviation", sa.Float()),
        _moment("usual_at", nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_key_history"),
    )
    op.create_table(
        "model_history",
        sa.Column("model", sa.Text(), nullable=False),
        _json("counters"),
        _moment("counted_at"),
        sa.PrimaryKeyConstraint("model", name="pk_model_history"),
    )


def _make_hours() -> None:
    op.create_table(
        "key_hours",
        _moment("hour"),
        sa.Column("key_id", sa.String(length=32), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        *_counts("requests", "successes", "failures", "rate_limits", "input_tokens", "output_tokens", "microusd"),
        sa.PrimaryKeyConstraint("hour", "key_id", "model", name="pk_key_hours"),
    )
    op.create_table(
        "model_hours",
        _moment("hour"),
        sa.Column("model", sa.Text(), nullable=False),
        *_counts("sent", "waited_us", "saturated_requests_us", "saturated_tokens_us"),
        _json("refusals"),
        sa.PrimaryKeyConstraint("hour", "model", name="pk_model_hours"),
    )


def _make_reports() -> None:
    op.create_table(
        "health_reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        _moment("at"),
        sa.Column("healthy", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        _json("unhealthy"),
        sa.Column("summary", sa.Text(), nullable=False),
        _json("advice", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_health_reports"),
    )
    op.create_index(op.f("ix_health_reports_at"), "health_reports", ["at"])


def _make_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        _json("details"),
        _moment("fired_at"),
        _moment("resolved_at", nullable=True),
        sa.CheckConstraint("severity IN ('warning', 'critical')", name=op.f("ck_alerts_severity")),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index(
        "uq_alerts_firing",
        "alerts",
        ["kind", "subject"],
        unique=True,
        sqlite_where=_FIRING,
        postgresql_where=_FIRING,
    )
    op.create_index(op.f("ix_alerts_resolved_at"), "alerts", ["resolved_at"])
    op.create_table(
        "alert_notices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        _json("alerts"),
        _moment("created_at"),
        _moment("notify_at", nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_alert_notices"),
    )
    op.create_index(op.f("ix_alert_notices_created_at"), "alert_notices", ["created_at"])
    op.create_index(op.f("ix_alert_notices_notify_at"), "alert_notices", ["notify_at"])
