"""A quote must be in the text word for word. Only whitespace and Unicode forms may differ."""

import unicodedata

import pytest

from app.property.reading.model.quotes import find_quotes

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
def test_a_quote_is_found_in_the_text(quote: str, found: str) -> None:
    span = next(find_quotes(quote, TEXT))
    assert TEXT[span.start : span.end] == found


@pytest.mark.parametrize(
    "quote", ["", "   ", "Year built: 1999", "year built: 1998", "built: 199", "410 sq feet", "Built Year"]
)
def test_a_missing_quote_is_not_found(quote: str) -> None:
    assert not list(find_quotes(quote, TEXT))


def test_a_decomposed_text_is_searched_like_a_composed_one() -> None:
    text = unicodedata.normalize("NFD", "Wohnfläche 131 m²")
    assert not list(find_quotes("fläche 131", text)), "a quote does not begin inside a word"
    whole = next(find_quotes("Wohnfläche 131", text))
    assert unicodedata.normalize("NFC", text[whole.start : whole.end]) == "Wohnfläche 131"
