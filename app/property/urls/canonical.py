"""Which page an answer is: the canonical URL that it declares, where that can be believed, else the URL that answered.

Pure. A page may declare anything, and many declare what is wrong: the home page for every listing, a page of search
results, a template's address without the number that names the listing. Believed is what keeps to the site and still
names what the answering URL names; whether two pages then say the same is judged by what they say (`same_page.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from lxml import etree, html

from app.errors.targets import InvalidTargetError
from app.property.page import Page
from app.property.store.targets import normalise_url
from app.property.urls.site import site_of

#: where a page's head ends at the latest; what stands in its body may be a visitor's
_HEAD_CHARS = 256_000
_HEAD_END = re.compile(r"</head\b|<body\b", re.IGNORECASE)
_HOME = re.compile(r"/(?:(?:index|default|home|main)(?:\.[a-z]{2,5})?|[a-z]{2}(?:[-_][a-z]{2})?)?/?", re.IGNORECASE)
_SEARCH = re.compile(
    r"(?:^|[-_/.])(?:search|results?|find|browse|suche|suchergebnisse?|ergebnisse|recherche|resultats?|buscar|resultados"
    r"|szukaj|wyniki|sok|sokresultat|404|not-?found|errors?|login|sign-?in)(?:$|[-_/.])",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
#: an id in a path has so many digits; fewer are pages, floors and house numbers
_ID_DIGITS = 4
#: words that name a listing by themselves, as in `oak-street-cottage`
_SLUG_WORDS = 3


def page_url_of(page: Page) -> str:
    """The URL by which the page is known: in the spelling of a target."""
    try:
        answered = normalise_url(page.final_url)
    except InvalidTargetError:
        return page.url
    declared = set(_declared(page))
    if len(declared) != 1:  # none, or several that cannot all be right
        return answered
    canonical = declared.pop()
    return canonical if is_plausible(canonical, answered) else answered


def is_plausible(canonical: str, answered: str) -> bool:
    """Whether `canonical` may be the page that answered at `answered` (both in the spelling of a target)."""
    if canonical == answered:
        return True
    one, other = urlsplit(canonical), urlsplit(answered)
    if _site(one) != _site(other):
        return False
    if _HOME.fullmatch(one.path) and not one.query:
        return False
    if _SEARCH.search(one.path) and not _SEARCH.search(other.path):
        return False
    return _still_names(one, other)


def _still_names(canonical: SplitResult, answered: SplitResult) -> bool:
    """Whether the canonical URL kept what tells one listing of the site from the next."""
    path, whole = unquote(answered.path).casefold(), unquote(f"{canonical.path}?{canonical.query}").casefold()
    ids = [run for run in re.findall(r"\d+", path) if len(run) >= _ID_DIGITS and not _YEAR.fullmatch(run)]
    if ids:
        return any(run in re.findall(r"\d+", whole) for run in ids)
    slug = path.rstrip("/").rpartition("/")[2].partition(".")[0]
    if len(re.findall(r"[^\W\d_]{2,}", slug)) >= _SLUG_WORDS:
        return slug in whole
    values = [unquote(part.partition("=")[2]).casefold() for part in answered.query.split("&")]
    if values := [value for value in values if value]:
        return all(value in re.split(r"[/?&=.]", whole) for value in values)
    return bool(slug) and slug in whole


def _site(parts: SplitResult) -> tuple[str, int | None]:
    """The registrable domain, and the port unless it is the scheme's own."""
    try:
        return site_of(parts.hostname or ""), parts.port
    except ValueError:
        return "", None


def _declared(page: Page) -> Iterator[str]:
    for url in (page.declared_url, *_links_in_head(page)):
        try:
            if url:
                yield normalise_url(url)
        except InvalidTargetError:
            continue


def _links_in_head(page: Page) -> Iterator[str]:
    if "html" not in page.content_type:
        return
    head = page.text[:_HEAD_CHARS]
    if "canonical" not in head.lower():
        return
    end = _HEAD_END.search(head)
    try:
        parser = html.HTMLParser(encoding="utf-8", recover=True, remove_comments=True, remove_pis=True)
        root = html.document_fromstring(
            (head[: end.start()] if end else head).replace("\x00", "").encode("utf-8", "replace"), parser=parser
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return
    base = _absolute(page.final_url, str(next(iter(root.xpath("//base/@href")), "")))
    for link in root.iter("link"):
        if "canonical" in str(link.get("rel", "")).lower().split() and (href := str(link.get("href", "")).strip()):
            yield _absolute(base, href)


def _absolute(base: str, url: str) -> str:
    try:
        return urljoin(base, url.strip())
    except ValueError:
        return base
