"""The county's sites, and the facts that each site states about a property.

Every site listens on its own loopback address, so that rate limits, robots.txt, and domains are separate.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from simulators.county.homes import Home


@dataclass(frozen=True)
class Site:
    """`kind` is the kind of a source in `sources.toml`, and `host` is a loopback address."""

    key: str
    name: str
    kind: str
    host: str


ASSESSOR = Site("assessor", "Example County Assessor", "assessor", "127.0.9.1")
GIS = Site("gis", "Example County GIS", "gis", "127.0.9.2")
HEARTH = Site("hearth", "Hearthlist", "portal", "127.0.9.3")
MOSAIC = Site("mosaic", "Mosaic Homes", "portal", "127.0.9.4")
ASSOCIATION = Site("association", "Example Community Associations", "association", "127.0.9.5")
TAX_ROLL = Site("tax_roll", "Example County Treasurer", "tax_roll", "127.0.9.6")
PERMITS = Site("permits", "Example County Building Department", "permits", "127.0.9.7")
#: The robots.txt of this site forbids everything.
VAULT = Site("vault", "Listing Vault", "portal", "127.0.9.8")
LAYER = "/arcgis/rest/services/Public/Parcels/MapServer/0"
#: This site is not an allowed search domain, and all its statements are false.
RUMORS = Site("rumors", "House Rumors", "other", "127.0.9.9")
SITES = (ASSESSOR, GIS, HEARTH, MOSAIC, ASSOCIATION, TAX_ROLL, PERMITS, VAULT, RUMORS)

_PLACE = ("UnparsedAddress", "StreetNumber", "StreetName", "UnitNumber", "City", "StateOrProvince", "PostalCode")
_BATHS = ("BathroomsFull", "BathroomsHalf", "BathroomsTotalInteger")
_AREA, _LOT = ("LivingArea", "LivingAreaUnits"), ("LotSizeArea", "LotSizeUnits")
_SALE = ("CloseDate", "ClosePrice")
_OFFER = ("StandardStatus", "ListPrice", "ListAgentFullName", "ListOfficeName", "ListingId")
_TAX = ("TaxYear", "TaxAssessedValue", "X_MarketValue")
#: The fields that each site states, except those for which the home has no value.
_TELLS: Mapping[str, tuple[str, ...]] = {
    "assessor": (
        *_PLACE, "CountyOrParish", "SubdivisionName", "ParcelNumber", "PropertySubType", "YearBuilt", *_AREA, *_LOT,
        "BedroomsTotal", *_BATHS, "StoriesTotal", "Roof", "ConstructionMaterials", "Heating", "Cooling", *_SALE, *_TAX,
    ),
    "gis": (
        *_PLACE, "ParcelNumber", "SubdivisionName", "YearBuilt", *_AREA, *_LOT, "Latitude", "Longitude", *_SALE,
        "TaxYear", "TaxAssessedValue",
    ),
    "hearth": (
        *_PLACE, "Country", "Latitude", "Longitude", "PropertySubType", "BedroomsTotal", "BathroomsTotalInteger",
        *_AREA, *_LOT, "YearBuilt", *_SALE, *_OFFER, "X_EstimatedValueLow", "X_EstimatedValueHigh", "X_Currency",
    ),
    "mosaic": (
        *_PLACE, "PropertySubType", "BedroomsTotal", *_BATHS, *_AREA, *_LOT, "YearBuilt", "StoriesTotal", "Roof",
        "Heating", "Cooling", "ParkingTotal", "PoolPrivateYN", "AssociationYN", "AssociationFee", *_SALE, *_OFFER,
        "TaxAnnualAmount", "ParcelNumber",
    ),
    "association": (*_PLACE, "SubdivisionName", "AssociationYN", "AssociationFee", "X_AccessNotes"),
    "tax_roll": (*_PLACE, "ParcelNumber", *_TAX, "TaxAnnualAmount"),
    "permits": (*_PLACE, "ParcelNumber", "X_RoofYear", "PowerProductionType"),
    "vault": (
        *_PLACE, "BedroomsTotal", "BathroomsTotalInteger", *_AREA, "YearBuilt", *_SALE,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """A page of `site` about `home`. `says` has the values that it states in RESO fields, right or wrong.

    `line` is the street line in the page's spelling; `sold` is the last sale that the page shows. If `variant`, this is
    the site's second page about the home. A `blocked` page shows a bot challenge to every visitor.
    """

    site: Site
    path: str
    home: Home
    says: Mapping[str, Any]
    line: str
    sold: tuple[date, int] | None = None
    variant: bool = False
    blocked: bool = False

    @property
    def is_open(self) -> bool:
        return not self.blocked and self.site is not VAULT

    def saying(self, changes: Mapping[str, Any]) -> Page:
        return replace(self, says={**self.says, **changes})


def pages_of(home: Home, seed: int) -> Iterator[Page]:
    chance = random.Random(f"{seed}/pages/{home.number}")
    of_homes = tuple(site for site in SITES if site.key in _TELLS)
    in_county = home.town.county == "Example"
    is_flat = home.lot.one_parcel and bool(home.unit)
    drawn = {site.key: chance.random() for site in of_homes}
    wanted = {
        "assessor": in_county and not is_flat,
        "gis": in_county and not is_flat,
        "hearth": drawn["hearth"] < 0.78 or bool(home.listing) or is_flat or home.number == 1,
        "mosaic": drawn["mosaic"] < 0.66 or bool(home.listing) or is_flat or not in_county,
        "association": in_county and bool(home.truth["AssociationYN"]),
        "tax_roll": in_county and not is_flat and drawn["tax_roll"] < 0.92,
        "permits": in_county and not is_flat and (drawn["permits"] < 0.8 or home.number == 1),
        "vault": drawn["vault"] < 0.2,
    }
    for site in of_homes:
        if wanted[site.key]:
            yield _page(site, home)


def _page(site: Site, home: Home) -> Page:
    says = {name: home.truth[name] for name in _TELLS[site.key] if name in home.truth}
    if site is MOSAIC and "LotSizeArea" in says and home.number % 2:
        says |= {"LotSizeArea": round(says["LotSizeArea"] * 43_560), "LotSizeUnits": "Square Feet"}
    if home.listing and site in (HEARTH, MOSAIC):
        says.pop("X_EstimatedValueLow", None)
        says.pop("X_EstimatedValueHigh", None)
    else:
        says.pop("X_Currency", None)
    return Page(site, path_of(site, home), home, says, line_of(site, home), home.sales[0] if home.sales else None)


def line_of(site: Site, home: Home) -> str:
    street = home.street
    if site is ASSESSOR:
        return home.line(street.short).upper()
    if site is GIS:
        return f"{home.house} {street.short}".upper()
    if site is TAX_ROLL:
        return home.line(street.long).upper()
    if site is PERMITS:
        return home.line(street.short, "#").replace("# ", "#").upper()
    if site is HEARTH:
        return home.line(street.short, "#").replace("# ", "#")
    return home.line(street.long, "Apt" if home.lot.one_parcel else "Unit")


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def path_of(site: Site, home: Home) -> str:
    line, place = home.line(home.street.short), slug(home.town.name)
    return {
        "assessor": f"/card/{home.parcel}",
        "gis": f"{LAYER}/query?where=PARCEL_ID%3D%27{home.parcel}%27&outFields=*&outSR=4326&f=json",
        "hearth": f"/homes/st/{place}/{slug(line)}-{home.town.postal_code}",
        "mosaic": f"/property/{70_000 + home.number * 37}/{slug(home.line(home.street.long))}",
        "association": f"/{slug(home.lot.subdivision)}/lots/{slug(home.line(home.street.long))}",
        "tax_roll": f"/bill/{home.parcel}",
        "permits": f"/permits/{slug(line)}-{home.town.postal_code}",
        "vault": f"/archive/{home.number * 911}",
    }[site.key]
