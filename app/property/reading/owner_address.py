"""Decide whether a label introduces the property's address or the owner's. County pages often give both."""

import re
from itertools import islice

from app.property.fields.table import ADDRESS_FIELDS
from app.property.reading.document import Document, Segment
from app.property.reading.grids import cell_text
from app.property.reading.terms import words_of

_SITED = re.compile(r"^(?:situs|site|property|physical|location|premises?|parcel) (?:address|location)\b")
_PLACED = frozenset({"location", "situs"})
_STREET = re.compile(r"^\d{1,6}[A-Z]?\s+\S*[A-Za-z]")
_OWNERS = re.compile(
    r"\b(?:owners?|mail|mailing|taxpayer|tax bill|billing|care of|grantee)\b|^name ?(?:/|and|&) ?address$"
)
#: Address labels that may introduce the property's address or the owner's.
_PLAIN = frozenset(
    {"address", "city", "town", "state", "zip", "zip code", "city state zip", "city/state/zip", "city st zip"}
)
_PARTS = frozenset({"_CityStateZip", *(ADDRESS_FIELDS[part] for part in ("city", "state", "postal_code"))})
_ADDRESSES = frozenset({"_Address", ADDRESS_FIELDS["street"]})
_PLACES = _PARTS | _ADDRESSES
_MOST_ABOVE = 8


def names_site(page: Document) -> bool:
    """Return whether the page has a label for the property's address, such as `Situs Address`."""
    labels = (s.text.partition(":")[0] for s in page.segments if len(s.text) <= 120)
    return any(_SITED.search(words_of(label)) for label in labels if len(label) <= 30)


def is_owners(field: str, label: str, segment: Segment, page: Document) -> bool:
    """Return whether an address label introduces the owner's address.

    A label that names the owner always introduces the owner's address. For a plain label such as `Address`, the page's
    other labels for addresses and owners decide.
    """
    words = words_of(label)
    if field in _PLACES and len(segment.text) <= 40 and _OWNERS.search(words_of(segment.text)):
        return True
    if words not in _PLAIN:
        return False
    if field == "_Address":
        above = _labels_above(segment, page) if page.once(placed_streets) else ()
        return page.once(names_site) or any(_OWNERS.search(words_of(one)) for one in above if len(one) <= 30)
    return field in _PARTS and _continues_owners(segment, page)


def placed_streets(page: Document) -> frozenset[str]:
    """Return the street lines right after the labels `Location` and `Situs`, casefolded."""
    return frozenset(
        other.text.casefold()
        for one, other in zip(page.segments, page.segments[1:], strict=False)
        if len(one.text) <= 20 and words_of(one.text) in _PLACED and _STREET.match(other.text) is not None
    )


def _labels_above(segment: Segment, page: Document) -> list[str]:
    """Return the texts above `segment`, nearest first; in a table with several columns, the labels in its column."""
    cell = next((e for e in (segment.owner, *segment.owner.iterancestors()) if e.tag in ("td", "th")), None)
    row = cell.getparent() if cell is not None else None
    if row is not None and len(row) > 2:
        at = row.index(cell)
        rows = islice(row.itersiblings("tr", preceding=True), _MOST_ABOVE // 2)
        if column := [
            text for r in rows if len(r) > at and (text := cell_text(r[at])) and page.meaning(text) is not None
        ]:
            return column
    above = page.segments[max(0, segment.index - _MOST_ABOVE) : segment.index]
    return [s.text.partition(":")[0] for s in reversed(above) if len(s.text) <= 60]


def _continues_owners(segment: Segment, page: Document) -> bool:
    for label in _labels_above(segment, page):
        words, known = words_of(label), page.meaning(label)
        if len(label) <= 30 and _OWNERS.search(words):
            return True
        if known is not None and known.field in _ADDRESSES:
            return words == "address" and page.once(names_site)
    return False
