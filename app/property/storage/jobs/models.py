"""Jobs, the batches that they were asked for in, and what became of a list of targets."""

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
    """queued: to be sent or sent · running: leased · deferred: waits until `due_at` · the rest is final."""

    QUEUED = "queued"
    RUNNING = "running"
    DEFERRED = "deferred"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class PageFrom(StrEnum):
    """How a job came by its property. site: its page was fetched and read · unchanged: its page is the one that was
    read before, by the site's word (304) or by its bytes · same_page: another URL of that page had just been read ·
    stored: it was fresh, and nobody was asked. Only the first can have cost a call of the model."""

    SITE = "site"
    UNCHANGED = "unchanged"
    SAME_PAGE = "same_page"
    STORED = "stored"


class CallbackState(StrEnum):
    """waiting: for the batch to be complete · pending: to be told, or again after a failure · the rest is final."""

    WAITING = "waiting"
    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


#: what an outcome is beside the code of an error: its page is of the address · another source gave the same page · it
#: is of another property, or does not say of which
USED, SAME_PAGE, OTHER, UNKNOWN = "used", "same_page", "other_property", "unknown_property"
#: it was left out · its page lies, or leads, where the search may not go · the search names it without citing it · the
#: web was searched
SKIPPED, OUTSIDE, UNCITED, SEARCHED = "not_asked", "outside_domains", "not_cited", "searched"
#: by these no site was asked for a page
UNASKED = frozenset((SKIPPED, OUTSIDE, UNCITED, SEARCHED)) | {
    "out_of_time",
    "robots_disallowed",
    "invalid_target",
    "blocked_address",
    "blocked_port",
}


class Batch(Base):
    """The jobs of one request: `targets` were asked for, of which `duplicates` made no new job."""

    __tablename__ = "batches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    priority: Mapped[int]
    targets: Mapped[int]
    duplicates: Mapped[int] = mapped_column(default=0)
    # when its last job was over; empty again while one of them is done anew
    completed_at: Mapped[datetime | None]
    # how many of its jobs are in each of the six states: stored when it is complete, until then `BatchStore` counts
    counts: Mapped[PlainJson] = mapped_column(nullable=True)
    # whom to tell then, and what came of that. The URL is whole: not for showing
    callback_url: Mapped[Words | None]
    message: Mapped[Message | None] = relationship(viewonly=True, lazy="raise")
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

    @property
    def active(self) -> int:
        """How many jobs are not over."""
        return sum(count for state, count in self.counts.items() if not JobState(state).is_final)

    @property
    def callback(self) -> dict[str, Any] | None:
        """How far its callback is, in the shape that users see: of the URL no more than its origin."""
        if self.callback_url is None:
            return None
        told = self.message
        if told is None:
            state = CallbackState.WAITING
        elif told.due_at is not None:
            state = CallbackState.PENDING
        else:
            state = CallbackState.GIVEN_UP if told.error else CallbackState.DELIVERED
        attempts, error = (told.attempts, told.error) if told is not None else (0, None)
        return {"url": origin_of(self.callback_url), "state": state, "attempts": attempts, "error": error}

    def as_json(self) -> dict[str, Any]:
        return {**self.outcome(), "callback": self.callback}

    def outcome(self) -> dict[str, Any]:
        """Return the same without the callback: what the callback itself says."""
        names = "id", "created_at", "priority", "targets", "duplicates", "economy", "counts", "completed_at"
        return self.shown(names)


