"""The register of what is held of people: every column of every table is in it, and a purge empties what it names."""

from __future__ import annotations

import pytest
from sqlalchemy import LargeBinary, Text, inspect
from sqlalchemy.types import JSON

from app.property.storage.database import Database
from app.property.storage.privacy.pii_catalog import HOLDINGS, Holding, Holds


def test_every_column_that_the_database_has_is_classified_once(database: Database) -> None:
    """By the database itself, not by our own definitions: a table that a migration makes is a table."""
    with database.reading() as connection:
        looked = inspect(connection)
        stored = {
            (table, column["name"])
            for table in looked.get_table_names()
            if table != "alembic_version"
            for column in looked.get_columns(table)
        }
    assert {(one.table.name, name) for one in HOLDINGS for name in one.columns} == stored
    assert len({one.table.name for one in HOLDINGS}) == len(HOLDINGS)


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
    "identity_overrides.replaced": "ids of properties",
}
_OF_KEYS = {"model", "mask", "limit_group", "counters", "refusals", "charges", "key_id"}
_OF_OPENAI = {"input_file_id", "openai_id", "lease_owner"}


@pytest.mark.parametrize("held", HOLDINGS, ids=lambda held: held.table.name)
def test_what_can_hold_words_is_not_said_to_hold_nothing(held: Holding) -> None:
    """But for what is listed with a reason."""
    for column in held.of(Holds.NOTHING):
        if isinstance(column.type, Text | JSON | LargeBinary) and column.name not in _OF_KEYS | _OF_OPENAI:
            assert f"{held.table.name}.{column.name}" in _WORDLESS
