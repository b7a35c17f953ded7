"""Normalize the links of a results page, and classify them by shape."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from app.errors.targets import InvalidTargetError
from app.property.reading.document import Document
from app.property.urls.targets import normalize_url

_NOWHERE = ("#", "javascript:", "mailto:", "tel:", "sms:", "data:", "whatsapp:")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
#: Matches the first word of paths to pages that are not about a property, in the languages of portals.
_ELSEWHERE = re.compile(
    r"^(?:agents?|people|team|staff|members?|brokers?|brokerages?|realtors?|offices?|agency|agencies|makler|anbieter|advertiser|users?|profiles?|"
    r"login|log-in|sign-?in|sign-?up|register|account|saved|favou?rites?|merken|compare|share|contact|about|help|legal|"
    r"privacy|terms|cookies?|blog|news|guides?|articles?|advice|mortgage|mortgages|calculator|schools?|careers?|"
    r"advertise|ads?|redirect|out|track|click|photos?|images?|map|print|open-houses?|calendar)$"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """The kind of page that a link leads to: the host, the path's first word, and whether path or query has a digit."""

    host: str
    first: str
    is_numbered: bool


class Links:
    def __init__(self, page: Document) -> None:
        self.page_url = normalize_url(page.page.final_url)
        self._base = self.page_url
        if page.root is not None:
            declared = next((e.get("href") for e in page.root.iter("base") if e.get("href")), "")
            self._base = _joined(self.page_url, declared or "") or self.page_url
        self.path = urlsplit(self.page_url).path.rstrip("/")
        self._listings: dict[str | None, str | None] = {}

    def target(self, href: str | None) -> str | None:
        """Return the normalized URL of `href`; None if the link does not lead to another web page."""
        text = (href or "").strip()
        if not text or text.lower().startswith(_NOWHERE):
            return None
        url = _joined(self._base, text)
        return None if url is None or url == self.page_url else url

    def listing(self, href: str | None) -> str | None:
        """Return the normalized URL of `href` if it can be a listing; None for other pages, such as a sign-in page."""
        if href not in self._listings:
            self._listings[href] = self._listing(href)
        return self._listings[href]

    def _listing(self, href: str | None) -> str | None:
        url = self.target(href)
        if url is None:
            return None
        parts = urlsplit(url)
        is_home = parts.path in ("", "/") and not parts.query
        same_search = parts.path.rstrip("/") == self.path and not _names_one(parts, urlsplit(self.page_url))
        first = parts.path.strip("/").partition("/")[0].lower()
        return None if is_home or same_search or _ELSEWHERE.match(first) else url


def shape_of(url: str) -> Shape:
    parts = urlsplit(url)
    first = parts.path.strip("/").partition("/")[0]
    is_word = _WORD.fullmatch(first) is not None and first != parts.path.strip("/")
    return Shape(parts.netloc, first.lower() if is_word else "", any(c.isdigit() for c in f"{parts.path}{parts.query}"))


def is_alike(shape: Shape, shapes: Iterable[Shape]) -> bool:
    """Return whether one of `shapes` equals `shape`, apart from the host."""
    return any((one.first, one.is_numbered) == (shape.first, shape.is_numbered) for one in shapes)


def is_one_page(url: str, other: str) -> bool:
    """Return whether two links of a listing's card lead to the same page.

    Their hosts and paths must be equal. Their queries may differ if the path has a digit or a link has no query.
    """
    one, two = urlsplit(url), urlsplit(other)
    is_named = any(c.isdigit() for c in one.path) or not (one.query and two.query)
    return (one.netloc, one.path) == (two.netloc, two.path) and (one.query == two.query or is_named)


def _names_one(link: SplitResult, search: SplitResult) -> bool:
    """Return whether the link's only parameter is new and identifies a page: `/view?id=5` on `/view`."""
    mine = {part.partition("=")[0] for part in link.query.split("&") if part}
    its = {part.partition("=")[0] for part in search.query.split("&") if part}
    return (
        len(mine) == 1
        and not mine & its
        and any(re.search(r"id$|key|slug|listing|property|mls", n, re.I) for n in mine)
    )


def _joined(base: str, href: str) -> str | None:
    try:
        return normalize_url(urljoin(base, href))
    except (InvalidTargetError, ValueError):
        return None
