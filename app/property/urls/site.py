"""Group hosts into sites. A site is a registrable domain, as determined by the Public Suffix List (https://publicsuffix.org)."""

import re
import threading
from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

#: Domains whose hosts have different owners, although the Public Suffix List does not say so.
_SHARED_DOMAINS = frozenset(
    (
        # domains with records and maps of many counties
        *("arcgis.com", "arcgisonline.com", "devnetwedge.com", "mapgeo.io", "publicaccessnow.com", "qpublic.net"),
        *("schneidercorp.com", "socrata.com", "tylerhost.net"),
        # domains of website builders and blog hosts
        *("godaddysites.com", "idxbroker.com", "jimdosite.com", "medium.com", "mystrikingly.com", "squarespace.com"),
        *("strikingly.com", "tumblr.com", "webnode.page", "wordpress.com"),
    )
)
_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
_READING = threading.Lock()


@lru_cache(maxsize=10_000)
def site_of(host: str) -> str:
    """Return the registrable domain of `host`: `county.example` for `www.county.example`.

    `host` is lower-case ASCII without a final dot. An IP address or a public suffix is returned unchanged. Under a
    suffix such as `github.io`, where anybody can register a name, each name is its own site.
    """
    if _ADDRESS.fullmatch(host):
        return host
    return _suffixes().privatesuffix(host) or host


def owner_of(host: str) -> str:
    """Return the owner of the content of `host`: its site, or the host itself on a shared domain.

    Two hosts with the same owner count as one source. `host` is lower-case ASCII without a final dot.
    """
    return host if is_shared(host) else site_of(host)


def is_shared(host: str) -> bool:
    return site_of(host) in _SHARED_DOMAINS


def is_public_suffix(host: str) -> bool:
    """Return whether `host` is a known public suffix, such as `com`, `co.uk`, or `github.io`."""
    return not _ADDRESS.fullmatch(host) and _suffixes(accept_unknown=False).publicsuffix(host) == host


def _suffixes(*, accept_unknown: bool = True) -> PublicSuffixList:
    with _READING:  # without the lock, several threads would parse the list at once
        return _read_suffixes(accept_unknown=accept_unknown)


@cache
def _read_suffixes(*, accept_unknown: bool) -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=accept_unknown)
