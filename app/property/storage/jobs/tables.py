"""Jobs, the batches that they were asked for in, and what callers asked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    case,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.statements import new_id
from app.property.storage.types import IS_ACTIVE, Base, Id, Plain, PlainJson, RowId, Sha256, Url, Words, where


class Batch(Base):
    """The jobs that were asked for in one request."""

    __tablename__ = "batches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    priority: Mapped[int]
    targets: Mapped[int]
    duplicates: Mapped[int] = mapped_column(default=0)
    # when its last job was over; empty again while one of them is done anew
    completed_at: Mapped[datetime | None]
    # how many of its jobs ended how; empty while it is open
    counts: Mapped[PlainJson | None]
    # whom to tell then (`outbox.py`)
    callback_url: Mapped[Words | None]
    # its jobs can wait for the model's batch, at half the price
    economy: Mapped[bool] = mapped_column(server_default=false())
    # whose quota its jobs count against (`jobs/usage.py`); none for what the operator himself asks
    caller: Mapped[Sha256 | None]
    # the caller's key of the request, what was asked with it, and the jobs of its answer: kept for a day
    idempotency_key: Mapped[Sha256 | None] = mapped_column(unique=True)
    fingerprint: Mapped[Sha256 | None]
    job_ids: Mapped[PlainJson | None]
    # whoever asked first has died if he is not answered by then
    answer_by: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_batches_with_key", "created_at", **where(text("idempotency_key IS NOT NULL"))),
        Index("ix_batches_created_at_id", "created_at", "id"),
        Index("ix_batches_completed_at", "completed_at", **where(text("completed_at IS NOT NULL"))),
        Index("ix_batches_open", "id", **where(text("completed_at IS NULL"))),
    )


class Job(Base):
    """One execution of a target (`models.Job`)."""

    __tablename__ = "jobs"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    batch_id: Mapped[Id] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"))
    # the place in its batch: jobs are listed as they were asked for
    position: Mapped[int]
    target: Mapped[Url]
    state: Mapped[str] = mapped_column(String(16), default="queued")
    priority: Mapped[int]
    refresh: Mapped[bool]
    attempts: Mapped[int] = mapped_column(default=0)
    waited_seconds: Mapped[float] = mapped_column(default=0.0)
    due_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    wanted_model: Mapped[PlainJson] = mapped_column(default=list)
    model_note: Mapped[Words | None]
    property_id: Mapped[Id | None] = mapped_column(ForeignKey("properties.id", ondelete="SET NULL"), index=True)
    # how a done job came by it (`models.PageFrom`)
    page_from: Mapped[str | None] = mapped_column(String(16))
    lease_owner: Mapped[Plain | None]
    lease_expires_at: Mapped[datetime | None]
    # the page that it reads, and nobody else meanwhile: only while it runs (`pages/index.py`)
    reading_url: Mapped[Url | None]
    # when it was last handed to the broker, to which queue, and how often
    sent_at: Mapped[datetime | None]
    sent_to: Mapped[str | None] = mapped_column(String(64))
    sent_times: Mapped[int] = mapped_column(default=0)
    # of a queued job: hand it over (again) if nobody claimed it by then; empty while its message waits in the broker
    resend_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # its batch's; which request to the model it waits or waited for, and since when it does (empty: it does not)
    economy: Mapped[bool] = mapped_column(server_default=false())
    request_id: Mapped[Sha256 | None]
    parked_at: Mapped[datetime | None]
    # the watch that it was made by, which may be gone since
    watch_id: Mapped[Id | None]
    # the job of a search that found its target; and of such a search what it found, in numbers (`jobs/found.py`)
    found_by: Mapped[Id | None]
    search: Mapped[PlainJson | None]

    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'deferred', 'done', 'failed', 'cancelled')", name="state"),
        Index("ix_jobs_batch_id_state", "batch_id", "state"),
        Index("ix_jobs_created_at_position", "created_at", "position"),
        Index("ix_jobs_state_created_at_position", "state", "created_at", "position"),
        Index("ix_jobs_state_lease_expires_at", "state", "lease_expires_at"),
        Index("ix_jobs_state_due_at", "state", "due_at"),
        Index("ix_jobs_state_resend_at", "state", "resend_at"),
        Index("ix_jobs_target", "target"),
        Index("ix_jobs_finished_at", "finished_at", **where(text("finished_at IS NOT NULL"))),
        Index("ix_jobs_no_source", "id", **where(text("error_code = 'no_source'"))),
        Index("ix_jobs_request_id", "request_id", **where(text("request_id IS NOT NULL"))),
        Index("ix_jobs_watch_id_state", "watch_id", "state", **where(text("watch_id IS NOT NULL"))),
        Index("uq_jobs_reading_url", "reading_url", unique=True, **where(text("reading_url IS NOT NULL"))),
        Index("uq_jobs_active_target", "target", unique=True, **where(IS_ACTIVE)),
    )


#: what changes with the end of a lease
UNLEASED: dict[str, Any] = dict.fromkeys(("lease_owner", "lease_expires_at", "reading_url"))
#: what does not count as an attempt gives it back
ONE_ATTEMPT_LESS = case((Job.attempts > 0, Job.attempts - 1), else_=0)


class JobAttempt(Base):
    """What came of what a job asked for its address: of pages that it asked for in vain, and at its end of each of its
    sources, in their order (`jobs/attempts.py`)."""

    __tablename__ = "job_attempts"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    job_id: Mapped[Id] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    # of a source; a page that was asked for in vain has none
    position: Mapped[int | None]
    # its name in `sources.toml`, or "web search"
    source: Mapped[Words]
    kind: Mapped[str | None] = mapped_column(String(16))
    url: Mapped[Url | None] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(String(64))
    detail: Mapped[Words]
    tries: Mapped[int]
    is_final: Mapped[bool]

    __table_args__ = (
        Index("uq_job_attempts_job_id_position", "job_id", "position", unique=True),
        Index("uq_job_attempts_job_id_url", "job_id", "url", unique=True, **where(text("position IS NULL"))),
        # a purge reads what attempts tell of pages
        Index("ix_job_attempts_telling", "id", **where(text("detail != ''"))),
    )


class DailyUsage(Base):
    """How much of what has a limit a day was used on a UTC day (`jobs/usage.py`)."""

    __tablename__ = "daily_usage"

    day: Mapped[date] = mapped_column(primary_key=True)
    # a caller, or "watches"
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    unit: Mapped[str] = mapped_column(String(16), primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
