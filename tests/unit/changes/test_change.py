"""Another form of the same value is not a change."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.property.merging.changes import (
    PUBLISHED_FIELDS,
    Statement,
    checked_fields,
    has_words,
    is_news,
    number_error_in,
    statement_of,
)
from app.property.record import DERIVED_FIELDS
from tests.plugins.page_records import page_record

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def statement(value: Any, raw: str | None = None, quote: str | None = None, **context: Any) -> Statement:
    raw = str(value) if raw is None else raw
    proof = page_record("https://a.example/1", {"ListPrice": value}, T0).evidence["ListPrice"]
    return Statement(value, proof.model_copy(update={"raw": raw, "quote": raw if quote is None else quote}), context)


PERMIT = {"kind": "Re-roof", "date": "2026-03-02", "status": "Issued"}


@pytest.mark.parametrize(
    ("name", "before", "now"),
    [
        ("ListPrice", statement(1250000), statement(1251000, "$1.25M")),
        ("ListPrice", statement(500000, X_Currency="USD"), statement(463000, X_Currency="EUR")),
        ("ListPrice", statement(2000, X_PricePeriod="month"), statement(24000, X_PricePeriod="year")),
        ("Roof", statement(["Tile", "Metal"]), statement(["metal", "tile"])),
        ("Roof", statement(["Shingle"]), statement(["Composition Shingle"])),
        ("LivingArea", statement(131, LivingAreaUnits="Square Meters"), statement(1410, LivingAreaUnits="Square Feet")),
        ("CloseDate", statement("2026-05-12"), statement("2026-05-14")),
        ("CloseDate", statement("2026-05"), statement("2026-05-12")),
        ("StandardStatus", statement("Active", "For sale", "For sale"), statement("Pending", "FOR SALE", "for sale")),
        ("X_Permits", statement([PERMIT, {"kind": "Fence", "date": "2020-01-01", "status": ""}]), statement([PERMIT])),
        ("X_Permits", statement([PERMIT]), statement([{**PERMIT, "kind": "RE-ROOF", "is_done": True}])),
        ("ParcelNumber", statement("012-345 678"), statement("012345678")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_form_of_the_same_value_is_not_a_change(name: str, before: Statement, now: Statement) -> None:
    """The forms differ in rounding, currency, period, order, detail, unit, precision, source words, or spelling."""
    assert not is_news(name, before, now)


@pytest.mark.parametrize(
    ("name", "before", "now"),
    [
        ("ListPrice", statement(500000), statement(495000)),
        ("ListPrice", statement(500000), statement(2400, X_PricePeriod="month")),
        ("ListPrice", statement(2000, X_PricePeriod="month"), statement(26000, X_PricePeriod="year")),
        ("StandardStatus", statement("Active"), statement("Pending")),
        ("CloseDate", statement("2019-05-12"), statement("2026-05-14")),
        ("X_Permits", statement([PERMIT]), statement([PERMIT, {**PERMIT, "date": "2026-04-01"}])),
        ("X_Permits", statement([PERMIT]), statement([{**PERMIT, "status": "Finaled"}])),
        ("Roof", statement(["Shingle"]), statement(["Metal"])),
        ("X_RoofYear", statement(2004), statement(2026)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_real_difference_is_a_change(name: str, before: Statement, now: Statement) -> None:
    assert is_news(name, before, now)


@pytest.mark.parametrize(
    ("text", "quote", "found"),
    [
        ("<p>Unsold, with an interactive tour</p>", "sold", False),
        ("<p>Built in 2023</p>", "3", False),
        ("<p><b>Sold</b>!</p>", "sold", True),
        ("<b>3</b>Beds", "3 beds", True),
        ("<p>価格は3億円です</p>", "3億円", True),
        (f"<p>{'A quiet street. ' * 40}</p>", ("A quiet street. " * 40)[:500], True),
    ],
)
def test_a_quote_is_found_as_whole_words(text: str, quote: str, found: bool) -> None:
    assert has_words(text, quote) is found


def test_a_moved_decimal_point_is_recognized_as_an_error() -> None:
    assert number_error_in("ListPrice", statement(500000), statement(5000000)) == "a decimal point moved by 1"
    assert number_error_in("ListPrice", statement(500000), statement(450000)) is None


def test_a_changed_value_brings_its_related_fields() -> None:
    values = {"TaxAssessedValue": 210000, "X_Currency": "USD", "TaxYear": 2026, "YearBuilt": 1990}
    proofs = {name: statement(value).proof for name, value in values.items()}
    found = statement_of("TaxAssessedValue", values, proofs)
    assert found is not None
    assert found.context == {"X_Currency": "USD", "TaxYear": 2026}
    assert statement_of("ListPrice", values, proofs) is None


def test_computed_fields_are_never_published() -> None:
    """The inputs of computed fields are published instead. A computed age would change every January."""
    assert not DERIVED_FIELDS & set(PUBLISHED_FIELDS)
    with pytest.raises(ValueError, match="X_AgeYears is computed"):
        checked_fields(["X_AgeYears"])
    with pytest.raises(ValueError, match="'Price' is no field"):
        checked_fields(["Price"])
    assert checked_fields(["Roof", "ListPrice"]) == ("ListPrice", "Roof")
