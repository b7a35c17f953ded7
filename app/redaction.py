"""Redact secrets (keys, tokens, passwords) in all text that leaves the process, by their form and by their value.

Secrets with a known form are found wherever they come from. Configured secrets are found by their value, because
`app.settings` and `app.keypool.keys` pass them to `protect`. Each process has one registry, which forked children
inherit. Show URLs with `shown_url`, with `origin_of` if the path may be secret, and in text with `redact_urls`.
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
#: Configured values shorter than this are not redacted by value, because they occur in ordinary words. A short password
#: in a URL is redacted by its position.
SHORTEST_PROTECTED = 8

#: Matches the end of the name of a parameter or header with a secret value: `api-key` and `X-Amz-Signature` match, but
#: `key-id` and `postcode` do not.
_SECRET_NAME = re.compile(
    r"(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|credentials?|signature|authorization|hmac|jwt|key"
    r"|(?<![a-z])(?:pass|sig|code|auth))\d*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A form of secret. Each match of `pattern` contains one of `marks`, which are much faster to search for."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    shown: str | Callable[[re.Match[str]], str] = REDACTED


def _beginning(word: str, before: str = "A-Za-z0-9") -> str:
    """Return a pattern for `word` where no character of `before` precedes it, except as the end of an escape.

    The lookbehind is at the end, because a search for a pattern that starts with letters is ten times as fast.
    """
    escapes = (r"\\[abfnrtv]", r"\\x[0-9a-f]{2}", r"\\u[0-9a-f]{4}", r"%[0-9A-Fa-f]{2}")
    return f"{word}(?:(?<![{before}]{word})|{'|'.join(f'(?<={escape}{word})' for escape in escapes)})"


def is_secret_name(name: str) -> bool:
    """Return whether a parameter or header of this name has a secret value."""
    return bool(_SECRET_NAME.search(name))


def _parameter(match: re.Match[str]) -> str:
    """Return `?name=value`, with the value redacted if the name is that of a secret."""
    return f"{match[1]}{match[2]}={REDACTED}" if is_secret_name(unquote(match[2])) else match[0]


_SHAPES = (
    # OpenAI keys as they are issued (`sk-`, `sk-proj-`, `sk-svcacct-`, `sk-admin-`, `sess-`); masks
    # (`sk-proj-abc...xyz1`) have no 16 such characters in a row and pass
    _Shape(("sk-", "sess-"), re.compile(rf"(?:{_beginning('sk-')}|{_beginning('sess-')})[A-Za-z0-9_-]{{16,}}")),
    _Shape(("earer ",), re.compile(r"(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}")),
    _Shape(("uthorization",), re.compile(r"(?i)(authorization\W{1,6}basic )[A-Za-z0-9+/=]{4,}"), rf"\1{REDACTED}"),
    _Shape(("://",), re.compile(r"(://[^\s:/?#@'\"<>]*):[^\s/?#'\"<>]+@"), rf"\1:{REDACTED}@"),
    # a signature or key in a query (Azure, Teams); shorter values are usually harmless, such as `code=200`
    _Shape(("?",), re.compile(r"([?&;])([A-Za-z0-9_.%-]{1,40})=[^\s&;#'\"<>\\]{8,}"), _parameter),
    _Shape(("whsec_",), re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,}")),
    # JSON Web Tokens: the first part is JSON, which starts with `{"`. Only at the start of a word: a search at each
    # `eyJ` of a long word would take quadratic time, and attackers can write long words into access logs
    _Shape(
        ("eyJ",),
        re.compile(rf"{_beginning('eyJ', 'A-Za-z0-9_-')}[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]*"),
    ),
)


def redact(text: str) -> str:
    """Return `text` with protected values and everything in the form of a secret redacted."""
    text = _protected.hide(text)
    for shape in _SHAPES:
        for mark in shape.marks:  # `any` would be slower than this loop
            if mark in text:
                text = shape.pattern.sub(shape.shown, text)
                break
    return text


# --- URLs


def _url(end: str) -> re.Pattern[str]:
    """Return a pattern for a URL from `://` to any of the characters `end`: login, host and port, path, query.

    The login ends at the last `@` before the path, because a password may contain an unencoded `@`.
    """
    return re.compile(rf"://(?:[^/?#{end}]*@)?([^/?#{end}]*)([^?{end}]*)(\?[^{end}]*)?")


_URL_IN_TEXT = _url(r"\s'\"<>")
_URL_ALONE = _url(r"\0")  # this URL ends with the text
_PARAMETER = re.compile(r"([?&])([^?=&#]*)=[^&#]*")


def redact_urls(text: str) -> str:
    """Redact `text`, and remove login and query of every URL. Use this for text with URLs that are not ours."""
    return redact(_URL_IN_TEXT.sub(lambda url: f"://{url[1]}{url[2]}{f'?{REDACTED}' if url[3] else ''}", text))


def shown_url(url: str) -> str:
    """Return a configured URL for a message, without login and without secrets in the query."""
    return redact(
        _URL_ALONE.sub(lambda it: f"://{it[1]}{it[2]}{_PARAMETER.sub(_parameter, it[3] or '')}", url, count=1)
    )


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, for webhooks, whose paths are often secret."""
    found = _URL_ALONE.search(url)
    return f"{url[: found.start()].lower()}://{found[1]}" if found else REDACTED


