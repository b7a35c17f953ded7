"""Which page an answer is: the one at the URL that answered, and the canonical URL that it declares for itself.

Pure. A page may declare anything: a stranger's page on the same host, the URL of an office's record; a template, one
URL for every listing. So a declaration is a claim, on the answering host only, and has to be confirmed: the page at
that URL, fetched from there, has to agree (`merging/same_page.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from app.errors.targets import InvalidTargetError
from app.property.page import Page
from app.property.reading import trees
from app.property.urls.targets import normalise_url

#: where a page's head ends at the latest; what stands in its body may be a visitor's
_HEAD_CHARS = 256_000
_HEAD_END = re.compile(r"</head\b|<body\b", re.IGNORECASE)


def answered_url(page: Page) -> str:
    """The URL that answered, in the spelling of a target: the one by which the page is known."""
    try:
        return normalise_url(page.final_url)
    except InvalidTargetError:
        return page.url


def canonical_of(page: Page) -> str | None:
    """The canonical URL that the page declares, in the spelling of a target; a claim that is to be confirmed.

    None where it declares none, or several that cannot all be right, or the URL that answered, or one of another host
    or port.
    """
    answered = answered_url(page)
    declared = set(_declared(page))
    if len(declared) != 1:
        return None
    canonical = declared.pop()
    return canonical if canonical != answered and _host(canonical) == _host(answered) else None


def _host(url: str) -> tuple[str | None, int | None]:
    """The host, and the port unless it is the scheme's own."""
    parts = urlsplit(url)
    return parts.hostname, parts.port


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
