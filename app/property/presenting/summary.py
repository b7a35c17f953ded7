"""Say in one line which property it is."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from app.plurals import counted
from app.property.address import Address
from app.property.fields.table import FIELDS, of_kind
from app.property.presenting.words import HEADINGS, in_list

#: The headings of the values in a line.
_IN_LINE = frozenset({"price", "beds"})


def headline(record: Mapping[str, Any]) -> str:
    """Return the property's title: its address, else an identifier such as its parcel number."""
    ids = (str(record[name]) for name in of_kind("identifier") if record.get(name))
    return Address.of(record).line or next(ids, "without an address")


def one_line(record: Mapping[str, Any]) -> str:
    """Return the property's title, price, and bedrooms: `12 Elm St, Anytown, ST 00000 · $410,000 asking · 3 beds`."""
    return " · ".join((headline(record), *facts_of(record, _IN_LINE)))


def facts_of(record: Mapping[str, Any], headings: Container[str] = tuple(HEADINGS.values())) -> Iterator[str]:
    """Yield the values of columns of lists, counts with their noun: `$410,000 asking`, `3 beds`, `1,850 sq ft`."""
    for name, heading in HEADINGS.items():
        if heading in headings and (text := in_list(name, record)):
            yield counted(float(text), heading.removesuffix("s")) if FIELDS[name].kind == "count" else text
