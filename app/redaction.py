"""What no text may show that leaves the process: keys, tokens and passwords, by their shape and by their value.

Secrets that follow a pattern are found wherever they come from. The configured ones are found whatever they look like:
whoever reads them (`app.settings`, `app.keypool.keys`) gives them to `protect`. One registry per process; a fork takes
it along. A URL is shown by `shown_url`, by `origin_of` where its path may be secret, and in a text by `redact_urls`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import parse_qsl, quote, unquote, urlsplit

REDACTED = "[redacted]"
#: A configured value that is shorter is not looked for, since it is a part of innocent words; as a URL's password its
#: place gives it away.
SHORTEST_PROTECTED = 8

#: How the names of parameters and headers end whose value is a secret: `api-key` and `X-Amz-Signature`, but neither
#: `key-id` nor `postcode`.
_SECRET_NAME = re.compile(
    r"(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|credentials?|signature|authorization|hmac|jwt|key"
    r"|(?<![a-z])(?:pass|sig|code|auth))\d*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A kind of secret; every text with one has one of `marks`, which costs far less to look for than the pattern."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    shown: str | Callable[[re.Match[str]], str] = REDACTED


def _beginning(word: str, before: str = "A-Za-z0-9") -> str:
    """A pattern for `word` where none of `before` precedes it, unless that belongs to an escape of Python or a URL.

    Looks back from its end, because a pattern that begins with letters is searched for ten times as fast.
    """
    escapes = (r"\\[abfnrtv]", r"\\x[0-9a-f]{2}", r"\\u[0-9a-f]{4}", r"%[0-9A-Fa-f]{2}")
    return f"{word}(?:(?<![{before}]{word})|{'|'.join(f'(?<={escape}{word})' for escape in escapes)})"


def is_secret_name(name: str) -> bool:
    """Whether the value of a parameter or header of this name is a secret."""
    return bool(_SECRET_NAME.search(name))


def _parameter(match: re.Match[str]) -> str:
    """`?name=value`, the value only if the name is innocent."""
    return f"{match[1]}{match[2]}={REDACTED}" if is_secret_name(unquote(match[2])) else match[0]


_SHAPES = (
    # OpenAI keys as they are issued (`sk-`, `sk-proj-`, `sk-svcacct-`, `sk-admin-`, `sess-`); masks
    # (`sk-proj-abc...xyz1`) have no 16 such characters in a row and pass
    _Shape(("sk-", "sess-"), re.compile(rf"(?:{_beginning('sk-')}|{_beginning('sess-')})[A-Za-z0-9_-]{{16,}}")),
    _Shape(("earer ",), re.compile(r"(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}")),
    _Shape(("uthorization",), re.compile(r"(?i)(authorization\W{1,6}basic )[A-Za-z0-9+/=]{4,}"), rf"\1{REDACTED}"),
    _Shape(("://",), re.compile(r"(://[^\s:/?#@'\"<>]*):[^\s/?#'\"<>]+@"), rf"\1:{REDACTED}@"),
    # the signature or the key in a query (Azure, Teams); what is shorter is rather an innocent `code=200`
    _Shape(("?",), re.compile(r"([?&;])([A-Za-z0-9_.%-]{1,40})=[^\s&;#'\"<>\\]{8,}"), _parameter),
    _Shape(("whsec_",), re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,}")),
    # JSON Web Tokens: the first part is JSON, which begins with `{"`. Only where a word begins: a search that began
    # anew at each `eyJ` of a long word would take the square of its length, and strangers fill access logs
    _Shape(
        ("eyJ",),
        re.compile(rf"{_beginning('eyJ', 'A-Za-z0-9_-')}[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]*"),
    ),
)


def redact(text: str) -> str:
    """`text` without any protected value and without anything that looks like a secret."""
    text = _protected.hide(text)
    for shape in _SHAPES:
        for mark in shape.marks:  # not `any`, which takes longer than the search
            if mark in text:
                text = shape.pattern.sub(shape.shown, text)
                break
    return text


# --- URLs


def _url(end: str) -> re.Pattern[str]:
    """A URL from its `://` on, up to any of the characters `end`: who logs in, host and port, path, query.

    The login ends at the last `@` before the path: a password may hold one that nobody has encoded.
    """
    return re.compile(rf"://(?:[^/?#{end}]*@)?([^/?#{end}]*)([^?{end}]*)(\?[^{end}]*)?")


_URL_IN_TEXT = _url(r"\s'\"<>")
_URL_ALONE = _url(r"\0")  # nothing ends it
_PARAMETER = re.compile(r"([?&])([^?=&#]*)=[^&#]*")


def redact_urls(text: str) -> str:
    """`redact`, and of every URL neither who logs in there nor the query: for URLs that strangers made."""
    return redact(_URL_IN_TEXT.sub(lambda url: f"://{url[1]}{url[2]}{f'?{REDACTED}' if url[3] else ''}", text))


def shown_url(url: str) -> str:
    """A URL of the settings as a message may show it: nobody's login, and of the query only what is no secret."""
    return redact(
        _URL_ALONE.sub(lambda it: f"://{it[1]}{it[2]}{_PARAMETER.sub(_parameter, it[3] or '')}", url, count=1)
    )


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL: all of a webhook's that may be shown, since its path often is a secret."""
    found = _URL_ALONE.search(url)
    return f"{url[: found.start()].lower()}://{found[1]}" if found else REDACTED


