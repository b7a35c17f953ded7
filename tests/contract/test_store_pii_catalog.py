"""The catalog of personal data must declare what each text column can contain."""

import re

import pytest
from sqlalchemy import LargeBinary, Table, Text
from sqlalchemy.types import JSON

from app.property.storage.privacy.pii_catalog import PiiKind, columns_of, pii_kind
from app.property.storage.tables import metadata


def test_every_text_column_declares_a_kind() -> None:
    undeclared = [
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Text | JSON) and "pii" not in column.info
    ]
    assert undeclared == []


def test_the_kind_of_a_url_or_id_column_matches_its_name() -> None:
    named = {
        r".*url|target": PiiKind.TARGET,
        r"urls": PiiKind.URLS,
        r"property_id": PiiKind.PROPERTY,
        r"job_id": PiiKind.JOB,
    }
    for table in metadata.sorted_tables:
        for column in table.columns:
            expected = [kind for pattern, kind in named.items() if re.fullmatch(pattern, column.name)]
            assert expected in ([], [pii_kind(column)]) or str(column) == "batches.callback_url"


#: The text and JSON columns without personal data, and what they contain.
_WITHOUT_PII = {
    "source_records.wanted_model": "names of fields",
    "jobs.wanted_model": "names of fields",
    "jobs.lease_owner": "names of our processes",
    "jobs.search": "numbers, and our codes of reasons",
    "llm_requests.fields": "names of fields",
    "batches.job_ids": "ids of jobs",
    "batches.counts": "numbers by state",
    "suppressions.words": "hashes, or names of tables and keys of rows",
    "audit_log.removed": "numbers by table",
    "identity_decisions.replaced": "ids of properties",
}
_OF_KEYS = {"model", "mask", "limit_group", "counters", "refusals", "charges", "key_id"}
_OF_OPENAI = {"input_file_id", "openai_id", "lease_owner"}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_a_text_column_declared_without_personal_data_is_listed_with_a_reason(table: Table) -> None:
    for column in columns_of(table, PiiKind.NOTHING):
        if isinstance(column.type, Text | JSON | LargeBinary) and column.name not in _OF_KEYS | _OF_OPENAI:
            assert str(column) in _WITHOUT_PII
