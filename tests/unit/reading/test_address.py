"""Addresses: parsed, normalized, and compared."""

from __future__ import annotations

import pytest

from app.property import address
from app.property.address import Address


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("450 7th St APT 1N, Hoboken, NJ 07030", None, ("450 7th St APT 1N", "Hoboken", "NJ", "07030")),
        ("2602 Pacific Ave San Francisco CA 94115", "US", ("2602 Pacific Ave", "San Francisco", "CA", "94115")),
        ("9 Oak St, Salem, OR 97301-2214, USA", None, ("9 Oak St", "Salem", "OR", "97301-2214")),
        ("Lindenstraße 14, 34117 Kassel", "DE", ("Lindenstraße 14", "Kassel", None, "34117")),
        ("13 Noble Street, Wilston, QLD 4051", "AU", ("13 Noble Street", "Wilston", "QLD", "4051")),
        ("Moneymore, Dunlewy, Co. Donegal, F92H560", "IE", ("Moneymore", "Dunlewy", "Co. Donegal", "F92H560")),
        ("20 Ash Drive, Blackrock, Cork", "IE", ("20 Ash Drive", "Blackrock", "Cork", None)),
        ("Tullow Road, Carlow, R93 Y893", "IE", ("Tullow Road", "Carlow", None, "R93 Y893")),
        ("Park Road, Bracknell, Berkshire RG12", "GB", ("Park Road", "Bracknell", "Berkshire", "RG12")),
        ("Storgatan 9, 903 21 Umeå", "SE", ("Storgatan 9", "Umeå", None, "903 21")),
        ("35390 Gießen, Etagenwohnung zum Kauf", "DE", (None, "Gießen", None, "35390")),
    ],
)
def test_one_line_is_parsed(text: str, country: str | None, expected: tuple[str | None, ...]) -> None:
    """A line is split into street, town, region, and postal code by the country's conventions."""
    parsed = address.parse(text, country)
    assert (parsed.street, parsed.city, parsed.state, parsed.postal_code) == expected


def test_number_name_and_unit() -> None:
    parsed = address.parse("420 W 56th St Unit 5, New York, NY 10019")
    assert (parsed.street_number, parsed.street_name, parsed.unit) == ("420", "W 56th St", "5")


@pytest.mark.parametrize("text", ["", " , ", "\n\n", ",,,,", "x" * 5000, "12", "#"])
def test_odd_text_never_raises(text: str) -> None:
    assert isinstance(address.parse(text), Address)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("12 North Elm Street, Salem, OR 97301", "12 N ELM ST, SALEM, OR 97301-1234", "same"),
        ("12 N Elm St, Salem, OR 97301", "14 N Elm St, Salem, OR 97301", "different"),
        ("12 N Elm St Unit 2, Salem, OR 97301", "12 N Elm St Unit 3, Salem, OR 97301", "different"),
        ("12 N Elm St Unit 2, Salem, OR 97301", "12 N Elm St, Salem, OR 97301", "unsure"),
        ("12 N Elm St, Salem, OR 97301", "12 Oak Ave, Salem, OR 97301", "different"),
        ("Elm St, Salem, OR 97301", "Elm St, Salem, OR 97301", "unsure"),
    ],
)
def test_comparing_two_addresses(one: str, other: str, verdict: str) -> None:
    """`same` requires number, street, and place; a unit on one side only gives `unsure`."""
    assert address.compare(address.parse(one), address.parse(other)) == verdict
