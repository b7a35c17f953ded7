"""`propintel show` of a stored property: the brief, and its sources side by side."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.property.record import PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.services.runtime.stores import open_stores
from app.settings import Settings
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

from .conftest import Propintel

ADDRESS = {"StreetNumber": "12", "StreetName": "Fictional Ave", "City": "Anytown", "PostalCode": "00000"}


def _record(url: str, kind: SourceKind, at: datetime, **values: Any) -> SourceRecord:
    sha = url.rjust(64, "0")[-64:]
    return page_record(url, values, at, sha, kind=PageKind.RECORD, source_kind=kind, confidence=0.97)


@pytest.fixture
def stored(home: Path) -> str:
    """A house that an assessor and a portal disagree about; -> its id."""
    now = datetime.now(UTC)
    with open_stores(Settings.of(propintel_home=home / "state")) as stores:
        save_record(
            stores.properties,
            _record("https://county.example/7", SourceKind.ASSESSOR, now, YearBuilt=1987, StoriesTotal=2, **ADDRESS),
        )
        return save_record(
            stores.properties,
            _record("https://homes.example/12", SourceKind.PORTAL, now, YearBuilt=1978, StoriesTotal=2, **ADDRESS),
        )


def test_the_brief_of_a_stored_property_goes_into_a_pipe(called: Propintel, stored: str) -> None:
    ran = called("show", stored, "--format", "brief")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("12 Fictional Ave, Anytown, 00000\n\nRoof              not known\n")
    assert "Year built        1987\n                  [in doubt: portal homes.example says 1978]\n" in ran.stdout
    assert "Stories           2\nYear" in ran.stdout
    assert ran.stdout.count("Sources\n") == 1


def test_sources_stand_side_by_side(called: Propintel, stored: str) -> None:
    ran = called("show", stored, "--format", "table")
    assert ran.returncode == 0, ran.stderr
    table = ran.stdout.partition("What each source says")[2].partition("Conflicts")[0]
    cells = [[part.strip() for part in line.split("│")[1:-1]] for line in table.splitlines() if "│" in line]
    said = {row[0]: row[1:] for row in cells}
    assert said["YearBuilt !"] == ["* 1987", "1978"]
    assert said["StoriesTotal"] in (["* 2", "2"], ["2", "* 2"])
    assert "1. county.example" in table
    assert "2. homes.example" in table
    conflicts = ran.stdout.partition("Conflicts")[2]
    assert "ranks below assessor here" in conflicts.replace("\n", " ")


def test_json_stays_as_it_is(called: Propintel, stored: str) -> None:
    shown = json.loads(called("show", stored).stdout)
    assert shown["property"] == stored
    (conflict,) = shown["conflicts"]
    assert (conflict["field"], conflict["verdicts"]) == ("YearBuilt", ["won", "conflict"])


def test_other_formats_are_wrong_use(called: Propintel, stored: str) -> None:
    assert called("show", stored, "--format", "short").returncode == 2
    assert called("jobs", "--format", "brief").returncode == 2, "only properties have a brief"
