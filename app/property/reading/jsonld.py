"""Read JSON-LD: repair broken blocks, follow `@graph` and `mainEntity`, and skip nodes about other things."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.property.reading import lenient_json, objects
from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.object_values import Place, Source
from app.property.reading.visitor_objects import without_visitors
from app.property.record import Method

_ABOUT_PROPERTY = re.compile(
    r"RealEstateListing|Residence|House|Apartment|Accommodation|Product|Offer$|Place|Event|Home|Room|"
    r"LodgingBusiness|Property|Landform|IndividualProduct|Single"
)
_NOT_PROPERTY = re.compile(
    r"Breadcrumb|Organi[sz]ation|WebSite|WebPage|ImageObject|SearchAction|RealEstateAgent|Person|"
    r"ItemList|Article|FAQ|Video|Rating|(?<!Lodging)Business|Corporation|ProfessionalService"
)
#: At most this many JSON-LD scripts are read; the labeled pages of the evaluation have at most 20.
_MOST_BLOCKS = 200
_HOUSE = re.compile(r"\d+\w? [^\W\d_]+")
_ID_KEYS = ("sku", "mpn", "productID", "identifier")


def read(page: Document) -> Iterator[Reading]:
    source = Source(Method.JSONLD, 0.85, "en")
    shown = f"{page.title}\n{page.heading_text}".casefold()
    for where, value in page.once(blocks):
        nodes = [(pointer, node, _street(node)) for pointer, node in _nodes(value)]
        own = {street for *_, street in nodes if street and re.search(rf"(?<!\d){street}", shown)}
        for pointer, node, street in nodes:
            if not (own and street) or street in own:  # a node with another street describes another home
                yield from _node_readings(node, source, f"{where}#{pointer}")


def _street(node: dict[str, Any]) -> str:
    address = node.get("address")
    line = address.get("streetAddress") if isinstance(address, dict) else address
    found = _HOUSE.match(line) if isinstance(line, str) else None
    return found.group().casefold() if found else ""


def blocks(page: Document) -> list[tuple[str, Any]]:
    """Return the XPath and value of each JSON-LD script, in page order, without visitors' texts. JSON inside
    strings is unpacked."""
    scripts = (s for s in page.root.iter("script") if "ld+json" in (s.get("type") or ""))
    return [
        (page.path(script), without_visitors(lenient_json.unpacked(lenient_json.loads(script.text or ""))))
        for script in islice(scripts, _MOST_BLOCKS)
    ]


def _nodes(value: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for i, item in enumerate(value[:50]):
            yield from _nodes(item, f"{pointer}/{i}")
    elif isinstance(value, dict):
        if "@graph" in value:
            yield from _nodes(value["@graph"], f"{pointer}/@graph")
        kind = node_type(value)
        if _ABOUT_PROPERTY.search(kind) and not _NOT_PROPERTY.search(kind):
            yield pointer, value
        elif isinstance(value.get("mainEntity"), dict):
            yield from _nodes(value["mainEntity"], f"{pointer}/mainEntity")


def node_type(node: dict[str, Any]) -> str:
    """Several types are joined by spaces."""
    kind = node.get("@type", "")
    return " ".join(map(str, kind)) if isinstance(kind, list) else str(kind)


def _node_readings(node: dict[str, Any], source: Source, pointer: str) -> Iterator[Reading]:
    # leave out the availability, which is read below
    yield from (r for r in objects.read(node, source, Place(pointer)) if not r.locator.endswith("/availability"))
    for key in _ID_KEYS:
        value = node.get(key)
        if isinstance(value, str | int):
            yield Reading("ListingId", str(value), source.method, f"{pointer}/{key}", f'"{key}": {value}', 0.75)
    availability = _offer(node).get("availability")
    if isinstance(availability, str):
        word = availability.rpartition("/")[2]
        yield Reading(
            "MlsStatus", word, source.method, f"{pointer}/offers/availability", f'"availability": {availability}', 0.5
        )


def _offer(node: dict[str, Any]) -> dict[str, Any]:
    offer = node.get("offers")
    if isinstance(offer, list):
        offer = offer[0] if offer else None
    return offer if isinstance(offer, dict) else {}
