"""The portal Hearthlist: JSON-LD in the head, a short page, and other homes below."""

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from simulators.county.pages.writing import area, document, dollars, number, table
from simulators.county.sites import HEARTH, Page

_KINDS = {"Single Family Residence": "House", "Condominium": "Condo", "Multi Family": "Multi-family"}


def body(page: Page, root: str, near: Sequence[Page]) -> str:
    says, home = page.says, page.home
    place = f"{home.town.name}, {says['StateOrProvince']} {says['PostalCode']}"
    title = f"{page.line}, {place} | {HEARTH.name}"
    ld = json.dumps(_linked_data(page, root), indent=1)
    head = (
        f'<meta name="description" content="Photos, facts and sale history of {escape(page.line)}, {place}.">\n'
        f'<meta property="og:title" content="{escape(title)}">\n'
        f'<meta property="og:site_name" content="{HEARTH.name}">\n'
        f'<script type="application/ld+json">\n{ld}\n</script>\n'
    )
    sections = (
        f'<header><a href="/">{HEARTH.name}</a> <nav><a href="/buy">Buy</a> <a href="/sell">Sell</a> '
        '<a href="/agents">Find an agent</a></nav></header>',
        f'<main><h1>{escape(page.line)}</h1><p class="place">{place}</p>',
        _offer(page),
        _summary(page),
        _history(page),
        "</main>",
        _others(near),
        "<footer>Information is deemed reliable but not guaranteed. &copy; Hearthlist. Cookie settings</footer>",
    )
    return document(title, head, "\n".join(sections))


def _linked_data(page: Page, root: str) -> dict[str, Any]:
    says, home = page.says, page.home
    kind = "Apartment" if home.unit else "SingleFamilyResidence"
    place: dict[str, Any] = {
        "@type": kind,
        "name": page.line,
        "url": root + page.path,
        "address": {
            "@type": "PostalAddress", "streetAddress": page.line, "addressLocality": home.town.name,
            "addressRegion": says["StateOrProvince"], "postalCode": says["PostalCode"], "addressCountry": "US",
        },
        "geo": {"@type": "GeoCoordinates", "latitude": says["Latitude"], "longitude": says["Longitude"]},
        "floorSize": {"@type": "QuantitativeValue", "value": says["LivingArea"], "unitCode": "FTK"},
        "lotSize": {
            "@type": "QuantitativeValue", "value": says["LotSizeArea"],
            "unitCode": "ACR" if says["LotSizeUnits"] == "Acres" else "FTK",
        },
        "yearBuilt": says["YearBuilt"],
    }  # fmt: skip
    if "BedroomsTotal" in says:
        place |= {
            "numberOfBedrooms": says["BedroomsTotal"], "numberOfBathroomsTotal": says["BathroomsTotalInteger"],
        }  # fmt: skip
    crumbs = [
        {"@type": "ListItem", "position": 1, "name": "ST", "item": f"{root}/homes/st"},
        {"@type": "ListItem", "position": 2, "name": home.town.name, "item": f"{root}/homes/st/x"},
    ]
    graph = [place, {"@type": "BreadcrumbList", "itemListElement": crumbs}]
    if "ListPrice" in says:
        available = "InStock" if says["StandardStatus"] == "Active" else "LimitedAvailability"
        graph.append(
            {
                "@type": "Offer", "price": says["ListPrice"], "priceCurrency": "USD",
                "availability": f"https://schema.org/{available}", "itemOffered": {"@type": kind, "name": page.line},
            }
        )  # fmt: skip
    return {"@context": "https://schema.org", "@graph": graph}


def _offer(page: Page) -> str:
    says = page.says
    if "ListPrice" in says:
        status = "For sale" if says["StandardStatus"] == "Active" else "Pending"
        who = (
            f"Listed by {says['ListAgentFullName']}, {escape(says['ListOfficeName'])}"
            if "ListAgentFullName" in says
            else ""
        )
        listing = f"MLS # {says['ListingId']}" if "ListingId" in says else ""
        price = dollars(says["ListPrice"])
        return f'<p class="status">{status}</p><p class="price">{price}</p><p>{who}</p><p>{listing}</p>'
    estimate = ""
    if "X_EstimatedValueLow" in says:
        ends = f"{dollars(says['X_EstimatedValueLow'])} - {dollars(says['X_EstimatedValueHigh'])}"
        estimate = f"<dl><dt>Estimated value range</dt><dd>{ends}</dd></dl>"
    return f'<p class="status">Off market</p>{estimate}'


def _summary(page: Page) -> str:
    says = page.says
    rooms = ""
    if "BedroomsTotal" in says:
        rooms = f"<li>{says['BedroomsTotal']} beds</li><li>{says['BathroomsTotalInteger']} baths</li>"
    return (
        f'<ul class="facts">{rooms}<li>{number(says["LivingArea"])} sq ft</li>'
        f"<li>Lot size: {area(says['LotSizeArea'], says['LotSizeUnits'])}</li>"
        f"<li>Built in {says['YearBuilt']}</li><li>Property type: {_KINDS[says['PropertySubType']]}</li></ul>"
    )


def _history(page: Page) -> str:
    if page.sold is None:
        return "<p>No sales on record.</p>"
    rows = [
        (day.strftime("%b %d, %Y"), "Sold", dollars(price)) for day, price in page.home.sales if day <= page.sold[0]
    ]
    return "<h2>Sale history</h2>" + table(("Date", "Event", "Price"), rows)


def _others(near: Sequence[Page]) -> str:
    cards = "".join(
        f'<li class="card"><a href="{other.path}">{escape(other.line)}</a> '
        f"{dollars(other.says.get('ListPrice') or other.says.get('X_EstimatedValueHigh') or 250_000)} "
        f"{other.says.get('BedroomsTotal', 2)} bd {number(other.says['LivingArea'])} sqft</li>"
        for other in near
    )
    return f'<aside class="similar-homes"><h2>Similar homes nearby</h2><ul>{cards}</ul></aside>'
