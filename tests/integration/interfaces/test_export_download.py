"""Exports are downloaded from the page with its filters, and over HTTP, with all columns or a preset."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.property.presenting.brief import LINES
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.reports.exports import COLUMNS
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

from .conftest import Propintel, Token

BRIEF = {part.field for line in LINES for part in line.parts}
PLACE = {"StreetName": "Elm St", "City": "Anytown", "StateOrProvince": "ST", "PostalCode": "00000"}


@pytest.fixture(autouse=True)
def stored(stores: Stores) -> None:
    now = datetime.now(UTC)
    for number, status in ((12, "Active"), (14, "Closed"), (16, "Active")):
        values = {"StreetNumber": str(number), "StandardStatus": status, "ListPrice": 400_000 + number, **PLACE}
        values |= {"YearBuilt": 1987, "Roof": ["=cmd()"] if number == 14 else ["Metal"], "LivingArea": 2310.0}
        values |= {"LivingAreaUnits": "Square Feet"}
        save_record(stores.properties, page_record(f"https://homes.example/{number}", values, now, f"{number:064}"))


@pytest.fixture
def api(web: str, broker: EmbeddedValkey, token: Token) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {token('reader')}"}
    with httpx2.Client(timeout=120, base_url=f"{web}/api/v1/properties", headers=headers) as opened:
        yield opened


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_page_exports_what_it_shows(reader_client: TestClient) -> None:
    page = reader_client.get("/properties?status=Active&q=elm")
    assert 'action="/properties/export"' in page.text
    assert 'name="status" value="Active"' in page.text
    answer = reader_client.get("/properties/export?status=Active&q=elm&format=csv&columns=")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="properties.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert sorted(row["StreetNumber"] for row in _rows(answer.text)) == ["12", "16"]
    assert tuple(_rows(answer.text)[0]) == COLUMNS
    assert len(_rows(reader_client.get("/properties/export?q=nowhere").text)) == 0
    assert "'=cmd()" in reader_client.get("/properties/export?status=Closed").text
    lines = reader_client.get("/properties/export?format=jsonl").text.splitlines()
    assert len(lines) == 3
    assert all(json.loads(line)["evidence"] for line in lines)


def test_the_export_needs_a_session(reader_client: TestClient) -> None:
    reader_client.cookies.clear()
    assert reader_client.get("/properties/export").status_code == 303


def test_the_preset_is_the_same_everywhere(reader_client: TestClient, called: Propintel, api: httpx2.Client) -> None:
    shown = called("properties", "export", "--columns", "contractor", "--format", "csv").stdout
    assert _rows(shown) == _rows(reader_client.get("/properties/export?columns=contractor").text)
    assert _rows(shown) == _rows(api.get("/export", params={"columns": "contractor"}).text)
    row = next(row for row in _rows(shown) if row["address"].startswith("12 Elm St"))
    assert list(row)[:2] == ["property", "address"]
    assert set(row) >= BRIEF | {"LivingAreaUnits", "sources", "low_confidence"}
    assert (row["Roof"], row["YearBuilt"], row["LivingAreaUnits"]) == ("Metal", "1987", "Square Feet")
    assert len(row) < len(COLUMNS) / 2


def test_columns_are_chosen_by_name_in_every_format(api: httpx2.Client, called: Propintel, home: Path) -> None:
    chosen = {"columns": "yearbuilt, property,YearBuilt"}
    assert list(_rows(api.get("/export", params=chosen).text)[0]) == ["YearBuilt", "property"]
    lines = api.get("/export", params={**chosen, "format": "jsonl"}).text.splitlines()
    assert [list(json.loads(line)) for line in lines] == [["YearBuilt", "property"]] * 3
    features = api.get("/export", params={**chosen, "format": "geojson"}).json()["features"]
    assert [list(one["properties"]) for one in features] == [["YearBuilt", "property"]] * 3
    ran = called("properties", "export", "--columns", "contractor", "--format", "parquet", "-o", "homes.parquet")
    assert (ran.returncode, (home / "homes.parquet").read_bytes()[:4]) == (0, b"PAR1")


def test_an_unknown_column_is_an_error_with_near_names(
    reader_client: TestClient, called: Propintel, api: httpx2.Client, home: Path
) -> None:
    ran = called("properties", "export", "--columns", "address,YearBuild", "--format", "csv", "-o", "out.csv")
    assert (ran.returncode, "'YearBuild'" in ran.stderr, "YearBuilt" in ran.stderr) == (2, True, True)
    assert not (home / "out.csv").exists()
    for answer in (reader_client.get("/properties/export?columns=contracter"), api.get("/export?columns=contracter")):
        assert (answer.status_code, "contractor" in answer.text) == (422, True)
    assert reader_client.get("/properties/export?format=xml").status_code == 422
