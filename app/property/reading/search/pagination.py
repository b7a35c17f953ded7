"""Find the next results page: a link that is marked as "next", or the link whose text is the next page number."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import SplitResult, urlsplit

from app.property.fields.phrases import alternatives
from app.property.reading.document import Document
from app.property.reading.search.links import Links
from app.property.reading.terms import words_of
from app.property.reading.trees import whole_text

_MOST_LINKS = 4_000
_NEXT = re.compile(rf"\W*(?:{alternatives('pages', 'next')})\W*", re.IGNORECASE)
_NEXT_NAMES = re.compile(r"(?:^|[\s_-])(?:next|pagination-next|next-page|nextpage)(?=$|[\s_-])", re.IGNORECASE)
_DATES = re.compile(r"\b(?:calendar|datepicker|month|week|day|date|year|event|events)\b")
_DATE_VALUE = re.compile(r"(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])\b|\b\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d")
#: Matches the names of URL parameters for a page, offset, or cursor.
_PAGE_NAMES = re.compile(
    r"^(?:p|pg|pn|pn?o|page.*|.*page|seite|pagina|página|sida|side|strona|str|offset|start|from|skip|begin|first|s|"
    r"index|cursor|after|next.*|token|searchafter|search after)$"
)
_CURSOR_NAMES = re.compile(r"cursor|after|token|next")
#: Matches the end of a path with a page number: `/page/2`, `/2`, `/page-2`, `/2_p`, `/p2`, `/index-2.html`.
_PAGE_END = re.compile(
    r"/(?:(?:page|seite|pagina|sida|strona|p)[-/_=]?\d{1,4}|\d{1,4}(?:_p)?|[a-z]*-?(?:page|p|pg)[-_]?\d{1,4}"
    r"|(?:index|page)[-_]?\d{0,4}\.(?:html?|php|aspx?))/?$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,4}")
_JSON_NEXT = frozenset(
    {"next", "next page", "next page url", "next url", "next link", "odata nextlink", "odata next link", "next href"}
)


def next_page(page: Document, links: Links) -> str | None:
    """Return the normalized URL of the next results page; None on the last page."""
    offered = _in_json(page.json, links) if page.json is not None else _offered(page, links)
    return next((url for url in offered if _goes_on(links.page_url, url)), None)


def _offered(page: Document, links: Links) -> Iterator[str]:
    if page.root is None:
        return
    anchors = list(islice((a for a in page.root.iter("a") if a.get("href")), _MOST_LINKS))
    anchors = [a for a in anchors if not _is_of_dates(a)]
    for element in (*page.root.iter("link"), *anchors):
        if "next" in (element.get("rel") or "").lower().split() and (url := links.target(element.get("href"))):
            yield url
    for anchor in anchors:
        if _says_next(anchor) and (url := links.target(anchor.get("href"))):
            yield url
    yield from _numbered(anchors, links)


def _says_next(anchor: Any) -> bool:
    if (anchor.get("aria-disabled") or "").lower() == "true" or "disabled" in (anchor.get("class") or ""):
        return False
    texts = (whole_text(anchor)[:60], anchor.get("aria-label") or "", anchor.get("title") or "")
    if any(text and _NEXT.fullmatch(text.strip()) for text in texts):
        return True
    return _NEXT_NAMES.search(anchor.get("class") or "") is not None


def _numbered(anchors: list[Any], links: Links) -> Iterator[str]:
    here = _number_of(urlsplit(links.page_url))
    for anchor in anchors:
        text = whole_text(anchor)[:8].strip()
        if _NUMBER.fullmatch(text) and int(text) == here + 1 and (url := links.target(anchor.get("href"))):
            yield url


def _number_of(parts: SplitResult) -> int:
    for name, value in _parameters(parts).items():
        if re.fullmatch(r"p|pg|pn|page.*|.*page|seite|pagina|sida|side|strona|str", words_of(name)) and value.isdigit():
            return int(value) or 1
    return _number_in(parts.path) or 1


def _is_of_dates(anchor: Any) -> bool:
    """Return whether the link is in a calendar, where "next" means the next month."""
    for element in (anchor, *islice(anchor.iterancestors(), 6)):
        if element.tag in ("body", "main"):
            return False
        if _DATES.search(words_of(f"{element.get('class') or ''} {element.get('id') or ''}")):
            return True
    return False


def _goes_on(here: str, there: str) -> bool:
    one, other = urlsplit(here), urlsplit(there)
    if one.netloc != other.netloc or _search_path(one.path) != _search_path(other.path):
        return False
    mine, its = _parameters(one), _parameters(other)
    if any(mine[name] != its.get(name) for name in mine if not _is_page_name(name)):
        return False
    changed = {name: value for name, value in its.items() if mine.get(name) != value}
    if any(_DATE_VALUE.search(value) for value in changed.values()):
        return False
    in_path = _number_in(other.path) != _number_in(one.path)
    return in_path or any(
        _is_page_name(name) and (value.isdigit() or (bool(value) and _CURSOR_NAMES.search(words_of(name)) is not None))
        for name, value in changed.items()
    )


def is_same_search(asked: str, led_to: str) -> bool:
    """Return whether `led_to`, the redirect target of the results page `asked`, is a page of the same search."""
    one, other = urlsplit(asked), urlsplit(led_to)
    hosts = [(parts.hostname or "").removeprefix("www.") for parts in (one, other)]
    paths = [_search_path(parts.path).lower() for parts in (one, other)]
    mine, its = _parameters(one), _parameters(other)
    is_narrowed_alike = all(its.get(name) == value for name, value in mine.items() if not _is_page_name(name))
    return hosts[0] == hosts[1] and paths[0] == paths[1] and is_narrowed_alike


def _is_page_name(name: str) -> bool:
    return _PAGE_NAMES.match(words_of(name)) is not None


def _search_path(path: str) -> str:
    return _PAGE_END.sub("", path).rstrip("/")


def _number_in(path: str) -> int:
    digits = re.findall(r"\d+", end[0]) if (end := _PAGE_END.search(path)) else []
    return int(digits[-1]) if digits else 1


def _parameters(parts: SplitResult) -> dict[str, str]:
    return {name: value for part in parts.query.split("&") if part for name, _, value in [part.partition("=")]}


def _in_json(body: Any, links: Links) -> Iterator[str]:
    """Yield a JSON body's links to the next page, but no cursors: the body does not say how to send a cursor."""
    if not isinstance(body, dict):
        return
    for node in (body, *(v for v in body.values() if isinstance(v, dict))):
        for key, value in node.items():
            if words_of(key.lstrip("@")) not in _JSON_NEXT:
                continue
            link = value.get("href") or value.get("url") if isinstance(value, dict) else value
            if isinstance(link, str) and link.startswith(("http", "/", "?")) and (url := links.target(link)):
                yield url
