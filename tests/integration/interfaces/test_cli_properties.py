"""`propintel properties` lists properties, shows one in brief or in full, and explains its values."""

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

ADDRESS = {"StreetNumber": "12", "StreetName": "Fictional Ave", "City": "Anytown", "PostalCode": "00000"}


def _record(url: str, kind: SourceKind, at: datetime, **values: Any) -> SourceRecord:
    sha = url.rjust(64, "0")[-64:]
    return page_record(url, values, at, sha, kind=PageKind.RECORD, source_kind=kind, confidence=0.97)


@pytest.fixture
def stored(stores: Stores) -> str:
    """Store a property with conflicting values and one without conflicts. Return the id of the first."""
    now = datetime.now(UTC)
    other = {**ADDRESS, "StreetName": "Elsewhere St", "YearBuilt": 1999}
    save_record(stores.properties, _record("https://homes.example/13", SourceKind.PORTAL, now, **other))
    facts = {"StoriesTotal": 2, **ADDRESS}
    card = _record("https://county.example/7", SourceKind.ASSESSOR, now, YearBuilt=1987, **facts)
    save_record(stores.properties, card)
    return save_record(
        stores.properties, _record("https://homes.example/12", SourceKind.PORTAL, now, YearBuilt=1978, **facts)
    )


def _words(text: str) -> str:
    return " ".join(text.split())


def test_properties_are_listed_and_searched(called: Propintel, stored: str) -> None:
    assert len(json.loads(called("properties", "list").stdout)) == 2
    assert [entry["property"] for entry in json.loads(called("properties", "list", "fictional").stdout)] == [stored]
    table = called("properties", "list", "--format", "table").stdout
    assert f"{stored[:8]} 12 Fictional Ave" in _words(table)
    assert stored not in table
    assert json.loads(called("properties", "list", "--status", "Closed").stdout) == []
    for status in ("active", "ACTIVE", "for-sale"):
        assert (
            called("properties", "list", "--status", status).stdout
            == called("properties", "list", "--status", "Active").stdout
        )
    for status in ("coming-soon", "ComingSoon", "active under contract", "ActiveUnderContract"):
        assert json.loads(called("properties", "list", "--status", status).stdout) == []
    for status in ("activ", "not active", ""):
        wrong = called("properties", "list", "--status", status)
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "is not one of Active, Closed, Coming Soon, Expired, Pending, Withdrawn" in wrong.stderr


def test_only_properties_with_conflicts_are_listed(called: Propintel, stored: str) -> None:
    (found,) = json.loads(called("properties", "conflicts").stdout)
    assert (found["property"], [entry["field"] for entry in found["conflicts"]]) == (stored, ["YearBuilt"])
    table = called("properties", "conflicts", "--format", "table").stdout
    assert f"{stored[:8]} Year built 1987 1978 (portal homes.example)" in _words(table)


def test_the_brief_is_followed_by_the_disagreements(called: Propintel, stored: str) -> None:
    ran = called("properties", "show", stored[:8], "--format", "table")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("12 Fictional Ave, Anytown, 00000\n\nRoof              not on the page\n")
    assert "Year built        1987\n                  [in doubt: portal homes.example says 1978]\n" in ran.stdout
    assert "Stories           2\nYear" in ran.stdout
    brief, _, rest = ran.stdout.partition("Disagreements")
    assert brief.count("Sources\n") == 1
    assert "Year built 1987 1978 (portal homes.example) portal ranks below assessor here" in _words(rest)
    assert "Stories" not in rest
    assert stored in rest


def test_the_all_option_shows_every_value_by_group_with_its_label(called: Propintel, stored: str) -> None:
    table = _words(called("properties", "show", stored, "--all", "--format", "table").stdout)
    home, technical = table.index("Home field value"), table.index("Address, units, and coordinates field value")
    assert home < table.index("Stories 2") < technical < table.index("City Anytown") < table.index("Sources kind")
    assert "StoriesTotal" not in table


def test_fields_are_explained_by_name_or_label(called: Propintel, stored: str) -> None:
    explain = ("properties", "show", stored, "--explain")
    everything = json.loads(called(*explain).stdout)
    assert {"YearBuilt", "City"} <= {value["field"] for value in everything["values"]}
    some = json.loads(called(*explain, "yearbuilt", "stories").stdout)
    assert [value["field"] for value in some["values"]] == [
        value["field"] for value in everything["values"] if value["field"] in ("YearBuilt", "StoriesTotal")
    ]
    wrong = called(*explain, "YearBuild")
    assert (wrong.returncode, "Did you mean YearBuilt" in wrong.stderr) == (2, True)
    lines = called(*explain, "--format", "table").stdout.split("Values (", 1)[1].splitlines()
    assert len(lines) == len(everything["values"]) + 3, "there is not one line for each value, after title and head"
    assert "the same address" in called(*explain, "--format", "table").stdout
    assert any(
        line.split() == ["Year", "built", "1987", "assessor", "county.example", "1", "of", "2"] for line in lines
    )
    table = _words(called(*explain, "YearBuilt", "--format", "table").stdout)
    assert "Year built (YearBuilt)" in table
    assert "1978 portal homes.example conflict" in table
    assert "portal ranks below assessor here" in table
