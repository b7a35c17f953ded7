"""The forms of values: types for the fields of `Settings`, with what a value of each has to be.

What is said of a wrong secret never shows it.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

#: URLs of files, whose paths may hold anything
_WITHOUT_PASSWORD = ("unix://", "sqlite")
_PASSWORD_PARAMETERS = frozenset({"pass", "passwd", "password", "pwd"})
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
#: `user:password`, printable ASCII without blanks; nobody counts wrong guesses, so the password is long
_LOGIN = re.compile("[!-9;-~]+:[!-~]{16,}")
_HOST = re.compile(r"[a-z0-9:]([a-z0-9._:-]*[a-z0-9])?")
_PREFIX = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


def is_loopback(host: str) -> bool:
    """True for an address of this machine's own loopback, and for its name."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def names_elsewhere(host: str) -> bool:
    """True for a Host header with a name that a stranger may lead to this machine: any but localhost, and no address.

    A browser keeps apart what has different names. So a page of `evil.example`, whose name leads to 127.0.0.1 of late
    (DNS rebinding), may read what is answered under that name.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return True
    return bool(name) and name != "localhost" and not name.endswith(".localhost") and _address(name) is None


def flower_logins(text: str) -> list[str]:
    """`user:password,...` one by one. Raises `ValueError` with what is wrong, never with the value."""
    logins = [part.strip() for part in text.split(",") if part.strip()]
    if not logins or not all(_LOGIN.fullmatch(login) for login in logins):
        form = "user:password, several separated by commas, each password with at least 16 characters"
        raise ValueError(f"must be {form}, of ASCII and without blanks; make one with `openssl rand -hex 16`")
    return logins


def _secret(check: Callable[[str], object]) -> AfterValidator:
    """`check` raises `ValueError` if the secret, where there is one, is not as it has to be."""

    def checked(value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check(value.get_secret_value())
        return value

    return AfterValidator(checked)


def _text(change: Callable[[str], object]) -> BeforeValidator:
    """`change` makes of the text that the environment gives what the type asks for; a default is it already."""
    return BeforeValidator(lambda value: change(value) if isinstance(value, str) else value)


def _redis(url: str) -> None:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("is not a Redis URL like redis://host:6379/0, rediss://... or unix:///path")


def _redis_tls(url: str) -> None:
    """Celery waits for ever on some of this, and tells of none of it which file or word is wrong."""
    try:
        given = {name: text for name, text in parse_qsl(urlsplit(url).query) if name.startswith("ssl_")}
    except ValueError:  # said by who looks for the password
        return
    if given and not url.startswith("rediss://"):
        raise ValueError(f"names {', '.join(given)}, which are of TLS; write rediss:// for it")
    if (reqs := given.get("ssl_cert_reqs", "required")) not in ("required", "optional", "none"):
        raise ValueError(f"has ssl_cert_reqs={reqs}, which is none of required, optional and none")
    for name in _TLS_FILES:
        if name in given and not os.access(given[name], os.R_OK):
            raise ValueError(f"names {given[name]} as {name}, which is no file that this process can read")


def _password_in_its_place(url: str) -> None:
    """A password that ends the host's part of a URL would be taken for something else, and shown.

    One in the query is found by some clients only (Celery's does not look there), and shown by others.
    """
    if _has_password_in_query(url):
        scheme = url.partition("://")[0]
        place = "/path/to/socket" if scheme == "unix" else "host"
        raise ValueError(
            "carries its password as a query parameter; take it out there and write it before the host,"
            f" as in {scheme}://user:password@{place}"
        )
    if not url.startswith(_WITHOUT_PASSWORD) and not _is_whole(url):
        raise ValueError("has a character in its password that must be percent-encoded (/ is %2F, # %23, ? %3F, @ %40)")


def _has_password_in_query(url: str) -> bool:
    try:
        return any(name.lower() in _PASSWORD_PARAMETERS for name, _ in parse_qsl(urlsplit(url).query))
    except ValueError:
        return False


def _is_whole(url: str) -> bool:
    """True if host and port of `url` are where they belong, and no rest of a password behind them."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return "@" not in f"{parts.path}{parts.query}{parts.fragment}"


def _webhook(url: str) -> None:
    """What can be said without knowing where webhooks may go; the rest when a worker starts."""
    if not re.match(r"https?://[^/]", url, re.IGNORECASE):
        raise ValueError("is not an absolute http:// or https:// URL")


def _otlp(url: str | None) -> str | None:
    if url is not None and not url.startswith(("http://", "https://")):
        raise ValueError("is not an http or https URL like http://localhost:4318")
    return url


def _of_32_bytes(text: str) -> None:
    if len(text.encode()) < 32:
        raise ValueError("must have at least 32 bytes; make one with `openssl rand -hex 32`")


def _hard_to_guess(text: str) -> None:
    if not re.fullmatch("[!-~]{16,}", text):
        remedy = "make one with `openssl rand -hex 32`"
        raise ValueError(f"must have at least 16 characters, of ASCII and without blanks; {remedy}")


def _signing(text: str) -> None:
    if not (text.startswith("whsec_") and 24 <= _base64_bytes(text[6:]) <= 64):
        remedy = "make one with `echo whsec_$(openssl rand -base64 32)`"
        raise ValueError(f"must be whsec_ and the base64 of 24 to 64 bytes; {remedy}")


def _base64_bytes(text: str) -> int:
    """How many bytes the base64 `text` stands for; -1 if it is none."""
    try:
        return len(base64.b64decode(text, validate=True))
    except ValueError:
        return -1


def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _proxies(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    networks = _networks(text)
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("would believe everybody; name the addresses of your proxies")
    return networks


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip().lower().rstrip(".") for part in text.split(",") if part.strip())
    wrong = next((host for host in hosts if not _HOST.fullmatch(host)), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} is no host; give names like `www.county.example`, without scheme, port or path")
    return hosts


def _path(text: str) -> str:
    """Without slashes around it: Flower would take them for a part of it."""
    prefix = text.strip().strip("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ValueError("must be a path of letters, digits, - and _, like flower or tools/flower")
    return prefix


#: an amount of US dollars; counted in millionths, of which a billion dollars has few enough to be exact everywhere
Dollars = Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False)]
Stripped = Annotated[str, AfterValidator(str.strip)]
UrlPath = Annotated[str, AfterValidator(_path)]
#: comma-separated
Hosts = Annotated[tuple[str, ...], NoDecode, _text(_hosts)]
Networks = Annotated[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...], NoDecode, _text(_networks)]
Proxies = Annotated[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...], NoDecode, _text(_proxies)]

