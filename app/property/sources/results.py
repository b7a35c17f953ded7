"""Find the link to the requested address on a page of search results. No I/O."""

import re
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from app.property.address import Address, normalize
from app.property.page import Page
from app.property.reading.document import Document
from app.property.reading.search.links import Links

_MOST_LINKS = 2_000
#: Maximum length of a row or card; a longer one may be about several properties, so its text is not used.
_ROW_CHARS = 400
_ROWS = frozenset({"tr", "li", "article", "dd", "p", "div", "td"})
_UNIT = re.compile(r"(?:\b(?:unit|apt|apartment|ste|suite|lot)\b\.?|#)\s*+#?\s*+([\w-]+)")
#: A direction; if it follows the street's name, the street is another one.
_DIRECTION = re.compile(r"(?:[NSEW]|N[EW]|S[EW]|north(?:east|west)?|south(?:east|west)?|east|west)[.,]?", re.IGNORECASE)
_ZIP = re.compile(r"\b\d{5}\b")


def find_link(page: Page, wanted: Address) -> str | None:
    """Return the URL of the only link about `wanted`, or None if there is no link or several different ones.

    Only links to the page's own host are examined. The address must be in the link's text, or in the text of the link's
    row.
    """
    document = Document(page)
    if document.root is None:
        return None
    links = Links(document)
    found: dict[str, None] = {}
    for link in islice(document.root.iter("a"), _MOST_LINKS):
        url = links.target(link.get("href"))
        is_own = url is not None and urlsplit(url).netloc == urlsplit(links.page_url).netloc
        if url is not None and is_own and _is_about(_words_around(link), wanted):
            found[url] = None
            if len(found) > 1:
                return None
    return next(iter(found), None)


def _words_around(link: Any) -> str:
    text = _text(link)
    if re.search(r"\d", text) and re.search(r"[A-Za-z]{2}", text):
        return text
    for around in islice(link.iterancestors(), 4):
        if around.tag not in _ROWS:
            continue
        whole = _text(around)
        others = {a.get("href") for a in islice(around.iter("a"), 10)} - {link.get("href"), None}
        if others or len(whole) > _ROW_CHARS:
            return text
        if re.search(r"\d", whole) and len(whole) > len(text):
            return whole
    return text


def _text(element: Any) -> str:
    return " ".join(" ".join(islice(element.itertext(), 200)).split())[: 2 * _ROW_CHARS]


def _is_about(text: str, wanted: Address) -> bool:
    ours = normalize(wanted)
    if not ours.street_number or not ours.street_name:
        return False
    rest = _behind_house(text, ours.street_number, ours.street_name)
    if rest is None:
        return False
    codes = set(_ZIP.findall(rest))
    if codes and ours.postal_code and ours.postal_code not in codes:
        return False
    unit = _UNIT.search(rest.casefold())
    return (unit[1] if unit else None) == ours.unit


def _behind_house(text: str, number: str, name: str) -> str | None:
    words = text.split()
    width = len(number.split())
    for start in range(len(words)):
        if " ".join(words[start : start + width]).strip(",;:").casefold() != number:
            continue
        for end in range(start + width + len(name.split()) + 1, start + width, -1):
            street = normalize(Address(street=" ".join(words[start:end]).strip(",;:.")))
            if (street.street_number, street.street_name) == (number, name):
                rest = ["unit", street.unit, *words[end:]] if street.unit else words[end:]
                return None if _DIRECTION.fullmatch(" ".join(rest[:1])) else " ".join(rest)
    return None
