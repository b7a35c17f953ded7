"""Exports have stable columns and types and are safe for spreadsheets. A missing library is reported."""

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from app.property.record import FIELDS
from app.services.reports.exports import COLUMNS, ExportFormat, Written, write

#: The published columns in order. Programs may read columns by number, so add new ones only at the end.
PUBLISHED = """
property ListingId ListingKey OriginatingSystemName StandardStatus MlsStatus PropertyType PropertySubType ListPrice
OriginalListPrice ClosePrice CloseDate UnparsedAddress StreetNumber StreetName UnitNumber City StateOrProvince
CountyOrParish PostalCode Country Latitude Longitude SubdivisionName RoomsTotal BedroomsTotal BathroomsTotalInteger
BathroomsFull BathroomsHalf LivingArea LivingAreaUnits LotSizeArea LotSizeUnits YearBuilt StoriesTotal Roof
ConstructionMaterials Heating Cooling ParkingTotal PoolPrivateYN AssociationYN AssociationFee PowerProductionType
PublicRemarks ListAgentFullName ListOfficeName Media ParcelNumber TaxAnnualAmount TaxAssessedValue TaxYear X_MarketValue
X_Currency X_PricePeriod X_PriceQualifier X_RentBasis X_PriceHistory X_TaxHistory X_EnergyRating X_AccessNotes
X_EstimatedValueLow X_EstimatedValueHigh X_PotentialEquityLow X_PotentialEquityHigh X_GoogleEarthUrl X_Permits
X_RoofYear sources created_at updated_at replaces conflicts low_confidence X_PricePerArea
X_AgeYears
"""

HOUSE: dict[str, Any] = {
    "property": "p1",
    "record": {
        "ListPrice": -5.5,
        "PublicRemarks": '=HYPERLINK("http://evil.example")',
        "Heating": ["Gas", "Oil; wood"],
        "X_PriceHistory": [{"date": "2026-01-02", "price": 1}],
        "PoolPrivateYN": False,
        "BedroomsTotal": 3,
        "CloseDate": "2005-10",
        "City": "Zürich",
        "Latitude": 47.37,
        "Longitude": 8.54,
    },
    "evidence": {"ListPrice": {"value": -5.5, "confidence": 0.89}, "City": {"value": "Zürich", "confidence": 0.9}},
    "sources": [{"url": "http://homes.example/1"}, {"url": "http://homes.example/2"}],
    "conflicts": [{"field": "ListPrice", "chosen": -5.5, "evidence": []}],
    "replaces": ["p0", "p9"],
    "created_at": "2026-01-02T00:00:00+00:00",
    "updated_at": "2026-01-03T00:00:00.000001+00:00",
}
BARE: dict[str, Any] = {
    **HOUSE,
    "property": "p2",
    "record": {"UnparsedAddress": "12 Fictional Ave"},
    "evidence": {},
    "sources": [],
    "conflicts": [],
    "replaces": [],
}