LogFormat = Annotated[Literal["auto", "json", "text"], _text(lambda text: text.strip().lower())]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] | None, _text(lambda text: text.strip().upper())
]
ModelUse = Annotated[Literal["always", "missing", "never"], _text(lambda text: text.strip().lower())]
OnOff = Annotated[Literal["on", "off"], _text(lambda text: text.strip().lower())]
ServiceTier = Annotated[Literal["auto", "default", "flex", "priority"] | None, _text(lambda text: text.strip().lower())]

OtlpUrl = Annotated[str | None, AfterValidator(_otlp)]
RedisUrl = Annotated[SecretStr | None, _secret(_redis), _secret(_redis_tls), _secret(_password_in_its_place)]
UrlWithLogin = Annotated[SecretStr | None, _secret(_password_in_its_place)]
WebhookUrl = Annotated[SecretStr | None, _secret(_webhook)]
#: a key of HMAC-SHA256 is as long as the hash at least (RFC 2104 section 3, for tokens RFC 7518 section 3.2)
HmacKey = Annotated[SecretStr | None, _secret(_of_32_bytes)]
#: in the form and of the lengths that the Standard Webhooks specification gives a symmetric secret
WebhookSecret = Annotated[SecretStr | None, _secret(_signing)]
BearerToken = Annotated[SecretStr | None, _secret(_hard_to_guess)]
FlowerLogins = Annotated[SecretStr | None, _secret(flower_logins)]