# --- what is known by its value


def protect(secrets: Iterable[str], shown: Callable[[str], str] | None = None) -> None:
    """From now on `redact` replaces these values wherever they occur, by `shown(secret)` or `[redacted]`.

    Those under `SHORTEST_PROTECTED` characters are left out.
    """
    _protected.add({secret: shown(secret) if shown else REDACTED for secret in secrets})


def url_secrets(url: str, *, path_too: bool = False) -> Iterator[str]:
    """What of a URL must not be shown anywhere: the password, and what is secret in the query.

    With `path_too`, for webhooks, also what is in the path, and the URL as a whole. Not a password that the URL says
    openly as well (`postgres:postgres@`): who knows it knows nothing, and its word would be missing in every line.
    """
    try:
        parts = urlsplit(url)
        password, said = parts.password or "", {parts.scheme, parts.username, parts.hostname, parts.path.strip("/")}
    except ValueError:  # no port, an unclosed bracket: whoever uses it complains
        yield url
        return
    if password not in said:
        yield from (password, unquote(password))
    if parts.username and looks_random(parts.username):  # a token that logs in without a password
        yield parts.username
    for name, text in parse_qsl(parts.query):
        if _SECRET_NAME.search(name) or looks_random(text):
            yield text
    if path_too and parts.scheme in ("http", "https") and (parts.path.strip("/") or parts.query):
        yield url
        yield from filter(looks_random, parts.path.split("/"))


def header_secrets(headers: str) -> Iterator[str]:
    """What of `name=value,...` (values percent-encoded) must not be shown: what its name calls a secret, or its look.

    `x-tenant=production` and `x-sampled=true` are none.
    """
    for header in headers.split(","):
        name, _, value = (part.strip() for part in header.partition("="))
        for form in (value, unquote(value)):
            if "://" in form:
                yield from url_secrets(form)
            elif _SECRET_NAME.search(name) or looks_random(form):
                yield from (form, form.rpartition(" ")[2])  # without `Bearer`


#: 20 letters and digits in a row, of which one is a digit, or a UUID
_LONG = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z]*+\d)[A-Za-z0-9]{20,}+|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
)
#: base64 too
_MIXED = re.compile(r"[A-Za-z0-9_+/=-]{16,}")
_CHANGE = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")


def looks_random(text: str) -> bool:
    """True if some part of `text` can hardly be a word, so that to hide it hides nothing else.

    That is a long one with digits, or 16 characters of which more than a fifth change from small letters to capitals
    or between letters and digits: random ones do so at every second or third, names that are words joined
    (`IncomingWebhook`, `us-east-1-production`) at every seventh. It takes 99 of 100 tokens of 24 characters.
    """
    if _LONG.search(text):
        return True
    return any(5 * len(_CHANGE.findall(run)) > len(run) for run in _MIXED.findall(text))


class Protected:
    """Values to be hidden. Thread-safe; many cost about as much as one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, shown: dict[str, str]) -> None:
        """Hide the keys of `shown`, also as they are written in JSON, in a `repr` and in a URL; a mask wins."""
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
        """`text` with what is shown instead of each value."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._shown[match[0]], text)


def _any_of(words: list[str]) -> str:
    """A pattern for any of the sorted, distinct `words`, the longest first; what they begin with in common stands once.

    So a text is searched once, not once per word.
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
