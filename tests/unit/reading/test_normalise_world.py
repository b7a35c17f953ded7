"""Tests of the parsers with formats of many countries, and of invariants of numbers, prices, areas, and dates."""

# ruff: noqa: E501 (an address and its parts are easier to compare on one line)

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from app.property.values import areas, counts, currency, dates, layouts, names, numbers, prices, regions, vocabulary
from app.property.values.address_lines import Line, read


@pytest.mark.parametrize(
    ("text", "place", "amount", "code", "period"),
    [
        ("8,580万円", "ja-JP", 85_800_000, "JPY", None),
        ("1億2,800万円", "ja-JP", 128_000_000, "JPY", None),
        ("6.8万円", "ja-JP", 68_000, "JPY", None),
        ("1万4200円／月", "ja-JP", 14_200, "JPY", "month"),
        ("3,280萬元", "zh-TW", 32_800_000, "TWD", None),
        ("8억 9,500만원", "ko-KR", 895_000_000, "KRW", None),
        ("₹1.42 Cr", "en-IN", 14_200_000, "INR", None),
        ("Rs. 1,15,000", "en-IN", 115_000, "INR", None),
        ("Rs 6.9 Lakh", "en-IN", 690_000, "INR", None),
        ("CHF 2’350’000.–", "fr-CH", 2_350_000, "CHF", None),
        ("124,9 M Ft", "hu-HU", 124_900_000, "HUF", None),
        ("5,49 mil. Kč", "cs-CZ", 5_490_000, "CZK", None),
        ("450 mil €", "es-ES", 450_000, "EUR", None),
        ("R$ 1.180.000", "pt-BR", 1_180_000, "BRL", None),
        ("$7,450,000", "es-MX", 7_450_000, "MXN", None),
        ("USD 189.000", "es-AR", 189_000, "USD", None),
        ("R 3 495 000", "en-ZA", 3_495_000, "ZAR", None),
        ("€ 745.000 k.k.", "nl-NL", 745_000, "EUR", None),
        ("845 € / mois charges comprises", "fr-FR", 845, "EUR", "month"),
        ("€ 875 / maand", "nl-BE", 875, "EUR", "month"),
        ("$465 per week", "en-AU", 465, "AUD", "week"),
        ("AED 95,000/year", "en-AE", 95_000, "AED", "year"),
        ("28.500 TL", "tr-TR", 28_500, "TRY", None),
        ("S$ 4,300 /mo", "en-SG", 4_300, "SGD", "month"),
        ("31 700 000 ₸", "ru-KZ", 31_700_000, "KZT", None),
        ("31,7 млн тенге", "ru-KZ", 31_700_000, "KZT", None),
        ("2 350 000 грн", "uk-UA", 2_350_000, "UAH", None),
    ],
)
def test_prices_of_many_countries(text: str, place: str, amount: float, code: str, period: str | None) -> None:
    lang, _, country = place.partition("-")
    price = prices.parse_price(text, lang=lang, country=country)
    assert price is not None
    assert price.amount == pytest.approx(amount)
    assert (price.currency, price.period) == (code, period)
    assert prices.stands_alone(text, lang=lang, country=country)


@pytest.mark.parametrize(
    "text",
    [
        "Deposit £1,482",
        "3 239 €/m²",
        "€ 5.820 per m²",
        "S$ 5.32 psf",
        "86.3萬/坪",
        "4 rooms",
        "",
        "£12 and £15",
        "1998",
    ],
)
def test_a_text_that_is_not_only_a_price(text: str) -> None:
    assert not prices.stands_alone(text, lang="en", country="GB")


@pytest.mark.parametrize(
    ("text", "qualifier"),
    [
        ("Preis auf Anfrage", "on application"),
        ("Prix sur demande", "on application"),
        ("Sob consulta", "on application"),
        ("Trattativa riservata", "on application"),
        ("Subasta judicial", "auction"),
        ("Zwangsversteigerung", "auction"),
        ("Vanaf € 300.000", "from"),
        ("£95,000", None),
    ],
)
def test_the_qualifier_of_a_price(text: str, qualifier: str | None) -> None:
    assert prices.find_qualifier(text) == qualifier


