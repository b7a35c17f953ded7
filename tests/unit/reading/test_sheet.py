"""Labels are paired with values by structure: each case is a small page with lines that once joined the wrong cells."""

import pytest

from app.property.reading.document import Document
from app.property.reading.sheet import lines_of
from tests.plugins.read_pages import page_of


def lines(body: str) -> list[str]:
    return lines_of(Document(page_of(f"<html lang='en'><body>{body}</body></html>", "https://homes.example/1")))


def rows(*rows_of_cells: str, cell: str = "td") -> str:
    row = (
        "".join(f"<{cell}>{text}</{cell}>" if not text.startswith("<") else text for text in cells.split("|"))
        for cells in rows_of_cells
    )
    return "".join(f"<tr>{cells}</tr>" for cells in row)


_HEADS = "<tr><th>Year</th><th>Land</th><th>Total</th></tr>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            f"<table>{rows('|2025|2024', cell='th')}{rows('Working value|$310|$298', 'Levy|$31|$29')}</table>",
            ["Working value | 2025: $310 | 2024: $298", "Levy | 2025: $31 | 2024: $29"],
            id="years that head columns are no label and value",
        ),
        pytest.param(
            f"<table>{_HEADS}{rows('2025|$1,000|$3,000')}</table>",
            ["Year: 2025 | Land: $1,000 | Total: $3,000"],
            id="a head above a single row",
        ),
        pytest.param(
            "<table><tr><th rowspan=2>Year</th><th colspan=2>Appraised</th></tr><tr><th>Land</th><th>Total</th></tr>"
            f"{rows('2025|$1,000|$3,000')}</table>",
            ["Year: 2025 | Appraised Land: $1,000 | Appraised Total: $3,000"],
            id="a head of two rows, with columns and rows that cells span",
        ),
        pytest.param(
            f"<table>{rows('Sale date|Book|Price', '3 May 2003|12/4|$425,000', '1 Jan 1988|66/1|$250,000')}</table>",
            ["Sale date: 3 May 2003 | Book: 12/4 | Price: $425,000",
             "Sale date: 1 Jan 1988 | Book: 66/1 | Price: $250,000"],
            id="a head of plain cells above figures",
        ),
        pytest.param(
            f"<table>{rows('Ext fin|Stucco|Rf cvr|Shingle', 'Found|Slab|Yr blt|1987')}</table>".replace(
                "<td>Ext", "<th>Ext").replace("Ext fin</td>", "Ext fin</th>").replace(
                "<td>Rf cvr</td>", "<th>Rf cvr</th>").replace("<td>Found</td>", "<th>Found</th>").replace(
                "<td>Yr blt</td>", "<th>Yr blt</th>"),
            ["Ext fin: Stucco | Rf cvr: Shingle", "Found: Slab | Yr blt: 1987"],
            id="labels and values side by side in four columns",
        ),
        pytest.param(
            f"<table>{rows('Vintage|1987', 'Folio|12-3456')}</table>",
            ["Vintage: 1987", "Folio: 12-3456"],
            id="two columns of labels that nobody knows",
        ),
        pytest.param(
            "<ul><li><span class=k>Vintage</span><span class=v>1987</span></li>"
            "<li><span class=k>Tract key</span><span class=v>A-12</span></li></ul>",
            ["Vintage: 1987", "Tract key: A-12"],
            id="elements with two parts whose labels nobody knows",
        ),
        pytest.param(
            "<div class=g><div class=k>Deal type</div><div class=v>Sale</div><div class=k>Condition</div>"
            "<div class=v>Good</div></div>",
            ["Deal type: Sale", "Condition: Good"],
            id="alternating parts: a label has no other label as its value",
        ),
        pytest.param(
            "<div class=g><div class=v>12</div><div class=k>Tract key</div><div class=v>3</div>"
            "<div class=k>Sleeping rooms</div></div>",
            ["12 Tract key", "Sleeping rooms: 3"],
            id="figures above their labels",
        ),
        pytest.param(
            "<ul><li>Balcony</li><li>First occupancy</li></ul>",
            ["Balcony", "First occupancy"],
            id="items of a list are not joined",
        ),
        pytest.param(
            "<div>PIN: <button>Clear</button></div><div>12-34-567</div>",
            ["PIN: 12-34-567"],
            id="a button is no value",
        ),
        pytest.param(
            "<h3>Contact</h3><h3>Questions</h3><p>Call us.</p>",
            ["Contact", "Questions", "Call us."],
            id="a heading is no value of a heading",
        ),
        pytest.param(
            "<div><span title='Living space'>85 m²</span> / <span title='Rooms'>3</span></div>",
            ["Living space: 85 m² / Rooms: 3"],
            id="an icon's title is the label of its number",
        ),
        pytest.param(
            "<ul><li><svg><title>Bathrooms</title></svg>3</li><li><svg><title>Rooms</title></svg>5</li></ul>",
            ["Bathrooms: 3", "Rooms: 5"],
            id="the title of a drawing is the label of the number behind it",
        ),
        pytest.param(
            "<div class=col><h4>Homes</h4><ul><li>New</li><li>Sold</li></ul></div>"
            "<div class=col><h4>Help</h4><ul><li>Contact</li><li>Press</li></ul></div>",
            ["Homes", "New", "Sold", "Help", "Contact", "Press"],
            id="a heading above a list is no label",
        ),
        pytest.param(
            "<div class=l><a href=/a>Barnet</a><a href=/b>Finchley</a></div>"
            "<div class=l><a href=/c>Highgate</a><a href=/d>Camden</a></div>",
            ["Barnet Finchley", "Highgate Camden"],
            id="links side by side are no pairs",
        ),
        pytest.param(
            "<dl><dt>Heat</dt><dd>Gas</dd><dd>Stove</dd><dt>Vintage</dt><dd>1987</dd></dl>",
            ["Heat: Gas Stove", "Vintage: 1987"],
            id="a term may have several descriptions",
        ),
    ],
)  # fmt: skip
def test_each_value_stands_behind_its_own_label(body: str, expected: list[str]) -> None:
    assert lines(body) == expected


def test_a_cell_that_spans_rows_belongs_to_each_row() -> None:
    """Its text is repeated, and columns behind it keep their heads."""
    body = "<tr><td rowspan=2>2025</td><td>$1,000</td><td>$3,000</td></tr><tr><td>$900</td><td>$2,800</td></tr>"
    assert lines(f"<table>{_HEADS}{body}</table>") == [
        "Year: 2025 | Land: $1,000 | Total: $3,000",
        "Year: 2025 | Land: $900 | Total: $2,800",
    ]


def test_long_tables_repeat_their_heads_in_their_first_and_last_rows_only() -> None:
    years = [f"{year}|${year},000|${year},500" for year in range(1990, 2026)]
    found = lines(f"<table>{_HEADS}{rows(*years)}</table>")
    headed = [line for line in found if line.startswith("Year: ")]
    assert len(found) == len(years)
    assert headed == [*found[:8], *found[-2:]]
