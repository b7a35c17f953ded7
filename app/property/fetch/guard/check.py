"""SSRF protection: turn an untrusted URL into a destination that is safe to connect to, or raise an error.

The host is resolved once, and every address must be public or in a private network that the operator allows. The caller
connects only to the checked addresses (`client/network.py`), so DNS rebinding after the check has no effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import httpx2
import idna

from app.errors.fetching import BlockedAddressError, BlockedPortError, NameNotResolvedError
from app.errors.targets import InvalidTargetError
from app.property.fetch.guard.ranges import (
    IPAddress,
    IPNetwork,
    effective,
    is_metadata_service,
    legacy_ipv4,
    refusal,
    unmapped,
)
from app.property.fetch.guard.resolver import Resolver
from app.property.urls.spelling import DEFAULT_PORTS

MAX_URL_CHARS = 4096

_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)(?:#.*)?", re.DOTALL)
_USERINFO = re.compile(r"//[^/?#]*@")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"0x[0-9a-f]*|[0-9]+")

#: Blocked ports above 1023: the Fetch standard's "bad ports", and the usual ports of data stores, orchestrators, and
#: remote desktops.
# fmt: off
_REFUSED_PORTS = frozenset({
    1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5672,
    5900, 5984, 6000, 6379, 6380, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 8500, 9042, 9092, 9200, 9300,
    10080, 10250, 10255, 11211, 26379, 27017, 27018, 28015,
})
# fmt: on


#: Returns whether a request may enter a private network that the operator allows, at this origin.
type Permission = Callable[[str], bool]


def anywhere(_origin: str) -> bool:
    """Allow every origin, for URLs that a caller or the operator gave."""
    return True


def nowhere(_origin: str) -> bool:
    """Allow no origin, for URLs from public pages."""
    return False


@dataclass(frozen=True, slots=True)
class Destination:
    """A checked URL, and the only IP addresses that may be used to request it.

    `url` is canonical and has no fragment. `host` is ASCII, without brackets or final dot. `is_private` is true if all
    addresses are in private networks that the operator allows.
    """

    url: str
    scheme: str
    host: str
    port: int
    addresses: tuple[IPAddress, ...]
    is_private: bool

    @property
    def origin(self) -> str:
        return _origin(self.scheme, self.host, self.port)


def _origin(scheme: str, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if port == DEFAULT_PORTS[scheme] else f"{scheme}://{shown}:{port}"


def origin_of(url: str) -> str | None:
    """Return the scheme, host, and port of `url`, without a default port, or None if the URL is invalid."""
    try:
        parsed = _parse(url)
    except (InvalidTargetError, BlockedAddressError):
        return None
    return _origin(parsed.scheme, parsed.host, parsed.port)


def check_url(url: str) -> str:
    """Check `url` without resolving its host, and return its canonical form.

    Raises `InvalidTargetError` or `BlockedPortError`. An IP address in an unusual notation raises
    `BlockedAddressError`.
    """
    parsed = _parse(url)
    _check_port(parsed)
    return parsed.url


class Guard:
    """Checks URLs and resolves their hosts. `opened` contains the private networks that the operator allows."""

    def __init__(self, resolver: Resolver, opened: Sequence[IPNetwork] = ()) -> None:
        self._resolver = resolver
        self._opened = tuple(opened)

    def check(self, url: str, *, timeout_seconds: float = 10.0, may_enter: Permission = anywhere) -> Destination:
        """Return the destination of `url`.

        `may_enter` is asked if an address is in a private network that the operator allows. Raises
        `InvalidTargetError`, `BlockedPortError`, `BlockedAddressError`, or `NameNotResolvedError`.
        """
        parsed = _parse(url)
        _check_port(parsed)
        addresses = (parsed.literal,) if parsed.literal else self._resolve(parsed, timeout_seconds)
        private = [address for address in addresses if refusal(address) is not None]
        for address in private:
            self._require_opened(parsed, address)
        if private and not may_enter(_origin(parsed.scheme, parsed.host, parsed.port)):
            raise BlockedAddressError(parsed.url, f"{private[0]} ({refusal(private[0])})")
        return Destination(
            url=parsed.url,
            scheme=parsed.scheme,
            host=parsed.host,
            port=parsed.port,
            addresses=tuple(unmapped(address) for address in addresses),
            is_private=len(private) == len(addresses),
        )

    def _resolve(self, parsed: _Parsed, timeout_seconds: float) -> tuple[IPAddress, ...]:
        try:
            found = self._resolver.resolve(parsed.host, timeout_seconds)
        except OSError as exc:
            raise NameNotResolvedError(parsed.url, exc.strerror or str(exc) or type(exc).__name__) from exc
        if not found:
            raise NameNotResolvedError(parsed.url, "it has no address")
        return tuple(dict.fromkeys(found))

    def _require_opened(self, parsed: _Parsed, address: IPAddress) -> None:
        is_opened = any(address in network or effective(address) in network for network in self._opened)
        if not is_opened or is_metadata_service(address):
            raise BlockedAddressError(parsed.url, f"{address} ({refusal(address)})")


@dataclass(frozen=True, slots=True)
class _Parsed:
    url: str
    scheme: str
    host: str
    port: int
    literal: IPAddress | None


def _invalid(url: str, problem: str) -> InvalidTargetError:
    shown = _USERINFO.sub("//…@", url)
    return InvalidTargetError(shown if len(shown) <= 200 else shown[:199] + "…", problem)


def _parse(url: str) -> _Parsed:
    text = url.strip()
    if len(text) > MAX_URL_CHARS:
        raise _invalid(text, f"it is longer than {MAX_URL_CHARS} characters")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise _invalid(text, "it holds control characters")
    match = _URL.fullmatch(text)
    if match is None:
        raise _invalid(text, "it is not an absolute URL")
    scheme = match["scheme"].lower()
    if scheme not in DEFAULT_PORTS:
        raise _invalid(text, f"its scheme is {scheme!r}, not http or https")
    if "@" in match["authority"]:
        raise _invalid(text, "a user name or password is not allowed in it")
    host, port = _split_authority(text, match["authority"], DEFAULT_PORTS[scheme])
    name, literal = _read_host(text, host)
    return _Parsed(_canonical(text, scheme, name, port, match["rest"]), scheme, name, port, literal)


def _split_authority(url: str, authority: str, default_port: int) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?", authority)
    if match is None or not match[1]:
        raise _invalid(url, "its host or port cannot be read")
    port = int(match[2]) if match[2] else default_port
    if not 1 <= port <= 65535:
        raise _invalid(url, f"there is no port {port}")
    return match[1], port


def _read_host(url: str, host: str) -> tuple[str, IPAddress | None]:
    if host.startswith("["):
        try:
            if "%" in host:
                raise ValueError("zone")
            address = IPv6Address(host[1:-1])
        except ValueError as exc:
            raise _invalid(url, "its IPv6 address cannot be read") from exc
        return str(address), address
    name = _to_ascii(url, host).removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _invalid(url, "its host is no valid name")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        address4 = _read_ipv4(url, name)
        return str(address4), address4
    return name, None


def _to_ascii(url: str, host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True, std3_rules=False, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError) as exc:
        raise _invalid(url, "its host is no valid international name") from exc


def _read_ipv4(url: str, name: str) -> IPv4Address:
    try:
        return IPv4Address(name)
    except ValueError:
        disguised = legacy_ipv4(name)
    if disguised is None:
        raise _invalid(url, "its host is no valid name or address")
    raise BlockedAddressError(url, f"{disguised} in a disguised spelling")


def _canonical(url: str, scheme: str, host: str, port: int, rest: str) -> str:
    """Rebuild the URL from its parsed parts, so that another parser cannot find a different host in it."""
    netloc = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORTS[scheme]:
        netloc += f":{port}"
    path = rest if rest.startswith("/") else f"/{rest}"
    try:
        built = httpx2.URL(f"{scheme}://{netloc}{path}")
    except httpx2.InvalidURL as exc:
        raise _invalid(url, "it cannot be read") from exc
    if (built.raw_host.decode("ascii"), built.port or DEFAULT_PORTS[scheme], built.userinfo) != (host, port, b""):
        raise _invalid(url, "its host can be read in two ways")
    return str(built)


def _check_port(parsed: _Parsed) -> None:
    usual = parsed.port in (80, 443) or parsed.port >= 1024
    if not usual or parsed.port in _REFUSED_PORTS:
        raise BlockedPortError(parsed.url, f"port {parsed.port}, where no web site lives")
