"""Tables of jobs, batches, attempts, and daily usage."""

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
    """The state of a job. The last three states are final."""

    QUEUED = "queued"  # the job's message is in the broker, or still to be sent
    RUNNING = "running"
    DEFERRED = "deferred"  # waiting until `due_at`
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


def shown_state(state: str) -> str:
    """Return a state in American spelling, for people (the API has `cancelled`)."""
    return state.replace("cancelled", "canceled").replace("_", " ")


class PageFrom(StrEnum):
    """Where a finished job got its property from. Only `SITE` can include a model call."""

    SITE = "site"
    UNCHANGED = "unchanged"  # the page is unchanged since it was last read: same bytes, or status 304
    SAME_PAGE = "same_page"  # the same page was read at another URL just before
    STORED = "stored"  # the property was read recently, so nothing was fetched


class CallbackState(StrEnum):
    """The state of a batch's callback. The last two states are final."""

    WAITING = "waiting"
    PENDING = "pending"  # to be sent, or to be sent again after a failure
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


# Outcomes of a source; if its request failed, an error code is stored instead.
USED = "used"  # the page is about the address
SAME_PAGE = "same_page"  # another source led to the same page
OTHER = "other_property"  # the page is about another property
UNKNOWN = "unknown_property"  # the page does not identify its property
SKIPPED = "not_asked"  # nothing was requested from the source; the detail says why
OUTSIDE = "outside_domains"  # the page is on a domain that the web search may not use, possibly after a redirect
UNCITED = "not_cited"  # the web search's answer mentions the page without citing it
SEARCHED = "searched"  # the source is the web search itself


class Batch(Base):
    """A batch: the jobs of one request. `duplicates` is how many of its `targets` got no new job."""

    __tablename__ = "batches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    priority: Mapped[int]
    targets: Mapped[int]
    duplicates: Mapped[int] = mapped_column(default=0)
    completed_at: Mapped[datetime | None]  # null while the batch is open
    # number of jobs in each state; if null, `BatchStore` counts the jobs
    counts: Mapped[PlainJson] = mapped_column(nullable=True)
    callback_url: Mapped[Words | None]  # full URL, which can contain a secret; null if there is no callback
    message: Mapped[Message | None] = relationship(viewonly=True, lazy="raise")
    # whether jobs may wait for the cheaper model batches
    economy: Mapped[bool] = mapped_column(server_default=false())
    # client whose daily quota is charged (`jobs/usage.py`); null for the operator
    caller: Mapped[Sha256 | None]
    # the request's idempotency key; null, like the next four columns, if there was none or it expired
    idempotency_key: Mapped[Sha256 | None] = mapped_column(unique=True)
    fingerprint: Mapped[Sha256 | None]
    job_ids: Mapped[PlainJson | None]
    answer_by: Mapped[datetime | None]  # if the request is not answered by this time, its process is assumed dead
    answered_at: Mapped[datetime | None]  # time when the request or a repetition was answered; null if not

    __table_args__ = (
        Index("ix_batches_with_key", "created_at", **where(text("idempotency_key IS NOT NULL"))),
        Index("ix_batches_created_at_id", "created_at", "id"),
        Index("ix_batches_completed_at", "completed_at", **where(text("completed_at IS NOT NULL"))),
        Index("ix_batches_open", "id", **where(text("completed_at IS NULL"))),
    )

    @property
    def active(self) -> int:
        return sum(count for state, count in self.counts.items() if not JobState(state).is_final)

    @property
    def callback(self) -> dict[str, Any] | None:
        """The callback's state, with only the origin of its URL; None if there is no callback."""
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
        names = "id", "created_at", "priority", "targets", "duplicates", "economy", "counts", "completed_at"
        return self.shown(names)


