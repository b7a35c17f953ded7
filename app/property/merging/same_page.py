"""Decide by content whether two fetched pages are the same page, because the URLs they declare may be wrong."""

from collections.abc import Mapping
from typing import Any

from app.property.fields.table import FIELDS, of_kind
from app.property.merging import identity
from app.property.merging.agreement import same_value
from app.property.record import Method
from app.property.source_record import SourceRecord

_IDS = of_kind("identifier")
#: Fields with texts in the site's own words, which may differ between two visits to a page.
_UNSTEADY = frozenset(name for name, spec in FIELDS.items() if spec.group == "text" and spec.own_words)


def is_one_listing(one: SourceRecord, other: SourceRecord) -> bool:
    """Return whether both pages show the same listing.

    Their ids, or their house numbers and streets, must be equal. No id, parcel number, house number, street, unit, ZIP
    code, or state may differ.
    """
    a, b = one.values, other.values
    if identity.contradicts(a, b) or any(_both(name, a, b) and not _same(name, a, b) for name in _IDS):
        return False
    return any(_both(name, a, b) for name in _IDS) or _same_address(a, b)


def says_nothing_new(read: SourceRecord, known: SourceRecord) -> bool:
    """Return whether `known` already has all values of `read`, a page that no model has read yet.

    Free-text fields are ignored, because they may differ between two visits. Fields whose value in `known` came from a
    model are ignored, too.
    """
    steady = [
        name
        for name, proof in read.evidence.items()
        if name not in _UNSTEADY and (name not in known.evidence or known.evidence[name].method is not Method.LLM)
    ]
    return all(name in known.values and same_value(name, read, known) for name in steady)


def agrees(read: SourceRecord, known: SourceRecord) -> bool:
    """Return whether `known` can replace `read`: they have the same body, or the same listing with equal values."""
    if read.content_sha256 == known.content_sha256:
        return True
    return is_one_listing(read, known) and says_nothing_new(read, known)


def _both(name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return bool(a.get(name)) and bool(b.get(name))


def _same(name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return str(a[name]).casefold() == str(b[name]).casefold()


def _same_address(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    one, other = identity.address_of(a), identity.address_of(b)
    named = one.street_number and one.street_name
    return bool(named) and (one.street_number, one.street_name) == (other.street_number, other.street_name)
