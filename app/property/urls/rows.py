"""URLs for what one answer says of several properties: the answer's own, with a fragment that names one of them. Pure.

Sites do not see fragments (RFC 3986 section 3.5), and no target has one: whoever asks for such a URL gets the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urldefrag

from app.property.merging.identity import address_of, parcel_of


def row_url(url: str, values: Mapping[str, Any]) -> str | None:
    """The URL of the property that `values` tell, of several at `url`: by its parcel number, else by house, street and
    unit, so that it stays the same in whatever place of the answer it stands. None where neither is told.
    """
    number = parcel_of(values)
    if number is not None:
        return f"{url}#parcel={quote(number)}"
    address = address_of(values)
    if not (address.street_number and address.street_name):
        return None
    named = " ".join(filter(None, (address.street_number, address.street_name, address.unit)))
    return f"{url}#address={quote(named, safe='')}"


def answer_of(url: str) -> str:
    """The URL of the whole answer."""
    return urldefrag(url).url


def is_row(url: str) -> bool:
    """Whether it names one property of several at a URL."""
    return "#" in url