class Job(Base):
    """One execution of a target."""

    __tablename__ = "jobs"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    batch_id: Mapped[Id] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"))
    # the place in its batch: jobs are listed as they were asked for
    position: Mapped[int]
    target: Mapped[Url]
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    priority: Mapped[int]
    refresh: Mapped[bool]
    # claims, but not those that ended in a wait for capacity, and the total of these waits
    attempts: Mapped[int] = mapped_column(default=0)
    waited_seconds: Mapped[float] = mapped_column(default=0.0)
    due_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    # the fields for which a model was wanted and not used, and why
    wanted_model: Mapped[PlainJson] = mapped_column(default=list)
    model_note: Mapped[Words | None]
    property_id: Mapped[Id | None] = mapped_column(ForeignKey("properties.id", ondelete="SET NULL"), index=True)
    # how a done job came by it
    page_from: Mapped[PageFrom | None]
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
    # its batch's: it can wait for the model's batch; for which request it waits or waited, and since when it does
    # (empty: it does not)
    economy: Mapped[bool] = mapped_column(server_default=false())
    request_id: Mapped[Sha256 | None]
    parked_at: Mapped[datetime | None]
    # the watch that it was made by, which may be gone since: the budget of watches pays for what it asks
    watch_id: Mapped[Id | None]
    # the job of a search that found its target; and of such a search what it found, in numbers (`jobs/found.py`)
    found_by: Mapped[Id | None]
    search: Mapped[PlainJson | None]
    #: what came of its sources, in their order: only of jobs whose query loads it
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
        """Return the shape that `propintel jobs` and the HTTP API show: JSON types only, times in ISO 8601."""
        names = ["id", "batch_id", "target", "state", "error", "property_id", "page_from", "priority", "attempts"]
        names += ("waited_seconds", "wanted_model", "model_note", "due_at", "economy", "parked_at", "watch_id")
        names += ("found_by", "search", "created_at", "started_at", "finished_at")
        return {**self.shown(names), "tried": [one.as_json() for one in self.tried]}


#: what a change of state clears, but for what the new state sets itself
CLEARED: dict[str, Any] = dict.fromkeys(
    ("due_at", "resend_at", "lease_owner", "lease_expires_at", "reading_url", "parked_at")
)
#: what does not count as an attempt gives it back
ONE_ATTEMPT_LESS = case((Job.attempts > 0, Job.attempts - 1), else_=0)


class JobAttempt(MappedAsDataclass, Base):
    """What came of one source of an address: "used", or in a word why not, and in `detail` in words. Without a `url` no
    page was asked for, or nothing of it is kept.

    Of a page that a job asked for in vain, and that has no `position`: how often, and whether that is final (it is not
    asked for again).
    """

    __tablename__ = "job_attempts"

    id: Mapped[RowId] = mapped_column(primary_key=True, init=False, compare=False)
    job_id: Mapped[Id] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), init=False, compare=False)
    position: Mapped[int | None] = mapped_column(init=False, compare=False)
    # its name in `sources.toml`, or "web search"
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
        # a purge reads what attempts tell of pages
        Index("ix_job_attempts_telling", "id", **where(text("detail != ''"))),
    )

    @property
    def is_used(self) -> bool:
        """Whether a page of it is among the property's sources."""
        return self.outcome == USED

    def as_json(self) -> dict[str, Any]:
        return {**self.shown(("source", "kind", "url", "outcome")), "detail": self.detail or None}


class DailyUsage(Base):
    """How much of what has a limit a day was used on a UTC day (`jobs/usage.py`)."""

    __tablename__ = "daily_usage"

    day: Mapped[date] = mapped_column(primary_key=True)
    # a caller, or "watches"
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    unit: Mapped[str] = mapped_column(String(16), primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class RecoveryReason(StrEnum):
    """due: its deferral is over · returned: by a worker that ended · these are the ordinary run of things.

    lease: its worker died · unsent: whoever was to send its message did not · lost: the broker lost its message.
    """

    DUE = "due"
    RETURNED = "returned"
    LEASE = "lease"
    UNSENT = "unsent"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A job that was queued anew and is to be sent, and why."""

    job: Job
    reason: RecoveryReason


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What a request made: one of `jobs` per distinct target that has one, be it new, under way, or (for a fresh
    property) the one that made it. `new` are the ids to be sent to the broker; `duplicates` counts the targets that
    made no new job. `repeated`: it is the answer of an earlier request with the same key."""

    batch: str
    jobs: list[Job]
    new: list[str]
    duplicates: int
    repeated: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return `{"batch", "jobs": [ids], "duplicates"}`."""
        return {"batch": self.batch, "jobs": [job.id for job in self.jobs], "duplicates": self.duplicates}