def written(chosen: ExportFormat, *properties: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    done = write(properties, chosen, stream)
    assert done == Written(len(properties), properties[-1]["updated_at"] if properties else None)
    return stream.getvalue()


def test_published_columns_keep_their_positions() -> None:
    """For a new field, use the next number in `appended` and add the column to the end of `PUBLISHED`."""
    published = PUBLISHED.split()
    assert list(COLUMNS[: len(published)]) == published
    assert sorted(set(COLUMNS) & FIELDS.keys()) == sorted(FIELDS)
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_csv_has_one_column_per_field_whatever_the_record_contains() -> None:
    header, row, bare = csv.reader(io.StringIO(written(ExportFormat.CSV, HOUSE, BARE).decode()))
    assert header == list(COLUMNS)
    found = dict(zip(header, row, strict=True))
    assert found["ListPrice"] == "-5.5"
    assert found["PublicRemarks"] == '\'=HYPERLINK("http://evil.example")'
    assert found["Heating"] == "Gas; Oil; wood"
    assert found["X_PriceHistory"] == '[{"date": "2026-01-02", "price": 1}]'
    assert found["PoolPrivateYN"] == "false"
    assert found["YearBuilt"] == ""
    assert found["sources"] == "http://homes.example/1 http://homes.example/2"
    assert (found["replaces"], found["conflicts"], found["low_confidence"]) == ("p0 p9", "ListPrice", "ListPrice")
    assert dict(zip(header, bare, strict=True))["UnparsedAddress"] == "12 Fictional Ave"


@pytest.mark.parametrize("chosen", ExportFormat)
def test_no_properties_make_a_valid_file(chosen: ExportFormat) -> None:
    data = written(chosen)
    match chosen:
        case ExportFormat.CSV:
            assert data.decode().splitlines() == [",".join(f'"{name}"' for name in COLUMNS)]
        case ExportFormat.JSONL:
            assert data == b""
            lines = written(chosen, HOUSE, BARE).splitlines()
            assert [json.loads(line) for line in lines] == [HOUSE, BARE]
        case ExportFormat.GEOJSON:
            assert json.loads(data) == {"type": "FeatureCollection", "features": []}
        case ExportFormat.PARQUET:
            assert parquet.read_table(pa.BufferReader(data)).num_rows == 0


def test_geojson_puts_longitude_first_and_has_no_geometry_without_coordinates() -> None:
    collection = json.loads(written(ExportFormat.GEOJSON, HOUSE, BARE))
    house, bare = collection["features"]
    assert collection.keys() == {"type", "features"}, "RFC 7946, sections 4 and 7.1"
    assert (house["type"], house["id"]) == ("Feature", "p1")
    assert house["geometry"] == {"type": "Point", "coordinates": [8.54, 47.37]}
    assert house["properties"]["Heating"] == ["Gas", "Oil; wood"]
    assert house["properties"]["replaces"] == ["p0", "p9"]
    assert "YearBuilt" not in house["properties"]
    assert bare["geometry"] is None


@pytest.mark.parametrize(("latitude", "longitude"), [(91, 8), (47, 181), (-90.5, 0), (47, None), (None, 8)])
def test_an_impossible_place_has_no_geometry(latitude: float | None, longitude: float | None) -> None:
    record = {"Latitude": latitude, "Longitude": longitude}
    (feature,) = json.loads(written(ExportFormat.GEOJSON, {**HOUSE, "record": record}))["features"]
    assert feature["geometry"] is None


def test_parquet_has_a_type_for_each_column_and_all_evidence() -> None:
    table = parquet.read_table(pa.BufferReader(written(ExportFormat.PARQUET, HOUSE, BARE)))
    assert table.column_names == [*COLUMNS, "evidence", "conflict_evidence"]
    types = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert types["ListPrice"] == "double"
    assert types["BedroomsTotal"] == "int64"
    assert types["PoolPrivateYN"] == "bool"
    assert types["City"] == types["CloseDate"] == types["X_PriceHistory"] == types["evidence"] == "string"
    assert types["Heating"] == types["sources"] == "list<element: string not null>"
    assert types["updated_at"] == "timestamp[us, tz=UTC]"
    house, bare = table.to_pylist()
    assert house["ListPrice"] == -5.5
    assert house["BedroomsTotal"] == 3
    assert house["PoolPrivateYN"] is False
    assert house["PublicRemarks"] == '=HYPERLINK("http://evil.example")'
    assert house["Heating"] == ["Gas", "Oil; wood"]
    assert json.loads(house["X_PriceHistory"]) == HOUSE["record"]["X_PriceHistory"]
    assert house["CloseDate"] == "2005-10"
    assert house["updated_at"] == datetime(2026, 1, 3, 0, 0, 0, 1, tzinfo=UTC)
    assert json.loads(house["evidence"]) == HOUSE["evidence"]
    assert json.loads(house["conflict_evidence"]) == HOUSE["conflicts"]
    assert (bare["ListPrice"], bare["Heating"], bare["sources"]) == (None, None, [])


def test_numbers_too_large_for_a_column_are_null_and_stay_in_the_evidence() -> None:
    proof = {"value": 2**70, "confidence": 0.5}
    odd = {**BARE, "record": {"BedroomsTotal": 2**70, "ListPrice": 10**400}, "evidence": {"BedroomsTotal": proof}}
    (row,) = parquet.read_table(pa.BufferReader(written(ExportFormat.PARQUET, odd))).to_pylist()
    assert (row["BedroomsTotal"], row["ListPrice"]) == (None, None)
    assert json.loads(row["evidence"])["BedroomsTotal"]["value"] == 2**70


@pytest.mark.parametrize("chosen", ExportFormat)
def test_an_incomplete_surrogate_pair_does_not_stop_an_export(chosen: ExportFormat) -> None:
    data = written(chosen, {**BARE, "record": {"City": "a\ud800b", "Heating": ["\udfff"]}}, HOUSE)
    if chosen is ExportFormat.PARQUET:
        assert parquet.read_table(pa.BufferReader(data))["City"].to_pylist() == ["a?b", "Zürich"]
    else:
        assert b"a?b" in data
        assert "Zürich".encode() in data


def test_parquet_without_its_library_names_the_package_to_install() -> None:
    program = "import sys; sys.modules['pyarrow'] = None\n"
    program += "sys.argv = ['propintel', 'properties', 'export', '--format', 'parquet']\n"
    program += "from importlib.machinery import PathFinder as P; old = P.find_spec\n"
    program += "P.find_spec = lambda name, *rest: None if name.startswith('pyarrow') else old(name, *rest)\n"
    program += "del sys.modules['pyarrow']\nfrom cli.main import main\nsys.exit(main())"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=300)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Install pyarrow" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_value_below_the_limit_is_only_in_the_evidence() -> None:
    """A value at the limit is exported. `low_confidence` names the field of each empty cell with evidence."""
    confidence = {"ListPrice": 0.5, "City": 0.49, "Latitude": 0.2, "Heating": 0.0}
    evidence = {name: {"value": HOUSE["record"][name], "confidence": sure} for name, sure in confidence.items()}
    shown = {**HOUSE, "evidence": evidence}
    line = json.loads(written(ExportFormat.JSONL, shown))
    assert line["record"] == {
        name: HOUSE["record"][name] for name in HOUSE["record"].keys() - {"City", "Latitude", "Heating"}
    }
    assert (line["evidence"], line["below_confidence"]) == (evidence, ["City", "Latitude", "Heating"])
    header, row = csv.reader(io.StringIO(written(ExportFormat.CSV, shown).decode()))
    cells = dict(zip(header, row, strict=True))
    assert (cells["ListPrice"], cells["City"], cells["Latitude"], cells["Heating"]) == ("-5.5", "", "", "")
    assert cells["low_confidence"] == "ListPrice City Latitude Heating"
    (feature,) = json.loads(written(ExportFormat.GEOJSON, shown))["features"]
    assert (feature["geometry"], "City" in feature["properties"]) == (None, False)
    table = parquet.read_table(pa.BufferReader(written(ExportFormat.PARQUET, shown)))
    (typed,) = table.to_pylist()
    assert (typed["ListPrice"], typed["City"], json.loads(typed["evidence"])) == (-5.5, None, evidence)


@pytest.mark.parametrize(("limit", "is_exported"), [(0, True), (0.89, True), (0.9, False), (1, False)])
def test_the_limit_can_be_set(limit: float, is_exported: bool) -> None:
    stream = io.BytesIO()
    write([HOUSE], ExportFormat.JSONL, stream, min_confidence=limit)
    line = json.loads(stream.getvalue())
    assert ("ListPrice" in line["record"]) is is_exported
    assert ("below_confidence" in line) is not is_exported
