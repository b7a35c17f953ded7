"""The values of jobs and batches: each as it stands, and what became of a list of targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from app.property.record import SourceKind
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


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one source of an address: "used", or in a word why not, and in `detail` in words. Without a `url` no
    page was asked for, or nothing of it is kept.

    Of a page that a job asked for in vain: how often, and whether that is final (it is not asked for again).
    """

    source: str
    kind: SourceKind | None
    url: str | None
    outcome: str
    detail: str = ""
    tries: int = 0
    is_final: bool = True

    @property
    def is_used(self) -> bool:
        """Whether a page of it is among the property's sources."""
        return self.outcome == USED

    def as_json(self) -> dict[str, str | None]:
        """Return the shape that users see."""
        return {
            "source": self.source,
            "kind": str(self.kind) if self.kind else None,
            "url": self.url,
            "outcome": self.outcome,
            "detail": self.detail or None,
        }


@dataclass(frozen=True, slots=True)
class Job:
    """One execution of a target.

    `attempts` counts claims, but not those that ended in a wait for capacity; `waited_seconds` is the total of these
    waits. `wanted_model` names the fields for which a model was wanted and not heard, `model_note` says why.
    An `economy` job can wait for the model's batch: since `parked_at`, for `request_id`, which is kept after the wait.
    `watch` made it, and the budget of watches pays for what it asks. `found_by` is the job of the search that found its
    target; `search` says of such a job what it found (`jobs/found.py`): it is done without a property.
    """

    id: str
    batch: str
    position: int
    target: str
    state: JobState
    priority: int
    refresh: bool
    attempts: int
    waited_seconds: float
    due_at: datetime | None
    error: dict[str, str] | None
    wanted_model: tuple[str, ...]
    model_note: str | None
    property: str | None
    page_from: PageFrom | None
    sent_times: int
    resend_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    economy: bool = False
    request_id: str | None = None
    parked_at: datetime | None = None
    watch: str | None = None
    found_by: str | None = None
    search: dict[str, Any] | None = None
    tried: tuple[Tried, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the shape that `propintel jobs` and the HTTP API show: JSON types only, times in ISO 8601."""
        return {name: _plain(getattr(self, name)) for name in _SHOWN}


_SHOWN = (
    *("id", "batch", "target", "state", "error", "property", "page_from", "priority", "attempts", "waited_seconds"),
    *("wanted_model", "model_note", "due_at", "economy", "parked_at", "watch", "found_by", "search", "tried"),
    *("created_at", "started_at", "finished_at"),
)
#: columns that a job has as they are
_SAME = (
    *("id", "position", "target", "priority", "refresh", "attempts", "waited_seconds", "due_at", "model_note"),
    *("sent_times", "resend_at", "created_at", "started_at", "finished_at", "economy", "request_id", "found_by"),
    "search",
)


def job_of(row: Row[Any], tried: tuple[Tried, ...] = ()) -> Job:
    """Return the job that a row of `jobs` holds, and what it tried."""
    same: dict[str, Any] = {name: getattr(row, name) for name in _SAME}
    return Job(
        **same,
        batch=row.batch_id,
        state=JobState(row.state),
        error={"code": row.error_code, "message": row.error_message or ""} if row.error_code else None,
        wanted_model=tuple(row.wanted_model or ()),
        property=row.property_id,
        page_from=PageFrom(row.page_from) if row.page_from else None,
        # a wait that is over has no moment any more, whatever the row says: it is cleared with the next claim
        parked_at=row.parked_at if row.state == JobState.DEFERRED else None,
        watch=row.watch_id,
        tried=tried,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Tried):
        return value.as_json()
    return str(value) if isinstance(value, StrEnum) else value


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


class CallbackState(StrEnum):
    """waiting: for the batch to be complete · pending: to be told, or again after a failure · the rest is final."""

    WAITING = "waiting"
    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Callback:
    """Whom a batch tells that it is complete. `url` is whole: not for showing. `error` is of the newest attempt."""

    url: str = field(repr=False)
    state: CallbackState
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """The jobs of one request: `targets` were asked for, of which `duplicates` made no new job; `counts` says how many
    jobs are in each of the six states. `completed_at` is None as long as one of them is not over."""

    id: str
    created_at: datetime
    priority: int
    targets: int
    duplicates: int
    counts: dict[str, int]
    completed_at: datetime | None
    callback: Callback | None
    economy: bool = False

    @property
    def active(self) -> int:
        """How many jobs are not over."""
        return sum(count for state, count in self.counts.items() if not JobState(state).is_final)

    def as_json(self) -> dict[str, Any]:
        """Return the shape that users see: JSON types only; of the callback's URL no more than its origin."""
        told = self.callback
        if told is None:
            return {**self.outcome(), "callback": None}
        shown = {"url": origin_of(told.url), "state": str(told.state), "attempts": told.attempts, "error": told.error}
        return {**self.outcome(), "callback": shown}

    def outcome(self) -> dict[str, Any]:
        """Return the same without the callback: what the callback itself says."""
        names = "id", "created_at", "priority", "targets", "duplicates", "economy", "counts", "completed_at"
        return {name: _plain(getattr(self, name)) for name in names}
