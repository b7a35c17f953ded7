"""Read a JSON object that describes a property. A key's meaning also depends on the key above it."""

import re
from collections.abc import Iterator
from typing import Any

from app.property.fields.table import ADDRESS_FIELDS, FIELDS, of_kind
from app.property.reading import history, object_keys
from app.property.reading.base import Reading
from app.property.reading.object_values import Place, Source, pair, pair_of, plain, quantity
from app.property.reading.terms import Meaning, meaning, words_of

_BUSINESS = re.compile(r"Organi[sz]ation|Agent|Business")
_ESTIMATE = re.compile(r"\b(?:estimates?|avm|valuation)\b")
_MOST_STEPS = 20
_DEPTH = 7
_MOST_READINGS = 600
_ONLY_SUFFIXED_SALE = re.compile(r"^(.*?\D)([2-9]|1\d)$")

_UNIT_KEYS = frozenset({"unit", "apt", "apartment", "suite", "apt unit", "unit apt"})
_STREETS = frozenset({"_Address", ADDRESS_FIELDS["street"], ADDRESS_FIELDS["street_name"]})
#: Fields whose value names one property.
_NAMES_ONE = frozenset(of_kind("identifier")) | _STREETS
_UNIT_FIELD = ADDRESS_FIELDS["unit"]
#: Fields of `_NAMES_ONE`, and the unit, that two properties never share: units of one building share its street.
_NEVER_SHARED = frozenset({name for name in of_kind("identifier") if FIELDS[name].group == "tax"} | {_UNIT_FIELD})
_TAX_YEARS = frozenset(name for name in of_kind("year") if FIELDS[name].group == "tax")
#: Matches an apartment's identifier: digits with at most one letter before and after them, or one capital letter.
_UNIT = re.compile(r"#?(?:[A-Za-z]?-?\d{1,5}-?[A-Za-z]?|[A-Z])")


def read(node: Any, source: Source, place: Place) -> Iterator[Reading]:
    """Yield what `node` (an object or a list) states about the property, at most 600 readings."""
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
    if history.is_event(node):
        yield from history.of_event(node, source, place.pointer)
        return
    found = pair_of(node)
    if found is not None:
        yield from pair(found, node, source, place)
        if not any(isinstance(v, list | dict) for v in node.values()):
            return
    if place.role != "property":
        yield from _person(node, source, place)
    yield from _unit(node, source, place)
    yield from _halves_of_code(node, source, place)
    yield from history.numbered_sales(node, source, place)
    for key, value in node.items():
        words = words_of(key)
        if isinstance(value, dict) and _ESTIMATE.search(words) and place.role == "property":
            yield from _estimate(value, source, place.below(key, words))
        if value is None or value == "" or (object_keys.is_cut(key, words) and not meaning(words)):
            continue
        yield from _entry((key, words, value), node, source, place, depth)


def _entry(
    entry: tuple[str, str, Any], node: dict[str, Any], source: Source, place: Place, depth: int
) -> Iterator[Reading]:
    key, words, value = entry
    found = _meaning(key, words, place, source)
    below = place.below(key, words)
    if (
        found is not None
        and found.field == "_Ignore"
        and not (isinstance(value, dict | list) and below.role != "property")
    ):
        return
    if isinstance(value, dict | list):
        if found is not None and place.role == "property":
            yield from quantity(found, key, value, source, below)
        yield from _node(value, source, below, depth - 1)
        return
    if found is None or place.role != "property" or _ONLY_SUFFIXED_SALE.match(key):
        return
    yield plain(found, key, value, node, (source, below))


def _estimate(node: dict[str, Any], source: Source, place: Place) -> Iterator[Reading]:
    for key, value in node.items():
        nested = value[0] if isinstance(value, list) and value else value
        if isinstance(nested, dict) and place.pointer.count("/") < _MOST_STEPS:
            inner = place.below(key, words_of(key))
            yield from _estimate(nested, source, inner.below("0", "") if isinstance(value, list) else inner)
        known = meaning(f"estimate {words_of(key).removeprefix('estimate ')}")
        if known is not None and known.field.startswith("X_Estimated") and isinstance(value, int | float | str):
            yield plain(known, key, value, node, (source, place.at(key)))


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


def _person(node: dict[str, Any], source: Source, place: Place) -> Iterator[Reading]:
    def named(field: str, key: str, name: str) -> Reading:
        return Reading(
            field, name, source.method, f"{place.pointer}/{key}", f'"{key}": {name}'[:200], source.confidence
        )

    texts = {words_of(key): (key, value) for key, value in node.items() if isinstance(value, str) and value}
    if place.role == "agent":
        yield from (named("ListOfficeName", *texts[w]) for w in texts if w in object_keys.OFFICE_KEYS)
        if "first name" in texts and "last name" in texts:
            name = f"{texts['first name'][1]} {texts['last name'][1]}"
            quote = ", ".join(f'"{key}": {value}' for key, value in (texts["first name"], texts["last name"]))
            yield Reading("ListAgentFullName", name, source.method, place.pointer, quote[:200], source.confidence)
            return
    known = object_keys.NAMES | (object_keys.OFFICE_KEYS if place.role == "office" else frozenset())
    found = next((texts[words] for words in texts if words in known), None)
    if found is not None:
        works = not {"worksFor", "memberOf"}.isdisjoint(node)  # a node with an employer is a person, not a company
        is_office = place.role == "office" or (not works and _BUSINESS.search(str(node.get("@type", ""))) is not None)
        yield named("ListOfficeName" if is_office else "ListAgentFullName", *found)


