"""Which hosts belong together: the registrable domain, by the Public Suffix List (https://publicsuffix.org)."""

from __future__ import annotations

import re
import threading
from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

#: domains whose hosts belong to strangers, and that are not on the list (`one.arcgis.com` and `two.arcgis.com`)
_SHARED_DOMAINS = frozenset(
    (
        # records and maps of many counties
        *("arcgis.com", "arcgisonline.com", "devnetwedge.com", "mapgeo.io", "publicaccessnow.com", "qpublic.net"),
        *("schneidercorp.com", "socrata.com", "tylerhost.net"),
        # sites that anybody can have
        *("godaddysites.com", "idxbroker.com", "jimdosite.com", "medium.com", "mystrikingly.com", "squarespace.com"),
        *("strikingly.com", "tumblr.com", "webnode.page", "wordpress.com"),
    )
)
_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
_READING = threading.Lock()


@lru_cache(maxsize=10_000)
def site_of(host: str) -> str:
    """`county.example` for `www.county.example`; the host itself where it is an address, or a public suffix.

    `host` is ASCII, in small letters, without a final dot. Names below a suffix that its owner gives to strangers
    (`github.io`) are sites of their own.
    """
    if _ADDRESS.fullmatch(host):
        return host
    return _suffixes().privatesuffix(host) or host


def owner_of(host: str) -> str:
    """Return who answers for what `host` says: its site, or the host itself on a domain that strangers share.

    Two hosts with one owner are one source. `host` is spelled as for `site_of`.
    """
    return host if is_shared(host) else site_of(host)


def is_shared(host: str) -> bool:
    """Whether strangers have pages on hosts of its domain, this one perhaps among them."""
    return site_of(host) in _SHARED_DOMAINS


def is_public_suffix(host: str) -> bool:
    """True for `com`, `co.uk` and `github.io`, below which the sites of many are; False for a name of no known kind."""
    return not _ADDRESS.fullmatch(host) and _suffixes(accept_unknown=False).publicsuffix(host) == host


def _suffixes(*, accept_unknown: bool = True) -> PublicSuffixList:
    with _READING:  # by one thread: all others that come meanwhile would read it too
        return _read_suffixes(accept_unknown=accept_unknown)


@cache
def _read_suffixes(*, accept_unknown: bool) -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=accept_unknown)
