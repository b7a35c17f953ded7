"""Read cache validators and the canonical URL from response headers, and build conditional request headers.

Sources: RFC 9110 section 13 (conditional requests), RFC 9111 section 5.2.2 (Cache-Control of responses), RFC 8288
(Link).
"""

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urljoin

from app.property.page import CacheValidators

#: Cache validators with more characters than this are ignored.
_MOST_CHARACTERS = 1024
#: Only this many characters of a Link header are read.
_MOST_LINK_CHARACTERS = 8192
_VISIBLE = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_LINK = re.compile(r"<([^<>]*+)>((?:\s*+;\s*+[\w!#$&+.^`|~*-]++\s*+(?:=\s*+(?:\"(?:[^\"\\]|\\.)*+\"|[^\s;,\"]*+))?)*+)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)
_DIRECTIVE = re.compile(r"([a-z0-9-]+)(?:\s*=\s*(?:\"([^\"]*)\"|([^\s,]*)))?", re.IGNORECASE)


def validators_of(headers: Mapping[str, str]) -> CacheValidators:
    """Return the cache validators of a response, with `no_store` if the response forbids caching."""
    etag, modified = headers.get("etag", "").strip(), headers.get("last-modified", "").strip()
    if "*" in headers.get("vary", ""):  # with `Vary: *`, the response matches no later request (RFC 9111 section 4.1)
        etag = modified = ""
    return CacheValidators(
        etag=etag if _is_validator(etag) else None,
        last_modified=modified if _is_validator(modified) and http_date(modified) is not None else None,
        no_store="no-store" in directives(headers.get("cache-control", "")),
    )


def conditional_headers(validators: CacheValidators | None) -> dict[str, str]:
    if validators is None:
        return {}
    asked = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in asked.items() if value}


def is_conditional(headers: Mapping[str, str]) -> bool:
    return "if-none-match" in headers or "if-modified-since" in headers


def canonical_link(headers: Mapping[str, str], base: str) -> str | None:
    """Return the absolute canonical URL from the Link header, or None if the header has none or several."""
    found = set[str]()
    for match in _LINK.finditer(headers.get("link", "")[:_MOST_LINK_CHARACTERS]):
        rel = _REL.search(match[2])
        if rel is not None and "canonical" in (rel[1] or rel[2] or "").lower().split():
            try:
                found.add(urljoin(base, match[1].strip()))
            except ValueError:
                continue
    return found.pop() if len(found) == 1 else None


def directives(cache_control: str) -> dict[str, str]:
    """Map each directive of a Cache-Control header, in lower case, to its argument, or to "" if it has none."""
    return {match[1].lower(): match[2] or match[3] or "" for match in _DIRECTIVE.finditer(cache_control)}


def _is_validator(text: str) -> bool:
    return len(text) <= _MOST_CHARACTERS and _VISIBLE.fullmatch(text) is not None


def http_date(text: str) -> datetime | None:
    """Return the moment of an HTTP date, or None if `text` is none. A date without a time zone is in UTC."""
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
