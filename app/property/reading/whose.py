"""Whose address a label introduces: the property's, or that of its owner, whom a county's page names as well."""

from __future__ import annotations

import re

from app.property.reading.document import Document, Segment
from app.property.reading.terms import words_of

_SITED = re.compile(r"^(?:situs|site|property|physical|location|premises?|parcel) (?:address|location)\b")
#: a county's page names the owner, not the house
_OWNERS = re.compile(
    r"\b(?:owners?|mail|mailing|taxpayer|tax bill|billing|care of|grantee)\b|^name ?(?:/|and|&) ?address$"
)
_PLACES = frozenset({"_Address", "UnparsedAddress", "_CityStateZip", "City", "StateOrProvince", "PostalCode"})


def names_site(page: Document) -> bool:
    """True where a label says which address is the property's: `Situs Address`, `Property Location`."""
    labels = (s.text.partition(":")[0] for s in page.segments if len(s.text) <= 120)
    return any(_SITED.search(words_of(label)) for label in labels if len(label) <= 30)


def is_owners(field: str, label: str, segment: Segment, page: Document) -> bool:
    """True for a place's label that names the owner, and for a plain `Address` where another label names the site."""
    if field in _PLACES and len(segment.text) <= 40 and _OWNERS.search(words_of(segment.text)):
        return True
    return field == "_Address" and words_of(label) == "address" and page.once(names_site)