@pytest.mark.parametrize(("text", "country"), [("1,487 sq ft", None), ("living rm 3", "US"), ("lei e lui", "IT")])
def test_letters_that_are_a_currency_elsewhere(text: str, country: str | None) -> None:
    """ft, rm, and lei are currencies of Hungary, Malaysia, and Romania, and other words elsewhere."""
    assert currency.find_currency(text, country) is None


@pytest.mark.parametrize(
    ("text", "lang", "value", "unit"),
    [
        ("72.45m2（21.91坪）", "ja", 72.45, "Square Meters"),
        ("38坪", "zh", 125.62, "Square Meters"),
        ("12,4 a", "pl", 1240, "Square Meters"),
        ("8,2 á", "sk", 820, "Square Meters"),
        ("11 ares 42 ca", "fr", 1142, "Square Meters"),
        ("1 ha 20 a 15 ca", "fr", 12_015, "Square Meters"),
        ("2 140 pc", "fr", 2140, "Square Feet"),
        ("200 sq. yards", "en", 167.23, "Square Meters"),
        ("54 mp", "ro", 54, "Square Meters"),
        ("65 кв.м", "bg", 65, "Square Meters"),
        ("165 τ.μ.", "el", 165, "Square Meters"),
        ("2,5 hectares", "fr", 2.5, "Hectares"),
    ],
)
def test_areas_of_many_countries(text: str, lang: str, value: float, unit: str) -> None:
    """Areas in units that RESO does not name are converted to square meters."""
    area = areas.parse_area(text, lang)
    assert area is not None
    assert area.value == pytest.approx(value, rel=1e-3)
    assert area.unit == unit


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("3LDK", "ja", layouts.Layout(rooms=3)),
        ("1R", "ja", layouts.Layout(rooms=1)),
        ("3+kk", "cs", layouts.Layout(rooms=3)),
        ("3h+k+s", "fi", layouts.Layout(rooms=3)),
        ("T4", "pt", layouts.Layout(bedrooms=4)),
        ("T3", "fr", layouts.Layout(rooms=3)),
        ("3 BHK", "en", layouts.Layout(bedrooms=3)),
        ("3房2廳2衛", "zh", layouts.Layout(bedrooms=3, bathrooms=2)),
        ("2+1", "tr", layouts.Layout(bedrooms=2)),
        ("Trilocale in centro", "it", layouts.Layout(rooms=3)),
        ("4½-Zimmer-Wohnung", "de", layouts.Layout(rooms=4.5)),
        ("Lys 3-roms", "nb", layouts.Layout(rooms=3)),
        ("T4", "en", None),
        ("Flat 3", "en", None),
    ],
)
def test_room_layouts_in_a_country_s_shorthand(text: str, lang: str, expected: layouts.Layout | None) -> None:
    """Rooms are not bedrooms, and the country decides which of the two a word counts."""
    assert layouts.parse_layout(text, lang) == expected


@pytest.mark.parametrize(
    ("text", "alone", "total"),
    [
        ("4. podlaží z celkem 8", False, 8),
        ("5階/RC7階建", True, 7),
        ("7 (Out of 14 Floors)", False, 14),
        ("7F/12F", True, 12),
        ("6 из 12", False, 12),
        ("3階 / 地上8階", False, 8),
        ("地上11階地下1階建", False, 11),
        ("地上2階部分", False, None),
        ("鉄筋コンクリート造", False, None),
        ("3", True, 3),
        ("3", False, None),
    ],
)
def test_stories_of_the_building_beside_the_floor_of_the_flat(text: str, alone: bool, total: int | None) -> None:
    assert layouts.total_floors(text, alone=alone) == total


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("23562 Lübeck / St. Jürgen, Schleswig-Holstein", "DE", (None, "Lübeck", "Schleswig-Holstein", "23562")),
        ("Chemin des Échalas 14, 1095 Lutry (VD)", "CH", ("Chemin des Échalas 14", "Lutry", "VD", "1095")),
        ("Maison 6 pièces - Uzès (30700)", "FR", (None, "Uzès", None, "30700")),
        ("Spaarnelaan 61 2013 AB Haarlem", "NL", ("Spaarnelaan 61", "Haarlem", None, "2013 AB")),
        ("Rua Barradas, 455 - Pinheiros, São Paulo - SP, 05419-030", "BR", ("Rua Barradas, 455", "São Paulo", "SP", "05419-030")),
        ("Av. San Ignacio 318, Chapalita, 45040 Zapopan, Jalisco", "MX", ("Av. San Ignacio 318", "Zapopan", "Jalisco", "45040")),
        ("Pancard Club Road, Baner, Pune, Maharashtra 411045", "IN", ("Pancard Club Road", "Pune", "Maharashtra", "411045")),
        ("東京都杉並区天沼３-１８", "JP", ("天沼３-１８", "杉並区", "東京都", None)),
        ("京都府京都市左京区下鴨松ノ木町", "JP", ("下鴨松ノ木町", "京都市左京区", "京都府", None)),
        ("台北市大安區新生南路二段", "TW", ("新生南路二段", "大安區", "台北市", None)),
        ("경기도 고양시 일산서구", "KR", ("일산서구", "고양시", "경기도", None)),
        ("17 Isaacs Lane, Yackandandah VIC 3749", "AU", ("17 Isaacs Lane", "Yackandandah", "VIC", "3749")),
        ("Flat 12, Sailmaker House, Wapping Quay, Bristol, BS1 4RN", "GB", ("Flat 12, Sailmaker House, Wapping Quay", "Bristol", None, "BS1 4RN")),
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
    """A year is not a four-digit code, and a town that shares its province's name is ambiguous."""
    assert read(text, country) is None


