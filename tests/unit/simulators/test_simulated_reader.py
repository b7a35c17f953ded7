"""The simulator answers from the text in the request, and quotes the words that state each value."""

import pytest

from simulators.openai.reader import read, read_all


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("Built in 1998 by hand.", "YearBuilt", 1998),
        ("year built: 1998", "YearBuilt", 1998),
        ("Baujahr 1965", "YearBuilt", 1965),
        ("Asking $450,000, 3 bedrooms", "ListPrice", 450_000),
        ("Kaufpreis: 489.000 €", "ListPrice", 489_000),
        ("Cena: 1 250 000 zł", "ListPrice", 1_250_000),
        ("HOA dues are $85 a month", "ListPrice", None),
        ("three-bedroom", "BedroomsTotal", 3),
        ("two-and-a-half bath", "BathroomsTotalInteger", 3),
        ("1,410 sq ft", "LivingArea", 1410),
        ("Wohnfläche ca. 92,5 m²", "LivingArea", 92.5),
        ("sits on 0.34 acres", "LotSizeArea", 0.34),
        ("3,5 Zimmer", "RoomsTotal", 3.5),
        ("standing-seam metal roof", "Roof", ["standing-seam metal"]),
        ("There is no HOA.", "AssociationYN", False),
        ("HOA dues are $85 a month", "AssociationFee", 85),
        ("Listed by Jane Doe of Acorn Realty", "ListAgentFullName", "Jane Doe"),
        ("Last sold on March 3, 2016 for $289,000", "CloseDate", "2016-03-03"),
        ("Last sold on March 3, 2016 for $289,000", "ClosePrice", 289_000),
        ("nothing of interest", "YearBuilt", None),
    ],
)
def test_a_field_is_read_only_if_the_text_states_it(text: str, field: str, value: object) -> None:
    fact = read(text, field)
    assert (fact.value if fact else None) == value


def test_every_quote_is_in_the_text() -> None:
    text = "A 3-bedroom brick ranch at 12 Elm St in Dovetail, IL 60999, built 1958, asking $274,900.\nTile roof"
    facts = read_all(text)
    assert len(facts) >= 8
    assert all(fact.quote in text for fact in facts.values())
