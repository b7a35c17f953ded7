"""An export is a snapshot that contains each stored property once. It needs no more memory for more properties."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import insert

from app.property.record import FIELDS, PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.properties.tables import Property
from app.services.reports.exports import ExportFormat, write
from tests.contract.conftest import ON_SQLITE
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def _source(url: str, at: datetime = T0, confidence: float = 0.95, **values: Any) -> SourceRecord:
    sha = url.rjust(64, "x")[-64:]
    kind = SourceKind.ASSESSOR if "county" in url else SourceKind.PORTAL
    return page_record(url, values, at, sha, kind=PageKind.RECORD, source_kind=kind, confidence=confidence)


@pytest.fixture
def ids(db: Stores) -> list[str]:
    address = {"StreetName": "Fictional Ave", "City": "Anytown", "PostalCode": "00000"}
    details = {
        "Latitude": 35.125, "Longitude": -80.875, "Roof": ["Asphalt, Shingle", "Metal"], "AssociationYN": True,
        "X_PriceHistory": [{"date": "2019-05", "price": 412000, "event": "Sold"}], "StoriesTotal": 1.5,
        "ClosePrice": 412000, "CloseDate": "2019-05", "PublicRemarks": "Größe: 2,310 sq ft\n“quoted”",
    }  # fmt: skip
    first = db.save(_source("https://county.example/1", StreetNumber="12", YearBuilt=1987, **details, **address))
    db.save(_source("https://portal.example/1", confidence=0.8, StreetNumber="12", YearBuilt=1978, **address))
    db.clock.advance(1)
    second = db.save(_source("https://portal.example/2", StreetNumber="14", ListPrice=500000.5, **address))
    db.clock.advance(1)
    third = db.save(_source("https://county.example/3", ParcelNumber="99-1234", PostalCode="00001"))
    alone = db.save(_source("https://portal.example/3", StreetNumber="16", **{**address, "PostalCode": "00001"}))
    db.clock.advance(1)
    both = _source(
        "https://portal.example/4", T0 + timedelta(days=1), StreetNumber="16", ParcelNumber="99-1234",
        **{**address, "PostalCode": "00001"},
    )  # fmt: skip
    assert db.save(both) == third
    assert db.properties.get(third)["replaces"] == [alone]
    return [first, second, third]


def _exported(db: Stores, chosen: ExportFormat) -> bytes:
    stream = io.BytesIO()
    write(db.properties.snapshot(page=2), chosen, stream)
    return stream.getvalue()


@ON_SQLITE
def test_a_parquet_export_equals_the_store(db: Stores, ids: list[str]) -> None:
    rows = parquet.read_table(pa.BufferReader(_exported(db, ExportFormat.PARQUET))).to_pylist()
    assert [row["property"] for row in rows] == ids
    for row in rows:
        item = db.properties.get(row["property"])
        record = {name: row[name] for name in FIELDS if row[name] is not None}
        for name in ("X_PriceHistory", "X_TaxHistory", "X_Permits"):
            if name in record:
                record[name] = json.loads(record[name])
        assert record == item["record"]
        assert json.loads(row["evidence"]) == item["evidence"]
        assert json.loads(row["conflict_evidence"]) == item["conflicts"]
        assert row["sources"] == [source["url"] for source in item["sources"]]
        assert row["replaces"] == item["replaces"]
        assert row["updated_at"] == datetime.fromisoformat(item["updated_at"])
    assert rows[0]["conflicts"] == ["YearBuilt"]


@ON_SQLITE
def test_a_jsonl_export_equals_the_store(db: Stores, ids: list[str]) -> None:
    lines = _exported(db, ExportFormat.JSONL).splitlines()
    assert [json.loads(line) for line in lines] == [db.properties.get(property_id) for property_id in ids]


def _fill(db: Stores, numbers: range) -> None:
    """Insert properties of realistic size, each with thirty values and their evidence."""
    names = [name for name, spec in FIELDS.items() if spec.type == "text"][:30]
    proof = {"raw": "x" * 40, "quote": "y" * 120, "confidence": 0.9, "method": "label", "locator": "/html/body/div[3]"}
    evidence = {name: {**proof, "content_sha256": "0" * 64, "fetched_at": T0.isoformat()} for name in names}
    for number in numbers:
        at = T0 + timedelta(seconds=number)
        row = {"id": f"p{number:07d}", "record": dict.fromkeys(names, f"{number}"), "evidence": evidence}
        db.execute(insert(Property).values(row | {"conflicts": [], "created_at": at, "updated_at": at}))


def _peak_bytes(db: Stores, chosen: ExportFormat) -> int:
    """Return the peak memory of an export in bytes, including Arrow's buffers."""

    class Discarding(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            return len(data)

    arrow = 0

    def measured() -> Iterator[dict[str, Any]]:
        nonlocal arrow
        for shown in db.properties.snapshot(page=50):
            arrow = max(arrow, pa.total_allocated_bytes())
            yield shown

    tracemalloc.start()
    try:
        write(measured(), chosen, Discarding())  # type: ignore[arg-type]
        return tracemalloc.get_traced_memory()[1] + arrow
    finally:
        tracemalloc.stop()


@pytest.mark.long
@ON_SQLITE
@pytest.mark.parametrize("chosen", ExportFormat)
def test_ten_times_as_many_properties_take_no_more_memory(
    db: Stores, chosen: ExportFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.reports.exports.parquet_file.ROWS_PER_GROUP", 50)
    _fill(db, range(100))
    _peak_bytes(db, chosen)  # not measured, because the first export also loads modules and fills caches
    few = _peak_bytes(db, chosen)
    _fill(db, range(100, 1_000))
    many = _peak_bytes(db, chosen)
    assert many < 1.3 * few, f"{few:,} bytes for 100 properties, {many:,} for 1,000"


def source(number: int, at: datetime = T0, **values: Any) -> SourceRecord:
    url, sha = f"https://a.example/{number}", f"{number:x}".rjust(64, f"{at.day % 10}")
    return page_record(url, values, at, sha)


def fill(db: Stores, count: int) -> list[str]:
    ids = []
    for number in range(count):
        db.clock.advance(1)
        ids.append(db.save(source(number, ListPrice=1000 + number)))
    return ids


def test_a_change_during_an_export_appears_in_the_next_export(db: Stores) -> None:
    ids = fill(db, 7)
    rows = db.properties.snapshot(page=2)
    seen = [next(rows) for _ in range(3)]
    db.clock.advance(1)
    # already exported
    db.save(source(0, at=T0 + timedelta(days=1), ListPrice=5))
    db.save(source(5, at=T0 + timedelta(days=1), ListPrice=6))  # not yet exported
    db.clock.advance(1)
    added = db.save(source(7, ListPrice=1007))
    seen += rows
    assert [row["property"] for row in seen] == ids
    assert [row["record"]["ListPrice"] for row in seen] == [1000, 1001, 1002, 1003, 1004, 1005, 1006]

    since = datetime.fromisoformat(seen[-1]["updated_at"])
    changed = {row["property"]: row["record"]["ListPrice"] for row in db.properties.snapshot(changed_since=since)}
    assert changed == {ids[6]: 1006, ids[0]: 5, ids[5]: 6, added: 1007}


def test_an_export_of_full_pages_ends(db: Stores) -> None:
    ids = fill(db, 4)
    for page in (1, 2, 3, 4, 5):
        assert [row["property"] for row in db.properties.snapshot(page=page)] == ids
    assert list(db.properties.snapshot(changed_since=db.clock.now() + timedelta(seconds=1))) == []


def test_an_abandoned_export_frees_its_connection(db: Stores) -> None:
    fill(db, 3)
    rows = db.properties.snapshot(page=1)
    next(rows)
    rows.close()
    assert list(rows) == []
    db.clock.advance(1)
    # an open snapshot would not include this property
    db.save(source(9, ListPrice=9))
    assert [row["record"]["ListPrice"] for row in db.properties.snapshot()][-1] == 9


def test_each_source_keeps_its_own_values(db: Stores) -> None:
    address = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL"}
    property_id = db.save(source(1, ListPrice=100, YearBuilt=1990, **address))
    db.save(source(2, at=T0 + timedelta(days=1), ListPrice=200, **address))
    first, second = db.properties.sources(property_id)
    assert (first.url, first.record["ListPrice"], first.record["YearBuilt"]) == ("https://a.example/1", 100, 1990)
    assert (second.url, second.record["ListPrice"], "YearBuilt" in second.record) == ("https://a.example/2", 200, False)
    assert second.evidence["ListPrice"]["quote"] == "200"
    assert [one.url for one in (first, second)] == [page["url"] for page in db.properties.get(property_id)["sources"]]
    assert db.properties.sources("nothing") == []
