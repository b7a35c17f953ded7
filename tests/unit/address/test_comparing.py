"""Addresses are compared part by part: some differences contradict, some are typing errors, and some stay undecided."""

import pytest

from app.property.address import Address, address_key, compare, normalize, read_target, spell_target

_PLACE = "Salem, OR 97301"


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        # different spellings of the same address
        ("12 North Elm Street", "12 N ELM ST", "same"),
        ("12 First Ave Apt 4", "12 1st Avenue #4", "same"),
        ("12 State Road 7", "12 State Route 7", "same"),
        ("12 OR Highway 7", "12 Highway 7", "same"),
        ("12 MacArthur Blvd", "12 Mac Arthur Blvd", "same"),
        ("12 Saint Charles Ave", "12 St. Charles Ave", "same"),
        # typing errors
        ("12 Willamette St", "12 Wilamette St", "same"),
        ("12 Willamette St", "12 Willamtete St", "same"),
        ("12 Willamette River Dr", "12 Wilamete River Dr", "same"),
        ("12 Willamette St", "12 Wilamete St", "unsure"),
        ("12 Willamette St", "12 Wlmette St", "unsure"),
        ("12 Maple St", "12 Mable St", "unsure"),
        ("12 Maple St", "12 Birch St", "different"),
        # street numbers
        ("12 Elm St", "14 Elm St", "different"),
        ("12 Elm St", "21 Elm St", "different"),
        ("12 Elm St", "12A Elm St", "different"),
        ("12 Elm St", "12 1/2 Elm St", "different"),
        ("12-14 Elm St", "12 Elm St", "unsure"),
        ("12-14 Elm St", "13 Elm St", "different"),
        ("12-14 Elm St", "16 Elm St", "different"),
        ("42-10 Elm St", "4210 Elm St", "unsure"),
        # units
        ("12 Elm St Apt 4", "12 Elm St Apt 5", "different"),
        ("12 Elm St Apt 4", "12 Elm St", "unsure"),
        ("12 Elm St Apt 4", "12 Elm St Ste 4", "unsure"),
        ("12 Elm St Apt 4", "12 Elm St Ste 5", "different"),
        ("12 Elm St Bldg B Apt 4", "12 Elm St Apt 4", "unsure"),
        ("12 Elm St Bldg B Apt 4", "12 Elm St Bldg C Apt 4", "different"),
        ("12 Elm St Apt 4-12", "12 Elm St Apt 412", "different"),
        ("12 Willamette St Apt 4", "12 Wilamette St Apt 5", "different"),
        # the rest of the street
        ("12 Elm St", "12 Elm Ave", "different"),
        ("12 Elm St", "12 Elm", "unsure"),
        ("12 N Elm St", "12 S Elm St", "different"),
        ("12 N Elm St", "12 Elm St", "unsure"),
        ("12 Elm St NW", "12 Elm St SW", "different"),
        ("12 21st St", "12 22nd St", "different"),
        ("12 Avenue A", "12 Avenue B", "different"),
        ("12 County Road E", "12 County Road EE", "different"),
        ("12 Northridge Dr", "12 Southridge Dr", "different"),
        ("12 Old North Main St", "12 Old N Main St", "unsure"),
        ("12 O Brien Rd", "12 O'Brien Rd", "same"),
        ("12 County Road 12", "12 County Road 21", "different"),
        ("12 US Highway 7", "12 Highway 7", "unsure"),
        ("12 County Road 7", "12 State Road 7", "unsure"),
    ],
)
def test_addresses_at_one_place_are_compared(one: str, other: str, verdict: str) -> None:
    left, right = read_target(f"{one}, {_PLACE}"), read_target(f"{other}, {_PLACE}")
    assert compare(left, right) == verdict
    assert compare(right, left) == verdict
    if verdict == "different":
        assert address_key(left) != address_key(right)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("Salem, OR 97301", "Salem, OR 97301-1234", "same"), ("Salem, OR 97301", "Keizer, OR 97301", "same"),
        ("Salem, OR 97301", "Salem, OR 97302", "different"), ("Salem, OR 97301", "Salem, MA", "different"),
        ("Salem, OR 97301", "Salem, Oregon", "same"), ("Springfield, OR", "Sprinfield, OR", "same"),
        ("Salem, OR", "Keizer, OR", "unsure"), ("Salem, OR 97301", "Keizer, OR", "unsure"),
        ("St. Louis, MO", "Saint Louis, MO 63101", "same"),
    ],
)  # fmt: skip
def test_addresses_at_two_places_are_compared(one: str, other: str, verdict: str) -> None:
    left, right = read_target(f"12 Elm St, {one}"), read_target(f"12 Elm St, {other}")
    assert compare(left, right) == verdict
    assert compare(right, left) == verdict


