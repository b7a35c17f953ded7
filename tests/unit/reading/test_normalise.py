"""Numbers, prices, areas, dates, and words are read as pages of several languages write them."""

from __future__ import annotations

import pytest

from app.property.values import areas, counts, currency, dates, numbers, places, prices, texts, vocabulary


@pytest.mark.parametrize(
    ("text", "lang", "value"),
    [
        ("1,250", "en", 1250),
        ("1.250", "de", 1250),
        ("1.5", "en", 1.5),
        ("61,53", "de", 61.53),
        ("1.290,87", "de", 1290.87),
        ("1,290.87", "en", 1290.87),
        ("515 000", "pl", 515000),
        ("1\u202f850\u202f000", "sv", 1850000),
        ("1’365", "de", 1365),
        ("2,474,300", "de", 2474300),
        ("4½", "en", 4.5),
    ],
)
def test_numbers_follow_the_language(text: str, lang: str, value: float) -> None:
    """A lone comma marks decimals in German and thousands in English; apostrophes and thin spaces mark thousands."""
    assert numbers.parse_number(text, lang) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "none", "---", "m²"])
def test_text_without_a_number_is_none(text: str) -> None:
    assert numbers.parse_number(text) is None


@pytest.mark.parametrize(
    ("text", "lang", "country", "amount", "code"),
    [
        ("Offers over $1.25M", "en", "AU", 1_250_000, "AUD"),
        ("CHF 1’365 / Monat", "de", "CH", 1365, "CHF"),
        ("18.5万円", "ja", "JP", 185_000, "JPY"),
        ("€ 235,000", "en", "IE", 235_000, "EUR"),
        ("515 000 zł", "pl", "PL", 515_000, "PLN"),
        ("1 875 000 kr", "sv", "SE", 1_875_000, "SEK"),
        ("2.500 kr", "da", "DK", 2500, "DKK"),
        ("$450,000", "en", None, 450_000, "USD"),
        ("US$ 450k", "en", "AU", 450_000, "USD"),
        ("1,2 Mio. €", "de", "DE", 1_200_000, "EUR"),
        ("£600,000", "en", "GB", 600_000, "GBP"),
    ],
)
def test_prices_with_currency(text: str, lang: str, country: str | None, amount: float, code: str) -> None:
    """Multipliers belong to the number. A shared `$` or `kr` means the country's currency."""
    price = prices.parse_price(text, lang=lang, country=country)
    assert price is not None
    assert price.amount == pytest.approx(amount)
    assert price.currency == code


@pytest.mark.parametrize("text", ["8 923 zł/m²", "$749/sqft", "4.651 €/m²", "31 624 kr/m²", "SOLD BY RAY WHITE", ""])
def test_a_price_per_area_is_not_a_price(text: str) -> None:
    assert prices.parse_price(text) is None


@pytest.mark.parametrize(
    ("text", "period", "qualifier", "basis"),
    [
        ("£1,250 pcm", "month", None, None),
        ("$650 per week", "week", None, None),
        ("Warmmiete 1.090 €", None, None, "warm"),
        ("From €1,200,000", None, "from", None),
        ("€1.2M - €1.4M", None, "range", None),
        ("Guide price £300,000", None, "from", None),
    ],
)
def test_the_words_around_a_price(text: str, period: str | None, qualifier: str | None, basis: str | None) -> None:
    price = prices.parse_price(text)
    assert price is not None
    assert (price.period, price.qualifier, price.basis) == (period, qualifier, basis)


@pytest.mark.parametrize(
    ("text", "lang", "value", "unit"),
    [
        ("1,410 sq ft", "en", 1410, "Square Feet"),
        ("131 m²", "en", 131, "Square Meters"),
        ("45,21 m²", "pl", 45.21, "Square Meters"),
        ("33 kvm", "sv", 33, "Square Meters"),
        ("8.26 AC", "en", 8.26, "Acres"),
        ("2000ft²", "en", 2000, "Square Feet"),
        ("1,5 ha", "de", 1.5, "Hectares"),
        ("136,749 SqFt", "en", 136749, "Square Feet"),
    ],
)
def test_areas_keep_their_unit(text: str, lang: str, value: float, unit: str) -> None:
    assert areas.parse_area(text, lang) == areas.Area(value, unit)


