"""Say in one line which property it is."""

from collections.abc import Mapping
from typing import Any

from app.plurals import counted
from app.property.address import Address
from app.property.fields.table import of_kind
from app.property.presenting.words import in_list


def headline(record: Mapping[str, Any]) -> str:
    """Return the property's title: its address, else an identifier such as its parcel number."""
    ids = (str(record[name]) for name in of_kind("identifier") if record.get(name))
    return Address.of(record).line or next(ids, "without an address")


def one_line(record: Mapping[str, Any]) -> str:
    """Return the property's title, price, and bedrooms: `12 Elm St, Anytown, ST 00000 · $410,000 asking · 3 beds`."""
    beds = in_list("BedroomsTotal", record)
    rooms = counted(float(beds), "bed") if beds else ""
    return " · ".join(filter(None, (headline(record), in_list("ListPrice", record), rooms)))
