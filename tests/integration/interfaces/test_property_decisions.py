"""`propintel properties` joins and splits properties, and undoes both."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.property.record import PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

from .conftest import Propintel

A, B = "https://county.example/1", "https://portal.example/1"
ADDRESS = {"StreetNumber": "12", "StreetName": "Fictional Ave", "City": "Anytown", "PostalCode": "00000"}
AT = datetime(2026, 1, 1, tzinfo=UTC)


def page(url: str, kind: SourceKind, **values: Any) -> SourceRecord:
    body = url.rjust(64, "0")[-64:]
    return page_record(url, values, AT, body, kind=PageKind.RECORD, page_url=url, source_kind=kind)


@pytest.fixture
def stored(stores: Stores) -> str:
    save_record(stores.properties, page(A, SourceKind.ASSESSOR, YearBuilt=1987, **ADDRESS))
    return save_record(stores.properties, page(B, SourceKind.PORTAL, YearBuilt=1990, **ADDRESS))


def test_splits_and_joins_are_recorded_and_can_be_undone(called: Propintel, stores: Stores, stored: str) -> None:
    split = json.loads(called("properties", "split", stored, "--source", B, "--reason", "the house behind").stdout)
    assert (split["kind"], split["pages"], split["reason"]) == ("split", [B], "the house behind")
    assert "@" in split["who"]
    assert [entry["url"] for entry in stores.properties.get(split["other"])["sources"]] == [B]
    undone = json.loads(called("properties", "undo", split["id"][:8]).stdout)
    assert undone["undone_at"] is not None
    assert len(stores.properties.get(stored)["sources"]) == 2
    other = save_record(
        stores.properties, page("https://c.example/1", SourceKind.PORTAL, YearBuilt=1, City="Elsewhere")
    )
    join = json.loads(called("properties", "join", stored, other).stdout)
    assert (join["kind"], join["other"]) == ("join", other)
    assert stores.properties.get(other)["property"] == stored
    table = called("properties", "decisions", stored, "--format", "table").stdout
    assert "join" in table
    assert "split" in table


@pytest.mark.parametrize(
    "arguments",
    [("split", "--source", "https://nobody.example/"), ("split", "--source", A, "--source", B), ("join", "same")],
)
def test_an_impossible_decision_is_wrong_usage(called: Propintel, stored: str, arguments: tuple[str, ...]) -> None:
    command, *rest = (stored if word == "same" else word for word in arguments)
    ran = called("properties", command, stored, *rest)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert stored in ran.stderr
