"""A language is one file, and a field a row with its labels: in a copy of the package, with nothing else changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[3]
#: Esperanto, which no page of ours is in
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
from app.services.exports import COLUMNS
html = sys.stdin.read()
url = "https://a.example/1"
page = Page(url, url, "text/html", html, html.encode(), datetime(2026, 3, 1, tzinfo=UTC))
print(json.dumps({"values": extract(page).record.values, "last": COLUMNS[-1]}))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(_ROOT / "app", tmp_path / "app")
    return tmp_path


def _read(copy: Path, html: str) -> Any:
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, "-c", _READ], input=html, capture_output=True, text=True, env=environment, cwd=copy, check=True
    )
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
    values = _read(copy, page)["values"]
    assert (
        values
        | {
            **{"ListPrice": 245_000, "X_Currency": "EUR", "YearBuilt": 1998, "LivingArea": 87.5},
            **{"LivingAreaUnits": "Square Meters", "PropertySubType": "Apartment", "PoolPrivateYN": True},
            **{"CloseDate": "2021-03-14"},
        }
        == values
    )


def test_a_field_is_a_row_with_its_labels(copy: Path) -> None:
    page = _page("en", {"Year built": "1998", "Elevators": "2", "Price": "$310,000", "Bedrooms": "3"})
    table, words = copy / "app/property/fields/fields.toml", copy / "app/property/fields/languages/en.toml"
    row = '\n[X_Elevators]\ntype = "integer"\nkind = "count"\ngroup = "facts"\nmeaning = "elevators of the building"\n'
    table.write_text(f"{table.read_text('utf-8')}{row}range = [0, 40]\nappended = 3\n", "utf-8")
    words.write_text(words.read_text("utf-8").replace("[labels]\n", '[labels]\nX_Elevators = ["elevators"]\n'), "utf-8")
    read = _read(copy, page)
    assert read["values"]["X_Elevators"] == 2
    assert read["last"] == "X_Elevators"
