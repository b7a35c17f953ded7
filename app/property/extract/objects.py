"""Reads one JSON object that describes a property: keys through the lexicon, nested objects with their parents' words.

Serves JSON-LD, embedded state and JSON bodies alike. Lists of sales and of tax years are `history.py`; which object of a
page to read is the caller's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from app.property.extract import history
from app.property.extract.readings import Reading
from app.property.extract.terms import Meaning, meaning, words_of
from app.property.record import Method

#: branches on other properties, other people, the site or its words
CUT = re.compile(
    r"\b(?:similar|nearby|recommend\w*|related|comparables?|comps|neighbou?rs?|breadcrumbs?|translations?|i18n|messages|owners?|mailing|mail|users?|"
    r"session|schools?|mortgage|analytics|tracking|seo|ads|advertising|targeting|experiments?|config|filters?|facets|search|footer|header|navigation|menus?|"
    r"query|saved|recently|suggested|other|others|aggregations?|locations? tree|surrounding|collections?|itemlistelement|ispartof|publisher|"
    r"author|potentialaction|mainentityofpage|calculator|transport|poi|images?|photos?|media|pictures|gallery|video|brand colors|logo|nav|"
    r"estimates?|rentals? nearby|competitor\w*|home values?|valuations?|avm|extra features?|ad targets?|tracking config|hubs?|links?|faqs?|reviews?|trends?|market (?:insights|statistics|trends)|suburb (?:insights|profile|data|statistics)|demographics?|appraiz\w*|appraiser)\b"
)


def is_cut(key: str, words: str) -> bool:
    """True for a key whose branch is about something else; a long key is a cache's query, not a name."""
    return len(key) <= 60 and CUT.search(words) is not None


_AGENT = re.compile(r"\b(?:agents?|brokers?|realtors?|negotiators?|listers?|contacts?|sellers?|performer|offeredby|offered by|advertiser|advert owner|ad owner|lister|vendor contact|consultants?|listing agents?)\b")
_OFFICE = re.compile(r"\b(?:office|agency|branch|brokerage|company|organi[sz]ation|estate agents?|customer|account|memberof|member of|listing company|brand|provider|worksfor|agencies)\b")
_NAMES = frozenset({"name", "full name", "fullname", "display name", "title name", "contact name", "agent name", "person name", "legal name", "displayname", "agencyname"})
_OFFICE_KEYS = frozenset({"branch", "company", "agency", "organisation", "organization", "office", "office name", "brokerage", "company name", "branch name", "agency name"})
_LABEL_KEYS = ("localizedLabel", "label", "Label", "displayName", "title", "name", "key", "Key", "term", "heading", "caption", "InfoName", "propertyName", "type", "attributeName", "fieldName")
_VALUE_KEYS = ("localizedValue", "displayValue", "formattedValue", "value", "Value", "values", "content", "text", "InfoValue", "description", "data", "answer", "label")
_AMOUNT_KEYS = ("value", "amount", "price", "raw", "numeric", "min", "displayValue", "formatted", "display", "text", "number", "count", "total", "size", "sqft", "long")
_UNIT_KEYS = ("unitCode", "unitText", "unit", "units", "sizeUnit", "measurement", "unitType", "symbol", "uom")
_UNIT_CODES = {"MTK": "m²", "FTK": "sqft", "SQFT": "sqft", "ACR": "acres", "HAR": "ha", "SQM": "m²", "METRES_SQUARED": "m²", "SQUARE_METRES": "m²", "SQUAREMETER": "m²",
               "SQUARE_METERS": "m²", "SQUARE_FEET": "sqft", "M2": "m²", "SQUAREMETERS": "m²", "SQUAREFEET": "sqft"}  # fmt: skip
_NUMERIC = frozenset({"LivingArea", "LotSizeArea", "ListPrice", "ClosePrice", "TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount", "AssociationFee",
                      "OriginalListPrice", "RoomsTotal", "BathroomsTotalInteger", "_RentWarm"})  # fmt: skip
_GEO = frozenset({"City", "StateOrProvince", "CountyOrParish", "Country", "PostalCode", "UnparsedAddress"})
_MEASURED = _NUMERIC | {"BedroomsTotal", "YearBuilt", "StoriesTotal", "BathroomsFull", "BathroomsHalf", "_Address", "ParkingTotal", "PropertySubType", "MlsStatus"}
_PLAIN_NUMBER = re.compile(r"^-?\d+\.\d+$|^[1-9]\d{0,11}$")
#: what a value loses a level: an object inside the property says less about it than the property itself
_DECAY = 0.03
_DEPTH = 7
_MOST_READINGS = 600
_ONLY_SUFFIXED_SALE = re.compile(r"^(.*?\D)([2-9]|1\d)$")


