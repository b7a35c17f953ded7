"""A page can make a model claim anything, so the check must hold by itself: each claim quotes an honest page."""

from typing import Any

import pytest

from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import SCHEMA, Prompt

_CARD = "12 Elm Street, Springfield, IL 62701 - 3 beds 2 baths 1,850 sq ft"
_PAYMENT = "1,850 sq ft. Est. payment $2,800/mo"
_OFFER = "For sale: $450,000 - 3 beds 2 baths 1,850 sq ft"
_BUILT = "1,850 sq ft on a corner\nYear built: 1987"
_FEES = "HOA: None\nMLS #: IL-778812"
_SYSTEMS = "Heating: Forced air\nCooling: None"
_ROOF = "The roof was replaced in 2019 and the kitchen was remodeled"


def accepted(field: str, value: Any, quote: str, text: str) -> list[Any]:
    found, _ = check_claims({field: (value, quote)}, Prompt([], SCHEMA, text, (field,), 100, 100, 50, "en", "US"))
    return [one.value for one in found if one.field == field]


@pytest.mark.parametrize(
    ("field", "value", "quote", "text"),
    [
        pytest.param("BedroomsTotal", 12, _CARD, _CARD, id="a house number is part of an address"),
        pytest.param("BathroomsTotalInteger", 12, _CARD, _CARD, id="also for baths"),
        pytest.param("LivingArea", 2_800, _PAYMENT, _PAYMENT, id="a period makes it money"),
        pytest.param("LivingArea", 450_000, _OFFER, _OFFER, id="a currency mark makes it money"),
        pytest.param("LotSizeArea", 450_000, _OFFER, _OFFER, id="also for land"),
        pytest.param("BedroomsTotal", 2, "$2 bill, 3 beds", "$2 bill, 3 beds", id="an amount is no count"),
        pytest.param("YearBuilt", 1850, _BUILT, _BUILT, id="a comma and a unit make it no year"),
        pytest.param("YearBuilt", 1850, "1,850 sq ft built well", "1,850 sq ft built well", id="without another year"),
        pytest.param("AssociationFee", 778812, _FEES, _FEES, id="the value is in another pair than the label"),
        pytest.param("Cooling", ["Forced air"], "Heating: Forced air", _SYSTEMS, id="the pair is another field's"),
        pytest.param("Cooling", ["Forced air"], "Forced air", _SYSTEMS, id="also without the label"),
        pytest.param("Roof", ["kitchen"], _ROOF, _ROOF, id="the words are of another part of the home"),
        pytest.param("AssociationYN", True, "HOA", "HOA: No", id="a label is no answer"),
        pytest.param("PoolPrivateYN", True, "Private pool", "Private pool: No", id="whatever the label"),
        pytest.param("ListAgentFullName", "Ann Lee", "Ann Lee", "Photographer: Ann Lee", id="another person"),
    ],
)
def test_a_claim_that_the_page_does_not_state_is_refused(field: str, value: Any, quote: str, text: str) -> None:
    assert accepted(field, value, quote, text) == []


@pytest.mark.parametrize(
    ("field", "value", "quote", "text"),
    [
        ("BedroomsTotal", 3, _CARD, _CARD),
        ("BathroomsTotalInteger", 2, _CARD, _CARD),
        ("LivingArea", 1_850, _PAYMENT, _PAYMENT),
        ("LivingArea", 1_850, _OFFER, _OFFER),
        ("ListPrice", 450_000, _OFFER, _OFFER),
        ("YearBuilt", 1987, _BUILT, _BUILT),
        ("YearBuilt", 1850, "Built in 1850, 1,850 sq ft", "Built in 1850, 1,850 sq ft"),
        ("AssociationYN", False, "HOA: None", _FEES),
        ("AssociationYN", False, "HOA", "HOA: No"),
        ("Heating", ["Forced air"], "Heating: Forced air", _SYSTEMS),
        ("PoolPrivateYN", True, "Private pool", "Private pool"),
    ],
)
def test_the_same_pages_state_these(field: str, value: Any, quote: str, text: str) -> None:
    assert accepted(field, value, quote, text) == [value]


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("YearBuilt", 1987, "Vintage: 1987"),
        ("ParcelNumber", "12-3456-789", "Tract key: 12-3456-789"),
        ("YearBuilt", 1987, "Yr cnst: 1987"),
        ("X_MarketValue", 310_000, "Implied worth: $310,000"),
        ("BedroomsTotal", 3, "Sleeping quarters: 3"),
        ("BathroomsTotalInteger", 2, "Salles de douche: 2"),
    ],
)
def test_a_label_that_nobody_knows_is_no_reason_to_refuse(field: str, value: Any, line: str) -> None:
    """Such a value is less sure than one below a known label."""
    prompt = Prompt([], SCHEMA, line, (field,), 100, 100, 50, "en", "US")
    (found, *_), dropped = check_claims({field: (value, line)}, prompt)
    assert (found.value, dropped) == (value, ())
    assert found.confidence < 0.8


@pytest.mark.parametrize(
    ("field", "value", "line", "text"),
    [
        ("YearBuilt", 1987, "Vintage: 1987", "Vintage: 1987\nLast sold: 1987"),
        ("BedroomsTotal", 3, "Sleeping quarters: 3", "Sleeping quarters: 3rd floor"),
        ("YearBuilt", 1850, "Vintage: 1,850 cases", "Vintage: 1,850 cases"),
        ("TaxAnnualAmount", 3_100, "Millage bill: $3,100/mo", "Millage bill: $3,100/mo"),
        ("ParcelNumber", "555-0144-12", "Phone: 555-0144-12", "Phone: 555-0144-12"),
    ],
)
def test_an_unknown_label_does_not_prove_what_fits_badly(field: str, value: Any, line: str, text: str) -> None:
    assert accepted(field, value, line, text) == []