def test_regions_by_country() -> None:
    assert regions.is_region("Co. Kildare", "IE")
    assert regions.is_region("woj. mazowieckie", "PL")
    assert not regions.is_region("Usado", "PT")
    assert not regions.is_region("Bayern", "FR")


@pytest.mark.parametrize(
    ("text", "person", "office"),
    [
        ("Bc. Radovan Šimůnek, Bytovka reality s.r.o.", "Radovan Šimůnek", "Bytovka reality s.r.o."),
        ("Mélanie Cuendet, courtière. Lac & Vigne Immobilier SA", "Mélanie Cuendet", "Lac & Vigne Immobilier SA"),
        ("Thibault Lacombrade - agent commercial RSAC 812 334", "Thibault Lacombrade", None),
        ("Grażyna Siudmak, tel. 600 555 013", "Grażyna Siudmak", None),
        ("Inês Falcato · Azulejo Casas, AMI 99812", "Inês Falcato", "Azulejo Casas"),
        ("Verfügbar ab", None, None),
        ("more details", None, None),
    ],
)
def test_people_and_agencies_in_one_line(text: str, person: str | None, office: str | None) -> None:
    assert names.split(text) == names.Names(person, office)


@pytest.mark.parametrize(
    ("text", "lang", "country", "expected"),
    [
        ("3 de mayo de 2024", "es", "ES", "2024-05-03"),
        ("1er août 2023", "fr", "FR", "2023-08-01"),
        ("14 settembre 2022", "it", "IT", "2022-09-14"),
        ("4 października 2018", "pl", "PL", "2018-10-04"),
        ("2004年3月", "ja", "JP", "2004-03"),
        ("平成16年3月15日", "ja", "JP", "2004-03-15"),
        ("令和元年", "ja", "JP", "2019"),
        ("1995년 9월 22일", "ko", "KR", "1995-09-22"),
        ("2024. március 5.", "hu", "HU", "2024-03-05"),
        ("08 Ekim 2026", "tr", "TR", "2026-10-08"),
        ("2024年13月", "ja", "JP", None),
        # one word for two months
        ("14 listopada 2021", "pl", "PL", "2021-11-14"),
        ("14 listopada 2021", "hr", "HR", "2021-10-14"),
        ("14 listopada 2021", "en", "GB", None),
        # the year comes first
        ("2024/03/05", "en", "US", "2024-03-05"),
        ("2024/3/5", "ja", "JP", "2024-03-05"),
        ("2024. 03. 05.", "hu", "HU", "2024-03-05"),
        ("2024/13/05", "en", "US", None),
        # abbreviations and missing accents
        ("Sept. 5, 2020", "en", "US", "2020-09-05"),
        ("3 mrt 2020", "nl", "NL", "2020-03-03"),
        ("12 fevrier 2023", "fr", "FR", "2023-02-12"),
        ("7 KASIM 2022", "tr", "TR", "2022-11-07"),
        # each language of the test pages
        ("14 ноября 2021", "ru", "RU", "2021-11-14"),
        ("14. lokakuuta 2021", "fi", "FI", "2021-10-14"),
        ("14 noiembrie 2021", "ro", "RO", "2021-11-14"),
        ("5 Δεκεμβρίου 2020", "el", "GR", "2020-12-05"),
        ("14. októbra 2021", "sk", "SK", "2021-10-14"),
        # without a declared language, a word needs the same month in all languages
        ("12 czerwca 2019", "en", "PL", "2019-06-12"),
        ("Parcels 2019", "en", "US", None),
    ],
)
def test_dates_in_many_languages(text: str, lang: str, country: str, expected: str | None) -> None:
    assert dates.parse_date(text, lang=lang, country=country) == expected


