"""Read schema.org microdata (`itemprop`), except ratings, breadcrumbs, and agents' details other than names."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.property.fields.table import FIELDS, PROSE, of_kind
from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.terms import meaning
from app.property.record import Method

_FOREIGN = re.compile(
    r"Breadcrumb|ImageObject|Rating|WebSite|SearchAction|ListItem|ItemList|Video|Article|"
    r"School|Event$|SiteNavigation"
)
_PEOPLE = re.compile(r"Person")
_OFFICES = re.compile(r"RealEstateAgent|Organi[sz]ation|LocalBusiness|Corporation")
_ATTRIBUTES = {"meta": "content", "time": "datetime", "data": "value", "meter": "value"}
#: Besides listing ids and the names of agents and agencies, only these fields are read from microdata.
_OWN_FIELDS = frozenset(
    {"_Address", *of_kind("address", "place", "coordinate", "currency", "count", "area"), *PROSE}
    | {name for name in of_kind("money", "year") if FIELDS[name].typical}
)
#: Maximum numbers of `itemprop` elements, of `itemscope` elements, and of ancestors per `itemprop` element.
_MOST_PROPERTIES, _MOST_SCOPES, _DEEPEST = 2_000, 300, 250
_TYPICAL = frozenset({"address", "streetAddress", "price"})
_IDS = frozenset({"productid", "sku", "mpn", "identifier"})


def read(page: Document) -> Iterator[Reading]:
    dropped = _second_scopes(page)
    known: dict[Any, tuple[list[str], bool]] = {}  # the scopes around each parent element
    for element in page.having("itemprop")[:_MOST_PROPERTIES]:
        parent = element.getparent()
        if parent not in known:
            known[parent] = _scopes(element, page, dropped)
        scope_types, inside = known[parent]
        if inside:
            yield from _readings(element, scope_types, page)


def _second_scopes(page: Document) -> set[Any]:
    """Return each scope with an address or price that has the type of an earlier scope, because it probably describes
    another property.
    """
    typical = [e for e in page.having("itemprop") if e.get("itemprop") in _TYPICAL][:500]
    stated = {above for element in typical for above in islice(element.iterancestors(), 40) if above.get("itemtype")}
    seen: set[str] = set()
    dropped: set[Any] = set()
    for scope in [e for e in page.having("itemscope") if e.get("itemtype") is not None][:_MOST_SCOPES]:
        kind = scope.get("itemtype", "").rstrip("/").rpartition("/")[2]
        if scope.get("itemprop") or _PEOPLE.search(kind) or _OFFICES.search(kind):
            continue
        if kind in seen and scope in stated:
            dropped.add(scope)
        seen.add(kind)
    return dropped


def _scopes(element: Any, page: Document, dropped: set[Any]) -> tuple[list[str], bool]:
    """Return the types of the scopes around `element`, nearest first, and whether they may describe this property."""
    types: list[str] = []
    for depth, above in enumerate(element.iterancestors()):
        if depth > _DEEPEST or above in dropped or (above in page.skipped and above.tag != "head"):
            return types, False
        if above.get("itemtype"):
            types.append(above.get("itemtype").rstrip("/").rpartition("/")[2])
    return types, not any(_FOREIGN.search(kind) for kind in set(types))


def _readings(element: Any, types: list[str], page: Document) -> Iterator[Reading]:
    value = _value(element)
    if not value or element.get("itemtype") or ("price" in (element.get("itemprop") or "") and _is_estimate(element)):
        return
    people = next((kind for kind in types if _PEOPLE.search(kind) or _OFFICES.search(kind)), None)
    for prop in (element.get("itemprop") or "").split():
        field, confidence = _field(prop, people, types, page.locale.lang)
        if field is not None:
            quote = f"{prop}: {value}"
            yield Reading(field, value, Method.MICRODATA, page.path(element), quote, confidence, prop)


def _is_estimate(element: Any) -> bool:
    for above in islice(element.iterancestors(), 3):
        text = " ".join(" ".join(islice(above.itertext(), 20)).split())
        if len(text) <= 80 and re.search(r"\best(?:imated?|\.)?\b", text, re.IGNORECASE):
            return True
    return False


def _field(prop: str, people: str | None, types: list[str], lang: str | None) -> tuple[str | None, float]:
    if people is not None:
        if prop not in ("name", "legalName"):
            return None, 0.0
        return ("ListAgentFullName" if _PEOPLE.search(people) else "ListOfficeName"), 0.6
    if prop.lower() in _IDS:
        return "ListingId", 0.75
    found = meaning(prop, lang)
    if found is None or found.field not in _OWN_FIELDS:
        return None, 0.0
    return found.field, (0.8 if types else 0.65) * found.trust


def _value(element: Any) -> str:
    attribute = _ATTRIBUTES.get(element.tag)
    text = element.get("content") or (element.get(attribute) if attribute else None)
    if text is None and "address" in (element.get("itemprop") or "").lower():
        text = ", ".join(part.strip(" ,\n") for part in element.itertext() if part.strip(" ,\n"))
    text = text or "".join(element.itertext())
    return " ".join((text or "").split())[:5000]
