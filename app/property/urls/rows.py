"""Build URLs for the properties in a response that lists several: the response's URL plus a fragment.

Fragments are not sent to sites, so a request for such a URL returns the whole response (RFC 3986 section 3.5).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urldefrag

from app.property.merging.identity import address_of, parcel_of


def row_url(url: str, values: Mapping[str, Any]) -> str | None:
    """Return a URL for one of several properties at `url`, or None if its `values` do not identify it.

    The fragment is the parcel number, or else the house number, street, and unit.
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
    """Return the URL of the whole response that contains the row `url`."""
    return urldefrag(url).url


def is_row(url: str) -> bool:
    """Return whether `url` names one of several properties in a response."""
    return "#" in url
