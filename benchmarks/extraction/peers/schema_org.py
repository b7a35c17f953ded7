"""Map the schema.org and Open Graph data that extruct reads to the project's fields.

The first value of a field is used. Items about a home come first, then all items in the page's order, then Open Graph
data. The project's own parsers read numbers and areas, so that extruct loses no value because of its notation.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.property.values.areas import find_unit, parse_area
from app.property.values.numbers import parse_number
from app.property.values.places import country_code

_HOMES = ("Residence", "House", "Apartment", "SingleFamily", "RealEstateListing", "Accommodation", "Room", "Product",
          "Place", "Offer", "LandLot", "Suite")  # fmt: skip
_TYPES = {"SingleFamilyResidence": "Single Family Residence", "House": "Single Family Residence",
          "Apartment": "Apartment", "ApartmentComplex": "Apartment"}  # fmt: skip
_STATUS = {"InStock": "Active", "OnlineOnly": "Active", "SoldOut": "Closed", "Discontinued": "Closed"}
_UNITS = {"MTK": "Square Meters", "SQM": "Square Meters", "FTK": "Square Feet", "SQFT": "Square Feet", "ACR": "Acres",
          "HAR": "Hectares"}  # fmt: skip
_META = {
    "product:price:amount": "ListPrice",
    "og:price:amount": "ListPrice",
    "product:price:currency": "X_Currency",
    "og:price:currency": "X_Currency",
    "og:street-address": "UnparsedAddress",
    "og:locality": "City",
    "og:region": "StateOrProvince",
    "og:postal-code": "PostalCode",
    "og:country-name": "Country",
    "og:latitude": "Latitude",
    "place:location:latitude": "Latitude",
    "og:longitude": "Longitude",
    "place:location:longitude": "Longitude",
}
_PLAIN = {
    "price": "ListPrice",
    "lowPrice": "ListPrice",
    "priceCurrency": "X_Currency",
    "streetAddress": "UnparsedAddress",
    "addressLocality": "City",
    "addressRegion": "StateOrProvince",
    "postalCode": "PostalCode",
    "addressCountry": "Country",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "numberOfRooms": "RoomsTotal",
    "numberOfBedrooms": "BedroomsTotal",
    "numberOfBathroomsTotal": "BathroomsTotalInteger",
    "numberOfFullBathrooms": "BathroomsTotalInteger",
    "yearBuilt": "YearBuilt",
    "sku": "ListingId",
    "productID": "ListingId",
    "mlsNumber": "ListingId",
}
_NUMBERS = frozenset({"ListPrice", "Latitude", "Longitude", "RoomsTotal", "BedroomsTotal", "BathroomsTotalInteger",
                      "YearBuilt"})  # fmt: skip


def record(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an `extruct.extract` result by RESO name."""
    items = [item for syntax in ("json-ld", "microdata", "rdfa") for item in found.get(syntax) or ()]
    every = [node for item in items for node in _nodes(item)]
    homes = [node for node in every if any(word in kind for kind in _kinds(node) for word in _HOMES)]
    values: dict[str, Any] = {}
    for node in [*(inner for home in homes for inner in _nodes(home)), *every]:
        for field, value in _of_node(node):
            values.setdefault(field, value)
    for block in found.get("opengraph") or ():
        for name, value in block.get("properties") or ():
            if name in _META:
                values.setdefault(_META[name], _typed(_META[name], value))
    return {field: value for field, value in values.items() if value not in (None, "")}


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        inner = value.get("properties")
        if isinstance(inner, dict):  # microdata: the values are in `properties`
            yield {**inner, "@type": value.get("type")}
        else:
            yield value
        for part in (inner if isinstance(inner, dict) else value).values():
            yield from _nodes(part)
    elif isinstance(value, list):
        for part in value:
            yield from _nodes(part)


def _kinds(node: Mapping[str, Any]) -> list[str]:
    kind = node.get("@type")
    return [str(k).rstrip("/").rpartition("/")[2] for k in (kind if isinstance(kind, list) else [kind]) if k]


def _of_node(node: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in node.items():
        bare = name.rpartition("/")[2]  # RDFa names are URLs
        if bare in _PLAIN:
            yield _PLAIN[bare], _typed(_PLAIN[bare], _text(value))
        elif bare in ("floorSize", "lotSize"):
            yield from _area("LivingArea" if bare == "floorSize" else "LotSizeArea", value)
        elif bare == "availability":
            yield "StandardStatus", _STATUS.get(str(_text(value)).rpartition("/")[2])
    for kind in _kinds(node):
        if kind in _TYPES:
            yield "PropertySubType", _TYPES[kind]
        if kind == "RealEstateAgent":
            yield "ListOfficeName", _text(node.get("name"))
        if kind == "Person":
            yield "ListAgentFullName", _text(node.get("name"))


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return _text(value[0]) if value else None
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("value") or value.get("@value"))
    return value


def _typed(field: str, value: Any) -> Any:
    if field == "Country" and value is not None:
        return country_code(str(value)) or str(value).strip()
    if value is None or field not in _NUMBERS:
        return str(value).strip() if value is not None else None
    number = value if isinstance(value, int | float) else parse_number(str(value))
    return int(number) if number is not None and field == "YearBuilt" else number


def _area(field: str, value: Any) -> Iterator[tuple[str, Any]]:
    node = value[0] if isinstance(value, list) and value else value
    if isinstance(node, dict):
        inner = node.get("properties", node)
        size = _typed("ListPrice", _text(inner.get("value")))
        unit = _UNITS.get(str(_text(inner.get("unitCode"))).upper())
        unit = unit or find_unit(str(_text(inner.get("unitText")) or ""))
    else:
        parsed = parse_area(str(node))
        size, unit = (parsed.value, parsed.unit) if parsed else (None, None)
    if size is not None and unit:
        yield field, size
        yield ("LivingAreaUnits" if field == "LivingArea" else "LotSizeUnits"), unit
