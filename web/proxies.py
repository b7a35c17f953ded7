"""Find the client's address, and protect against DNS rebinding.

The client's address is the peer address of the connection, or the address that a trusted proxy (`TRUSTED_PROXIES`)
reports. Programs on this machine have special rights: without METRICS_TOKEN, only they can read `/metrics`, and only
they can use tokens signed with the secret in PROPINTEL_HOME. A web page must not gain these rights by making a browser
on this machine request the server under the page's own host name.
"""

import ipaddress
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import ConfigurationError
from app.settings import Settings
from app.settings.forms import is_loopback, names_elsewhere
from web.envelope import failure

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
#: By default, uvicorn trusts a proxy at this address.
_UVICORN_DEFAULT = "127.0.0.1"


class ProxyHeaders:
    """ASGI middleware that sets `scope["client"]` and `scope["scheme"]`. It ignores headers of untrusted clients.

    `scope["client"]` becomes None if uvicorn took the address from a header whose sender is not in TRUSTED_PROXIES. A
    request from this machine for a foreign host name gets 421 (RFC 9110, section 15.5.20).
    """

    def __init__(self, app: ASGIApp, settings: Callable[[], Settings]) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            self._set_client(scope)
            if (refusal := _refusal(scope)) is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _set_client(self, scope: Scope) -> None:
        """Set client and scheme in `scope`, not in a copy, because uvicorn's access log reads the same object."""
        headers = Headers(scope=scope)
        forwarded = [part.strip() for line in headers.getlist("x-forwarded-for") for part in line.split(",")]
        peer: str = scope["client"][0]
        try:
            trusted = self._settings().web.trusted_proxies
        except ConfigurationError:  # the routes that need settings report the error
            trusted = ()
        client = client_of(peer, forwarded, trusted)
        if client != peer:
            scope["client"] = (client, 0) if client is not None else None
        if _is_trusted(peer, trusted) and (scheme := headers.get("x-forwarded-proto")) in ("http", "https"):
            scope["scheme"] = scheme


def _refusal(scope: Scope) -> Response | None:
    client, host = scope["client"], Headers(scope=scope).get("host", "")
    if client is None or not is_loopback(client[0]) or not names_elsewhere(host):
        return None
    message = (
        f"A program on this machine requested the host {host[:200]!r}. Use localhost or an IP address: a web page of"
        " that host may have sent a browser here. For a reverse proxy, set TRUSTED_PROXIES to its address and have it"
        " send X-Forwarded-For."
    )
    return failure("misdirected_request", message, 421)


def client_of(peer: str, forwarded: Sequence[str], trusted: _Networks) -> str | None:
    """Return the client's address, or None if it is unknown: the last of `[*forwarded, peer]` that is not a trusted
    proxy.

    `forwarded` are the addresses in X-Forwarded-For. Each proxy appends the address of its client, but the first client
    can send any addresses in this header. Unless started with `--no-proxy-headers`, uvicorn replaces a loopback `peer`
    by an address from the header. A `peer` that is in `forwarded` may be such a replacement, and is accepted only if
    loopback is in `trusted`.
    """
    if _is_trusted(peer, trusted):
        return _last_untrusted([*forwarded, peer], trusted)
    if peer not in forwarded:
        return peer
    return peer if _is_trusted(_UVICORN_DEFAULT, trusted) and _last_untrusted(forwarded, trusted) == peer else None


def _last_untrusted(chain: Sequence[str], trusted: _Networks) -> str:
    """Addresses before a text that is not an address are not reliable, so the search from the end stops there."""
    found = chain[-1]
    for text in reversed(chain):
        address = _address(text)
        if address is None:
            return found
        found = str(address)
        if not _is_trusted(found, trusted):
            return found
    return found


def _is_trusted(text: str, trusted: _Networks) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> _Address | None:
    """Parse `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, or `[2001:db8::1]:80`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
