"""Test `propintel properties export` with files and pipes, since a given time, and in the loop of docs/export.md."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from app.property.record import PageKind, SourceKind
from app.property.storage.properties.repository import PropertyStore
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

from .conftest import Environment, Propintel

GUIDE = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def _save(store: PropertyStore, number: int, at: datetime = T0, **values: Any) -> str:
    url, sha = f"https://county.example/{number}", f"{number}{at:%d}".rjust(64, "0")
    return save_record(
        store, page_record(url, values, at, sha, kind=PageKind.RECORD, source_kind=SourceKind.ASSESSOR, confidence=0.95)
    )


@pytest.fixture
def ids(stores: Stores) -> list[str]:
    street = {"StreetName": "Fictional Ave", "City": "Anytown", "PostalCode": "00000"}
    return [_save(stores.properties, n, StreetNumber=f"{n}", ListPrice=n * 1000, **street) for n in (1, 2, 3)]


def test_changed_since_accepts_the_values_of_updated_at(called: Propintel, home: Path, ids: list[str]) -> None:
    everything = [json.loads(line) for line in called("properties", "export", "--format", "jsonl").stdout.splitlines()]
    assert [row["property"] for row in everything] == ids
    moment = everything[1]["updated_at"]
    assert re.search(r"\.\d{6}\+00:00$", moment)
    for since in (moment, moment.replace("+00:00", "Z"), moment.replace("+00:00", "")):
        ran = called("properties", "export", "--format", "csv", "--changed-since", since)
        assert ran.returncode == 0, ran.stderr
        assert [row["property"] for row in csv.DictReader(io.StringIO(ran.stdout))] == ids[1:]
        assert f"2 properties exported, the last change at {everything[2]['updated_at']}" in ran.stderr
    later = datetime.fromisoformat(moment) + timedelta(hours=1)
    abroad = called("properties", "export", "--format", "jsonl", "--changed-since", moment.replace("+00:00", "+01:00"))
    assert len(abroad.stdout.splitlines()) == 3, "the time's offset was ignored"
    none = called("properties", "export", "--format", "geojson", "--changed-since", later.isoformat())
    assert json.loads(none.stdout) == {"type": "FeatureCollection", "features": []}
    assert "0 properties exported\n" in none.stderr


def test_values_below_export_min_confidence_are_no_values(called: Propintel, home: Path, ids: list[str]) -> None:
    """The pages were read with a confidence of 0.95."""
    for limit, price in (("0.95", "1000"), ("0.96", "")):
        exported = called("properties", "export", "--format", "csv", EXPORT_MIN_CONFIDENCE=limit)
        assert next(csv.DictReader(io.StringIO(exported.stdout)))["ListPrice"] == price
    shown = called("properties", "show", ids[0], "--json", EXPORT_MIN_CONFIDENCE="0.96")
    assert json.loads(shown.stdout)["record"]["ListPrice"] == 1000, "the JSON shows each value with its confidence"


def test_an_invalid_time_is_wrong_usage(called: Propintel) -> None:
    for since in ("yesterday", "2026-13-01", "", "1", "0001-01-01T00:00:00+14:00"):
        ran = called("properties", "export", "--format", "csv", "--changed-since", since)
        assert (ran.returncode, ran.stdout, "ISO 8601" in ran.stderr.replace("\n", " ")) == (2, "", True), since


def test_parquet_can_be_written_to_files_and_pipes(propintel: Propintel, home: Path, ids: list[str]) -> None:
    ran = propintel("properties", "export", "--format", "parquet", "-o", "all.parquet")
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    assert parquet.read_table(home / "all.parquet")["property"].to_pylist() == ids
    command = f"{Path(sys.executable).with_name('propintel')} properties export --format parquet | cat > piped.parquet"
    environment = {**os.environ, "PROPINTEL_HOME": str(home / "state")}
    subprocess.run(["bash", "-c", f"set -eo pipefail; {command}"], cwd=home, env=environment, check=True, timeout=300)
    assert (home / "piped.parquet").read_bytes() == (home / "all.parquet").read_bytes()


def test_a_closed_pipe_causes_no_traceback_during_an_export(propintel: Propintel, home: Path, ids: list[str]) -> None:
    command = f"{Path(sys.executable).with_name('propintel')} properties export --format jsonl | true"
    environment = {**os.environ, "PROPINTEL_HOME": str(home / "state")}
    ran = subprocess.run(
        ["bash", "-c", command], cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert "Traceback" not in ran.stderr


def test_the_loop_of_the_guide_keeps_a_copy_up_to_date(
    environment: Environment, programs: Path, stores: Stores, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    names: dict[str, Any] = {}
    exec(compile(program, "export.md", "exec"), names)  # noqa: S102 (our text)
    home = Path(environment["PROPINTEL_HOME"])
    monkeypatch.chdir(home)
    monkeypatch.setenv("PROPINTEL_HOME", str(home))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    copy: dict[str, dict[str, Any]] = {}
    state = home / "since"
    names["follow"](copy, state)
    assert list(copy) == ids
    _save(stores.properties, 1, T0 + timedelta(days=1), StreetNumber="1", ListPrice=5, StreetName="Fictional Ave",
          City="Anytown", PostalCode="00000")  # fmt: skip
    parcel = _save(stores.properties, 9, ParcelNumber="99-1234", PostalCode="00000")
    names["follow"](copy, state)
    assert copy[ids[0]]["record"]["ListPrice"] == 5
    assert set(copy) == {*ids, parcel}
    # This page states both the parcel's number and the third address, so the parcel is merged into the third property.
    merged = _save(
        stores.properties, 10, ParcelNumber="99-1234", StreetNumber="3", StreetName="Fictional Ave",
        City="Anytown", PostalCode="00000",
    )  # fmt: skip
    names["follow"](copy, state)
    assert merged == ids[2]
    assert set(copy) == set(ids)
    assert copy == {name: stores.properties.get(name) for name in ids}
    names["follow"](copy, state)
    assert set(copy) == set(ids)
