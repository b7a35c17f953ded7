"""Recognize pages that redirect with a `Refresh` header or `<meta http-equiv=refresh>`.

Parsing follows the HTML Standard
(https://html.spec.whatwg.org/multipage/semantics.html#shared-declarative-refresh-steps). A refresh within ten seconds
counts as a redirect.
"""

import re

from app.property.reading import trees

_SOON_SECONDS = 10
#: Only this many characters of a page are searched for the `<meta>` element.
_HEAD_CHARS = 65_536
_HINT = re.compile(r"http-equiv\s*+=\s*+[\"']?\s*+refresh", re.IGNORECASE)
_VALUE = re.compile(r"\s*(?P<seconds>\d{1,9})?(?:\.[\d.]*)?(?:\s*[;,]\s*|\s+)(?:url\s*=\s*)?(?P<place>.*)", re.I | re.S)


def refresh(header: str, markup: str) -> str | None:
    """Return the possibly relative URL that the page redirects to within ten seconds, or None.

    `header` is the value of the `Refresh` header, or "". Elements inside `<noscript>` do not count.
    """
    for value in (header, *_stated(markup)):
        if value and (match := _VALUE.fullmatch(value)) is not None and match["seconds"] is not None:
            place = _unquoted(match["place"])
            return place if place and int(match["seconds"]) <= _SOON_SECONDS else None
    return None


def _stated(markup: str) -> list[str]:
    head = markup[:_HEAD_CHARS]
    if "http-equiv" not in head.lower() or not _HINT.search(head):
        return []
    root = trees.parsed(head)
    if root is None:
        return []
    metas = root.xpath("//meta[not(ancestor::noscript or ancestor::template)]")
    return [meta.get("content", "") for meta in metas if meta.get("http-equiv", "").strip().lower() == "refresh"]


def _unquoted(place: str) -> str:
    place = place.strip()
    if place[:1] in {"'", '"'}:
        return place[1:].split(place[0], 1)[0].strip()
    return place
