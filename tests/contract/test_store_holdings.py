"""The register of what is held of people: every column that can hold words says of what."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import LargeBinary, Table, Text
from sqlalchemy.types import JSON

from app.property.storage.privacy.pii_catalog import Holds, columns_of, held
from app.property.storage.tables import metadata


def test_every_column_for_words_says_what_they_are() -> None:
    """One of `storage/types.py`; what refers to a property, a job, or a body need not say it."""
    unsaid = [
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Text | JSON) and "pii" not in column.info
    ]
    assert unsaid == []


def test_every_url_and_id_of_a_property_or_a_job_is_known_as_one() -> None:
    """By its name: one that is not found by it would be left behind."""
    named = {r".*url|target": Holds.TARGET, r"urls": Holds.URLS, r"property_id": Holds.PROPERTY, r"job_id": Holds.JOB}
    for table in metadata.sorted_tables:
        for column in table.columns:
            meant = [kind for pattern, kind in named.items() if re.fullmatch(pattern, column.name)]
            assert meant in ([], [held(column)]) or str(column) == "batches.callback_url"


#: columns for words and JSON that hold no words of pages, models or users, and why
_WORDLESS = {
    "source_records.wanted_model": "names of fields",
    "jobs.wanted_model": "names of fields",
    "jobs.lease_owner": "names of processes of ours",
    "jobs.search": "numbers, and words of ours for why",
    "llm_requests.fields": "names of fields",
    "batches.job_ids": "ids of jobs",
    "batches.counts": "numbers by state",
    "suppressions.words": "hashes, or names of tables and keys of rows",
    "audit_log.removed": "numbers by what they are of",
    "identity_decisions.replaced": "ids of properties",
}
_OF_KEYS = {"model", "mask", "limit_group", "counters", "refusals", "charges", "key_id"}
_OF_OPENAI = {"input_file_id", "openai_id", "lease_owner"}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_what_can_hold_words_is_not_said_to_hold_nothing(table: Table) -> None:
    """But for what is listed with a reason."""
    for column in columns_of(table, Holds.NOTHING):
        if isinstance(column.type, Text | JSON | LargeBinary) and column.name not in _OF_KEYS | _OF_OPENAI:
            assert str(column) in _WORDLESS
