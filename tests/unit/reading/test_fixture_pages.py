"""Pages written for these tests in the styles of different sites, with their expected values."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.property.page import Page
from app.property.reading.pipeline import extract
from benchmarks.extraction.proof import faults

_FOLDER = Path(__file__).parent / "pages"
_CASES = sorted(p.name for p in _FOLDER.iterdir() if (p / "record.json").is_file())


def _page(folder: Path, url: str) -> Page:
    path = next(folder.glob("page.*"))
    kind = "application/json" if path.suffix == ".json" else "text/html"
    body = path.read_bytes()
    return Page(url, url, kind, body.decode("utf-8"), body, datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize("case", _CASES)
def test_a_page_yields_exactly_its_values(case: str) -> None:
    folder = _FOLDER / case
    expected = json.loads((folder / "record.json").read_text("utf-8"))
    extraction = extract(_page(folder, expected["url"]))
    values = extraction.record.values
    assert extraction.kind == expected["kind"], extraction.reason
    assert {name: values.get(name) for name in expected["values"]} == expected["values"]
    assert [name for name in expected["absent"] if name in values] == []
    assert extraction.notes == ()


@pytest.mark.parametrize("case", _CASES)
def test_every_value_carries_evidence_from_the_page(case: str) -> None:
    folder = _FOLDER / case
    page = _page(folder, json.loads((folder / "record.json").read_text("utf-8"))["url"])
    assert list(faults(case, extract(page))) == []
