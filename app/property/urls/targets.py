"""What may be asked for, a URL or an address, in one spelling: two spellings of one thing are one target.

Says nothing about whether a URL may be fetched: that is `fetch/guard.py`, on the address that the name leads to.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna

from app.errors.targets import InvalidTargetError
from app.property.address import Address, read_target, spell_target
from app.property.urls.spelling import DEFAULT_PORTS, escaped, without_dots
from app.property.urls.tracking import without_tracking

#: longest URL: what browsers and proxies carry, and what a database index holds
MAX_URL_CHARS = 2048
#: longest address: four times what the Postal Service prints on a label's lines
MAX_ADDRESS_CHARS = 300
#: most words of an address: three times what one with a building, a floor, a unit, a county and a country has
MAX_ADDRESS_WORDS = 40
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?=\S)", re.I)
_ID = re.compile(r"[0-9a-f]{32}")
_WORD = re.compile(r"\w+|#")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: `example.com/homes/1`, `www.example.com`
_BARE_URL = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,24}(?:[:/?#]\S*)?", re.I)


def normalise_target(target: str) -> str:
    """`target` in its one spelling: a URL as `normalise_url` gives it, or an address (USPS Publication 28).

    An address is one line, `123 N MAIN ST UNIT 4, ANYTOWN, ST 00000`; outside the US it is the line as it is written
    there, in capitals, with the country's name at its end.

    Raises `InvalidTargetError`, which names the target and what is wrong with it or lacks.
    """
    text = target.strip()
    if not text or _SCHEME.match(text):
        return normalise_url(text)
    return _spelled_address(text, text[:200])


def normalise_watched(target: str) -> str:
    """What can be watched, in its one spelling: the id of a stored property, or a target as `normalise_target` has it.

    Raises `InvalidTargetError`. Whether there is such a property is not known here.
    """
    text = target.strip().lower()
    return text if is_property_id(text) else normalise_target(target)


def is_property_id(text: str) -> bool:
    """Whether that is what ids of properties (and of watches) look like: 32 hexadecimal digits."""
    return _ID.fullmatch(text) is not None


def normalise_url(url: str) -> str:
    """The URL in its one spelling (RFC 3986 section 6.2), without parameters that only track visitors.

    Lower-case scheme and host, no final dot, no default port, no fragment, no `..`, ASCII only, escapes only where one
    is needed. What a site may tell apart stays: the case of the path, the order of parameters, a slash at the end.

    Raises `InvalidTargetError`, which names the target and what is wrong with it.
    """
    text = url.strip()
    shown = text[:200]
    if not text:
        raise InvalidTargetError(shown, "is empty")
    if _CONTROL.search(text):
        raise InvalidTargetError(shown, "holds control characters")
    if not _SCHEME.match(text):
        raise InvalidTargetError(shown, "is not a URL")
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


def is_address(target: str) -> bool:
    """True for an address, False for a URL. `target` is in its one spelling."""
    return not target.startswith(("http://", "https://"))


def host_of_target(target: str) -> str | None:
    """The host that a target leads to; None for an address, which leads to no site by itself."""
    return None if is_address(target) else urlsplit(target).hostname


def address_of_target(target: str) -> Address:
    """The parts of a target that is an address. Raises `InvalidTargetError` for what is none, a URL among them."""
    if not is_address(target):
        raise InvalidTargetError(target[:200], "is a URL, not an address")
    try:
        return read_target(target)
    except ValueError as exc:
        raise InvalidTargetError(target[:200], str(exc)) from exc


def _spelled_address(text: str, shown: str) -> str:
    if _CONTROL.search(re.sub(r"\r?\n|\t", " ", text)):  # an address may come in lines
        raise InvalidTargetError(shown, "holds control characters")
    if _BARE_URL.fullmatch(text):
        raise InvalidTargetError(shown, f"is a URL without its scheme: write https://{text[:150]}")
    if len(text) > MAX_ADDRESS_CHARS:
        raise InvalidTargetError(shown, f"is no URL, and an address has {MAX_ADDRESS_CHARS} characters at most")
    written_out = unicodedata.normalize("NFKC", text)  # one character may stand for eighteen
    if len(written_out) > MAX_ADDRESS_CHARS or len(_WORD.findall(written_out)) > MAX_ADDRESS_WORDS:
        raise InvalidTargetError(shown, f"is no URL, and an address has {MAX_ADDRESS_WORDS} words at most")
    try:
        return spell_target(text)
    except ValueError as exc:
        start = "" if any(char.isdigit() for char in text) else "is neither a URL nor an address: it "
        raise InvalidTargetError(shown, f"{start}{exc}") from exc


def _check(shown: str, parts: SplitResult, host: str | None) -> None:
    if parts.scheme.lower() not in DEFAULT_PORTS:
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
    netloc = host if port in (None, DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    return urlunsplit((scheme, netloc, without_dots(escaped(parts.path)), without_tracking(escaped(parts.query)), ""))
