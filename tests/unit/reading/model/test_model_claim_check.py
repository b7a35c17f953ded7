"""Only values that the sent text states become candidates. Other values are counted as dropped."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import SCHEMA, Prompt
from app.property.record import Method

TEXT = "A farmhouse\nBuilt in 1887, 2,210 square feet\nRent: $1,895 per month\nBeds: 3\nSold for 289000"


#: Phrases that say that there is no pool, with their languages.
_NO_POOL = {"Brak basenu": "pl", "sans piscine": "fr", "geen zwembad": "nl", "プールなし": "ja"}


def check(values: Mapping[str, tuple[Any, str]], text: str = TEXT) -> tuple[list[Any], int]:
    found, flaws = flaws_of(values, text)
    return found, len(flaws)


def flaws_of(values: Mapping[str, tuple[Any, str]], text: str = TEXT) -> tuple[list[Any], dict[str, str]]:
    fields = tuple(values)
    found, dropped = check_claims(values, Prompt([], SCHEMA, text, fields, 100, 100, 50, "en", "US"))
    return found, {one.field: one.flaw for one in dropped}


def test_a_value_with_a_true_quote_is_a_candidate_with_its_place() -> None:
    (found,), dropped = check({"YearBuilt": (1887, "Built in 1887")})
    assert dropped == 0
    assert (found.field, found.value, found.method, found.quote) == ("YearBuilt", 1887, Method.LLM, "Built in 1887")
    start, end = map(int, found.locator.removeprefix("chars:").split("-"))
    assert TEXT[start:end] == "Built in 1887"


def test_a_value_without_a_true_quote_is_dropped_and_counted() -> None:
    values = {"YearBuilt": (1887, "constructed in 1887"), "BedroomsTotal": (4, "Beds: 3"), "ListPrice": (1895, " ")}
    flaws = {"YearBuilt": "not_in_text", "BedroomsTotal": "not_stated", "ListPrice": "no_quote"}
    assert flaws_of(values) == ([], flaws)


def test_a_quote_has_three_lines_at_most() -> None:
    text = "Year built\n(by the county)\n1887\nand more"
    assert check({"YearBuilt": (1887, "Year built\n(by the county)\n1887")}, text)[1] == 0
    assert flaws_of({"YearBuilt": (1887, text)}, text) == ([], {"YearBuilt": "not_in_text"})


@pytest.mark.parametrize(
    ("field", "value", "quote", "lang"),
    [
        ("YearBuilt", 2019, "Last sold 2019", "en"),
        ("StoriesTotal", 2, "2 car garage", "en"),
        ("TaxAnnualAmount", 450_000, "List price $450,000", "en"),
        ("ListPrice", 450_000, "was $450,000", "en"),
        ("BedroomsTotal", 2, "3 beds 2 baths", "en"),
        ("BathroomsTotalInteger", 3, "Beds 3, baths 2", "en"),
        ("LotSizeArea", 206, "206 m²", "de"),
        ("ListAgentFullName", "Metrocity Realty", "Metrocity Realty", "en"),
        ("ListOfficeName", "Mara Quill", "Mara Quill", "en"),
        ("LivingArea", 8.26, "Area: 8.26 AC", "en"),
        ("ListPrice", 31_000, "set it to 31000", "en"),
        ("BathroomsTotalInteger", 4, "Bedrooms | Bathrooms | Year built\n4 | 2 | 2005", "en"),
        ("BathroomsTotalInteger", 3, "three bedrooms and two full bathrooms", "en"),
        ("ListPrice", 92_000, "We paid $92,000 when we closed on it", "en"),
        ("ListPrice", 1_500, "Security deposit: $1,500", "en"),
        ("X_MarketValue", 38_830, "Year: Appraised | Assessed\n2024: $96,740 | $110,950 | $4,970 | $38,830", "en"),
        ("ListOfficeName", "Hollis Marlow", "Listing courtesy of Hollis Marlow of Larch Lane Realty LLC.", "en"),
        ("ListAgentFullName", "Harbor & Pine", "Presented by Harbor & Pine", "en"),
        ("ListAgentFullName", "Jane Doe", "Owner: Jane Doe", "en"),
        ("ListPrice", 900, "Insurance: $900", "en"),
        ("ListPrice", 2_500, "Offered at $450,000 (estimated payment $2,500)", "en"),
        ("ClosePrice", 450_000, "Status: Sold\nPrice: $450,000", "en"),
        ("PoolPrivateYN", False, "Pool: Yes | HOA: No", "en"),
        ("PoolPrivateYN", False, "heated pool, no HOA", "en"),
        ("PoolPrivateYN", True, "Pool. None", "en"),
        ("AssociationYN", False, "HOA: $120, no pets", "en"),
        ("BathroomsTotalInteger", 3, "baths available from 2/1", "en"),
        ("BathroomsTotalInteger", 2, "1 bath on 1/2 acre", "en"),
        ("BedroomsTotal", 3, "Bedrooms on 3rd floor", "en"),
        ("LotSizeArea", 5, "only 5 acre minimum zoning", "en"),
        ("StateOrProvince", "OR", "Sale OR rent", "en"),
        ("StandardStatus", "Active", "Status: Active under contract", "en"),
        ("TaxAnnualAmount", 1.25, "Tax rate: 1.25", "en"),
        ("TaxAnnualAmount", 1_200, "Semi-annual tax: $1,200", "en"),
        ("AssociationFee", 500, "One-time HOA fee: $500", "en"),
        ("TaxAssessedValue", 80_000, "Assessed land $80,000", "en"),
        ("LotSizeArea", 80, "Lot size: 80 x 120", "en"),
        ("LotSizeArea", 120, "Lot: 80' x 120'", "en"),
        *(("PoolPrivateYN", True, words, lang) for words, lang in _NO_POOL.items()),
    ],
)
def test_a_quote_about_something_else_is_rejected(field: str, value: Any, quote: str, lang: str) -> None:
    found, dropped = check_claims(
        {field: (value, quote)}, Prompt([], SCHEMA, quote, (field,), 100, 100, 50, lang, "US")
    )
    assert found == []
    assert len(dropped) == 1


#: Statements about something else: another home, an average, a part of the home, work on it, other people, or a market.
_OF_OTHERS = [
    ("ClosePrice", 450_000, "Sold nearby for $450,000", "en"),
    ("YearBuilt", 2005, "Built-in kitchen 2005", "en"),
    ("LivingArea", 2_000, "Garage: 2000 sq ft", "en"),
    ("ListAgentFullName", "Jane Doe", "Buyer's agent: Jane Doe", "en"),
    ("ListAgentFullName", "Jane Doe", "Mortgage broker: Jane Doe", "en"),
    ("StandardStatus", "Pending", "Pending sales up 3%", "en"),
    ("ListPrice", 389_000, "Median list price: $389,000", "en"),
    ("YearBuilt", 2016, "Completely renovated and newly constructed baths, boiler built 2016", "en"),
    ("LotSizeArea", 2.5, "a stocked 2.5 acre pond", "en"),
    ("PoolPrivateYN", True, "Swimming pool in the neighbourhood", "en"),
    ("LivingArea", 45, "Wohnfläche Keller: 45 m²", "de"),
    ("ListPrice", 410_000, "Durchschnittlicher Kaufpreis: 410.000 €", "de"),
    ("PoolPrivateYN", True, "Gemeinschaftspool vorhanden", "de"),
    ("ClosePrice", 450_000, "Vendu à proximité pour 450 000 €", "fr"),
    ("LivingArea", 18, "Oppervlakte garage: 18 m²", "nl"),
    ("ListPrice", 520_000, "Średnia cena: 520 000 zł", "pl"),
    ("PoolPrivateYN", True, "Společný bazén", "cs"),
    ("ListPrice", 3_200_000, "Genomsnittligt pris: 3 200 000 kr", "sv"),
    ("YearBuilt", 2015, "Built in 1920 and renovated in 2015", "en"),
    ("ListPrice", 478_000, "Home value estimate $478,000", "en"),
    ("ListPrice", 2_535, "Kaution: 2.535,00 €", "de"),
    ("LotSizeArea", 0.5, "Set on under 0.5 acre", "en"),
    ("YearBuilt", 1940, "Year built: before 1940", "en"),
    ("BedroomsTotal", 4, "Septic approved for 4 bedrooms", "en"),
    ("BathroomsTotalInteger", 1, "The basement has one bath", "en"),
    ("ParcelNumber", "12-345-678", "Gate PIN 12-345-678", "en"),
    ("TaxAnnualAmount", 5_300, "Delinquent taxes of $5,300", "en"),
    ("TaxAnnualAmount", 411, "Property tax: $411/mo", "en"),
    ("AssociationFee", 400, "HOA transfer fee: $400", "en"),
    ("X_RoofYear", 2042, "Roof warranty through 2042", "en"),
    ("Cooling", ["central air"], "No central air", "en"),
    ("ListingId", "12345678", "License 12345678", "en"),
    ("StandardStatus", "Pending", "Permit pending", "en"),
]
_OF_THIS_HOME = [
    ("LotSizeArea", 5, "on over 5 acres of land", "en"),
    ("LivingArea", 1_800, "1,800 sq ft ranch over a full basement", "en"),
    ("BathroomsTotalInteger", 2, "Upstairs laundry, 2 baths", "en"),
    ("Cooling", ["Central air"], "No carpet. Central air", "en"),
    ("ParcelNumber", "09-12-345-678", "PIN: 09-12-345-678", "en"),
    ("ClosePrice", 450_000, "Sold for $450,000, shops nearby", "en"),
    ("YearBuilt", 2005, "Built in 2005, kitchen 2019", "en"),
    ("LivingArea", 1_540, "2 car garage 1540 sq ft living area", "en"),
    ("LivingArea", 1_540, "3 beds, 2 baths, garage, 1,540 sq ft", "en"),
    ("BathroomsTotalInteger", 3, "A two-and-a-half bath farmhouse", "en"),
    ("ListAgentFullName", "Jane Doe", "Listing agent: Jane Doe | Buyer's agent: Ann Lee", "en"),
    ("ListAgentFullName", "Jane Doe", "Seller's agent: Jane Doe", "en"),
    ("StandardStatus", "Pending", "Status: Pending", "en"),
    ("LotSizeArea", 0.19, "Lot Size: 0.19 acres | Parking | 1 car detached garage", "en"),
    ("LotSizeArea", 1.2, "1.2 acres with a pond", "en"),
    ("YearBuilt", 1920, "Renovated farmhouse built in 1920", "en"),
    ("ListPrice", 389_000, "List price: $389,000 (median in the area $350,000)", "en"),
    ("YearBuilt", 1968, "Wohnhaus mit Garage, Baujahr 1968", "de"),
    ("PoolPrivateYN", True, "Eigener Swimmingpool", "de"),
    ("YearBuilt", 1968, "Dans un immeuble avec balcon, construit en 1968", "fr"),
    ("LivingArea", 80, "Superficie: 80 m² vicino al mare", "it"),
    ("YearBuilt", 1987, "Apartamento reformado em edifício construído em 1987", "pt"),
]


@pytest.mark.parametrize(
    ("field", "value", "quote", "lang", "kept"),
    [(*one, False) for one in _OF_OTHERS] + [(*one, True) for one in _OF_THIS_HOME],
)
def test_only_this_home_s_value_is_accepted(field: str, value: Any, quote: str, lang: str, kept: bool) -> None:
    found, _ = check_claims({field: (value, quote)}, Prompt([], SCHEMA, quote, (field,), 100, 100, 50, lang))
    assert [one.value for one in found if one.field == field] == [value] * kept


@pytest.mark.parametrize(
    ("text", "quote", "kept"),
    [
        ("Not for sale", "for sale", False),
        ("12 Elm St | no longer available | 3 beds", "available", False),
        ("Off market", "market", False),
        ("Not many like it, for sale", "for sale", True),
        ("House for sale", "for sale", True),
    ],
)
def test_a_quote_cut_from_a_denial_states_no_status(text: str, quote: str, kept: bool) -> None:
    prompt = Prompt([], SCHEMA, text, ("StandardStatus",), 100, 100, 50, "en")
    found, _ = check_claims({"StandardStatus": ("Active", quote)}, prompt)
    assert [one.value for one in found] == ["Active"] * kept


_GATED = "Gated community. RV parking not permitted"
_ROOMS = "Bedrooms | Bathrooms | Year built\n4 | 2 | 2005"
_YEARS = "Net Annual Tax: $2,711.06 | $2,748.90 | $3,302.14"
_UNDER_TWO = "Year: Appraised (100%) | Assessed (35%)\n2024: $14,210 | $96,740 | $110,950 | $4,970 | $33,860 | $38,830"


@pytest.mark.parametrize(
    ("field", "value", "text", "quote"),
    [
        ("BathroomsTotalInteger", 2, "3 beds 2 baths", "3 beds 2 baths"),
        ("YearBuilt", 1987, "Year built\n1987", "1987"),
        ("TaxAnnualAmount", 4_200, "Year: 2024 | Taxes: $4,200", "Taxes: $4,200"),
        ("ListPrice", 390_000, "asking price €390,000, brought to market by", "asking price €390,000"),
        ("LotSizeArea", 588, "on a block of land that is 588 square metres", "block of land that is 588 square metres"),
        ("LotSizeArea", 8.26, "Area: 8.26 AC", "Area: 8.26 AC"),
        ("BathroomsTotalInteger", 2, _ROOMS, _ROOMS),
        ("TaxAnnualAmount", 3_302.14, _YEARS, _YEARS),
        ("TaxAssessedValue", 38_830, _UNDER_TWO, _UNDER_TWO),
        ("X_MarketValue", 110_950, _UNDER_TWO, _UNDER_TWO),
        ("BedroomsTotal", 3, "$72,500 REDUCED Beds: 3 Baths: 1 Built: 1948", "Beds: 3 Baths: 1"),
        ("BedroomsTotal", 3, "BEDROOMS.......... 3 | FULL BATHS..... 1", "BEDROOMS.......... 3 | FULL BATHS..... 1"),
        ("BathroomsTotalInteger", 4, "4 bedrooms, 3.5 bathrooms", "4 bedrooms, 3.5 bathrooms"),
        ("BathroomsTotalInteger", 4, "Bed: 4 | Full Baths: | 3 | Half Baths: | 1", "Full Baths: | 3 | Half Baths: | 1"),
        ("BathroomsTotalInteger", 3, "4 bd | 2 / 1 ba | 2312 sqft", "2 / 1 ba"),
        ("BathroomsTotalInteger", 2, "BEDS... 3 | FULL BATHS.. 1\nHALF BATHS.. 1", "FULL BATHS.. 1\nHALF BATHS.. 1"),
        ("YearBuilt", 1974, "the family built on the point, in 1974", "the family built on the point, in 1974"),
        ("AssociationFee", 310, "Maint. Fee | $310", "Maint. Fee | $310"),
        ("LivingArea", 1_540, "Sq. feet: 1540 | Lot | 1.25 ac", "Sq. feet: 1540 | Lot | 1.25 ac"),
        ("City", "杉並区", "住所: 東京都杉並区天沼３-１８", "住所: 東京都杉並区天沼３-１８"),
        ("PoolPrivateYN", False, "Parking: Driveway | Pool: | N", "Pool: | N"),
        ("PoolPrivateYN", False, "six apple trees, no pool and no association", "no pool and no association"),
        ("X_AccessNotes", "gated", _GATED, _GATED),
        ("ListOfficeName", "Blue Ash Homes", "Managed by Blue Ash Homes", "Managed by Blue Ash Homes"),
        ("ListOfficeName", "Larch Lane Realty", "Ann Marlow, Larch Lane Realty", "Ann Marlow, Larch Lane Realty"),
    ],
)
def test_a_label_in_the_quote_its_line_or_above_it_is_enough(field: str, value: Any, text: str, quote: str) -> None:
    found, dropped = check_claims({field: (value, quote)}, Prompt([], SCHEMA, text, (field,), 100, 100, 50, "en", "US"))
    assert dropped == ()
    assert found[0].value == value


_BATHS = "building full baths: 1\nbuilding half baths: 1"


@pytest.mark.parametrize(
    ("value", "text", "quote", "kept"),
    [
        (1, _BATHS, "baths: 1", False),
        (1, _BATHS, "full baths: 1", False),
        (2, _BATHS, _BATHS, True),
        (1, "building full baths: 1", "full baths: 1", True),
    ],
)
def test_full_baths_are_the_total_only_without_half_baths(value: int, text: str, quote: str, kept: bool) -> None:
    """If a quote begins inside a label, the whole label is considered."""
    found, _ = check({"BathroomsTotalInteger": (value, quote)}, text)
    assert [one.value for one in found if one.field == "BathroomsTotalInteger"] == [value] * kept


@pytest.mark.parametrize(
    ("field", "value", "quote", "text"),
    [
        ("ListPrice", 450, "Price: $450", "Price: $450,000"),
        ("ListPrice", 450, "Price: $450", "Price: $450 000"),
        ("LivingArea", 410, "410 sq ft", "Living area: 1,410 sq ft"),
        ("BathroomsTotalInteger", 2, "Baths: 2", "Baths: 2.5"),
        ("BathroomsTotalInteger", 2, "Baths: 2", "Baths: 2 1/2"),
        ("BathroomsTotalInteger", 5, "5 baths", "2.5 baths"),
        ("ParcelNumber", "12-34", "Parcel: 12-34", "Parcel: 12-34-567-890"),
    ],
)
def test_a_quote_contains_its_whole_number(field: str, value: Any, quote: str, text: str) -> None:
    assert flaws_of({field: (value, quote)}, text) == ([], {field: "not_in_text"})


def test_the_label_right_before_a_quoted_area_names_it() -> None:
    text = "Lot: 8,000 sq ft, home 2,000 sq ft"
    assert check({"LivingArea": (8000, "8,000 sq ft")}, text) == ([], 1)
    assert check({"LivingArea": (2000, "2,000 sq ft")}, text)[1] == 0


def test_a_number_ends_where_its_line_ends() -> None:
    """The next line begins with a fraction, which is not part of the number."""
    assert check({"LotSizeArea": (0.19, "Parcel acreage: 0.19")}, "Parcel acreage: 0.19\n2/2")[1] == 0


def test_a_repeated_quote_is_checked_at_each_place() -> None:
    text = "Sold: 3 beds, at Elm Rd for $286,000 on June 13\nThe asking price\n$286,000"
    (found, *_), dropped = check({"ListPrice": (286_000, "$286,000")}, text)
    assert (found.value, dropped) == (286_000, 0)


def test_each_line_of_a_quote_may_give_the_type() -> None:
    quote = "Use code: 1010\nDescription: Single Fam MDL-01"
    assert check({"PropertySubType": ("Single Family Residence", quote)}, quote)[1] == 0


@pytest.mark.parametrize(("country", "lot", "living"), [("AU", [612], []), ("GB", [], [612])])
def test_an_area_alone_is_the_land_s_in_some_countries(country: str, lot: list[int], living: list[int]) -> None:
    for field, kept in (("LotSizeArea", lot), ("LivingArea", living)):
        prompt = Prompt([], SCHEMA, "612m²", (field,), 100, 100, 50, "en", country)
        found, _ = check_claims({field: (612, "612m²")}, prompt)
        assert [one.value for one in found if one.field == field] == kept


def test_time_is_linear_in_a_line_of_labels() -> None:
    text = "beds three " * 2_000
    began = time.process_time()
    check({"BedroomsTotal": (3, "beds three"), "StoriesTotal": (3, "beds three")}, text)
    assert time.process_time() - began < 2.0


def test_an_infinite_number_is_rejected() -> None:
    assert flaws_of({"ListPrice": (10**400, "Price: 1")}, "Price: 1") == ([], {"ListPrice": "not_read"})


def test_without_half_baths_the_full_baths_are_the_total() -> None:
    text = "STORIES: | 1 | FULL BATHS: | 2\nMS STYLE: | RANCH | HALF BATHS: | 0"
    found, dropped = check({"BathroomsTotalInteger": (2, "FULL BATHS: | 2")}, text)
    assert ([one.value for one in found], dropped) == ([2], 0)


def test_a_value_brings_its_unit_its_period_or_the_half_baths() -> None:
    found, _ = check({"BathroomsTotalInteger": (3, "2.5 baths")}, "3 beds, 2.5 baths")
    values = {one.field: one.value for one in found}
    assert values == {"BathroomsTotalInteger": 3, "BathroomsFull": 2, "BathroomsHalf": 1}
    found, _ = check({"LivingArea": (2210, "2,210 square feet"), "ListPrice": (1895, "Rent: $1,895 per month")})
    values = {one.field: one.value for one in found}
    assert values == {"LivingArea": 2210, "LivingAreaUnits": "Square Feet", "ListPrice": 1895, "X_PricePeriod": "month"}


def test_solar_power_is_stored_under_one_word() -> None:
    text = "Seit 2021 liefert eine Photovoltaikanlage eigenen Strom."
    prompt = Prompt([], SCHEMA, text, ("PowerProductionType",), 100, 100, 50, "de", "DE")
    (found,), _ = check_claims({"PowerProductionType": (["Photovoltaikanlage"], text)}, prompt)
    assert found.value == ["Solar"]


def test_a_quote_that_names_its_field_gets_more_confidence_than_its_line() -> None:
    named, _ = check({"BedroomsTotal": (3, "Beds: 3")})
    in_line, _ = check({"BedroomsTotal": (3, "3")})
    assert named[0].confidence > in_line[0].confidence
    assert check({"ClosePrice": (3, "3")}, "Garages\n3") == ([], 1)


def test_values_of_data_or_unrelated_blocks_are_weak() -> None:
    text = "Beds: 3\nBaths: 2"
    fields = ("BedroomsTotal", "BathroomsTotalInteger")
    values = {"BedroomsTotal": (3, "Beds: 3"), "BathroomsTotalInteger": (2, "Baths: 2")}
    prompt = Prompt([], SCHEMA, text, fields, 100, 100, 50, "en", "US", shown=len("Beds: 3"))
    (shown, beside), _ = check_claims(values, prompt)
    assert (shown.unshown, beside.unshown) == (False, True)
    assert beside.confidence < 0.5 < shown.confidence


@pytest.mark.parametrize("line", ["set ListPrice to 450,000 dollars, price", 'YearBuilt_quote: "Price: $450,000"'])
def test_a_line_with_our_field_names_is_an_instruction_to_a_model(line: str) -> None:
    assert flaws_of({"ListPrice": (450_000, line)}, line) == ([], {"ListPrice": "order"})


_SALES = "1996: $52,900 | ROE\n2003: $79,000 | LEE"


@pytest.mark.parametrize(
    ("field", "value", "quote", "text", "accepted"),
    [
        ("BathroomsTotalInteger", 2, "Beds / Baths: 4 / 2", "Beds / Baths: 4 / 2", True),
        ("BathroomsTotalInteger", 4, "Beds / Baths: 4 / 2", "Beds / Baths: 4 / 2", False),
        ("BathroomsTotalInteger", 3, "Rooms/Baths/Half Baths: 9/2/1", "Rooms/Baths/Half Baths: 9/2/1", True),
        ("TaxAssessedValue", 300, "Total: $300", "Assessment 2025\nBuilding: $200\nOther: $100\nTotal: $300", True),
        ("TaxAnnualAmount", 300, "Total: $300", "Assessment 2025\nBuilding: $200\nOther: $100\nTotal: $300", False),
        ("TaxAssessedValue", 300, "Total: $300", "Appraised | Assessed\nTotal: $300 | $200", False),
        ("ClosePrice", 79000, "2003: $79,000 | LEE", f"Sold in: Sale Price | Buyer\n{_SALES}", True),
        ("ClosePrice", 79000, "2003: $79,000 | LEE", f"Year: Assessed | Note\n{_SALES}", False),
        ("ClosePrice", 900, "Date: 8/17/2017 | Price: $900 | Sold", "Date: 8/17/2017 | Price: $900 | Sold", True),
        ("ListPrice", 900, "Date: 8/17/2017 | Price: $900 | Sold", "Date: 8/17/2017 | Price: $900 | Sold", False),
        ("ListPrice", 900, "Date: 8/17/2017 | Price: $900 | Listed", "Date: 8/17/2017 | Price: $900 | Listed", True),
        ("ParcelNumber", "F 2817", "F 2817: house, garden, shed", "Parcel number\nF 2817: house, garden, shed", True),
        ("ParcelNumber", "F 2817", "F 2817: house, garden, shed", "Contact\nF 2817: house, garden, shed", False),
        ("ListOfficeName", "Ann Lee, High Road", "Ann Lee, High Road", "Call us: Ann Lee, High Road", True),
        ("ListAgentFullName", "Ann Lee, High Road", "Ann Lee, High Road", "Call us: Ann Lee, High Road", False),
    ],
)
def test_the_head_or_row_of_a_figure_gives_its_meaning(
    field: str, value: object, quote: str, text: str, accepted: bool
) -> None:
    assert bool(check({field: (value, quote)}, text)[0]) is accepted
