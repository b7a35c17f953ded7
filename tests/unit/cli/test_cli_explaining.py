"""`propintel extract --explain` shows how each confidence was computed, in 80 columns."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.pipeline import extract
from cli.extract import explained, explanation, scores

_HTML = """<html lang="en-US"><title>12 Elm St - $310,000</title><h1>12 Elm St, Springfield, IL 62701</h1>
<dl><dt>Price</dt><dd>$310,000</dd><dt>Energy rating</dt><dd>B</dd><dt>Bathrooms</dt><dd>2</dd>
<dt>Year built</dt><dd>1988</dd></dl><p>Built in 1987.</p></html>"""


@pytest.fixture(scope="module")
def read() -> Extraction:
    url = "https://homes.example/12-elm"
    return extract(Page(url, url, "text/html", _HTML, _HTML.encode(), datetime(2026, 3, 1, tzinfo=UTC)))


def test_the_terminal_shows_each_contribution_within_80_columns(read: Extraction) -> None:
    data = {"kind": "listing", "reason": "x", "wanted": [], "notes": [], "candidates": explained(read)}
    screen = Console(file=io.StringIO(), width=80, force_terminal=False)
    for part in explanation(data | {"scores": scores(read)}):
        screen.print(part)
    assert isinstance(screen.file, io.StringIO)
    lines = screen.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    table = lines[lines.index(next(line for line in lines if line.startswith("Confidence"))) :]
    first, last = table[1].index("confidence"), table[1].index("log-odds")
    rows: dict[str, str] = {}
    name = ""
    for line in table[3:]:
        field, words = line[:first].strip(), line[last:].strip()
        name = field or name
        rows[name] = f"{rows.get(name, '')} {words}".strip()
    assert rows["ListPrice"].startswith("+")
    assert "strong checks (1) +" in rows["ListPrice"]
    assert "rival (" in rows["YearBuilt"]
    assert "bias +" in rows["BathroomsTotalInteger"], "a long name hides the words"
