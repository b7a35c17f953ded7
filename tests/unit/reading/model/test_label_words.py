"""Words that name a field are found anywhere in a label, and the longest match wins."""

import pytest

from app.property.reading.model.label_words import labels_in


@pytest.mark.parametrize(
    ("text", "lang", "named"),
    [
        ("4 beds 3 baths", "en", [("beds", "BedroomsTotal"), ("baths", "BathroomsTotalInteger")]),
        ("Built in 1887", "en", [("Built in", "YearBuilt")]),
        ("Tax year built", "en", [("Tax year", "TaxYear"), ("built", "YearBuilt")]),
        ("Wohnfläche ca. 120 m², Baujahr 1930", "de", [("Wohnfläche ca.", "LivingArea"), ("Baujahr", "YearBuilt")]),
        ("The kettle sings.", "en", []),
        ("Year\nbuilt", "en", [("built", "YearBuilt")]),
    ],
)
def test_words_that_name_a_field_are_found(text: str, lang: str, named: list[tuple[str, str]]) -> None:
    assert [(text[one.start : one.end], one.field) for one in labels_in(text, lang) if one.field[0] != "_"] == named
