"""What may be asked for, in one spelling: two spellings of one URL are one target, and so are two ways to come to it.

Says nothing about whether a URL may be fetched: that is `fetch/guard.py`, on the address that the name leads to.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna

from app.errors import InvalidTargetError
from app.property.urls.spelling import escaped, without_dots
from app.property.urls.tracking import without_tracking

#: longest URL: what browsers and proxies carry, and what a database index holds
MAX_URL_CHARS = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)


def normalise_target(target: str) -> str:
    """The URL in its one spelling (RFC 3986 section 6.2), without parameters that only track visitors.

    Lower-case scheme and host, no final dot, no default port, no fragment, no `..`, ASCII only, escapes only where one
    is needed. What a site may tell apart stays: the case of the path, the order of parameters, a slash at the end.

    Raises `InvalidTargetError`, which names the target and what is wrong with it.
    """
    text = target.strip()
    shown = text[:200]
    if not text:
        raise InvalidTargetError(shown, "is empty")
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise InvalidTargetError(shown, "holds control characters")
    if not _SCHEME.match(text):
        raise InvalidTargetError(shown, "is not a URL; addresses as targets are not supported by this version")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise InvalidTargetError(shown, f"is not a valid URL ({exc})") from exc
    _check(shown, parts, host)
    url = _assemble(parts, _ascii_host(shown, host or ""), port)
    if len(url) > MAX_URL_CHARS:
        raise InvalidTargetError(shown, f"has more than {MAX_URL_CHARS} characters")
    return url


def _check(shown: str, parts: SplitResult, host: str | None) -> None:
    if parts.scheme.lower() not in _DEFAULT_PORTS:
        raise InvalidTargetError(shown, f"has the scheme {parts.scheme!r}, not http or https")
    if not host:
        raise InvalidTargetError(shown, "names no host")
    if parts.username is not None or parts.password is not None:
        raise InvalidTargetError("(a URL with a user name in it)", "must not carry a user name or password")


def _ascii_host(shown: str, host: str) -> str:
    host = host.lower()
    if ":" in host:
        return f"[{host}]"
    try:
        ascii_host = (
            host if host.isascii() else idna.encode(host, uts46=True, std3_rules=False, transitional=False).decode()
        )
    except (idna.IDNAError, UnicodeError) as exc:
        raise InvalidTargetError(shown, "has a host name that is not valid") from exc
    if not ascii_host.strip("."):
        raise InvalidTargetError(shown, "names no host")
    return ascii_host.removesuffix(".")


def _assemble(parts: SplitResult, host: str, port: int | None) -> str:
    scheme = parts.scheme.lower()
    netloc = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    return urlunsplit((scheme, netloc, without_dots(escaped(parts.path)), without_tracking(escaped(parts.query)), ""))
