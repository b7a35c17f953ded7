"""An export contains exactly the stored properties, and its memory use does not grow with their number."""

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

from app.clock import ManualClock
from app.property.record import FIELDS, PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Property, SourceRow
from app.services.reports.exports import ExportFormat, write
from benchmarks.saving import save_record
from tests.contract.conftest import ON_SQLITE
from tests.plugins.page_records import page_record

pytestmark = ON_SQLITE
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def _source(url: str, at: datetime = T0, confidence: float = 0.95, **values: Any) -> SourceRecord:
    sha = url.rjust(64, "x")[-64:]
    kind = SourceKind.ASSESSOR if "county" in url else SourceKind.PORTAL
    return page_record(url, values, at, sha, kind=PageKind.RECORD, source_kind=kind, confidence=confidence)


@pytest.fixture
def ids(database: Database, clock: ManualClock) -> list[str]:
    """Return the ids of a property with conflicting sources, one without coordinates, and one that replaced another."""
    store, address = PropertyStore(database), {"StreetName": "Fictional Ave", "City": "Anytown", "PostalCode": "00000"}
    details = {
        "Latitude": 35.125, "Longitude": -80.875, "Roof": ["Asphalt, Shingle", "Metal"], "AssociationYN": True,
        "X_PriceHistory": [{"date": "2019-05", "price": 412000, "event": "Sold"}], "StoriesTotal": 1.5,
        "ClosePrice": 412000, "CloseDate": "2019-05", "PublicRemarks": "Größe: 2,310 sq ft\n“quoted”",
    }  # fmt: skip
    first = save_record(
        store, _source("https://county.example/1", StreetNumber="12", YearBuilt=1987, **details, **address)
    )
    save_record(
        store, _source("https://portal.example/1", confidence=0.8, StreetNumber="12", YearBuilt=1978, **address)
    )
    clock.advance(1)
    second = save_record(store, _source("https://portal.example/2", StreetNumber="14", ListPrice=500000.5, **address))
    clock.advance(1)
    third = save_record(store, _source("https://county.example/3", ParcelNumber="99-1234", PostalCode="00001"))
    alone = save_record(
        store, _source("https://portal.example/3", StreetNumber="16", **{**address, "PostalCode": "00001"})
    )
    clock.advance(1)
    both = _source(
        "https://portal.example/4", T0 + timedelta(days=1), StreetNumber="16", ParcelNumber="99-1234",
        **{**address, "PostalCode": "00001"},
    )  # fmt: skip
    assert save_record(store, both) == third
    assert store.get(third)["replaces"] == [alone]
    return [first, second, third]


def _exported(database: Database, chosen: ExportFormat) -> bytes:
    stream = io.BytesIO()
    write(PropertyStore(database).snapshot(page=2), chosen, stream)
    return stream.getvalue()


def test_a_parquet_export_equals_the_store(database: Database, ids: list[str]) -> None:
    store = PropertyStore(database)
    rows = parquet.read_table(pa.BufferReader(_exported(database, ExportFormat.PARQUET))).to_pylist()
    assert [row["property"] for row in rows] == ids
    for row in rows:
        item = store.get(row["property"])
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


def test_a_jsonl_export_equals_the_store(database: Database, ids: list[str]) -> None:
    lines = _exported(database, ExportFormat.JSONL).splitlines()
    assert [json.loads(line) for line in lines] == [PropertyStore(database).get(property_id) for property_id in ids]


def _fill(database: Database, numbers: range) -> None:
    """Insert properties of realistic size: thirty values with evidence, and one source each."""
    names = [name for name, spec in FIELDS.items() if spec.type == "text"][:30]
    proof = {"raw": "x" * 40, "quote": "y" * 120, "confidence": 0.9, "method": "label", "locator": "/html/body/div[3]"}
    proof["content_sha256"] = "0" * 64
    moments = [T0 + timedelta(seconds=number) for number in numbers]
    rows = [
        {
            "id": f"p{number:07d}", "record": dict.fromkeys(names, f"{number}"),
            "evidence": dict.fromkeys(names, proof),
            "conflicts": [], "created_at": at, "updated_at": at,
        }
        for number, at in zip(numbers, moments, strict=True)
    ]  # fmt: skip
    sources = [
        {
            "url": (url := f"https://county.example/{number}"), "final_url": url, "property_id": f"p{number:07d}",
            "kind": "record", "content_sha256": "0" * 64, "fetched_at": at, "record": {}, "evidence": {},
            "wanted_model": [], "stored_at": at,
        }
        for number, at in zip(numbers, moments, strict=True)
    ]  # fmt: skip
    with database.writing() as connection:
        connection.execute(insert(Property), rows)
        connection.execute(insert(SourceRow), sources)


def _peak_bytes(database: Database, chosen: ExportFormat) -> int:
    """Return the peak memory of an export in bytes, including Arrow's buffers."""

    class Discarding(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            return len(data)

    arrow = 0

    def measured() -> Iterator[dict[str, Any]]:
        nonlocal arrow
        for shown in PropertyStore(database).snapshot(page=50):
            arrow = max(arrow, pa.total_allocated_bytes())
            yield shown

    tracemalloc.start()
    try:
        write(measured(), chosen, Discarding())  # type: ignore[arg-type]
        return tracemalloc.get_traced_memory()[1] + arrow
    finally:
        tracemalloc.stop()


@pytest.mark.long
@pytest.mark.parametrize("chosen", ExportFormat)
def test_ten_times_as_many_properties_take_no_more_memory(
    database: Database, chosen: ExportFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.reports.exports.parquet_file.ROWS_PER_GROUP", 50)
    _fill(database, range(100))
    _peak_bytes(database, chosen)  # the first export also loads modules and fills caches, so it is not measured
    few = _peak_bytes(database, chosen)
    _fill(database, range(100, 1_000))
    many = _peak_bytes(database, chosen)
    assert many < 1.3 * few, f"{few:,} bytes for 100 properties, {many:,} for 1,000"
