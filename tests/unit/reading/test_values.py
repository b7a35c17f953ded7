"""Numbers, prices, areas, dates, and addresses are parsed by rules, and ambiguous spellings are resolved.

The usual spellings of each country are tested on the pages of `test_corpus.py`.
"""

# ruff: noqa: E501 (an address and its parts are easier to compare on one line)

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from app.property.values import areas, counts, currency, dates, layouts, names, numbers, prices, vocabulary
from app.property.values.address_lines import Line, read


@pytest.mark.parametrize(
    ("text", "lang", "value"),
    [
        ("1,250", "en", 1250),
        ("1.250", "de", 1250),
        ("1,290.87", "en", 1290.87),
        ("515 000", "pl", 515000),
        ("1’365", "de", 1365),
        ("4½", "en", 4.5),
    ],
)
def test_numbers_follow_the_language(text: str, lang: str, value: float) -> None:
    assert numbers.parse_number(text, lang) == pytest.approx(value)


@pytest.mark.parametrize("text", ["8 923 zł/m²", "$749/sqft", "4.651 €/m²", "31 624 kr/m²", "SOLD BY RAY WHITE", ""])
def test_a_price_per_area_is_not_a_price(text: str) -> None:
    assert prices.parse_price(text) is None


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


@pytest.mark.parametrize("text", ["3, 4 & 5 Bed", "2 to 4 bedrooms"])
def test_a_range_of_rooms_is_not_a_number(text: str) -> None:
    assert counts.single(text) is None


def test_a_tenanted_flat_is_not_offered_for_rent() -> None:
    """In German, `vermietet` means that a flat is already let, and `zu vermieten` that it is for rent."""
    assert vocabulary.offer("Eigentumswohnung, derzeit vermietet, zum Kauf") == "sale"
    assert vocabulary.offer("Wohnung zu vermieten") == "rent"


@pytest.mark.parametrize(
    ("text", "lang", "country", "expected"),
    [
        ("03/04/2024", "en", "US", "2024-03-04"),
        ("03/04/2024", "en", "IE", "2024-04-03"),
        ("31/02/2020", "en", "US", None),
        ("03/28/12", "en", "US", "2012-03-28"),
        ("平成16年3月15日", "ja", "JP", "2004-03-15"),
        ("令和元年", "ja", "JP", "2019"),
        ("2024年13月", "ja", "JP", None),
        ("14 listopada 2021", "pl", "PL", "2021-11-14"),
        ("14 listopada 2021", "hr", "HR", "2021-10-14"),
        ("2024/03/05", "en", "US", "2024-03-05"),
        ("Sept. 5, 2020", "en", "US", "2020-09-05"),
        ("12 czerwca 2019", "en", "PL", "2019-06-12"),
        ("Parcels 2019", "en", "US", None),
    ],
)
def test_dates_in_many_languages(text: str, lang: str, country: str, expected: str | None) -> None:
    assert dates.parse_date(text, lang=lang, country=country) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("23562 Lübeck / St. Jürgen, Schleswig-Holstein", "DE", (None, "Lübeck", "Schleswig-Holstein", "23562")),
        ("Chemin des Échalas 14, 1095 Lutry (VD)", "CH", ("Chemin des Échalas 14", "Lutry", "VD", "1095")),
        ("Maison 6 pièces - Uzès (30700)", "FR", (None, "Uzès", None, "30700")),
        ("Spaarnelaan 61 2013 AB Haarlem", "NL", ("Spaarnelaan 61", "Haarlem", None, "2013 AB")),
        ("Pancard Club Road, Baner, Pune, Maharashtra 411045", "IN", ("Pancard Club Road", "Pune", "Maharashtra", "411045")),
        ("東京都杉並区天沼３-１８", "JP", ("天沼３-１８", "杉並区", "東京都", None)),
        ("경기도 고양시 일산서구", "KR", ("일산서구", "고양시", "경기도", None)),
        ("17 Isaacs Lane, Yackandandah VIC 3749", "AU", ("17 Isaacs Lane", "Yackandandah", "VIC", "3749")),
        ("Majorna, Göteborgs kommun, Västra Götalands län", "SE", (None, "Göteborg", "Västra Götalands län", None)),
        ("Nowa Wieś, gm. Września, woj. wielkopolskie", "PL", (None, "Nowa Wieś", "wielkopolskie", None)),
    ],
)  # fmt: skip
def test_addresses_in_the_order_of_their_country(text: str, country: str, expected: tuple[str | None, ...]) -> None:
    assert read(text, country) == Line(*expected)


