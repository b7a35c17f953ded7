"""Determine a page's URLs: the URL that answered the request, and the canonical URL that the page declares.

A page may declare a wrong URL, such as that of another record, or the same URL on every listing. Therefore, a declared
URL on another host is ignored. A declared URL on the same host is accepted only if the page at that URL has matching
values (`merging/same_page.py`).
"""

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from app.errors.targets import InvalidTargetError
from app.property.page import Page
from app.property.reading import trees
from app.property.urls.targets import normalize_url

_HEAD_CHARS = 256_000
_HEAD_END = re.compile(r"</head\b|<body\b", re.IGNORECASE)


def answered_url(page: Page) -> str:
    """Return the normalized URL that answered the request, or the requested URL if that URL is not a valid target."""
    try:
        return normalize_url(page.final_url)
    except InvalidTargetError:
        return page.url


def canonical_of(page: Page) -> str | None:
    """Return the normalized canonical URL that the page declares, without checking that it is right.

    Return None if the page declares no URL, several URLs, the URL that answered, or a URL on another host or port.
    """
    answered = answered_url(page)
    declared = set(_declared(page))
    if len(declared) != 1:
        return None
    canonical = declared.pop()
    return canonical if canonical != answered and _host(canonical) == _host(answered) else None


def _host(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port


def _declared(page: Page) -> Iterator[str]:
    for url in (page.declared_url, *_links_in_head(page)):
        try:
            if url:
                yield normalize_url(url)
        except InvalidTargetError:
            continue


def _links_in_head(page: Page) -> Iterator[str]:
    if "html" not in page.content_type:
        return
    head = page.text[:_HEAD_CHARS]
    if "canonical" not in head.lower():
        return
    end = _HEAD_END.search(head)
    root = trees.parsed((head[: end.start()] if end else head).replace("\x00", ""))
    if root is None:
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