@pytest.mark.parametrize(
    ("text", "year"), [("1995.09.22", 1995), ("昭和56年3月", 1981), ("ca. 1964", 1964), ("築28年", None)]
)
def test_years_of_construction(text: str, year: int | None) -> None:
    assert counts.single(text, year=True) == year


@pytest.mark.parametrize(
    ("text", "offered", "status"),
    [
        ("Huis te koop", "sale", "Active"),
        ("Verkocht onder voorbehoud", None, "Pending"),
        ("Verkocht", None, "Closed"),
        ("Appartement à louer", "rent", "Active"),
        ("Pronájem bytu", "rent", "Active"),
        ("Kiralık daire", "rent", "Active"),
        ("賃貸アパート", "rent", None),
        ("Eladó családi ház", "sale", "Active"),
        ("Reservado", None, "Pending"),
        ("Solgt", None, "Closed"),
    ],
)
def test_the_offer_and_its_status(text: str, offered: str | None, status: str | None) -> None:
    assert vocabulary.offer(text) == offered
    assert vocabulary.standard_status(text) == status


# --- what holds for every value -------------------------------------------------------------------------------------

_GAPS = {"en": ",", "de": ".", "fr": "\u202f", "sv": "\u00a0", "pl": " ", "it": "."}


@given(st.integers(10_000, 999_999_999), st.sampled_from(sorted(_GAPS)))
def test_a_grouped_number_is_read_back_in_its_language(value: int, lang: str) -> None:
    written = f"{value:,}".replace(",", _GAPS[lang])
    assert numbers.parse_number(written, lang) == value


@given(st.integers(100_000, 999_999_999))
def test_indian_groups_are_read_back(value: int) -> None:
    head, tail = str(value)[:-3], str(value)[-3:]
    pairs = [head[max(0, i - 2) : i] for i in range(len(head), 0, -2)][::-1]
    assert numbers.parse_number(",".join([*pairs, tail]), "en") == value


@given(st.integers(1, 99), st.integers(1, 9_999))
def test_the_parts_of_an_east_asian_number_add_up(hundred_millions: int, ten_thousands: int) -> None:
    """億 is 10^8 and 万 is 10^4, with and without a comma inside."""
    value = hundred_millions * 10**8 + ten_thousands * 10**4
    for written in (f"{hundred_millions}億{ten_thousands}万円", f"{hundred_millions}億{ten_thousands:,}万円"):
        assert [found.value for found in numbers.find_numbers(written, "ja")] == [value]


@given(st.integers(20_000, 90_000_000), st.sampled_from(["€ {}", "{} €", "EUR {}", "{} EUR"]))
def test_a_price_survives_its_spelling(amount: int, shape: str) -> None:
    price = prices.parse_price(shape.format(f"{amount:,}".replace(",", ".")), lang="de", country="DE")
    assert price is not None
    assert (price.amount, price.currency, price.period) == (amount, "EUR", None)


@given(
    st.floats(0.01, 1e6),
    st.sampled_from(sorted(areas.IN_SQUARE_METERS)),
    st.sampled_from(sorted(areas.IN_SQUARE_METERS)),
)
def test_converting_an_area_there_and_back_changes_nothing(value: float, unit: str, other: str) -> None:
    assert areas.convert(areas.convert(value, unit, other), other, unit) == pytest.approx(value)


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
    """No text raises an exception, and every value that is found is in its range."""
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
