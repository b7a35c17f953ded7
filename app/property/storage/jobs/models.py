"""Tables of jobs, batches, attempts, and daily usage, and the results of enqueueing and recovery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, case, false, text
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column, relationship

from app.property.record import SourceKind
from app.property.storage.outbox import Message
from app.property.storage.statements import new_id
from app.property.storage.types import IS_ACTIVE, Base, Id, Plain, PlainJson, RowId, Sha256, Url, Words, where
from app.redaction import origin_of


class JobState(StrEnum):
    """The state of a job; the last three are final."""

    QUEUED = "queued"  # sent, or waiting to be sent
    RUNNING = "running"  # leased
    DEFERRED = "deferred"  # waiting until `due_at`
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class PageFrom(StrEnum):
    """The origin of a job's property. Only "site" can have cost a model call."""

    SITE = "site"  # the page was fetched and read
    UNCHANGED = "unchanged"  # the page was read before, and its bytes or the site's answer (304) show no change
    SAME_PAGE = "same_page"  # the same page had just been read at another URL
    STORED = "stored"  # the stored property was fresh, and nothing was fetched


class CallbackState(StrEnum):
    """The state of a batch's callback; the last two are final."""

    WAITING = "waiting"  # for the batch to complete
    PENDING = "pending"  # due, or to be retried after a failure
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


# The outcome of a source is one of these, or an error code.
USED = "used"  # the page is about the address
SAME_PAGE = "same_page"  # another source gave the same page
OTHER = "other_property"  # the page is about another property
UNKNOWN = "unknown_property"  # the page does not identify its property
SKIPPED = "not_asked"  # the source was left out
OUTSIDE = "outside_domains"  # the page is on, or redirects to, a domain that the search may not use
UNCITED = "not_cited"  # the search names the page without citing it
SEARCHED = "searched"  # a web search
#: The outcomes for which no request was sent to the source's site.
UNASKED = frozenset((SKIPPED, OUTSIDE, UNCITED, SEARCHED)) | {
    "out_of_time",
    "robots_disallowed",
    "invalid_target",
    "blocked_address",
    "blocked_port",
}


class Batch(Base):
    """A batch: the jobs of one request. `duplicates` counts its `targets` without a new job."""

    __tablename__ = "batches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    priority: Mapped[int]
    targets: Mapped[int]
    duplicates: Mapped[int] = mapped_column(default=0)
    # when the batch was completed, after its last job ended; null again while a job is retried
    completed_at: Mapped[datetime | None]
    # the number of jobs in each state: stored when the batch completes, computed by `BatchStore` before
    counts: Mapped[PlainJson] = mapped_column(nullable=True)
    # the complete URL of the callback, which can contain a secret, and the callback's message
    callback_url: Mapped[Words | None]
    message: Mapped[Message | None] = relationship(viewonly=True, lazy="raise")
    # whether the jobs can wait for model batches, in which calls cost half
    economy: Mapped[bool] = mapped_column(server_default=false())
    # the client whose quota the jobs count against (`jobs/usage.py`); null for the operator's batches
    caller: Mapped[Sha256 | None]
    # the request's idempotency key, its fingerprint, and the jobs of its answer: kept for a day
    idempotency_key: Mapped[Sha256 | None] = mapped_column(unique=True)
    fingerprint: Mapped[Sha256 | None]
    job_ids: Mapped[PlainJson | None]
    # if the request is not answered by `answer_by`, the process that handles it is assumed dead
    answer_by: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_batches_with_key", "created_at", **where(text("idempotency_key IS NOT NULL"))),
        Index("ix_batches_created_at_id", "created_at", "id"),
        Index("ix_batches_completed_at", "completed_at", **where(text("completed_at IS NOT NULL"))),
        Index("ix_batches_open", "id", **where(text("completed_at IS NULL"))),
    )

    @property
    def active(self) -> int:
        """The number of unfinished jobs."""
        return sum(count for state, count in self.counts.items() if not JobState(state).is_final)

    @property
    def callback(self) -> dict[str, Any] | None:
        """The callback's state as interfaces show it, with the origin of its URL only."""
        if self.callback_url is None:
            return None
        message = self.message
        if message is None:
            state = CallbackState.WAITING
        elif message.due_at is not None:
            state = CallbackState.PENDING
        else:
            state = CallbackState.GIVEN_UP if message.error else CallbackState.DELIVERED
        attempts, error = (message.attempts, message.error) if message is not None else (0, None)
        return {"url": origin_of(self.callback_url), "state": state, "attempts": attempts, "error": error}

    def as_json(self) -> dict[str, Any]:
        return {**self.outcome(), "callback": self.callback}

    def outcome(self) -> dict[str, Any]:
        """Return the content of the callback: `as_json` without the callback's state."""
        names = "id", "created_at", "priority", "targets", "duplicates", "economy", "counts", "completed_at"
        return self.shown(names)