def _halves_of_code(node: dict[str, Any], source: Source, place: Place) -> Iterator[Reading]:
    """Join the halves of a British postal code: `{"outcode": "LS17", "incode": "6LD"}`."""
    halves = [str(node[key]) for words in ("outcode", "incode") for key in node if words_of(key) == words]
    if len(halves) == 2 and all(halves) and place.role == "property":
        quote = f'"outcode": {halves[0]}, "incode": {halves[1]}'
        yield Reading("PostalCode", " ".join(halves), source.method, place.pointer, quote[:200], source.confidence)


def _unit(node: dict[str, Any], source: Source, place: Place) -> Iterator[Reading]:
    """Read an apartment (`"unit": "2B"`) if the object also has a street. Without a street, `unit` may be a unit of
    measure.
    """
    if place.role != "property":
        return
    named = next((key for key in node if words_of(key) in _UNIT_KEYS), None)
    if named is None or not isinstance(node[named], str | int) or not _UNIT.fullmatch(str(node[named])):
        return
    streets = (meaning(key, source.lang) for key, value in node.items() if isinstance(value, str | int) and value)
    if any(found is not None and found.field in _STREETS for found in streets):
        quote = f'"{named}": {node[named]}'
        yield Reading(
            _UNIT_FIELD, str(node[named]), source.method, f"{place.pointer}/{named}", quote, source.confidence
        )


def _list(node: list[Any], source: Source, place: Place, depth: int) -> Iterator[Reading]:
    objects = [v for v in node if isinstance(v, dict)]
    if not objects:
        if place.role == "property":
            yield from _lines(node, source, place)
        return
    rows = list(history.rows(objects, source, place))
    if rows:
        yield from rows
        return
    pairs = sum(pair_of(v) is not None for v in objects)
    people = place.role != "property"
    if len(objects) == 1 or people or pairs * 2 >= len(objects) or (len(objects) <= 12 and not are_listings(objects)):
        for i, item in enumerate(node[:60] if not people else node[:1]):
            yield from _node(item, source, place.below(i, ""), depth - 1)


def _lines(node: list[Any], source: Source, place: Place) -> Iterator[Reading]:
    for index, line in enumerate(node[:60]):
        label, colon, value = line.partition(": ") if isinstance(line, str) and len(line) <= 200 else ("", "", "")
        known = meaning(label, source.lang) if colon else None
        if known is not None and value:
            confidence = (source.confidence - 0.05) * known.trust
            yield Reading(known.field, value, source.method, f"{place.pointer}/{index}", line, confidence, label)


def are_listings(objects: list[dict[str, Any]]) -> bool:
    """Return whether at least two of the objects have a price, address, town, or bedrooms, as listings do."""
    known = [{m.field for k in v if (m := meaning(k)) is not None} for v in objects]
    several = sum(
        bool(fields & {"ListPrice", "_Address", "UnparsedAddress", "BedroomsTotal", "City"}) for fields in known
    )
    return several >= 2


def are_of_one(items: list[Any]) -> bool:
    """Return whether several objects are about one property, such as the tax bills of one parcel: all state the same
    parcel number, listing id, or address, and none states a parcel number or unit that another does not.
    """
    found = [set(_names_in(item)) for item in items if isinstance(item, dict)]
    if len(found) < 2 or len(found) < len(items):
        return False
    own = [{(field, name) for field, name in names if field in _NEVER_SHARED} for names in found]
    return bool(set.intersection(*found)) and all(one == own[0] for one in own)


def newest_of(items: list[dict[str, Any]]) -> int:
    """Return the place of the object with the latest tax year, or of the first object if no object has a year."""
    years = [max((int(v) for k, v in item.items() if _is_year(k, v)), default=0) for item in items]
    return years.index(max(years))


def _names_in(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in item.items():
        if not isinstance(value, str | int) or isinstance(value, bool):
            continue
        field = _UNIT_FIELD if words_of(key) in _UNIT_KEYS else known.field if (known := meaning(key)) else ""
        if field == _UNIT_FIELD or (field in _NAMES_ONE and any(map(str.isdigit, str(value)))):
            yield field, str(value).strip().casefold()


def _is_year(key: str, value: Any) -> bool:
    known = meaning(key)
    return known is not None and known.field in _TAX_YEARS and str(value).isdigit()