class Job(Base):
    __tablename__ = "jobs"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    batch_id: Mapped[Id] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"))
    position: Mapped[int]
    target: Mapped[Url]
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    priority: Mapped[int]  # 0 (urgent) to 9
    refresh: Mapped[bool]
    # number of runs, except runs that were postponed or stopped
    attempts: Mapped[int] = mapped_column(default=0)
    waited_seconds: Mapped[float] = mapped_column(default=0.0)  # total waiting time that counts toward the deadline
    # earliest time of the next run; for a failed job of a watch, time when it is requeued; null if none
    due_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    wanted_model: Mapped[PlainJson] = mapped_column(default=list)  # fields that a model has not answered yet
    model_note: Mapped[Words | None]  # why the model's answers are missing or were dropped; null if none are
    property_id: Mapped[Id | None] = mapped_column(ForeignKey("properties.id", ondelete="SET NULL"), index=True)
    page_from: Mapped[PageFrom | None]
    lease_owner: Mapped[Plain | None]
    lease_expires_at: Mapped[datetime | None]
    # page that the job is reading; other jobs wait for it (`pages/index.py`); null if none
    reading_url: Mapped[Url | None]
    sent_at: Mapped[datetime | None]  # time when the message was last sent, or end of its countdown; null if never sent
    sent_to: Mapped[str | None] = mapped_column(String(64))
    sent_times: Mapped[int] = mapped_column(default=0)
    # time after which recovery sends the job's message; null if there is none to send
    resend_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    economy: Mapped[bool] = mapped_column(server_default=false())
    request_id: Mapped[Sha256 | None]  # model request for which the job waits or last waited; null if none
    parked_at: Mapped[datetime | None]  # start of the job's wait for a model batch; null if it does not wait
    # watch that created the job (it may be removed); null if none. Its requests count toward the watch budget
    watch_id: Mapped[Id | None]
    found_by: Mapped[Id | None]  # search job that found the target; null if none
    search: Mapped[PlainJson | None]  # counts of a finished search job (`jobs/found.py`); null for other jobs
    #: The outcomes of the job's sources, in order. Queries must load them explicitly.
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
        # purges search error messages for URLs
        Index("ix_jobs_with_error", "id", **where(text("error_code IS NOT NULL"))),
        Index("ix_jobs_request_id", "request_id", **where(text("request_id IS NOT NULL"))),
        Index("ix_jobs_watch_id_state", "watch_id", "state", **where(text("watch_id IS NOT NULL"))),
        Index("uq_jobs_reading_url", "reading_url", unique=True, **where(text("reading_url IS NOT NULL"))),
        Index("uq_jobs_active_target", "target", unique=True, **where(IS_ACTIVE)),
    )

    @property
    def error(self) -> dict[str, str] | None:
        return {"code": self.error_code, "message": self.error_message or ""} if self.error_code else None

    def as_json(self) -> dict[str, Any]:
        """Return the job in JSON types, as the HTTP API and `propintel jobs list` show it."""
        names = ["id", "batch_id", "target", "state", "error", "property_id", "page_from", "priority", "attempts"]
        names += ("waited_seconds", "wanted_model", "model_note", "due_at", "economy", "parked_at", "watch_id")
        names += ("found_by", "search", "created_at", "started_at", "finished_at")
        return {**self.shown(names), "tried": [one.as_json() for one in self.tried]}


#: Columns that a change of state sets to null, unless it sets another value.
CLEARED: dict[str, Any] = dict.fromkeys(
    ("due_at", "resend_at", "lease_owner", "lease_expires_at", "reading_url", "parked_at")
)
#: `attempts` without the current run.
ONE_ATTEMPT_LESS = case((Job.attempts > 0, Job.attempts - 1), else_=0)


class JobAttempt(MappedAsDataclass, Base):
    """The outcome of one source of an address job, or a page that failed during the run.

    For a failed page, `position` is null, `tries` counts its requests, and `is_final` means that it is not tried again.
    `url` is null if no page was requested.
    """

    __tablename__ = "job_attempts"

    id: Mapped[RowId] = mapped_column(primary_key=True, init=False, compare=False)
    job_id: Mapped[Id] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), init=False, compare=False)
    position: Mapped[int | None] = mapped_column(init=False, compare=False)
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
        # purges search details for URLs
        Index("ix_job_attempts_telling", "id", **where(text("detail != ''"))),
    )

    @property
    def is_used(self) -> bool:
        return self.outcome == USED

    def as_json(self) -> dict[str, Any]:
        return {**self.shown(("source", "kind", "url", "outcome")), "detail": self.detail or None}


class DailyUsage(Base):
    """How many units one subject (a caller, or all watches) used on one day (UTC); see `jobs/usage.py`."""

    __tablename__ = "daily_usage"

    day: Mapped[date] = mapped_column(primary_key=True)
    # id of a caller, or "watches"
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    unit: Mapped[str] = mapped_column(String(16), primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class RecoveryReason(StrEnum):
    """Why a job was requeued. `DUE` and `RETURNED` are normal; the other reasons follow a failure."""

    DUE = "due"
    RETURNED = "returned"  # a stopping worker returned the job
    LEASE = "lease"  # the worker is assumed dead, because its lease expired
    UNSENT = "unsent"  # the job's message was not sent in time
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A requeued job, whose message the caller must send, and the reason."""

    job: Job
    reason: RecoveryReason


@dataclass(frozen=True, slots=True)
class Enqueued:
    """`jobs` are the targets' new and active jobs, and for recently read targets the last finished jobs.

    `new` are the ids of new jobs, which the caller must send. `duplicates` is the number of targets that got no new
    job. If `repeated`, this is the answer to an earlier request with the same idempotency key.
    """

    batch: str
    jobs: list[Job]
    new: list[str]
    duplicates: int
    repeated: bool = False

    def as_json(self) -> dict[str, Any]:
        return {"batch": self.batch, "jobs": [job.id for job in self.jobs], "duplicates": self.duplicates}