class Job(Base):
    """A request to read one target."""

    __tablename__ = "jobs"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    batch_id: Mapped[Id] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"))
    position: Mapped[int]  # the position in the batch: jobs are listed in the order of the request
    target: Mapped[Url]
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    priority: Mapped[int]
    refresh: Mapped[bool]
    # runs, except those that ended in a wait for capacity or a batch, or at a worker's stop; sum of waits for capacity
    attempts: Mapped[int] = mapped_column(default=0)
    waited_seconds: Mapped[float] = mapped_column(default=0.0)
    due_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    # the fields that a model should have read and did not, and why
    wanted_model: Mapped[PlainJson] = mapped_column(default=list)
    model_note: Mapped[Words | None]
    property_id: Mapped[Id | None] = mapped_column(ForeignKey("properties.id", ondelete="SET NULL"), index=True)
    page_from: Mapped[PageFrom | None]  # where the property of a finished job came from
    lease_owner: Mapped[Plain | None]
    lease_expires_at: Mapped[datetime | None]
    # the page that the running job reads; no other job may read it meanwhile (`pages/index.py`)
    reading_url: Mapped[Url | None]
    # when the job was last sent (or will be due in a worker), to which queue, and how often
    sent_at: Mapped[datetime | None]
    sent_to: Mapped[str | None] = mapped_column(String(64))
    sent_times: Mapped[int] = mapped_column(default=0)
    # when recovery sends the job unless it was sent before; null once the message is in the broker's queue
    resend_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # the batch's `economy`; the model request of the current or last wait; when the current wait for a batch began
    economy: Mapped[bool] = mapped_column(server_default=false())
    request_id: Mapped[Sha256 | None]
    parked_at: Mapped[datetime | None]
    # the watch that created the job, which may have been removed since; its requests count toward the budget of watches
    watch_id: Mapped[Id | None]
    # the search job that found the target; and the counts of a search job's listings (`jobs/found.py`)
    found_by: Mapped[Id | None]
    search: Mapped[PlainJson | None]
    #: The outcomes of the job's sources, in order. Only some queries load them.
    tried: Mapped[list[JobAttempt]] = relationship(
        primaryjoin="and_(JobAttempt.job_id == Job.id, JobAttempt.position.is_not(None))",
        order_by="JobAttempt.position",
        viewonly=True,
        lazy="raise",
    )

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

    @property
    def error(self) -> dict[str, str] | None:
        return {"code": self.error_code, "message": self.error_message or ""} if self.error_code else None

    def as_json(self) -> dict[str, Any]:
        """Return the shape that `propintel jobs list` and the HTTP API show: JSON types only, times in ISO 8601."""
        names = ["id", "batch_id", "target", "state", "error", "property_id", "page_from", "priority", "attempts"]
        names += ("waited_seconds", "wanted_model", "model_note", "due_at", "economy", "parked_at", "watch_id")
        names += ("found_by", "search", "created_at", "started_at", "finished_at")
        return {**self.shown(names), "tried": [one.as_json() for one in self.tried]}


#: Every change of state sets these columns to null, except those that it gives a value.
CLEARED: dict[str, Any] = dict.fromkeys(
    ("due_at", "resend_at", "lease_owner", "lease_expires_at", "reading_url", "parked_at")
)
#: The SQL expression for `attempts` after a run that does not count as an attempt.
ONE_ATTEMPT_LESS = case((Job.attempts > 0, Job.attempts - 1), else_=0)


class JobAttempt(MappedAsDataclass, Base):
    """The outcome of one source of an address job, with a `detail` for people.

    `url` is empty if no page was requested, or if a purge forbids storing it. Without a `position`, it is a failed page
    of a running job: `tries` counts the requests, and a final attempt is not repeated.
    """

    __tablename__ = "job_attempts"

    id: Mapped[RowId] = mapped_column(primary_key=True, init=False, compare=False)
    job_id: Mapped[Id] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), init=False, compare=False)
    position: Mapped[int | None] = mapped_column(init=False, compare=False)
    # the source's name in `sources.toml`, or "web search"
    source: Mapped[Words]
    kind: Mapped[SourceKind | None]
    url: Mapped[Url | None] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(String(64))
    detail: Mapped[Words] = mapped_column(default="")
    tries: Mapped[int] = mapped_column(default=0)
    is_final: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        Index("uq_job_attempts_job_id_position", "job_id", "position", unique=True),
        Index("uq_job_attempts_job_id_url", "job_id", "url", unique=True, **where(text("position IS NULL"))),
        # for purges, which search all details for URLs
        Index("ix_job_attempts_telling", "id", **where(text("detail != ''"))),
    )

    @property
    def is_used(self) -> bool:
        """Whether the page is one of the property's sources."""
        return self.outcome == USED

    def as_json(self) -> dict[str, Any]:
        return {**self.shown(("source", "kind", "url", "outcome")), "detail": self.detail or None}


class DailyUsage(Base):
    """The amount that a subject used on a UTC day (`jobs/usage.py`)."""

    __tablename__ = "daily_usage"

    day: Mapped[date] = mapped_column(primary_key=True)
    # a caller, or "watches"
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    unit: Mapped[str] = mapped_column(String(16), primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class RecoveryReason(StrEnum):
    """The reasons for queuing a job again. `DUE` and `RETURNED` are normal operation."""

    DUE = "due"  # the deferral ended
    RETURNED = "returned"  # the worker stopped and returned the job
    LEASE = "lease"  # the worker died
    UNSENT = "unsent"  # the message was not sent in time
    LOST = "lost"  # the broker lost the message


@dataclass(frozen=True, slots=True)
class Recovered:
    """A requeued job, which the caller sends, and the reason."""

    job: Job
    reason: RecoveryReason


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The result of a request to enqueue.

    `jobs` has the job of each distinct target that has one: new, active, or the job that read a fresh property. `new`
    are the ids of jobs to send to the broker, `duplicates` the number of targets without a new job. `repeated` is True
    if this is the answer of an earlier request with the same key.
    """

    batch: str
    jobs: list[Job]
    new: list[str]
    duplicates: int
    repeated: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return `{"batch", "jobs": [ids], "duplicates"}`."""
        return {"batch": self.batch, "jobs": [job.id for job in self.jobs], "duplicates": self.duplicates}
