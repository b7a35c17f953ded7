"""Jobs, the batches that they were asked for in, and what callers asked."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    case,
    false,
    text,
)

from app.property.storage.columns import ID, IS_ACTIVE, SHA256, UtcDateTime, json_column, metadata

batches = Table(
    "batches",
    metadata,
    Column("id", ID, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("targets", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
    # when its last job was over; empty again while one of them is done anew
    Column("completed_at", UtcDateTime),
    # whom to tell then, and when to try that next (none: nobody is to be told, or was)
    Column("callback_url", Text),
    Column("callback_at", UtcDateTime, index=True),
    Column("callback_attempts", Integer, nullable=False, server_default="0"),
    Column("callback_error", Text),
    # its jobs can wait for the model's batch, at half the price
    Column("economy", Boolean(create_constraint=False), nullable=False, server_default=false()),
    # whose quota its jobs count against (`quotas.py`); none for what the operator himself asks
    Column("caller", SHA256),
    Index("ix_batches_created_at_id", "created_at", "id"),
    Index(
        "ix_batches_completed_at",
        "completed_at",
        sqlite_where=text("completed_at IS NOT NULL"),
        postgresql_where=text("completed_at IS NOT NULL"),
    ),
    Index(
        "ix_batches_open",
        "id",
        sqlite_where=text("completed_at IS NULL"),
        postgresql_where=text("completed_at IS NULL"),
    ),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("batch_id", ID, ForeignKey("batches.id"), nullable=False),
    # the place in its batch: jobs are listed as they were asked for
    Column("position", Integer, nullable=False),
    Column("target", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("refresh", Boolean(create_constraint=False), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("waited_seconds", Float, nullable=False),
    Column("due_at", UtcDateTime),
    Column("error_code", String(64)),
    Column("error_message", Text),
    json_column("wanted_model"),
    Column("model_note", Text),
    Column("property_id", ID, ForeignKey("properties.id"), index=True),
    # how a done job came by it (`models.PageFrom`)
    Column("page_from", String(16)),
    Column("lease_owner", Text),
    Column("lease_expires_at", UtcDateTime),
    # when it was last handed to the broker, to which queue, and how often
    Column("sent_at", UtcDateTime),
    Column("sent_to", String(64)),
    Column("sent_times", Integer, nullable=False),
    # of a queued job: hand it over (again) if nobody claimed it by then; empty while its message waits in the broker
    Column("resend_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    # its batch's; which request to the model it waits or waited for, and since when it does (empty: it does not)
    Column("economy", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("request_id", SHA256),
    Column("parked_at", UtcDateTime),
    # the watch that it was made by, which may be gone since
    Column("watch_id", ID),
    # the job of a search that found its target; and of such a search what it found, in numbers (`found_jobs.py`)
    Column("found_by", ID),
    Column("search", JSON(none_as_null=True)),
    CheckConstraint("state IN ('queued', 'running', 'deferred', 'done', 'failed', 'cancelled')", name="state"),
    Index("ix_jobs_batch_id_state", "batch_id", "state"),
    Index("ix_jobs_created_at_position", "created_at", "position"),
    Index("ix_jobs_state_created_at_position", "state", "created_at", "position"),
    Index("ix_jobs_state_lease_expires_at", "state", "lease_expires_at"),
    Index("ix_jobs_state_due_at", "state", "due_at"),
    Index("ix_jobs_state_resend_at", "state", "resend_at"),
    Index("ix_jobs_target", "target"),
    Index(
        "ix_jobs_finished_at",
        "finished_at",
        sqlite_where=text("finished_at IS NOT NULL"),
        postgresql_where=text("finished_at IS NOT NULL"),
    ),
    # few jobs wait for a request
    Index(
        "ix_jobs_request_id",
        "request_id",
        sqlite_where=text("request_id IS NOT NULL"),
        postgresql_where=text("request_id IS NOT NULL"),
    ),
    Index(
        "ix_jobs_watch_id_state",
        "watch_id",
        "state",
        sqlite_where=text("watch_id IS NOT NULL"),
        postgresql_where=text("watch_id IS NOT NULL"),
    ),
    Index("uq_jobs_active_target", "target", unique=True, sqlite_where=IS_ACTIVE, postgresql_where=IS_ACTIVE),
)
#: what does not count as an attempt gives it back
ONE_ATTEMPT_LESS = case((jobs.c.attempts > 0, jobs.c.attempts - 1), else_=0)

#: the sources that a job asked about its address, in their order, and what came of each (`job_sources.py`)
job_sources = Table(
    "job_sources",
    metadata,
    Column("job_id", ID, primary_key=True),
    Column("position", Integer, primary_key=True),
    # its name in `sources.toml`, or "web search"
    Column("source", Text, nullable=False),
    Column("kind", String(16)),
    Column("url", Text, index=True),
    Column("outcome", String(64), nullable=False),
    Column("detail", Text),
)

#: what callers asked with a key of their own, and what it brought: kept for a day (`request_keys.py`)
request_keys = Table(
    "request_keys",
    metadata,
    Column("id", SHA256, primary_key=True),
    Column("fingerprint", SHA256, nullable=False),
    # these three are filled in by the transaction that makes the row
    Column("batch_id", ID, ForeignKey("batches.id"), index=True),
    Column("job_ids", JSON(none_as_null=True)),
    Column("duplicates", Integer),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    # whoever made the row has died if it has not answered by then
    Column("answer_by", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
)

#: how many new jobs were made for a caller on a UTC day (`quotas.py`)
caller_days = Table(
    "caller_days",
    metadata,
    Column("caller", SHA256, primary_key=True),
    Column("day", Date, primary_key=True, index=True),
    Column("targets", Integer, nullable=False),
)
