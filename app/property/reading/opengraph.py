"""Read meta tags: OpenGraph with its real-estate namespaces, `geo.position`, and the description."""

import re
from collections.abc import Iterator

from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.terms import meaning
from app.property.record import Method

#: `_STANDARD` matches OpenGraph names; its group names the field. `_KNOWN` maps other names to a field and a
#: confidence.
_STANDARD = re.compile(
    r"(?:product|og):(price:.*)|place:(location:.*)|"
    r"og:(latitude|longitude|street-address|locality|region|postal-code|country)(?:-name)?"
)
_KNOWN = {"geo.position": ("_Coordinates", 0.7), "icbm": ("_Coordinates", 0.7), "geo.placename": ("City", 0.4)}
#: Names in these namespaces are about the site, except names in `_STANDARD`, `_KNOWN`, or `_DESCRIPTIONS`.
_SITE_NAMESPACES = frozenset({
    "fb", "al", "article", "profile", "video", "music", "book", "viewport", "robots", "msapplication", "apple",
    "google", "theme", "dc", "og"
})  # fmt: skip
_DESCRIPTIONS = ("og:description", "description", "twitter:description")


def read(page: Document) -> Iterator[Reading]:
    for element in page.root.iter("meta"):
        name = str(element.get("property") or element.get("name") or "").strip().lower()
        content = (element.get("content") or "").strip()
        if not name or not content:
            continue
        field, confidence = _KNOWN.get(name, (None, 0.0))
        standard = _STANDARD.fullmatch(name)
        if standard or _is_of_property(name):
            words = standard[standard.lastindex or 0] if standard else name.rpartition(":")[2]
            found = meaning(words, page.locale.lang)
            field, confidence = (found.field, (0.75 if standard else 0.55) * found.trust) if found else (None, 0.0)
        if name in _DESCRIPTIONS:
            field, confidence = "PublicRemarks", 0.3
        if field is not None:
            quote = f"{name}: {content}"
            yield Reading(
                field, content, Method.OPENGRAPH, page.path(element), quote, confidence, name.rpartition(":")[2]
            )


def _is_of_property(name: str) -> bool:
    namespace, colon, _ = name.partition(":")
    is_sites = namespace in _SITE_NAMESPACES or name.startswith(("twitter:label", "twitter:data", "twitter:app"))
    return bool(colon) and not is_sites
