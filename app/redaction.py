"""Redact secrets (keys, tokens, passwords) in text that leaves the process.

Secrets in a known format are always recognized. Other secrets are recognized if they are registered with `protect`, as
configured secrets are. To show text that contains URLs, use `redact_urls`.
"""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import parse_qsl, quote, unquote, urlsplit

REDACTED = "[redacted]"
#: Registered secrets shorter than this are not redacted, because they may be part of ordinary words. A short password
#: in a URL is still redacted (`_SHAPES`).
SHORTEST_PROTECTED = 8

#: Matches the end of names of parameters and headers that have secret values: `api-key` and `X-Amz-Signature` match,
#: but `key-id` and `postcode` do not.
_SECRET_NAME = re.compile(
    r"(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|credentials?|signature|authorization|hmac|jwt|key"
    r"|(?<![a-z])(?:pass|sig|code|auth))\d*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A format of secrets. Every match of `pattern` contains one of `marks`, which are searched first for speed."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    shown: str | Callable[[re.Match[str]], str] = REDACTED


def _beginning(word: str, before: str = "A-Za-z0-9") -> str:
    """Return a pattern that matches `word` unless a character in `before` precedes it.

    The lookbehind comes after the word, because the search for a pattern that starts with letters is much faster.
    """
    escapes = (r"\\[abfnrtv]", r"\\x[0-9a-f]{2}", r"\\u[0-9a-f]{4}", r"%[0-9A-Fa-f]{2}")
    return f"{word}(?:(?<![{before}]{word})|{'|'.join(f'(?<={escape}{word})' for escape in escapes)})"


def is_secret_name(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


def _parameter(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}={REDACTED}" if is_secret_name(unquote(match[2])) else match[0]


_SHAPES = (
    # OpenAI keys (`sk-`, `sk-proj-`, `sk-svcacct-`, `sk-admin-`, `sess-`). Masks (`sk-proj-abc...xyz1`) do not match,
    # because the dots interrupt them.
    _Shape(("sk-", "sess-"), re.compile(rf"(?:{_beginning('sk-')}|{_beginning('sess-')})[A-Za-z0-9_-]{{16,}}")),
    _Shape(("earer ",), re.compile(r"(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}")),
    _Shape(("uthorization",), re.compile(r"(?i)(authorization\W{1,6}basic )[A-Za-z0-9+/=]{4,}"), rf"\1{REDACTED}"),
    _Shape(("://",), re.compile(r"(://[^\s:/?#@'\"<>]*):[^\s/?#'\"<>]+@"), rf"\1:{REDACTED}@"),
    # Signatures and keys in URL queries.
    _Shape(("?",), re.compile(r"([?&;])([A-Za-z0-9_.%-]{1,40})=[^\s&;#'\"<>\\]{8,}"), _parameter),
    _Shape(("whsec_",), re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,}")),
    # JSON Web Tokens, which start with `eyJ`, the encoding of `{"`. A match must start at the beginning of a word.
    # Otherwise, a word with many `eyJ` would take quadratic time, and attackers can write such words into access logs.
    _Shape(
        ("eyJ",),
        re.compile(rf"{_beginning('eyJ', 'A-Za-z0-9_-')}[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]*"),
    ),
)


def redact(text: str) -> str:
    """Redact registered secrets, and secrets in a known format."""
    text = _protected.hide(text)
    for shape in _SHAPES:
        for mark in shape.marks:  # `any` would be slower than this loop
            if mark in text:
                text = shape.pattern.sub(shape.shown, text)
                break
    return text


# --- URLs


def _url(end: str) -> re.Pattern[str]:
    """Return a pattern for a URL from `://` to a character in `end`, with groups for host and port, path, and query.

    User name and password end at the last `@` before the path, because a password may contain an unencoded `@`.
    """
    return re.compile(rf"://(?:[^/?#{end}]*@)?([^/?#{end}]*)([^?{end}]*)(\?[^{end}]*)?")


_URL_IN_TEXT = _url(r"\s'\"<>")
_URL_ALONE = _url(r"\0")
_PARAMETER = re.compile(r"([?&])([^?=&#]*)=[^&#]*")


def redact_urls(text: str) -> str:
    """Redact `text`, and remove user names, passwords, and queries from its URLs."""
    return redact(_URL_IN_TEXT.sub(lambda url: f"://{url[1]}{url[2]}{f'?{REDACTED}' if url[3] else ''}", text))


def shown_url(url: str) -> str:
    """Return a configured URL for display: without user name and password, and with secrets in its query redacted."""
    return redact(
        _URL_ALONE.sub(lambda it: f"://{it[1]}{it[2]}{_PARAMETER.sub(_parameter, it[3] or '')}", url, count=1)
    )


def origin_of(url: str) -> str:
    """Return the scheme, host, and port of a URL. Use this for webhook URLs, because their paths are often secret."""
    found = _URL_ALONE.search(url)
    return f"{url[: found.start()].lower()}://{found[1]}" if found else REDACTED


# --- configured secrets


def protect(secrets: Iterable[str], shown: Callable[[str], str] | None = None) -> None:
    """Make `redact` replace each of `secrets` with `shown(secret)`, or with `[redacted]` if `shown` is None.

    Values with fewer than `SHORTEST_PROTECTED` characters are ignored.
    """
    _protected.add({secret: shown(secret) if shown else REDACTED for secret in secrets})


def url_secrets(url: str, *, path_too: bool = False) -> Iterator[str]:
    """Yield the secret parts of a URL: its password, a user name that is a token, and secrets in its query.

    If `path_too`, also yield the whole URL and path segments that look random, because webhook URLs have secret paths.
    A password that equals another part of the URL (`postgres:postgres@`) is skipped, because redacting it would garble
    many log lines.
    """
    try:
        parts = urlsplit(url)
        password, public = parts.password or "", {parts.scheme, parts.username, parts.hostname, parts.path.strip("/")}
    except ValueError:
        yield url
        return
    if password not in public:
        yield from (password, unquote(password))
    if parts.username and looks_random(parts.username):
        yield parts.username
    for name, text in parse_qsl(parts.query):
        if _SECRET_NAME.search(name) or looks_random(text):
            yield text
    if path_too and parts.scheme in ("http", "https") and (parts.path.strip("/") or parts.query):
        yield url
        yield from filter(looks_random, parts.path.split("/"))


def header_secrets(headers: str) -> Iterator[str]:
    """Yield the secret values in headers, which are given as `name=value,...` with percent-encoded values.

    A value is secret if its name says so or if it looks random.
    """
    for header in headers.split(","):
        name, _, value = (part.strip() for part in header.partition("="))
        for form in (value, unquote(value)):
            if "://" in form:
                yield from url_secrets(form)
            elif _SECRET_NAME.search(name) or looks_random(form):
                yield from (form, form.rpartition(" ")[2])  # without `Bearer`


#: Matches at least 20 letters and digits including a digit, or a UUID.
_LONG = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z]*+\d)[A-Za-z0-9]{20,}+|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
)
#: Matches at least 16 characters of the base64 alphabets, which include joined words.
_MIXED = re.compile(r"[A-Za-z0-9_+/=-]{16,}")
_CHANGE = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")


