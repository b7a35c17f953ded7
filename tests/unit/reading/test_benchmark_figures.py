"""The extraction benchmark computes the right figures for handmade rows."""

from typing import Any

import pytest

from app.property.reading.base import Extraction
from app.property.record import Evidence, Method, PageKind, PropertyRecord
from benchmarks.extraction import kinds, markdown
from benchmarks.extraction.bands import calibration_error, reliability
from benchmarks.extraction.core import core
from benchmarks.extraction.figures import measured
from benchmarks.extraction.run import Run
from benchmarks.extraction.scorer import Outcome, Verdict, score
from tests.plugins.read_pages import page_of


def _outcome(label: str, verdict: Verdict, file: str = "a", field: str | None = "ListPrice") -> Outcome:
    expected = None if verdict == "absent" else 1
    return Outcome(file, label, expected, None if verdict == "missed" else 1, field, verdict)


class TestCore:
    @pytest.mark.parametrize(
        ("outcomes", "clean"),
        [
            ([_outcome("price", "right"), _outcome("city", "missed")], False),
            ([_outcome("price", "right"), _outcome("agent", "wrong")], True),
            ([_outcome("rooms", "right"), _outcome("bedrooms", "missed")], True),
            ([_outcome("rooms", "missed"), _outcome("bedrooms", "right")], False),
            ([_outcome("rooms", "absent"), _outcome("bedrooms", "right")], True),
            ([_outcome("living_area", "absent"), _outcome("lot_size", "missed")], False),
            ([Outcome("a", "status", None, "Active", "StandardStatus", "wrong")], False),
        ],
    )
    def test_a_page_is_clean_if_no_core_field_is_missing_or_wrong(self, outcomes: list[Outcome], clean: bool) -> None:
        assert core(outcomes).all_right == (("a",) if clean else ())

    def test_the_mean_counts_each_field_only_on_pages_that_have_it(self) -> None:
        prices = [
            _outcome("price", verdict, file) for verdict, file in (("right", "a"), ("missed", "b"), ("absent", "c"))
        ]
        report = core([*prices, _outcome("city", "right", "a")])
        assert report.fields["price"] == (2, 1)
        assert report.fields["city"] == (1, 1)
        assert report.fields["status"] == (0, 0)
        assert report.mean == pytest.approx((0.5 + 1.0) / 2)
        assert report.all_right == ("a", "c")
        assert report.pages == 3


class TestBands:
    def test_values_are_counted_in_the_band_of_their_confidence(self) -> None:
        outcomes = [
            _outcome("price", "right", "a"),
            _outcome("price", "wrong", "b"),
            _outcome("price", "forgiven", "c"),
            _outcome("price", "missed", "d", field=None),
        ]
        bands = reliability(outcomes, {f: {"ListPrice": c} for f, c in (("a", 1.0), ("b", 0.9), ("c", 0.89))})
        assert [(b.low, b.count, b.right) for b in bands[:2]] == [(0.9, 2, 1), (0.8, 1, 1)]
        assert sum(b.count for b in bands) == 3
        assert bands[0].share_right == 0.5
        assert bands[0].mean_confidence == pytest.approx(0.95)
        assert bands[-1].share_right is None

    def test_the_error_weighs_each_band_by_its_values(self) -> None:
        outcomes = [_outcome("price", "right", "a"), _outcome("price", "wrong", "b"), _outcome("price", "right", "c")]
        bands = reliability(outcomes, {f: {"ListPrice": c} for f, c in (("a", 0.9), ("b", 0.9), ("c", 0.6))})
        # band 0.9 has two values: 1.8 expected right, 1 right; band 0.6 has one value: 0.6 expected right, 1 right
        assert calibration_error(bands) == pytest.approx((abs(1.8 - 1) + abs(0.6 - 1)) / 3)
        assert calibration_error([]) == 0.0


def _run(values: dict[str, tuple[Any, float]], row: dict[str, Any]) -> Run:
    page = page_of("", "https://a.example")
    place = {"locator": "/", "source_url": page.url, "fetched_at": page.fetched_at, "content_sha256": page.sha256}
    evidence = {
        name: Evidence(value=value, raw="r", method=Method.LABEL, quote="q", confidence=confidence, **place)
        for name, (value, confidence) in values.items()
    }
    record = PropertyRecord(values={name: e.value for name, e in evidence.items()}, evidence=evidence)
    extraction = Extraction(page, PageKind.LISTING, "because", record)
    return Run([row], {"a": extraction}, {"a": 0.05})


def test_the_page_shows_every_figure_beside_its_target() -> None:
    row = {"file": "a", "kind": "listing", "url": None, "note": "", "price": 100_000, "city": "Salem", "agent": None}
    run = _run({"ListPrice": (100_000, 0.95), "ListAgentFullName": ("Mo", 0.91)}, row)
    report = measured(run, score(run.records, run.truth), list(kinds.of_labeled(run)))
    by_name = {f.name: f for f in report.figures}
    assert by_name["emitted values that are right (precision)"].value == 0.5
    assert by_name["core fields exact, mean over the fields"].value == 0.5
    assert by_name["right values at confidence 0.9 and more"].value == 0.5
    assert by_name["share of values at confidence 0.9 and more"].value == 1.0
    assert by_name["page kinds recognized"].met
    assert by_name["CPU per page, median"].value == 50.0
    text = markdown.page(report)
    for figure in report.figures:
        assert f"| {figure.name} | {figure.shown} | {figure.target or '–'} |" in text
    assert "| price | 1 | 1 | 1.000 |" in text
    assert "| 0.9 to 1.0 | 2 | 1 | 0.500 | 0.930 |" in text
    assert "| listing | 1 | 1 | 0 | 0 | 0 | 0 |" in text