@dataclass(frozen=True, slots=True)
class Source:
    """How the values of an object are to be marked; `lang` decides which labels are known."""

    method: Method
    confidence: float
    lang: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader stands: JSON pointer, the words of the keys above (nearest last), and whose branch it is."""

    pointer: str
    parents: tuple[str, ...] = ()
    role: str = "property"

    def below(self, key: str | int, words: str) -> Place:
        role = self.role
        if words and _OFFICE.search(words):
            role = "office"
        elif words and _AGENT.search(words) and role != "office":
            role = "agent"
        escaped = str(key).replace("~", "~0").replace("/", "~1")
        parents = (*self.parents, words) if words else self.parents
        return Place(f"{self.pointer}/{escaped}", parents, role)


def read(node: Any, source: Source, place: Place) -> Iterator[Reading]:
    """Everything that `node` (an object or a list) says about the property; at most 600 readings."""
    for count, reading in enumerate(_node(node, source, place, _DEPTH)):
        if count >= _MOST_READINGS:
            return
        yield reading


def _node(node: Any, source: Source, place: Place, depth: int) -> Iterator[Reading]:
    if depth < 0:
        return
    if isinstance(node, dict):
        yield from _object(node, source, place, depth)
    elif isinstance(node, list):
        yield from _list(node, source, place, depth)


def _object(node: dict[str, Any], source: Source, place: Place, depth: int) -> Iterator[Reading]:
    pair = pair_of(node)
    if pair is not None:
        yield from _pair(pair, node, source, place)
        if not any(isinstance(v, list | dict) for v in node.values()):
            return
    if place.role != "property":
        yield from _person(node, source, place)
    yield from _typed(node, source, place)
    yield from history.numbered_sales(node, source, place)
    for key, value in node.items():
        words = words_of(key)
        if value is None or value == "" or (is_cut(key, words) and not meaning(words)):
            continue
        yield from _entry(key, words, value, node, source, place, depth)


def _entry(key: str, words: str, value: Any, node: dict[str, Any], source: Source, place: Place, depth: int) -> Iterator[Reading]:
    found = _meaning(key, words, place, source)
    below = place.below(key, words)
    if found is not None and found.field == "_Ignore" and not (isinstance(value, dict | list) and below.role != "property"):
        return
    if isinstance(value, dict | list):
        if found is not None and place.role == "property":
            yield from _quantity(found, key, value, source, below)
        yield from _node(value, source, below, depth - 1)
        return
    if found is None or place.role != "property" or _ONLY_SUFFIXED_SALE.match(key):
        return
    yield _reading(found, key, value, node, source, below.pointer, len(place.parents))


def _meaning(key: str, words: str, place: Place, source: Source) -> Meaning | None:
    parent = place.parents[-1] if place.parents else ""
    if parent:
        both = meaning(f"{parent} {words}", source.lang)
        if both is not None:
            return both
        if words in ("value", "amount") and (above := meaning(parent, source.lang)) is not None:
            return above
    if place.role == "property":
        return meaning(key, source.lang)
    return None


def _reading(found: Meaning, key: str, value: Any, node: dict[str, Any], source: Source, pointer: str, depth: int = 0) -> Reading:
    if found.field in _NUMERIC and isinstance(value, str) and _PLAIN_NUMBER.match(value.strip()):
        value = float(value)
    label = key
    if found.field in ("LivingArea", "LotSizeArea"):
        label = f"{key} {unit_beside(node, key)}".strip()
    shown = value if isinstance(value, str) else str(value)
    confidence = (source.confidence - _DECAY * max(0, depth - 1)) * found.trust
    return Reading(found.field, value, source.method, pointer, f'"{key}": {shown[:200]}', confidence, label)


def unit_beside(node: dict[str, Any], key: str = "") -> str:
    """The unit that an object names for its own number, as text that `areas.find_unit` reads."""
    names = (*_UNIT_KEYS, f"{key}Units", f"{key}Unit", f"{key}_unit", f"{key}UnitsShort", "lotAreaUnits" if key.startswith("lot") else "livingAreaUnits")
    for name in names:
        unit = node.get(name)
        if isinstance(unit, str) and unit:
            return _UNIT_CODES.get(unit.strip().upper(), unit)
    return ""


def _quantity(found: Meaning, key: str, value: Any, source: Source, place: Place) -> Iterator[Reading]:
    """A field whose value is an object (`{"value": 131, "unitCode": "MTK"}`) or a list of plain values."""
    if isinstance(value, list):
        plain = [v for v in value if isinstance(v, str | int | float) and not isinstance(v, bool)]
        if plain and len(plain) == len(value):
            raw: Any = plain if found.field.startswith("_Coord") or len(plain) > 1 else plain[0]
            if len(plain) == 1 or found.field in ("Roof", "ConstructionMaterials", "Heating", "Cooling", "_Coordinates", "PropertySubType"):
                yield Reading(found.field, raw, source.method, place.pointer, f'"{key}": {plain}'[:200], source.confidence * found.trust, key)
        return
    if found.field not in _MEASURED:
        return
    for name in _AMOUNT_KEYS:
        amount = value.get(name)
        if isinstance(amount, str | int | float) and not isinstance(amount, bool) and amount != "":
            label_key = f"{key} {unit_beside(value)}"
            reading = _reading(replace(found, trust=found.trust), name, amount, value, source, f"{place.pointer}/{name}")
            yield replace(reading, label=label_key, quote=f'"{key}": {{"{name}": {amount}'[:200])
            return


def pair_of(node: dict[str, Any]) -> tuple[str, Any, str] | None:
    """(label, value, key of the value) of an object such as `{"label": "Year built", "value": 1998}`, else None."""
    if len(node) > 14:
        return None
    for value_key in _VALUE_KEYS:
        value = node.get(value_key)
        if isinstance(value, list) and value and all(isinstance(v, str | int | float) for v in value):
            pass
        elif not isinstance(value, str | int | float | bool) or value == "":
            continue
        for label_key in _LABEL_KEYS:
            label = node.get(label_key)
            if label_key != value_key and isinstance(label, str) and 0 < len(label) <= 60:
                return label, value, value_key
    return None


def _pair(pair: tuple[str, Any, str], node: dict[str, Any], source: Source, place: Place) -> Iterator[Reading]:
    label, value, value_key = pair
    labels = [label, *(node[k] for k in _LABEL_KEYS if isinstance(node.get(k), str) and k != value_key)]
    kind = node.get("type") or node.get("level")
    if isinstance(kind, str) and kind != "state" and (geo := meaning(kind, source.lang)) is not None and geo.field in _GEO and isinstance(label, str):
        yield Reading(geo.field, value if isinstance(value, str) else label, source.method, place.pointer, f"{kind}: {label}", source.confidence - 0.05)
        return
    if isinstance(kind, str) and kind != "state" and meaning(kind, source.lang):
        labels.append(kind)
    known = next(((text, m) for text in labels if text != "state" and (m := meaning(text, source.lang)) is not None), None)
    if known is None or known[1].field == "_Ignore" or place.role != "property":
        return
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else value
    text = f"{known[0]}: {value}"
    yield replace(_reading(known[1], known[0], value, node, source, f"{place.pointer}/{value_key}"), quote=text[:200])


def _person(node: dict[str, Any], source: Source, place: Place) -> Iterator[Reading]:
    field = "ListAgentFullName" if place.role == "agent" else "ListOfficeName"
    first, last = (next((node[k] for k in keys if isinstance(node.get(k), str)), "") for keys in (("firstName", "first_name"), ("lastName", "last_name")))
    if first and last and place.role == "agent":
        yield Reading(field, f"{first} {last}", source.method, f"{place.pointer}/firstName", f"{first} {last}", source.confidence)
        return
    for key, value in node.items():
        if isinstance(value, str) and place.role == "agent" and words_of(key) in _OFFICE_KEYS:
            yield Reading("ListOfficeName", value, source.method, f"{place.pointer}/{key}", f'"{key}": {value}'[:200], source.confidence)
    for key, value in node.items():
        if isinstance(value, str) and (words_of(key) in _NAMES or (place.role == "office" and words_of(key) in _OFFICE_KEYS)):
            kind = str(node.get("@type", ""))
            chosen = "ListOfficeName" if field == "ListAgentFullName" and re.search(r"Organi[sz]ation|Agent|Business", kind) else field
            yield Reading(chosen, value, source.method, f"{place.pointer}/{key}", f'"{key}": {value}'[:200], source.confidence)
            return


def _typed(node: dict[str, Any], source: Source, place: Place) -> Iterator[Reading]:
    """GeoJSON-like `{"type": "Point", "coordinates": [lng, lat]}`."""
    spot = node.get("coordinates")
    if node.get("type") == "Point" and isinstance(spot, list) and len(spot) == 2 and place.role == "property":
        yield Reading("_Coordinates", spot[::-1], source.method, f"{place.pointer}/coordinates", str(spot)[:80], source.confidence)


def _list(node: list[Any], source: Source, place: Place, depth: int) -> Iterator[Reading]:
    objects = [v for v in node if isinstance(v, dict)]
    if not objects:
        return
    rows = list(history.rows(objects, source, place))
    if rows:
        yield from rows
        return
    pairs = sum(pair_of(v) is not None for v in objects)
    people = place.role != "property"
    if len(objects) == 1 or people or pairs * 2 >= len(objects) or len(objects) <= 12 and not are_listings(objects):
        for i, item in enumerate(node[:60] if not people else node[:1]):
            yield from _node(item, source, place.below(i, ""), depth - 1)


def are_listings(objects: list[dict[str, Any]]) -> bool:
    """True for a list of several things that each have a price or an address: other properties, not this one."""
    known = [{m.field for k in v if (m := meaning(k)) is not None} for v in objects]
    several = sum(bool(fields & {"ListPrice", "_Address", "UnparsedAddress", "BedroomsTotal", "City"}) for fields in known)
    return several >= 2
