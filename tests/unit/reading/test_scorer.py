"""The benchmark's scorer follows each rule on handmade rows, including failures."""

from typing import Any

import pytest

from benchmarks.extraction.scorer import score


def _row(**labels: Any) -> dict[str, Any]:
    return {"file": "a.html", "kind": "listing", "url": None, "note": "", **labels}


def _one(label: dict[str, Any], record: dict[str, Any]) -> tuple[int, int, int]:
    total = score({"a.html": record}, [_row(**label)]).total
    return total.labeled, total.right, total.wrong


RIGHT, WRONG, MISSED = (1, 1, 0), (1, 0, 1), (1, 0, 0)


@pytest.mark.parametrize(
    ("label", "record", "outcome"),
    [
        ({"price": 310000}, {"ListPrice": 310000}, RIGHT),
        ({"price": 310000}, {}, MISSED),
        ({"price": None}, {"ListPrice": 5}, (0, 0, 1)),
        ({}, {"ListPrice": 5}, (0, 0, 0)),
        ({"living_area": 131, "living_area_unit": "m2"}, {"LivingArea": 1410, "LivingAreaUnits": "Square Feet"}, RIGHT),
        ({"living_area": 131, "living_area_unit": "m2"}, {"LivingArea": 131, "LivingAreaUnits": "Square Feet"}, WRONG),
        ({"lot_size": 0.5, "lot_unit": "acre"}, {"LotSizeArea": 21780, "LotSizeUnits": "Square Feet"}, RIGHT),
        ({"lot_size": 0.5, "lot_unit": "acre"}, {"LotSizeArea": 0.5}, WRONG),
        ({"latitude": 52.28238}, {"Latitude": 52.2828}, RIGHT),
        ({"bathrooms": 6.5}, {"BathroomsTotalInteger": 7, "BathroomsHalf": 1}, RIGHT),
        ({"bathrooms": 6.5}, {"BathroomsTotalInteger": 6}, WRONG),
        ({"bathrooms": 3}, {"BathroomsTotalInteger": 4, "BathroomsHalf": 1}, WRONG),
        ({"region": "County Kildare"}, {"StateOrProvince": "Co. Kildare"}, RIGHT),
        ({"street": "12 Oak Street"}, {"UnparsedAddress": "12 OAK ST."}, RIGHT),
        ({"street": "12 Oak Street", "unit": "207"}, {"UnparsedAddress": "12 Oak St #207"}, (2, 1, 0)),
        ({"street": "12 Oak Street", "unit": "207"}, {"UnparsedAddress": "12 Oak St Unit 208"}, (2, 0, 1)),
        ({"street": "12 Oak Street"}, {"UnparsedAddress": "12 Oak St #207"}, WRONG),
        ({"postal_code": "33033-5752"}, {"PostalCode": "33033"}, RIGHT),
        ({"last_sale_date": "2005-10"}, {"CloseDate": "2005-10-14"}, RIGHT),
        ({"last_sale_date": "2005-10-14"}, {"CloseDate": "2005-10"}, WRONG),
        ({"property_type": "land"}, {"PropertyType": "Land"}, RIGHT),
        ({"property_type": None}, {"PropertyType": "Residential"}, (0, 0, 0)),
        ({"status": "for_rent"}, {"StandardStatus": "Active", "PropertyType": "Residential Lease"}, RIGHT),
        ({"status": "for_sale"}, {"StandardStatus": "Active", "PropertyType": "Residential Lease"}, WRONG),
        ({"roof": "Brick, Block"}, {"Roof": ["Brick", "Block"]}, RIGHT),
        ({"listing_id": "889"}, {"ListingId": "5", "ListingKey": "889"}, RIGHT),
        ({"listing_id": "889", "url": "https://s/x/777_zpid"}, {"ListingKey": "777"}, RIGHT),
        ({"listing_id": None, "url": "https://s/sold/105001-7436-Oak-Rd-20817"}, {"ListingId": "105001"}, (0, 0, 0)),
        ({"listing_id": None, "url": "https://s/sold/105001-7436-Oak-Rd-20817"}, {"ListingId": "20817"}, (0, 0, 1)),
        ({"listing_id": "11-22", "kind": "record"}, {"ParcelNumber": "1122"}, RIGHT),
        ({"unit": "4"}, {"UnitNumber": "#4"}, RIGHT),
        ({"half_baths": None}, {"BathroomsHalf": 0}, (0, 0, 0)),
        ({"half_baths": None}, {"BathroomsHalf": 1}, (0, 0, 1)),
        ({"solar": True}, {"PowerProductionType": ["No solar"]}, WRONG),
        ({"solar": False}, {"PowerProductionType": ["None"]}, RIGHT),
        ({"gated": True}, {"X_AccessNotes": "Gated, code at the entrance"}, RIGHT),
        ({"roof_year": None}, {"X_RoofYear": 2019}, (0, 0, 1)),
        ({"city": None, "note": "city only in the owner line (accept SENECA)"}, {"City": "Seneca"}, (0, 0, 0)),
    ],
)
def test_each_rule(label: dict[str, Any], record: dict[str, Any], outcome: tuple[int, int, int]) -> None:
    """Each expected outcome is the number of (labeled, right, wrong) values."""
    assert _one(label, record) == outcome


def test_recall_and_precision_are_exact() -> None:
    truth = [_row(price=1000, bedrooms=3, rooms=None), {**_row(price=2000), "file": "b.html"}]
    report = score({"a.html": {"ListPrice": 1000, "BedroomsTotal": 4, "RoomsTotal": 5}}, truth)
    assert (report.total.labeled, report.total.right, report.total.wrong) == (3, 1, 2)
    assert report.total.recall == pytest.approx(1 / 3)
    assert report.total.precision == pytest.approx(1 / 3)
    assert report.fields["price"].recall == 0.5
    assert {(e.file, e.label) for e in report.errors} == {
        ("a.html", "bedrooms"),
        ("a.html", "rooms"),
        ("b.html", "price"),
    }
