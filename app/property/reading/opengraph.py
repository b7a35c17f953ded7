"""Meta tags: OpenGraph with its real-estate namespaces, `geo.position`, the description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.property.reading.base import Candidate, Reading
from app.property.reading.document import Document
from app.property.reading.readings import candidates_of
from app.property.reading.terms import meaning
from app.property.record import Method

_KNOWN: dict[str, tuple[str, float]] = {
    "product:price:amount": ("ListPrice", 0.75),
    "og:price:amount": ("ListPrice", 0.75),
    "product:price:currency": ("X_Currency", 0.75),
    "og:price:currency": ("X_Currency", 0.75),
    "place:location:latitude": ("Latitude", 0.75),
    "place:location:longitude": ("Longitude", 0.75),
    "og:latitude": ("Latitude", 0.75),
    "og:longitude": ("Longitude", 0.75),
    "geo.position": ("_Coordinates", 0.7),
    "icbm": ("_Coordinates", 0.7),
    "og:street-address": ("UnparsedAddress", 0.7),
    "og:locality": ("City", 0.7),
    "og:region": ("StateOrProvince", 0.7),
    "og:postal-code": ("PostalCode", 0.7),
    "og:country-name": ("Country", 0.5),
    "geo.placename": ("City", 0.4),
}
#: namespaces of sites and platforms that are never about the property
_SITE_NAMESPACES = frozenset({
    "fb", "al", "article", "profile", "video", "music", "book", "viewport", "robots", "msapplication", "apple",
    "google", "theme", "dc", "og"
})  # fmt: skip
_DESCRIPTIONS = ("og:description", "description", "twitter:description")


class OpenGraph:
    """`<meta property=... content=...>` and `<meta name=...>`."""

    name = "opengraph"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        if page.root is None:
            return
        tags = [(_name(e), (e.get("content") or "").strip(), e) for e in page.root.iter("meta")]
        for reading in _named(tags, page):
            yield from candidates_of(reading, page.locale)


def _name(element: Any) -> str:
    return str(element.get("property") or element.get("name") or "").strip().lower()


def _named(tags: list[tuple[str, str, Any]], page: Document) -> Iterator[Reading]:
    for name, content, element in tags:
        if not name or not content:
            continue
        field, confidence = _KNOWN.get(name, (None, 0.0))
        if (
            field is None
            and ":" in name
            and not name.startswith(("twitter:label", "twitter:data", "twitter:app"))
            and name.partition(":")[0] not in _SITE_NAMESPACES
        ):
            found = meaning(name.rpartition(":")[2], page.locale.lang)
            field, confidence = (found.field, 0.55 * found.trust) if found else (None, 0.0)
        if name in _DESCRIPTIONS:
            field, confidence = "PublicRemarks", 0.3
        if field is not None:
            yield Reading(
                field,
                content,
                Method.OPENGRAPH,
                page.path(element),
                f"{name}: {content}",
                confidence,
                re.sub(r".*:", "", name),
            )
