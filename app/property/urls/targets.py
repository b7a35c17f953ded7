"""Normalize targets (URLs and addresses), so that the same target always has the same spelling."""

import re
import unicodedata
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna

from app.errors.targets import InvalidTargetError
from app.property.address import Address, read_target, spell_target
from app.property.urls.spelling import DEFAULT_PORTS, escaped, without_dots
from app.property.urls.tracking import without_tracking

#: Maximum length of a URL. Browsers, proxies, and database indexes accept URLs of this length.
MAX_URL_CHARS = 2048
#: Maximum number of characters of an address, far more than real addresses have.
MAX_ADDRESS_CHARS = 300
#: Maximum number of words and `#` signs of an address, far more than real addresses have.
MAX_ADDRESS_WORDS = 40
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?=\S)", re.I)
_ID = re.compile(r"[0-9a-f]{32}")
_SHORT_ID = re.compile(r"[0-9a-f]{8,32}")
_WORD = re.compile(r"\w+|#")
#: Matches control characters, and lone surrogates, which UTF-8 cannot encode.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
#: Matches a URL without its scheme, such as `example.com/homes/1`.
_BARE_URL = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,24}(?:[:/?#]\S*)?", re.I)


def normalize_target(target: str) -> str:
    """Return the canonical spelling of `target`, which is a URL (see `normalize_url`) or an address.

    A US address is spelled as USPS Publication 28 says, in one line: `123 N MAIN ST UNIT 4, ANYTOWN, ST 00000`. Other
    addresses are written in capitals, followed by the country's name.

    Raises `InvalidTargetError` with the target and the problem.
    """
    text = target.strip()
    if not text or _SCHEME.match(text):
        return normalize_url(text)
    return _spelled_address(text, text[:200])


def normalize_watched(target: str) -> str:
    """Return the canonical spelling of a target, or of a property id or its first digits.

    Raises `InvalidTargetError` for an invalid target. Does not check that a property with the id exists.
    """
    text = target.strip().lower()
    return text if is_property_id(text, whole=False) else normalize_target(target)


def is_property_id(text: str, *, whole: bool = True) -> bool:
    """Return whether `text` has the form of a property or watch id: 32 hexadecimal digits, or if not `whole` the first
    eight or more of them.
    """
    return (_ID if whole else _SHORT_ID).fullmatch(text) is not None


def normalize_url(url: str) -> str:
    """Return the canonical spelling of `url` (RFC 3986 section 6.2), without tracking parameters.

    The scheme and host are lower-case, and the URL is ASCII with only necessary escapes. A final dot of the host, a
    default port, the fragment, and `..` are removed. The case of the path, the order of parameters, and a final slash
    are kept, because they may matter to a site.

    Raises `InvalidTargetError` with the target and the problem.
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
    return not target.startswith(("http://", "https://"))


def host_of_target(target: str) -> str | None:
    return None if is_address(target) else urlsplit(target).hostname


def address_of_target(target: str) -> Address:
    """Return the parts of an address target. Raises `InvalidTargetError` for a URL or an unreadable address."""
    if not is_address(target):
        raise InvalidTargetError(target[:200], "is a URL, not an address")
    try:
        return read_target(target)
    except ValueError as exc:
        raise InvalidTargetError(target[:200], str(exc)) from exc


def _spelled_address(text: str, shown: str) -> str:
    if _CONTROL.search(re.sub(r"\r?\n|\t", " ", text)):  # an address may have several lines
        raise InvalidTargetError(shown, "holds control characters")
    if _BARE_URL.fullmatch(text):
        raise InvalidTargetError(shown, f"is a URL without its scheme: write https://{text[:150]}")
    if len(text) > MAX_ADDRESS_CHARS:
        raise InvalidTargetError(shown, f"is not a URL, and an address has {MAX_ADDRESS_CHARS} characters at most")
    written_out = unicodedata.normalize("NFKC", text)  # NFKC may replace one character by up to eighteen
    if len(written_out) > MAX_ADDRESS_CHARS or len(_WORD.findall(written_out)) > MAX_ADDRESS_WORDS:
        raise InvalidTargetError(shown, f"is not a URL, and an address has {MAX_ADDRESS_WORDS} words at most")
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
