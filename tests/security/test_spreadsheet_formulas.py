"""No exported cell begins with a formula, whichever separator the spreadsheet uses."""

import csv
import importlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.services.reports.exports import ExportFormat, write

PAYLOADS = [
    '=HYPERLINK("http://evil.example")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    '"=1+1',
    "\ufeff=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20A1",
    "nice;=1+1",
    'nice;"=1+1',
    "nice; \uff1d1+1",
    "nice\n=1+1",
    "nice\r\n@A1",
    "\n" * 50_000 + "=1+1",
]
#: No cell may begin with one of these, even after blanks and quotes.
STARTS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def exported(record: dict[str, Any]) -> str:
    shown = {
        "property": "p1", "record": record, "evidence": {}, "sources": [{"url": "https://homes.example/1"}],
        "conflicts": [], "replaces": [], "created_at": "2026-01-02", "updated_at": "2026-01-03",
    }  # fmt: skip
    stream = io.BytesIO()
    write([shown], ExportFormat.CSV, stream)
    return stream.getvalue().decode()


def cells(text: str) -> list[str]:
    """Return all cells as a spreadsheet parses them, once separated by commas and once by semicolons."""
    with_commas = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    return [*with_commas, *re.split(r"[;\r\n]", text)]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: ascii(payload[-20:]))
def test_no_cell_begins_a_formula(payload: str) -> None:
    record = {"PublicRemarks": payload, "Heating": ["Gas", payload], "X_Permits": [{"description": payload}]}
    text = exported(record)
    assert [cell for cell in cells(text) if cell.strip(' "\ufeff').startswith(STARTS)] == []
    row = next(csv.DictReader(io.StringIO(text, newline="")))
    assert json.loads(row["X_Permits"]) == record["X_Permits"]  # the JSON export is unchanged


def test_a_text_that_begins_with_a_newline_stays_text() -> None:
    row = next(csv.DictReader(io.StringIO(exported({"PublicRemarks": "\nx"}), newline="")))
    assert row["PublicRemarks"] == "'\nx"


def test_every_field_is_quoted_and_numbers_stay_numbers() -> None:
    text = exported({"ListPrice": -5.5, "City": "Springfield"})
    assert all(re.fullmatch(r'"[^"]*"(,"[^"]*")*', line) for line in text.splitlines())
    assert next(csv.DictReader(io.StringIO(text)))["ListPrice"] == "-5.5"


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: ascii(payload[-20:]))
def test_the_example_for_changes_guards_its_cells_too(payload: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "examples"))
    cell = importlib.import_module("changes_to_csv").cell(payload)
    assert [part for part in cell.split(";") if part.strip(' "\ufeff').startswith(STARTS)] == []
