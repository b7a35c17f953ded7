"""What each column of each table can hold of people, properties and sites: what a purge has to reach.

Every column of every table is classified here; a test compares this with the schema, so that a new one cannot be
forgotten. Purges (`privacy/general.py`, `privacy/persons.py`) and `privacy/ages.py` go by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Table

from app.property.storage import tables as t


class Holds(StrEnum):
    """What a column can hold.

    nothing: ids, times, numbers, hashes, codes of ours, facts of keys · operator: who did something, kept as the
    account of it · target: one URL or address in the spelling of a target · urls: several, with blanks around each ·
    key: what a property is filed under, made of URLs, addresses and numbers · property, job, body: the id of one, the
    hash of a page's body · text: words of pages, models or users, as text or JSON · copy: a packed body.
    """

    NOTHING = "nothing"
    OPERATOR = "operator"
    TARGET = "target"
    URLS = "urls"
    KEY = "key"
    PROPERTY = "property"
    JOB = "job"
    BODY = "body"
    TEXT = "text"
    COPY = "copy"


#: in these a person can be named
NAMING = (Holds.TARGET, Holds.URLS, Holds.KEY, Holds.TEXT)


@dataclass(frozen=True, slots=True)
class Holding:
    """One table. `goes_whole`: a row that names a purged person goes, since it is a copy of what can be had again;
    otherwise the name is taken out of its texts. `in_general`: its rows go with their property, job, target or URLs,
    without any code of their own.

    `field` and `at` name the columns that say which field of a record a row tells of, and when that was seen: rows of
    fields that name people go when they are too old.
    """

    table: Table
    columns: Mapping[str, Holds]
    goes_whole: bool = False
    in_general: bool = False
    field: str | None = None
    at: str | None = None

    def of(self, *kinds: Holds) -> list[Column[Any]]:
        """The columns that hold one of `kinds`."""
        return [self.table.c[name] for name, holds in self.columns.items() if holds in kinds]


def holding(
    table: Table,
    *,
    goes_whole: bool = False,
    in_general: bool = False,
    field: str | None = None,
    at: str | None = None,
    **columns: str,
) -> Holding:
    """A table with its columns by what they hold: `holding(watches, nothing="id at", target="target")`."""
    pairs = [(name, Holds(kind)) for kind, names in columns.items() for name in names.split()]
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError(f"a column of {table.name} is classified twice")
    return Holding(table, named, goes_whole, in_general, field, at)


HOLDINGS: tuple[Holding, ...] = (
    # --- pages and what was made of them
    holding(
        t.blobs,
        body="sha256",
        copy="packed",
        nothing="size packing packed_bytes created_at used_at",
        goes_whole=True,
    ),
    holding(t.blob_bytes, nothing="shard packed_bytes"),
    holding(
        t.pages,
        body="sha256 text_sha256",
        job="job_id",
        target="url final_url declared_url",
        text="content_type etag last_modified",
        nothing="id fetched_at is_kept confirmed_at",
    ),
    holding(t.page_aliases, target="url page_url", body="content_sha256 record_sha256", nothing="seen_at"),
    holding(
        t.records,
        target="url final_url page_url",
        property="property_id",
        body="content_sha256",
        text="record evidence model_note",
        nothing="id kind fetched_at wanted_model asks_again stored_at checked_at edition source_kind names_people",
    ),
    holding(
        t.observations,
        property="property_id",
        body="content_sha256",
        target="source_url",
        text="value evidence",
        nothing="id field value_sha256 observed_at",
        field="field",
        at="observed_at",
    ),
    holding(
        t.unverified,
        property="property_id",
        target="url",
        text="value quote said_by",
        nothing="id field seen_at",
        field="field",
        at="seen_at",
    ),
    # --- properties
    holding(
        t.properties,
        property="id merged_into",
        text="record evidence conflicts search_text",
        nothing="created_at updated_at standard_status conflict_count key_rules",
    ),
    holding(t.property_keys, key="key", property="property_id", nothing="is_blocking"),
    holding(
        t.identity_overrides,
        property="property_id other_id",
        target="url",
        text="reason",
        operator="who undone_by",
        nothing="decision_id side at kind replaced undone_at",
    ),
    # --- models
    holding(
        t.llm_cache,
        body="content_sha256",
        target="target",
        urls="urls",
        text="answer",
        nothing="id kind model prompt_tokens completion_tokens created_at",
        goes_whole=True,
    ),
    holding(
        t.llm_requests,
        body="content_sha256",
        text="body answer error_message",
        nothing="id fields model batch_id body_bytes input_tokens output_tokens state attempts parked_at"
        " not_before give_up_at llm_batch_id prompt_tokens completion_tokens cached_tokens microusd error_code"
        " used_at finished_at",
        goes_whole=True,
    ),
    holding(
        t.llm_batches,
        text="status error result",
        nothing="id model state key_id input_file_id openai_id requests tokens charges created_at tried_at sent_at"
        " ended_at cancelled_at unreachable_since next_at lease_owner lease_expires_at",
    ),
    # --- recipes
    holding(t.recipes, text="host document", nothing="id written format state updated_at", goes_whole=True),
    holding(
        t.recipe_examples,
        target="page_url",
        body="content_sha256",
        text="example",
        nothing="recipe_id at",
        goes_whole=True,
        in_general=True,
    ),
    # --- jobs
    holding(
        t.jobs,
        job="id",
        target="target reading_url",
        property="property_id",
        text="error_message model_note",
        nothing="batch_id position state priority refresh attempts waited_seconds due_at error_code wanted_model"
        " page_from lease_owner lease_expires_at sent_at sent_to sent_times resend_at created_at started_at"
        " finished_at economy request_id parked_at watch_id found_by search",
    ),
    holding(
        t.batches,
        text="callback_url",
        nothing="id created_at priority targets duplicates completed_at economy caller counts idempotency_key"
        " fingerprint job_ids answer_by answered_at",
    ),
    holding(
        t.job_attempts,
        job="job_id",
        target="url",
        text="source detail",
        nothing="id position kind outcome tries is_final",
        in_general=True,
    ),
    holding(t.daily_usage, nothing="day subject unit amount"),
    # --- watches
    holding(
        t.watches,
        target="target",
        property="property_id",
        text="pause_reason error_message",
        operator="created_by",
        nothing="id kind interval_days state due_at put_off_at under_way_since failures failing_since"
        " error_code refreshed_at created_at caller prepaid",
        in_general=True,
    ),
    # --- changes
    holding(
        t.changes,
        property="property_id",
        target="url",
        urls="urls",
        text="old new old_evidence new_evidence context why",
        nothing="position id field state looks seen_at updated_at look_at",
        goes_whole=True,
        in_general=True,
        field="field",
        at="updated_at",
    ),
    # --- keys: facts of accounts at OpenAI, and what operators wrote
    holding(
        t.keys,
        nothing="key_id mask limit_group first_seen_at last_seen_at removed_at opened_at died_at quota_gone_at counters"
        " counted_at",
    ),
    holding(
        t.key_history,
        nothing="hour key_id model requests successes failures rate_limits input_tokens output_tokens microusd"
        " cached_tokens sent waited_us saturated_requests_us saturated_tokens_us refusals",
    ),
    holding(
        t.alerts,
        text="message details subject",
        nothing="id kind severity fired_at resolved_at",
    ),
    holding(
        t.outbox,
        text="url payload error",
        nothing="id channel event_id type batch_id created_at due_at attempts delivered_at",
    ),
    # --- what operators did, and what was purged
    holding(t.audit_log, operator="who", text="reason", nothing="id at area action key_id mask outcome state removed"),
    holding(t.suppressions, nothing="hash kind words key_id at expires_at"),
)