def test_converting_an_area_agrees_with_the_definition_of_the_foot() -> None:
    """131 m² are 1,410 sq ft; an acre is 43,560 sq ft."""
    assert areas.convert(131, areas.SQUARE_METERS, areas.SQUARE_FEET) == pytest.approx(1410.07, abs=0.01)
    assert areas.convert(1, areas.ACRES, areas.SQUARE_FEET) == pytest.approx(43560)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("03/04/2024", "US", "2024-03-04"),
        ("03/04/2024", "IE", "2024-04-03"),
        ("13.09.2026", "DE", "2026-09-13"),
        ("Oct 2005", "US", "2005-10"),
        ("May 30, 2014", "US", "2014-05-30"),
        ("4 października 2018", "PL", "2018-10-04"),
        ("/Date(1609459200000)/", "US", "2021-01-01"),
        ("20190506", "US", "2019-05-06"),
        ("2022-03-29T16:02:34", None, "2022-03-29"),
        ("31/02/2020", "US", None),
        ("soon", None, None),
    ],
)
def test_dates_become_iso_8601(text: str, country: str | None, expected: str | None) -> None:
    """In 03/04/2024, the day comes first outside the US. A date is only as exact as the page gives it."""
    lang = {"PL": "pl", "DE": "de"}.get(country or "", "en")
    assert dates.parse_date(text, lang=lang, country=country) == expected


@pytest.mark.parametrize(
    ("text", "total", "full", "half"),
    [
        ("2", 2, None, None),
        ("2.5", 3, 2, 1),
        ("3 full, 1 partial Bathrooms", 4, 3, 1),
        ("3 / 0", 3, 3, 0),
        ("6 ba 1 1/2 ba", 7, 6, 1),
    ],
)
def test_bathrooms_in_all_their_spellings(text: str, total: int, full: int | None, half: int | None) -> None:
    assert counts.bathrooms(text) == counts.Bathrooms(total, full, half)


@pytest.mark.parametrize("text", ["3, 4 & 5 Bed", "2 - 3", "2 to 4 bedrooms"])
def test_a_range_of_rooms_is_not_a_number(text: str) -> None:
    assert counts.single(text) is None


@pytest.mark.parametrize(
    ("text", "subtype"),
    [
        ("SINGLE_FAMILY", "Single Family Residence"),
        ("RESIDENTIAL - SINGLE FAMILY : 1 UNIT", "Single Family Residence"),
        ("VACANT SINGLE FAMILY LOT", "Unimproved Land"),
        ("Semi-Detached House", "Semi Detached"),
        ("Etagenwohnung", "Apartment"),
        ("Mehrfamilienhaus", "Multi Family"),
        ("kawalerka", "Apartment"),
        ("Lägenhet", "Apartment"),
        ("Terraced house", "Townhouse"),
        ("Family Duplex", "Duplex"),
    ],
)
def test_words_for_kinds_of_property(text: str, subtype: str) -> None:
    kind = vocabulary.property_kind(text)
    assert kind is not None
    assert kind.subtype == subtype


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("FOR_SALE", "Active"),
        ("Under offer", "Pending"),
        ("Sale Agreed", "Pending"),
        ("Sold", "Closed"),
        ("zu vermieten", "Active"),
        ("PUBLISHED", None),
    ],
)
def test_words_for_status(text: str, status: str | None) -> None:
    assert vocabulary.standard_status(text) == status


def test_a_tenanted_flat_is_not_offered_for_rent() -> None:
    """The German word `vermietet` describes a flat that is let, while `zu vermieten` offers one for rent."""
    assert vocabulary.offer("Eigentumswohnung, derzeit vermietet, zum Kauf") == "sale"
    assert vocabulary.offer("Wohnung zu vermieten") == "rent"


def test_currencies_countries_and_placeholders() -> None:
    assert currency.find_currency("A$ 5") == "AUD"
    assert currency.find_currency("no money here") is None
    assert places.country_code("Deutschland") == "DE"
    assert places.us_state("Idaho") == "ID"
    assert places.in_country(52.28, 21.06, "PL")
    assert not places.in_country(21.06, 52.28, "PL")
    for text in ("-", "N/A", "keine Angabe", "brak danych", "--"):
        assert texts.is_empty(text)
