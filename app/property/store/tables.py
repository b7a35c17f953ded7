"""The tables, as the newest migration leaves them, and the one type for time.

The migrations in `../migrations` make them; a test compares the two. Types are those that SQLite and PostgreSQL share.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: timezone-aware UTC in Python, whatever the database keeps. Naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a timezone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _json(name: str) -> Column[Any]:
    return Column(name, JSON(none_as_null=True), nullable=False)


_ID = String(32)
_SHA256 = String(64)
#: a row number that does not run out; SQLite numbers rows only under the name INTEGER
_ROW = BigInteger().with_variant(Integer, "sqlite")
STATES = ("queued", "running", "deferred", "done", "failed", "cancelled")
#: states in which no second job for the same target may exist
ACTIVE = ("queued", "running", "deferred")
IS_ACTIVE = text("state IN ('queued', 'running', 'deferred')")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

batches = Table(
    "batches",
    metadata,
    Column("id", _ID, primary_key=True),
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
    Column("economy", Boolean(create_constraint=False), nullable=False, server_default=text("false")),
    Index("ix_batches_created_at_id", "created_at", "id"),
    Index(
        "ix_batches_open",
        "id",
        sqlite_where=text("completed_at IS NULL"),
        postgresql_where=text("completed_at IS NULL"),
    ),
)

properties = Table(
    "properties",
    metadata,
    Column("id", _ID, primary_key=True),
    # set once it turned out to be the same as another one: that one is meant
    Column("merged_into", _ID, ForeignKey("properties.id"), nullable=True),
    _json("record"),
    _json("evidence"),
    _json("conflicts"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False, index=True),
    # what it is found by (`searching.py`), made of record, conflicts and the URLs of its pages
    Column("search_text", Text, nullable=False, server_default=""),
    Column("standard_status", String(32)),
    Column("conflict_count", Integer, nullable=False, server_default="0"),
    Index("ix_properties_status_updated", "standard_status", "updated_at", "id"),
    # without those that are listed: SQLite would read all of them by it, and sort
    Index(
        "ix_properties_merged_into",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
)

#: what a property is known by (`identity.py`): finds it, and keeps two processes from storing it twice
property_keys = Table(
    "property_keys",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("property_id", _ID, ForeignKey("properties.id"), nullable=False, index=True),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("batch_id", _ID, ForeignKey("batches.id"), nullable=False),
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
    _json("wanted_model"),
    Column("model_note", Text),
    Column("property_id", _ID, ForeignKey("properties.id"), index=True),
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
    Column("economy", Boolean(create_constraint=False), nullable=False, server_default=text("false")),
    Column("request_id", _SHA256),
    Column("parked_at", UtcDateTime),
    CheckConstraint("state IN ('queued', 'running', 'deferred', 'done', 'failed', 'cancelled')", name="state"),
    Index("ix_jobs_batch_id_state", "batch_id", "state"),
    Index("ix_jobs_created_at_position", "created_at", "position"),
    Index("ix_jobs_state_created_at_position", "state", "created_at", "position"),
    Index("ix_jobs_state_lease_expires_at", "state", "lease_expires_at"),
    Index("ix_jobs_state_due_at", "state", "due_at"),
    Index("ix_jobs_state_resend_at", "state", "resend_at"),
    Index("ix_jobs_target", "target"),
    # few jobs wait for a request
    Index(
        "ix_jobs_request_id",
        "request_id",
        sqlite_where=text("request_id IS NOT NULL"),
        postgresql_where=text("request_id IS NOT NULL"),
    ),
    Index("uq_jobs_active_target", "target", unique=True, sqlite_where=IS_ACTIVE, postgresql_where=IS_ACTIVE),
)

#: what callers asked with a key of their own, and what it brought: kept for a day (`request_keys.py`)
request_keys = Table(
    "request_keys",
    metadata,
    Column("id", _SHA256, primary_key=True),
    Column("fingerprint", _SHA256, nullable=False),
    # these three are filled in by the transaction that makes the row
    Column("batch_id", _ID, ForeignKey("batches.id")),
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
    Column("caller", _SHA256, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("targets", Integer, nullable=False),
)

#: bytes by the SHA-256 of what they are uncompressed; a page's body and its decoded text are both kept here
bodies = Table(
    "bodies",
    metadata,
    Column("sha256", _SHA256, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("packed", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # zstd or zlib (`packing.py`)
    Column("packing", String(8), nullable=False, server_default="zlib"),
    Column("packed_bytes", Integer, nullable=False, server_default="0"),
    # when it was last received, or last said by its site to hold
    Column("used_at", UtcDateTime, nullable=False, server_default="1970-01-01 00:00:00"),
    Index("ix_bodies_used_at_packed_bytes", "used_at", "packed_bytes"),
)

pages = Table(
    "pages",
    metadata,
    Column("id", _ROW, primary_key=True),
    # the job whose checkpoint it is; none for a page fetched without a job, or one that the job gave up
    Column("job_id", _ID, ForeignKey("jobs.id")),
    Column("url", Text, nullable=False),
    Column("final_url", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("sha256", _SHA256, ForeignKey("bodies.sha256"), nullable=False),
    Column("text_sha256", _SHA256, ForeignKey("bodies.sha256"), nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    # the canonical URL that the answer's Link header named
    Column("declared_url", Text),
    # False: its site does not want it kept, so it goes when its job is over
    Column("is_kept", Boolean(create_constraint=False), nullable=False, server_default=true()),
    UniqueConstraint("job_id", "url"),
    Index("ix_pages_sha256", "sha256"),
    Index("ix_pages_text_sha256", "text_sha256"),
)

#: what each URL answered last, and how to ask it whether that still holds
site_answers = Table(
    "site_answers",
    metadata,
    Column("url", Text, primary_key=True),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("content_type", Text, nullable=False),
    Column("sha256", _SHA256, ForeignKey("bodies.sha256"), nullable=False, index=True),
    Column("text_sha256", _SHA256, ForeignKey("bodies.sha256"), nullable=False, index=True),
    Column("declared_url", Text),
    Column("fetched_at", UtcDateTime, nullable=False),
)

#: targets that turned out to be the page of another URL (`page_index.py`)
page_urls = Table(
    "page_urls",
    metadata,
    Column("url", Text, primary_key=True),
    Column("page_url", Text, nullable=False, index=True),
    Column("seen_at", UtcDateTime, nullable=False),
    # its own body, and the body of the record that says all that this one does
    Column("content_sha256", _SHA256),
    Column("record_sha256", _SHA256),
)

#: which job reads a page: only while it runs
page_readers = Table(
    "page_readers",
    metadata,
    Column("page_url", Text, primary_key=True),
    Column("job_id", _ID, nullable=False, index=True),
)

#: what was purged: by whom, and in numbers only
purges = Table(
    "purges",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    _json("removed"),
)

#: hashes of what was purged lately, so that nothing that was fetched before is stored after
purge_marks = Table(
    "purge_marks",
    metadata,
    Column("mark", _SHA256, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
)

#: the newest data of each page, by the URL that was asked for first
records = Table(
    "records",
    metadata,
    Column("id", _ROW, primary_key=True),
    Column("url", Text, nullable=False, unique=True),
    Column("final_url", Text, nullable=False),
    Column("property_id", _ID, ForeignKey("properties.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("content_sha256", _SHA256, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    _json("record"),
    _json("evidence"),
    _json("wanted_model"),
    Column("model_note", Text),
    Column("stored_at", UtcDateTime, nullable=False),
    # which page that is, in the spelling of a target; none of what was stored before this was known
    Column("page_url", Text, index=True),
    # when its site last said that it still holds
    Column("checked_at", UtcDateTime),
    # by which extractors it was read (`extract/edition.py`)
    Column("edition", String(16)),
    # whose page it is (`record.SourceKind`); empty where nobody said
    Column("source_kind", String(16)),
)

#: every value ever read, once per body: what merging loses is still here
observations = Table(
    "observations",
    metadata,
    Column("id", _ROW, primary_key=True),
    Column("property_id", _ID, ForeignKey("properties.id"), nullable=False),
    Column("field", String(64), nullable=False),
    _json("value"),
    Column("value_sha256", _SHA256, nullable=False),
    _json("evidence"),
    Column("content_sha256", _SHA256, nullable=False),
    Column("source_url", Text, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    UniqueConstraint("property_id", "content_sha256", "field", "value_sha256", name="uq_observations_once"),
    Index("ix_observations_property_id_field", "property_id", "field"),
)

#: every usable answer of a model by what it was asked, with its tokens, so that nothing is paid for twice
model_answers = Table(
    "model_answers",
    metadata,
    Column("id", _ROW, primary_key=True),
    Column("content_sha256", _SHA256, nullable=False),
    _json("fields"),
    Column("model", Text, nullable=False),
    Column("prompt_sha256", _SHA256, nullable=False),
    _json("answer"),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_model_answers_checkpoint", "content_sha256", "prompt_sha256", "model"),
)

#: what a search of the web answered, by what was asked: paid for once (`searches.py`)
web_searches = Table(
    "web_searches",
    metadata,
    Column("id", _SHA256, primary_key=True),
    # the address that was looked for, as a target
    Column("target", Text, nullable=False, index=True),
    Column("model", Text, nullable=False),
    _json("answer"),
    # all URLs in the answer, with blanks around each
    Column("urls", Text, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False, index=True),
)

#: what was only said of a property: no page that shows it could be read, so it is no part of its record
unverified = Table(
    "unverified",
    metadata,
    Column("id", _ROW, primary_key=True),
    Column("property_id", _ID, ForeignKey("properties.id"), nullable=False),
    Column("field", String(64), nullable=False),
    _json("value"),
    Column("quote", Text, nullable=False),
    # the page that was named for it
    Column("url", Text, nullable=False, index=True),
    Column("said_by", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    UniqueConstraint("property_id", "field", "url", name="uq_unverified_once"),
)

#: pages that a job asked for in vain: it does not ask again for what stays so (`source_tries.py`)
source_tries = Table(
    "source_tries",
    metadata,
    Column("job_id", _ID, primary_key=True),
    Column("url", Text, primary_key=True),
    Column("code", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("is_final", Boolean(create_constraint=False), nullable=False),
)

#: OpenAI's batches: requests that were sent in one file with one key (`model_batches.py`)
model_batches = Table(
    "model_batches",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("model", Text, nullable=False),
    Column("state", String(16), nullable=False),
    # whose project its files are in: only keys of that project can look at it
    Column("key_id", _ID),
    Column("input_file_id", Text),
    Column("openai_id", Text),
    # what OpenAI calls its state, and what was wrong the last time
    Column("status", Text),
    Column("error", Text),
    Column("requests", Integer, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    # {batch of jobs: [calls, tokens, microusd]}: what was charged; and what came of it, once all was read
    _json("charges"),
    Column("result", JSON(none_as_null=True)),
    Column("created_at", UtcDateTime, nullable=False),
    # it was about to be made at OpenAI, was made, was over
    Column("tried_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("cancelled_at", UtcDateTime),
    Column("unreachable_since", UtcDateTime),
    # when to look at it next (none: it is closed), and who does so now
    Column("next_at", UtcDateTime, index=True),
    Column("lease_owner", Text),
    Column("lease_expires_at", UtcDateTime),
    Index("ix_model_batches_created_at", "created_at"),
)

#: questions to the model that can wait for a batch, one row each (`model_requests.py`)
model_requests = Table(
    "model_requests",
    metadata,
    # of the question, and its `custom_id` at OpenAI
    Column("id", _SHA256, primary_key=True),
    Column("content_sha256", _SHA256, nullable=False),
    _json("fields"),
    Column("model", Text, nullable=False),
    Column("prompt_sha256", _SHA256, nullable=False),
    # whose budget pays
    Column("batch_id", _ID, ForeignKey("batches.id"), nullable=False),
    # the request as JSON, only until it is over
    Column("body", Text),
    Column("body_bytes", Integer, nullable=False),
    # our estimate, and the most that it allows
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", UtcDateTime, nullable=False),
    Column("not_before", UtcDateTime),
    # from then on it is not left to a batch any more
    Column("give_up_at", UtcDateTime, nullable=False),
    Column("model_batch_id", _ID, ForeignKey("model_batches.id")),
    # the completion as it came, with what it used
    Column("answer", JSON(none_as_null=True)),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("microusd", BigInteger),
    Column("error_code", String(64)),
    Column("error_message", Text),
    Column("used_at", UtcDateTime),
    Column("finished_at", UtcDateTime, index=True),
    Index("ix_model_requests_state_parked_at", "state", "parked_at"),
    Index("ix_model_requests_model_batch_id_state", "model_batch_id", "state"),
)

#: every key that was ever configured, with what the pool had counted for it when it was last asked
key_history = Table(
    "key_history",
    metadata,
    Column("key_id", _ID, primary_key=True),
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
    _json("counters"),
    Column("counted_at", UtcDateTime, nullable=False),
    # what an hour of it is like (`usage.py`), reckoned at the beginning of this hour
    Column("usual_requests", Float),
    Column("usual_deviation", Float),
    Column("usual_at", UtcDateTime),
)

#: the same for a model, all keys together
model_history = Table(
    "model_history",
    metadata,
    Column("model", Text, primary_key=True),
    _json("counters"),
    Column("counted_at", UtcDateTime, nullable=False),
)

#: what one key did with one model in one hour (UTC)
key_hours = Table(
    "key_hours",
    metadata,
    Column("hour", UtcDateTime, primary_key=True),
    Column("key_id", _ID, primary_key=True),
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
    _json("refusals"),
)

health_reports = Table(
    "health_reports",
    metadata,
    Column("id", _ROW, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("healthy", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    # [{"key", "state", "failures"}], last {"left_off": n} if there are n more
    _json("unhealthy"),
    Column("summary", Text, nullable=False),
    # of the newest report only
    Column("advice", JSON(none_as_null=True)),
)

IS_FIRING = text("resolved_at IS NULL")
#: what is or was wrong; one that comes back is another row
alerts = Table(
    "alerts",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("message", Text, nullable=False),
    _json("details"),
    Column("fired_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime, index=True),
    CheckConstraint("severity IN ('warning', 'critical')", name="severity"),
    Index("uq_alerts_firing", "kind", "subject", unique=True, sqlite_where=IS_FIRING, postgresql_where=IS_FIRING),
)

#: what ALERT_WEBHOOK_URL is to be told: all alerts that fired, or were over, in one evaluation
alert_notices = Table(
    "alert_notices",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("type", String(32), nullable=False),
    _json("alerts"),
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
    Column("id", _ID, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", String(16), nullable=False),
    Column("key_id", _ID, nullable=False),
    Column("mask", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Index("ix_key_actions_at_id", "at", "id"),
    Index("ix_key_actions_key_id_at_id", "key_id", "at", "id"),
)
