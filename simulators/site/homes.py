"""Generated listings, `/homes/1` to `/homes/10000`.

Each listing describes a different property and never changes. The page styles alternate. One style states facts in
prose only.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

COUNT = 10_000

_STREETS = (
    "Alder",
    "Birchwood",
    "Clover",
    "Dovecote",
    "Evergreen",
    "Foxglove",
    "Granite",
    "Hazel",
    "Ironwood",
    "Jasper",
)
_WAYS = ("St", "Ave", "Ln", "Dr", "Ct", "Rd")
_TOWNS = (
    ("Amberly", "OH", "430", 39.9, -82.8),
    ("Brindle Creek", "GA", "300", 33.7, -84.2),
    ("Cinderford", "CO", "800", 39.6, -104.9),
    ("Dapplewood", "NC", "270", 35.9, -79.8),
    ("Eastmere", "MN", "550", 44.9, -93.3),
    ("Fallow Springs", "TX", "750", 32.8, -96.9),
)
_FIRST = ("Avery", "Blythe", "Casper", "Delphine", "Emory", "Flora", "Gareth", "Honor", "Ines", "Jasper")
_LAST = ("Appleyard", "Brightwater", "Coppersmith", "Dunmore", "Everstone", "Fairbairn", "Goldfinch", "Hathersage")
_FIRMS = ("Keystone Lane Realty", "Meadow & Main Realty", "Lantern Realty", "Four Gables Properties", "Oxbow Realty")
_ROOFS = ("Architectural shingle", "Standing-seam metal", "Clay tile", "Asphalt shingle", "Slate")
_WALLS = ("Brick", "Vinyl", "Fiber cement", "Stucco", "Cedar")
_HEAT = ("Forced air", "Heat pump", "Baseboard", "Radiant floor")
_COOL = ("Central air", "Mini-split", "Window units")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")


@dataclass(frozen=True)
class Home:
    number: int
    street: str
    town: str
    state: str
    postal_code: str
    latitude: float
    longitude: float
    price: int
    bedrooms: int
    bathrooms: int
    area: int
    acres: float
    year: int
    stories: int
    roof: str
    wall: str
    heating: str
    cooling: str
    fee: int
    agent: str
    firm: str
    phone: str
    parcel: str

    @property
    def path(self) -> str:
        return f"/homes/{self.number}"

    def facts(self) -> Mapping[str, object]:
        return {
            "ListPrice": self.price, "X_Currency": "USD", "UnparsedAddress": self.street, "City": self.town,
            "StateOrProvince": self.state, "PostalCode": self.postal_code, "BedroomsTotal": self.bedrooms,
            "BathroomsTotalInteger": self.bathrooms, "LivingArea": self.area, "LotSizeArea": self.acres,
            "YearBuilt": self.year, "StoriesTotal": self.stories, "AssociationYN": self.fee > 0,
            "ListAgentFullName": self.agent, "ListOfficeName": self.firm, "ParcelNumber": self.parcel,
        }  # fmt: skip


def home(number: int) -> Home:
    """Return the listing with this number. Raises `ValueError` outside 1 to `COUNT`."""
    if not 1 <= number <= COUNT:
        raise ValueError(f"homes are numbered 1 to {COUNT}")
    chance = random.Random(number * 7919)
    town, state, postal, latitude, longitude = chance.choice(_TOWNS)
    bedrooms = chance.randint(1, 6)
    area = 480 + bedrooms * chance.randint(240, 460)
    return Home(
        number=number,
        street=f"{number + 100} {chance.choice(_STREETS)} {chance.choice(_WAYS)}",
        town=town,
        state=state,
        postal_code=f"{postal}{chance.randint(10, 99)}",
        latitude=round(latitude + chance.uniform(-0.1, 0.1), 5),
        longitude=round(longitude + chance.uniform(-0.1, 0.1), 5),
        price=round(area * chance.randint(140, 390), -2) + 900,
        bedrooms=bedrooms,
        bathrooms=chance.randint(1, min(4, bedrooms + 1)),
        area=area,
        acres=round(chance.uniform(0.1, 3.0), 2),
        year=chance.randint(1890, 2024),
        stories=chance.randint(1, 3),
        roof=chance.choice(_ROOFS),
        wall=chance.choice(_WALLS),
        heating=chance.choice(_HEAT),
        cooling=chance.choice(_COOL),
        fee=chance.choice((0, 0, 45, 120, 265)),
        agent=f"{chance.choice(_FIRST)} {chance.choice(_LAST)}",
        firm=chance.choice(_FIRMS),
        phone=f"614-555-01{chance.randint(0, 99):02d}",
        parcel=f"{chance.randint(10, 99)}-{number:05d}-{chance.randint(100, 999)}",
    )


def page(number: int) -> str:
    one = home(number)
    body = _STYLES[number % len(_STYLES)](one)
    title = escape(f"{one.street}, {one.town}, {one.state} {one.postal_code}")
    head = f'<head><meta charset="utf-8"><title>{title}</title></head>'
    return f'<!doctype html>\n<html lang="en">{head}\n<body>{body}</body></html>\n'


def _dues(one: Home) -> str:
    return f"HOA dues are ${one.fee} a month." if one.fee else "There is no HOA."


def _tail(one: Home) -> str:
    stories = f"{_NUMBERS[one.stories]} {'story' if one.stories == 1 else 'stories'}"
    return (
        f"<p>The home has {stories} under a {one.roof.lower()} roof, {one.wall.lower()} siding, and "
        f"{one.cooling.lower()} for the summer. {_dues(one)} Parcel number {one.parcel}.</p>"
        f"<p>Listed by {one.agent} of {escape(one.firm)}, {one.phone}.</p>"
    )


def _prose(one: Home) -> str:
    return (
        f"<article><h1>{one.street}</h1><p>For sale in {one.town}, {one.state} {one.postal_code}: a "
        f"{_NUMBERS[one.bedrooms]}-bedroom, {_NUMBERS[one.bathrooms]}-bath home, built in {one.year}, with "
        f"{one.area:,} square feet on {one.acres} acres. Asking ${one.price:,}. "
        f"{one.heating} heating.</p>{_tail(one)}</article>"
    )


def _table(one: Home) -> str:
    rows = {
        "Price": f"${one.price:,}", "Bedrooms": one.bedrooms, "Bathrooms": one.bathrooms,
        "Living area": f"{one.area:,} sq ft", "Lot size": f"{one.acres} acres", "Year built": one.year,
        "Heating": one.heating,
    }  # fmt: skip
    cells = "".join(f"<tr><th>{label}</th><td>{value}</td></tr>" for label, value in rows.items())
    place = f"{one.town}, {one.state} {one.postal_code}"
    return f"<h1>{one.street}</h1><p>{place}</p><p>For sale</p><table>{cells}</table>{_tail(one)}"


def _jsonld(one: Home) -> str:
    data = {
        "@context": "https://schema.org",
        "@type": "SingleFamilyResidence",
        "numberOfBedrooms": one.bedrooms,
        "numberOfBathroomsTotal": one.bathrooms,
        "yearBuilt": one.year,
        "floorSize": {"@type": "QuantitativeValue", "value": one.area, "unitCode": "FTK"},
        "address": {
            "@type": "PostalAddress", "streetAddress": one.street, "addressLocality": one.town,
            "addressRegion": one.state, "postalCode": one.postal_code, "addressCountry": "US",
        },
        "geo": {"@type": "GeoCoordinates", "latitude": one.latitude, "longitude": one.longitude},
        "offers": {"@type": "Offer", "price": one.price, "priceCurrency": "USD"},
    }  # fmt: skip
    script = f'<script type="application/ld+json">{json.dumps(data)}</script>'
    lot = f"<p>Lot: {one.acres} acres. For sale.</p>"
    return f"{script}<h1>{one.street}</h1><p>{one.town}, {one.state}</p>{lot}{_tail(one)}"


def _state(one: Home) -> str:
    data = {
        "listing": {
            "id": f"H-{one.number}", "url": one.path, "status": "FOR_SALE", "price": one.price, "currency": "USD",
            "address": {"street": one.street, "city": one.town, "state": one.state, "zip": one.postal_code},
            "location": {"lat": one.latitude, "lng": one.longitude}, "bedrooms": one.bedrooms,
            "bathrooms": one.bathrooms, "livingAreaSqft": one.area, "lotSizeAcres": one.acres, "yearBuilt": one.year,
        },
        "similar": [{"id": f"H-{one.number + 5}", "price": one.price + 15000, "bedrooms": one.bedrooms + 1}],
    }  # fmt: skip
    return f"<h1>{one.street}</h1><script>window.__STATE__ = {json.dumps(data)};</script>{_tail(one)}"


_STYLES: tuple[Callable[[Home], str], ...] = (_prose, _table, _jsonld, _state)
