"""A quote is in the text word for word, or it is not: whitespace and Unicode forms are forgiven, no more."""

from __future__ import annotations

import unicodedata

import pytest

from app.property.reading.model.quotes import find_quote

TEXT = "Year built:\u00a01998\nWohnfläche 131 m²  (ca.)\nAsking “$450,000” – firm\n1,410 sq ft"


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("Year built: 1998", "Year built:\u00a01998"),
        ("  Year   built:\n1998 ", "Year built:\u00a01998"),
        ("131 m2", "131 m²"),
        ('"$450,000" - firm', "“$450,000” – firm"),
        (unicodedata.normalize("NFD", "Wohnfläche"), "Wohnfläche"),
        ("1998 Wohnfläche 131", "1998\nWohnfläche 131"),
    ],
)
def test_a_quote_is_found_where_it_stands(quote: str, found: str) -> None:
    span = find_quote(quote, TEXT)
    assert span is not None
    assert TEXT[span.start : span.end] == found


@pytest.mark.parametrize(
    "quote", ["", "   ", "Year built: 1999", "year built: 1998", "built: 199", "410 sq feet", "Built Year"]
)
def test_what_is_not_there_is_not_found(quote: str) -> None:
    assert find_quote(quote, TEXT) is None


def test_a_decomposed_text_is_searched_like_a_composed_one() -> None:
    text = unicodedata.normalize("NFD", "Wohnfläche 131 m²")
    span = find_quote("fläche 131", text)
    assert span is None, "a quote does not begin inside a word"
    whole = find_quote("Wohnfläche 131", text)
    assert whole is not None
    assert unicodedata.normalize("NFC", text[whole.start : whole.end]) == "Wohnfläche 131"
