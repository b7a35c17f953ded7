"""Source values are shown side by side, with the store's choice and its reasons."""

from typing import Any

from app.property.storage.properties.tables import SourceRow
from web.pages.side_by_side import Cell, Row, opinions, side_by_side, source_names

URLS = "https://county.example/7", "https://homes.example/12", "https://roll.example/7"


def _proof(url: str, value: Any, unit: str | None = None) -> dict[str, Any]:
    return {
        "value": value, "raw": f"{value}", "unit": unit, "method": "label", "locator": f"/{value}", "quote": f"{value}",
        "source_url": url, "fetched_at": "2026-01-01T00:00:00+00:00", "content_sha256": url, "confidence": 0.9,
    }  # fmt: skip


def _source(url: str, **values: Any) -> SourceRow:
    return SourceRow(url=url, record=values, evidence={name: _proof(url, value) for name, value in values.items()})


ROWS = [
    _source(URLS[0], YearBuilt=1987, StoriesTotal=2, City="Anytown", ClosePrice=5),
    _source(URLS[1], YearBuilt=1978, StoriesTotal=2.0, City="ANYTOWN"),
    _source(URLS[2], YearBuilt=1987, ClosePrice=4),
]
SHOWN: dict[str, Any] = {
    "sources": [
        {"url": url, "final_url": url, "page_url": url, "source_kind": kind}
        for url, kind in ((URLS[0], "tax_roll"), (URLS[1], None), ("odd", None))
    ],
    "evidence": {
        "YearBuilt": ROWS[0].evidence["YearBuilt"], "StoriesTotal": ROWS[1].evidence["StoriesTotal"],
        "City": ROWS[0].evidence["City"], "ClosePrice": ROWS[0].evidence["ClosePrice"],
    },
    "conflicts": [
        {
            "field": "YearBuilt", "chosen": 1987,
            "evidence": [ROWS[0].evidence["YearBuilt"], ROWS[2].evidence["YearBuilt"], ROWS[1].evidence["YearBuilt"]],
            "reasons": ["2 sources agree", "says the same", "ranks below"], "verdicts": ["won", "agrees", "conflict"],
        }
    ],
}  # fmt: skip


def test_conflicts_come_first_with_the_store_s_reasons() -> None:
    rows = side_by_side(SHOWN, ROWS)
    assert [(row.name, row.is_conflict) for row in rows] == [
        ("YearBuilt", True), ("ClosePrice", False), ("City", False), ("StoriesTotal", False),
    ]  # fmt: skip
    assert rows[0].cells == (
        Cell("1987", "chosen", "2 sources agree"),
        Cell("1978", "differs", "ranks below"),
        Cell("1987", "agrees", "says the same"),
    )


def test_sources_with_equal_values_are_one_opinion_and_the_chosen_one_is_first() -> None:
    names = source_names(SHOWN)
    (first, second) = opinions(side_by_side(SHOWN, ROWS)[0], names)
    assert (first.text, first.verdict, first.reason) == ("1987", "chosen", "2 sources agree")
    assert first.sources == (names[0], names[2])
    assert (second.text, second.verdict, second.reason) == ("1978", "differs", "ranks below")
    assert second.sources == (names[1],)


def test_equal_values_are_not_a_conflict() -> None:
    cells = {row.name: row.cells for row in side_by_side(SHOWN, ROWS)}
    assert cells["ClosePrice"] == (Cell("5", "chosen", ""), Cell("", "", ""), Cell("4", "beside", ""))
    assert cells["City"] == (Cell("Anytown", "chosen", ""), Cell("ANYTOWN", "agrees", ""), Cell("", "", ""))
    assert [cell.verdict for cell in cells["StoriesTotal"]] == ["agrees", "chosen", ""]


def test_conflicts_without_stored_reasons_still_name_the_chosen_value() -> None:
    bare = {name: SHOWN["conflicts"][0][name] for name in ("field", "chosen", "evidence")}
    (row, *_) = side_by_side({**SHOWN, "conflicts": [bare]}, ROWS)
    assert [(cell.verdict, cell.reason) for cell in row.cells] == [("chosen", ""), ("differs", ""), ("agrees", "")]


def test_long_values_are_truncated() -> None:
    records = [_source(URLS[0], PublicRemarks="x" * 500), _source(URLS[1], PublicRemarks="y")]
    (row,) = side_by_side({**SHOWN, "conflicts": []}, records)
    assert len(row.cells[0].text) == 160
    assert row.cells[0].text.endswith("x…")


def test_long_values_that_differ_after_the_cut_are_two_opinions() -> None:
    cells = Cell("x" * 159 + "…", "chosen", ""), Cell("x" * 159 + "…", "differs", "an older page"), Cell("", "", "")
    row = Row("PublicRemarks", "Description", "", is_conflict=True, cells=cells)
    assert [one.verdict for one in opinions(row, source_names(SHOWN))] == ["chosen", "differs"]
