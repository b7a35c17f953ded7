"""The country table's rows are consistent."""

import re
from collections import Counter

import pytest

from app.property.fields.countries import COUNTRIES, CURRENCIES, CURRENCY_SIGNS, SHARED_SIGNS, Country
from app.property.values.places import in_country
from app.property.values.regions import is_region


@pytest.mark.parametrize("country", COUNTRIES.values(), ids=COUNTRIES)
def test_a_row_of_the_table_is_consistent(country: Country) -> None:
    assert all(
        word == word.strip() == word.lower() != "" for word in (*country.names, *country.hosts, *country.languages)
    )
    assert all(region == region.strip() == region.casefold() != "" for region in country.regions)
    assert re.fullmatch("[A-Z]{3}", country.currency)
    assert not re.compile(country.currency_sign or "$").match("9")
    assert country.postal_code or not country.postal_code_stands
    assert re.compile(country.postal_code or "")
    for south, west, north, east in country.boxes:
        assert -90 <= south < north <= 90
        assert -180 <= west < east <= 180


def test_a_name_a_host_and_a_language_each_identify_one_country() -> None:
    for column in ("names", "hosts", "languages"):
        words = Counter(word for country in COUNTRIES.values() for word in getattr(country, column))
        assert [word for word, times in words.items() if times > 1] == []


def test_any_point_may_be_in_a_country_without_boxes() -> None:
    assert in_country(0.0, 0.0, "QA")
    assert not in_country(0.0, 0.0, "DE")


def test_a_region_belongs_only_to_its_country() -> None:
    assert is_region("Bayern", "DE")
    assert not is_region("Bayern", "AT")
    assert not is_region("Bayern", None)
    assert is_region("Έβρος", "GR")  # only case folding makes a final sigma equal to other sigmas


def test_a_sign_means_one_currency_or_is_shared_by_several() -> None:
    assert not CURRENCY_SIGNS.keys() & SHARED_SIGNS.keys()
    assert {*CURRENCY_SIGNS.values(), *(code for codes in SHARED_SIGNS.values() for code in codes)} <= CURRENCIES
    assert all(len(codes) == len(set(codes)) > 1 for codes in SHARED_SIGNS.values())