# --- configured secrets


def protect(secrets: Iterable[str], shown: Callable[[str], str] | None = None) -> None:
    """Make `redact` replace these values with `shown(secret)` or `[redacted]` from now on.

    Values under `SHORTEST_PROTECTED` characters are ignored.
    """
    _protected.add({secret: shown(secret) if shown else REDACTED for secret in secrets})


def url_secrets(url: str, *, path_too: bool = False) -> Iterator[str]:
    """Yield the secret parts of a URL: its password, a token as its user name, and secrets in its query.

    With `path_too` (for webhooks), yield parts of the path and the whole URL too. A password that also occurs elsewhere
    in the URL (`postgres:postgres@`) is skipped: it protects nothing, and would be redacted in every line.
    """
    try:
        parts = urlsplit(url)
        password, public = parts.password or "", {parts.scheme, parts.username, parts.hostname, parts.path.strip("/")}
    except ValueError:  # an invalid port or bracket, which the user of the URL reports
        yield url
        return
    if password not in public:
        yield from (password, unquote(password))
    if parts.username and looks_random(parts.username):  # some URLs have a token as the user name
        yield parts.username
    for name, text in parse_qsl(parts.query):
        if _SECRET_NAME.search(name) or looks_random(text):
            yield text
    if path_too and parts.scheme in ("http", "https") and (parts.path.strip("/") or parts.query):
        yield url
        yield from filter(looks_random, parts.path.split("/"))


def header_secrets(headers: str) -> Iterator[str]:
    """Yield the secrets in `name=value,...` (values percent-encoded), recognized by the name or the form of the value.

    `x-tenant=production` and `x-sampled=true` have none.
    """
    for header in headers.split(","):
        name, _, value = (part.strip() for part in header.partition("="))
        for form in (value, unquote(value)):
            if "://" in form:
                yield from url_secrets(form)
            elif _SECRET_NAME.search(name) or looks_random(form):
                yield from (form, form.rpartition(" ")[2])  # the token without `Bearer`


#: At least 20 letters and digits in a row with a digit among them, or a UUID.
_LONG = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z]*+\d)[A-Za-z0-9]{20,}+|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
)
#: At least 16 characters of words or of base64 in a row.
_MIXED = re.compile(r"[A-Za-z0-9_+/=-]{16,}")
_CHANGE = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")


def looks_random(text: str) -> bool:
    """Return whether a part of `text` looks random, and may be redacted without hiding ordinary words.

    Such parts are long with digits, or have at least 16 characters, and at over a fifth of them, lower case changes to
    upper case, or letters to digits or back. Random text changes at every second or third character, joined words
    (`IncomingWebhook`, `us-east-1-production`) at every seventh. This finds 99 of 100 tokens of 24 characters.
    """
    if _LONG.search(text):
        return True
    return any(5 * len(_CHANGE.findall(run)) > len(run) for run in _MIXED.findall(text))


class Protected:
    """The configured secrets. Thread-safe. Searching for many values takes about as long as for one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, shown: dict[str, str]) -> None:
        """Hide the keys of `shown`, also in their JSON, `repr` and URL forms.

        A mask takes precedence over `REDACTED`.
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
        """Return `text` with each value replaced."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._shown[match[0]], text)


def _any_of(words: list[str]) -> str:
    """Return a pattern for any of the sorted, distinct `words`, longest first, with common prefixes factored out.

    A text is then searched once, not once per word.
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
