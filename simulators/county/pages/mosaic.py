"""The portal Mosaic Homes: labeled facts, which the page's JSON state repeats together with nearby homes."""

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from simulators.county.pages.writing import area, document, dollars, number
from simulators.county.sites import MOSAIC, Page

_KINDS = {"Single Family Residence": "Single Family", "Condominium": "Condo", "Multi Family": "Multi Family"}


def body(page: Page, near: Sequence[Page]) -> str:
    says, home = page.says, page.home
    place = f"{home.town.name}, {says['StateOrProvince']} {says['PostalCode']}"
    state = {
        "props": {
            "pageProps": {
                "property": state_of(page),
                "nearbyHomes": [state_of(other) for other in near],
                "searchFilters": {"minPrice": 50_000, "maxPrice": 2_000_000, "beds": [1, 2, 3, 4, 5]},
            }
        },
        "page": "/property/[id]/[slug]",
        "query": {"id": page.path.split("/")[2].split("-")[0]},
    }
    script = f'<script id="__NEXT_DATA__" type="application/json">{json.dumps(state)}</script>'
    sections = (
        '<div id="__next"><nav>Mosaic Homes <a href="/map">Map</a> <a href="/saved">Saved homes</a> '
        "<a href='/signin'>Sign in</a></nav>",
        f"<h1>{escape(page.line)}, {place}</h1>",
        _offer(says),
        '<section><h2>Facts and features</h2><div class="facts">',
        "".join(
            f'<div class="fact"><span class="label">{label}</span><span class="value">{escape(value)}</span></div>'
            for label, value in _facts(page)
            if value
        ),
        "</div></section>",
        f"<section><h2>Nearby homes</h2>{_cards(near)}</section></div>",
        script,
    )
    return document(f"{page.line}, {place} - {MOSAIC.name}", "", "\n".join(sections))


def _offer(says: Any) -> str:
    if "ListPrice" not in says:
        return '<p class="badge">Not for sale</p>'
    badge = "For sale" if says["StandardStatus"] == "Active" else "Pending"
    who = ""
    if "ListAgentFullName" in says:
        who = f"<p>Listing agent: {says['ListAgentFullName']}</p><p>Brokerage: {escape(says['ListOfficeName'])}</p>"
    return f'<p class="badge">{badge}</p><p class="price">{dollars(says["ListPrice"])}</p>{who}'


def _facts(page: Page) -> list[tuple[str, str]]:
    says = page.says
    fee = says.get("AssociationFee")
    return [
        ("Property type", _KINDS[says["PropertySubType"]]),
        ("Bedrooms", _text(says.get("BedroomsTotal"))),
        ("Full bathrooms", _text(says.get("BathroomsFull"))),
        ("Half bathrooms", _text(says.get("BathroomsHalf"))),
        ("Living area", area(says["LivingArea"], says["LivingAreaUnits"], feet="sqft")),
        ("Lot size", area(says["LotSizeArea"], says["LotSizeUnits"], feet="sqft", acres="acres")),
        ("Year built", _text(says["YearBuilt"])),
        ("Stories", _text(says["StoriesTotal"])),
        ("Roof", says["Roof"][0]),
        ("Heating", says["Heating"][0]),
        ("Cooling", says["Cooling"][0]),
        ("Parking spaces", _text(says["ParkingTotal"])),
        ("Private pool", "Yes" if says["PoolPrivateYN"] else "No"),
        ("HOA", "Yes" if says["AssociationYN"] else "No"),
        ("HOA fee", f"${fee} per month" if fee else ""),
        ("Last sold", page.sold[0].strftime("%B %d, %Y") if page.sold else ""),
        ("Last sold price", dollars(page.sold[1]) if page.sold else ""),
        ("Annual taxes", dollars(says.get("TaxAnnualAmount"))),
        ("Parcel number", _text(says.get("ParcelNumber"))),
        ("MLS number", _text(says.get("ListingId"))),
    ]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def state_of(page: Page) -> dict[str, Any]:
    says, home = page.says, page.home
    return {
        "id": page.path.split("/")[2].split("-")[0],
        "url": page.path,
        "address": {
            "streetAddress": page.line, "city": home.town.name, "state": says["StateOrProvince"],
            "zipcode": says["PostalCode"],
        },
        "bedrooms": says.get("BedroomsTotal"),
        "bathroomsFull": says.get("BathroomsFull"),
        "bathroomsHalf": says.get("BathroomsHalf"),
        "livingArea": says["LivingArea"],
        "livingAreaUnits": "Square Feet",
        "yearBuilt": says["YearBuilt"],
        "price": says.get("ListPrice"),
        "lastSoldDate": page.sold[0].isoformat() if page.sold else None,
        "lastSoldPrice": page.sold[1] if page.sold else None,
    }  # fmt: skip


def _cards(near: Sequence[Page]) -> str:
    return "".join(
        f'<div class="home-card"><a href="{other.path}">{escape(other.line)}</a>'
        f"<span>{other.says.get('BedroomsTotal', 2)} bd</span>"
        f"<span>{number(other.says['LivingArea'])} sqft</span></div>"
        for other in near
    )