def looks_random(text: str) -> bool:
    """Return whether `text` contains a part that looks like a random token.

    A match of `_LONG` looks random. A match of `_MIXED` looks random if more than a fifth of its characters are
    capitals after a small letter, digits after a letter, or letters after a digit. Joined words (`IncomingWebhook`,
    `us-east-1-production`) have fewer of these than random text.
    """
    if _LONG.search(text):
        return True
    return any(5 * len(_CHANGE.findall(run)) > len(run) for run in _MIXED.findall(text))


class Protected:
    """The registered secrets. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, shown: dict[str, str]) -> None:
        """Make `hide` replace each secret in `shown` with the text to which `shown` maps it.

        The JSON, `repr`, and URL encodings of a secret are replaced too. If a secret is added with a mask and with
        `REDACTED`, the mask is used.
        """
        with self._lock:
            merged = dict(self._shown)
            for secret, instead in shown.items():
                for form in {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}:
                    if len(form) >= SHORTEST_PROTECTED and (instead != REDACTED or form not in merged):
                        merged[form] = instead
            if merged.keys() != self._shown.keys():
                self._pattern = re.compile(_any_of(sorted(merged)))
            self._shown = merged

    def hide(self, text: str) -> str:
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._shown[match[0]], text)


def _any_of(words: list[str]) -> str:
    """Return a pattern that matches the longest possible of the sorted, distinct `words`.

    The words share their common prefixes, so that a text is not searched once per word.
    """
    first, last = words[0], words[-1]
    common = next((n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    begin = first[:common]
    ends = [word[common:] for word in words]
    if ends == [""]:
        return re.escape(begin)
    branches = "|".join(_any_of(list(some)) for initial, some in groupby(ends, lambda end: end[:1]) if initial)
    return f"{re.escape(begin)}(?:{branches}){'' if ends[0] else '?'}"


_protected = Protected()