def test_parts_and_lines_give_the_same_address() -> None:
    parts = Address(
        street_number="0450", street_name="Seventh Street", unit="Apt. 1-N", city="Hoboken", state="New Jersey"
    )
    line = read_target("450 7th St #1N, Hoboken, NJ")
    assert compare(parts, line) == "same"
    assert address_key(parts) == address_key(line) == "450|7th st|1n|hoboken/nj"


def test_a_unit_in_words_stays_a_unit() -> None:
    loft, attic = (Address(street="12 Elm St", unit=unit, postal_code="97301") for unit in ("The Loft", "The Attic"))
    assert normalize(loft).unit == "the loft"
    assert compare(loft, attic) != "same"


@pytest.mark.parametrize(
    "address",
    [
        Address(),
        Address(street="Elm St", postal_code="97301"),
        Address(street="12 Elm St"),
        Address(postal_code="97301"),
    ],
)
def test_an_incomplete_address_has_no_key_and_matches_nothing(address: Address) -> None:
    with pytest.raises(ValueError, match="has no key"):
        address_key(address)
    assert compare(address, address) == "unsure"


@pytest.mark.parametrize(
    ("written", "spelled", "parts"),
    [
        ("Hauptstraße 5, 10115 Berlin, Germany", "HAUPTSTR 5, 10115 BERLIN, GERMANY", ("5", "10115", "BERLIN", "DE")),
        ("Hauptstr. 5,10115 Berlin, Deutschland", "HAUPTSTR 5, 10115 BERLIN, GERMANY", ("5", "10115", "BERLIN", "DE")),
        ("12 Main St, Toronto, ON M5V 2T6", "12 MAIN ST, TORONTO, ON M5V 2T6, CANADA",
         ("12", "M5V 2T6", "TORONTO", "CA")),
        ("13 Noble Street, Wilston, QLD 4051, Australia", "13 NOBLE STREET, WILSTON, QLD 4051, AUSTRALIA",
         ("13", "4051", "WILSTON", "AU")),
        ("10 rue de la Paix, 75002 Paris, France", "10 RUE DE LA PAIX, 75002 PARIS, FRANCE",
         ("10", "75002", "PARIS", "FR")),
    ],
)  # fmt: skip
def test_foreign_addresses_end_with_their_country(written: str, spelled: str, parts: tuple[str, str, str, str]) -> None:
    assert spell_target(written) == spelled
    assert spell_target(spelled) == spelled
    address = read_target(spelled)
    assert (address.street_number, address.postal_code, address.city, address.country) == parts


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("Hauptstraße, 10115 Berlin, Germany", "lacks a house number"),
        ("Hauptstraße 5, Germany", "lacks a town or postal code"),
        ("General Delivery, Salem, OR 97301", "general delivery"),
        ("12 Elm St PMB 234, Salem, OR 97301", "private mailbox"),
        ("PSC 802 Box 74, APO AE 09499", "military"),
        ("P.O. Box 12, Salem, OR 97301", "post office box"),
        ("POB 12, Salem, OR 97301", "post office box"),
        ("Post Office Box #12, Salem, OR 97301", "post office box"),
        ("12 & 14 Elm St, Salem, OR 97301", "more than one house number"),
        ("Elm St & Oak Ave, Salem, OR 97301", "lacks a house number"),
        ("12 Elm St, Salem, OR 973011", "ZIP code '973011'"),
        ("12, Salem, OR 97301", "lacks"),
        ("0 Elm St, Salem, OR 97301", "lacks a house number"),
        ("12 Elm St, 4th, OR 97301", "no town is called so"),
        ("12 Elm St, 00000", "lacks a state"),
    ],
)
def test_incomplete_and_mail_only_addresses_are_refused_with_the_reason(written: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        spell_target(written)


def test_a_rural_route_is_a_place_with_its_box() -> None:
    one, other = (read_target(f"{written}, Salem, OR 97301") for written in ("RR 2 Box 152", "Rural Route 2 Box 153"))
    assert (one.street, one.street_number, one.street_name) == ("RR 2 BOX 152", "152", "RR 2")
    assert compare(one, other) == "different"
    assert spell_target("HC 1 Box 5, Salem, OR 97301") == "HC 1 BOX 5, SALEM, OR 97301"
