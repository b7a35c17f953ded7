"""Lists of properties say what a price is: asked, paid, or rent."""

from typing import Any

import pytest

from app.property.presenting.words import in_list

US = {"StateOrProvince": "IL", "PostalCode": "62701"}


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"ListPrice": 450_000}, "$450,000 asking"),
        ({"ClosePrice": 440_000}, "$440,000 sold"),
        ({"ListPrice": 450_000, "ClosePrice": 440_000, "StandardStatus": "Active"}, "$450,000 asking"),
        ({"ListPrice": 450_000, "StandardStatus": "Pending"}, "$450,000 asking"),
        ({"ListPrice": 2100, "X_PricePeriod": "month"}, "$2,100/month"),
        ({"ListPrice": 700, "X_PricePeriod": "week", "StandardStatus": "Closed"}, "$700/week"),
        ({"ListPrice": 2100, "PropertyType": "Residential Lease"}, "$2,100 rent"),
        ({"ListPrice": 489_000, "X_Currency": "EUR", "PostalCode": "10115"}, "489,000 EUR asking"),
        ({}, ""),
    ],
)
def test_a_price_says_what_it_is(record: dict[str, Any], text: str) -> None:
    assert in_list("ListPrice", {**US, **record}) == text
