"""Types of settings, which validate the values. Their error messages never show a secret."""

import base64
import ipaddress
import os
import re
from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

#: Prefixes of URLs of local files. Their paths may contain `@`, so they are not searched for an unencoded password.
_WITHOUT_PASSWORD = ("unix://", "sqlite")
_PASSWORD_PARAMETERS = frozenset({"pass", "passwd", "password", "pwd"})
_UNENCODED = (
    "has an invalid port, or a character in its password that must be percent-encoded (/ is %2F, # %23, ? %3F, @ %40)"
)
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
#: `user:password` in printable ASCII. The password must be long, because Flower does not limit login attempts.
_LOGIN = re.compile("[!-9;-~]+:[!-~]{16,}")
_HOST = re.compile(r"[a-z0-9:]([a-z0-9._:-]*[a-z0-9])?")
_PREFIX = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


def is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def names_elsewhere(host: str) -> bool:
    """Return whether a Host header contains a name other than localhost. IP addresses are not names.

    If `evil.example` resolves to 127.0.0.1 (DNS rebinding), its pages could otherwise read this server's responses.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return True
    return bool(name) and name != "localhost" and not name.endswith(".localhost") and _address(name) is None


def flower_logins(text: str) -> list[str]:
    """Return the logins in `user:password,...`. Raises `ValueError`, whose message contains no password."""
    logins = [part.strip() for part in text.split(",") if part.strip()]
    if not logins or not all(_LOGIN.fullmatch(login) for login in logins):
        form = "user:password, several separated by commas, each password with at least 16 characters"
        raise ValueError(f"must be {form}, of ASCII and without blanks; create one with `openssl rand -hex 16`")
    return logins


def _secret(check: Callable[[str], object]) -> AfterValidator:
    def checked(value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check(value.get_secret_value())
        return value

    return AfterValidator(checked)


def _text(change: Callable[[str], object]) -> BeforeValidator:
    return BeforeValidator(lambda value: change(value) if isinstance(value, str) else value)


def _redis(url: str) -> None:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("is not a Redis URL like redis://host:6379/0, rediss://... or unix:///path")


def _redis_tls(url: str) -> None:
    """Check the TLS parameters. Given some wrong parameters, Celery waits forever and does not name the wrong one."""
    try:
        given = {name: text for name, text in parse_qsl(urlsplit(url).query) if name.startswith("ssl_")}
    except ValueError:  # `password_before_host` reports an invalid URL
        return
    if given and not url.startswith("rediss://"):
        raise ValueError(f"has {', '.join(given)}, which need TLS; write rediss://")
    if (reqs := given.get("ssl_cert_reqs", "required")) not in ("required", "optional", "none"):
        raise ValueError(f"has ssl_cert_reqs={reqs}; use required, optional, or none")
    for name in _TLS_FILES:
        if name in given and not os.access(given[name], os.R_OK):
            raise ValueError(f"names {given[name]} as {name}, which this process cannot read")


def password_before_host(url: str) -> None:
    """Reject a password in the query, or with unencoded special characters, because it would not be redacted."""
    if _has_password_in_query(url):
        scheme = url.partition("://")[0]
        place = "/path/to/socket" if scheme == "unix" else "host"
        raise ValueError(
            f"has its password in the query; write it before the host instead, as in {scheme}://user:password@{place}"
        )
    if not url.startswith(_WITHOUT_PASSWORD):
        parts = _parsed(url)
        if "@" in f"{parts.netloc.partition('@')[2]}{parts.path}{parts.query}{parts.fragment}":
            raise ValueError(_UNENCODED)


def _has_password_in_query(url: str) -> bool:
    try:
        return any(name.lower() in _PASSWORD_PARAMETERS for name, _ in parse_qsl(urlsplit(url).query))
    except ValueError:
        return False


def _parsed(url: str) -> SplitResult:
    """Return the parts of `url`.

    Raises `ValueError` for an invalid port, which is usually part of a password with unencoded characters.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(_UNENCODED) from None
    return parts


def _webhook(url: str) -> None:
    """Check only that the URL is absolute and has a valid port. When a worker starts, it checks the rest of the URL."""
    if not re.match(r"https?://[^/]", url, re.IGNORECASE):
        raise ValueError("is not an absolute http:// or https:// URL")
    _parsed(url)


def _otlp(url: str | None) -> str | None:
    if url is not None and not url.startswith(("http://", "https://")):
        raise ValueError("is not an http or https URL like http://localhost:4318")
    return url


def _whole(url: str | None) -> str | None:
    if url is not None:
        password_before_host(url)
    return url


def _of_32_bytes(text: str) -> None:
    if len(text.encode()) < 32:
        raise ValueError("must have at least 32 bytes; create one with `openssl rand -hex 32`")


def _hard_to_guess(text: str) -> None:
    if not re.fullmatch("[!-~]{16,}", text):
        remedy = "create one with `openssl rand -hex 32`"
        raise ValueError(f"must have at least 16 characters, of ASCII and without blanks; {remedy}")


def _signing(text: str) -> None:
    if not (text.startswith("whsec_") and 24 <= _base64_bytes(text[6:]) <= 64):
        remedy = "create one with `echo whsec_$(openssl rand -base64 32)`"
        raise ValueError(f"must be whsec_ and the base64 of 24 to 64 bytes; {remedy}")


def _base64_bytes(text: str) -> int:
    try:
        return len(base64.b64decode(text, validate=True))
    except ValueError:
        return -1


def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _proxies(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    networks = _networks(text)
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("would trust every machine; name the addresses of your proxies")
    return networks


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip().lower().rstrip(".") for part in text.split(",") if part.strip())
    wrong = next((host for host in hosts if not _HOST.fullmatch(host)), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} is not a host; use names like `www.county.example`, without scheme, port or path")
    return hosts


def _path(text: str) -> str:
    """Return the path without leading and trailing slashes, because Flower would treat them as part of the path."""
    prefix = text.strip().strip("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ValueError("must be a path of letters, digits, - and _, like flower or tools/flower")
    return prefix


#: An amount of US dollars, at most a billion, so that millionths of a dollar are exact numbers in Lua and Python.
Dollars = Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False)]
Stripped = Annotated[str, AfterValidator(str.strip)]
UrlPath = Annotated[str, AfterValidator(_path)]
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

OtlpUrl = Annotated[str | None, AfterValidator(_otlp), AfterValidator(_whole)]
JwksUrl = Annotated[str | None, AfterValidator(_whole)]
RedisUrl = Annotated[SecretStr | None, _secret(_redis), _secret(_redis_tls), _secret(password_before_host)]
UrlWithLogin = Annotated[SecretStr | None, _secret(password_before_host)]
WebhookUrl = Annotated[SecretStr | None, _secret(_webhook)]
#: A key of HMAC-SHA256. It must be at least as long as the hash (RFC 2104 section 3; for tokens, RFC 7518 section 3.2).
HmacKey = Annotated[SecretStr | None, _secret(_of_32_bytes)]
#: A symmetric secret in the format of the Standard Webhooks specification.
WebhookSecret = Annotated[SecretStr | None, _secret(_signing)]
BearerToken = Annotated[SecretStr | None, _secret(_hard_to_guess)]
FlowerLogins = Annotated[SecretStr | None, _secret(flower_logins)]