@pytest.mark.parametrize(
    ("text", "country"),
    [("Baujahr 1968 Wohnung", "AT"), ("Тухла, 2011 г.", "BG"), ("Ruzafa, Valencia", "ES"), ("75 m²", "DE"), ("", "FR")],
)
def test_a_text_that_is_not_an_address_of_the_country(text: str, country: str) -> None:
    """A year is not a four-digit postal code, and a town named like its province is ambiguous."""
    assert read(text, country) is None


@pytest.mark.parametrize(("text", "country"), [("1,487 sq ft", None), ("living rm 3", "US"), ("lei e lui", "IT")])
def test_letters_that_are_a_currency_elsewhere(text: str, country: str | None) -> None:
    """`ft`, `rm`, and `lei` are currencies in Hungary, Malaysia, and Romania, but other words elsewhere."""
    assert currency.find_currency(text, country) is None


_GAPS = {"en": ",", "de": ".", "fr": "\u202f", "sv": "\u00a0", "pl": " ", "it": "."}


@given(st.integers(10_000, 999_999_999), st.sampled_from(sorted(_GAPS)))
def test_a_grouped_number_is_read_back_in_its_language(value: int, lang: str) -> None:
    written = f"{value:,}".replace(",", _GAPS[lang])
    assert numbers.parse_number(written, lang) == value


@given(st.integers(1, 99), st.integers(1, 9_999))
def test_the_parts_of_an_east_asian_number_add_up(hundred_millions: int, ten_thousands: int) -> None:
    """億 means 10^8 and 万 means 10^4. The digits may contain commas."""
    value = hundred_millions * 10**8 + ten_thousands * 10**4
    for written in (f"{hundred_millions}億{ten_thousands}万円", f"{hundred_millions}億{ten_thousands:,}万円"):
        assert [found.value for found in numbers.find_numbers(written, "ja")] == [value]


@given(st.integers(20_000, 90_000_000), st.sampled_from(["€ {}", "{} €", "EUR {}", "{} EUR"]))
def test_a_price_survives_its_spelling(amount: int, shape: str) -> None:
    price = prices.parse_price(shape.format(f"{amount:,}".replace(",", ".")), lang="de", country="DE")
    assert price is not None
    assert (price.amount, price.currency, price.period) == (amount, "EUR", None)


@settings(deadline=None)
@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_a_date_is_read_back_from_every_usual_spelling(day: date) -> None:
    iso = day.isoformat()
    assert dates.parse_date(iso) == iso
    assert dates.parse_date(f"{day.day}.{day.month}.{day.year}", lang="de", country="DE") == iso
    assert dates.parse_date(f"{day.day}/{day.month}/{day.year}", lang="en", country="GB") == iso
    assert dates.parse_date(f"{day.month}/{day.day}/{day.year}", lang="en", country="US") == iso
    assert dates.parse_date(f"{day.year}年{day.month}月{day.day}日", lang="ja", country="JP") == iso


@settings(deadline=None, max_examples=80)
@given(st.text(max_size=120), st.sampled_from(["DE", "JP", "GB", "BR", "IN", "SE", "TR", "KR", "AE", None]))
@example("(1234", "AT")
@example("1億", "JP")
def test_no_text_breaks_a_parser(text: str, country: str | None) -> None:
    read(text, country)
    names.split(text)
    vocabulary.property_kind(text)
    layouts.parse_layout(text, "ja")
    layouts.total_floors(text)
    dates.parse_date(text, country=country)
    area = areas.parse_area(text, "pl")
    assert area is None or area.value > 0
    price = prices.parse_price(text, lang="de", country=country)
    assert price is None or price.amount >= 1
    if prices.stands_alone(text, country=country):
        assert price is not None


@given(st.text(alphabet="0123456789.,' ", min_size=1, max_size=16))
def test_numbers_are_where_they_say_they_are(text: str) -> None:
    found = numbers.find_numbers(text, "en")
    assume(found)
    assert all(0 <= n.start < n.end <= len(text) for n in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
