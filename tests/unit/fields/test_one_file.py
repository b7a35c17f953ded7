"""A new language needs one file, and a new field needs one row with its labels.

The tests change a copy of the package.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.extraction.size import files_naming_a_field

_ROOT = Path(__file__).parents[3]
_ESPERANTO = """\
codes = ["eo"]
decimal_comma = true

[labels]
ListPrice = ["prezo"]
YearBuilt = ["konstrujaro"]
LivingArea = ["loĝareo"]
PropertySubType = ["speco"]
PoolPrivateYN = ["naĝejo"]
CloseDate = ["vendodato"]

[answers]
yes = ["jes"]
no = ["ne"]

[kinds]
Apartment = ["apartamento"]
House = ["domo"]

[units]
"Square Meters" = ["kvadrataj metroj"]
"""
_READ = """
import json, sys
from datetime import UTC, datetime
from app.property.reading.pipeline import extract
from app.property.page import Page
html = sys.stdin.read()
url = "https://a.example/1"
page = Page(url, url, "text/html", html, html.encode(), datetime(2026, 3, 1, tzinfo=UTC))
print(json.dumps(extract(page).record.values))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("app", "cli", "web"):
        shutil.copytree(_ROOT / package, tmp_path / package)
    return tmp_path


def _run(copy: Path, script: str, given: str) -> Any:
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        **{"input": given, "env": environment, "cwd": copy},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _page(lang: str, facts: dict[str, str]) -> str:
    rows = "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in facts.items())
    return f"<html lang='{lang}'><body><h1>12 Elm Street</h1><dl>{rows}</dl></body></html>"


def test_a_language_is_one_file(copy: Path) -> None:
    page = _page(
        "eo",
        {
            **{"Prezo": "245.000 €", "Konstrujaro": "1998", "Loĝareo": "87,5 kvadrataj metroj", "Speco": "Apartamento"},
            **{"Naĝejo": "Jes", "Vendodato": "14 marto 2021"},
        },
    )
    (copy / "app/property/fields/languages/eo.toml").write_text(_ESPERANTO, "utf-8")
    values = _run(copy, _READ, page)
    assert (
        values
        | {
            **{"ListPrice": 245_000, "X_Currency": "EUR", "YearBuilt": 1998, "LivingArea": 87.5},
            **{"LivingAreaUnits": "Square Meters", "PropertySubType": "Apartment", "PoolPrivateYN": True},
            **{"CloseDate": "2021-03-14"},
        }
        == values
    )


_ROW = """
[X_Elevators]
label = "Elevators"
type = "integer"
kind = "count"
group = "facts"
meaning = "elevators of the building"
ask_model = true
range = [0, 40]
published = true
searched = true
appended = 3
short = "lifts"
brief = { place = 99, line = "Elevators" }
"""
_FOLLOW = """
import io, json, sys
from datetime import UTC, datetime
from app.property.page import Page
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.llm import read_answer
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import extract, with_model_values
from app.property.source_record import SourceRecord
from app.property.storage.watches.changes import ChangeStore
from app.property.storage.database import Database
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.repository import PropertyFilter
from app.services.reports.exports import ExportFormat, write
from app.property.presenting.brief import brief
from cli.property_tables import record_table
from web.pages.side_by_side import side_by_side

def read(html, day, number):
    url = f"https://{number}.example/1"
    page = Page(url, url, "text/html", html, html.encode(), datetime(2026, 3, day, tzinfo=UTC))
    return extract(page)

def answered(extraction, value, quote):
    prompt = build_prompt(extraction)
    fact = {"facts": [{"field": "X_Elevators", "value": value, "quote": quote}]}
    candidates, dropped = check_claims(read_answer(json.dumps(fact), prompt, model="m"), prompt)
    return with_model_values(extraction, candidates, len(dropped)).record.values.get("X_Elevators")

def stored(extraction):
    page, record = extraction.page, extraction.record
    return SourceRecord(page.final_url, page.final_url, extraction.kind, page.sha256, page.fetched_at,
                        dict(record.values), dict(record.evidence))

listed, changed, odd, told = json.load(sys.stdin)
prompt = build_prompt(read(told, 1, "c"))
database = Database("sqlite:///fields.db")
database.open()
store = PropertyStore(database)
for number, html, day in (("a", listed, 1), ("b", listed, 1), ("a", changed, 5), ("b", changed, 5), ("a", changed, 6)):
    record = stored(read(html, day, number))
    made = database.repeat(lambda connection: store.save(connection, record, edition="e1"))
shown = store.get(made)
said = store.sources(made)
files = {}
for chosen in (ExportFormat.CSV, ExportFormat.JSONL, ExportFormat.GEOJSON):
    stream = io.BytesIO()
    write([shown], chosen, stream)
    files[chosen.value] = stream.getvalue().decode()
print(json.dumps({
    "read": read(listed, 1, "a").record.values.get("X_Elevators"),
    "odd": read(odd, 1, "a").record.values.get("X_Elevators"),
    "asked": "X_Elevators" in prompt.fields,
    "described": prompt.messages[0]["content"],
    "affirmed": answered(read(told, 1, "c"), 3, "served by 3 elevators"),
    "denied": answered(read(told, 1, "c"), 4, "served by 3 elevators"),
    "merged": shown["record"]["X_Elevators"],
    "files": files,
    "table": [str(cell) for cell in record_table("", shown["record"], shown["evidence"]).columns[0].cells],
    "beside": [row.name for row in side_by_side(shown, said)],
    "brief": brief(shown, datetime(2026, 3, 7, tzinfo=UTC), 30),
    "changes": [(c.field, c.old, c.new) for c in ChangeStore(database).newest(property_id=made, limit=9)],
}))
"""


def test_a_field_is_one_row_with_its_labels(copy: Path) -> None:
    facts = {"Address": "12 Elm Street, Ames, IA 50010", "Year built": "1998", "Price": "$310,000", "Bedrooms": "3"}
    pages = [_page("en", {**facts, "Elevators": number}) for number in ("2", "3", "41")]
    prose = "The building is served by 3 elevators and stands in a quiet street behind the park."
    table, words = copy / "app/property/fields/fields.toml", copy / "app/property/fields/languages/en.toml"
    table.write_text(f"{table.read_text('utf-8')}{_ROW}", "utf-8")
    words.write_text(words.read_text("utf-8").replace("[labels]\n", '[labels]\nX_Elevators = ["elevators"]\n'), "utf-8")
    found = _run(copy, _FOLLOW, json.dumps([*pages, _page("en", facts).replace("<dl>", f"<p>{prose}</p><dl>")]))
    assert (found["read"], found["odd"]) == (2, None)
    assert found["asked"]
    assert "X_Elevators (whole number): elevators of the building" in found["described"]
    assert (found["affirmed"], found["denied"]) == (3, None)
    assert found["merged"] == 3
    assert found["changes"] == [["X_Elevators", 2, 3]]
    assert found["files"]["csv"].splitlines()[0].endswith('"X_Elevators"')
    assert found["files"]["csv"].splitlines()[1].endswith('"3"')
    assert '"X_Elevators": 3' in found["files"]["jsonl"]
    assert '"X_Elevators": 3' in found["files"]["geojson"]
    assert "X_Elevators" in found["table"]
    assert "X_Elevators" in found["beside"]
    assert "Elevators         3" in found["brief"]


def test_few_files_name_a_field() -> None:
    """Knowledge of fields belongs in the field table, so the mean number of files that name a field must not grow."""
    assert files_naming_a_field() <= 4.89
