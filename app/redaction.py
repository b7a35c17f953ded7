"""What no text may show that leaves the process: keys, tokens and passwords, by their shape and by their value.

Secrets that follow a pattern are found wherever they come from. The configured ones are found whatever they look like:
whoever reads them (`app.settings`, `app.keypool.keys`) gives them to `protect`. One registry per process; a fork takes
it along.
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


@dataclass(frozen=True, slots=True)
class _Shape:
    """A kind of secret; every text with one has one of `marks`, which costs far less to look for than the pattern."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    shown: str = REDACTED


def _beginning(word: str, before: str = "A-Za-z0-9") -> str:
    """A pattern for `word` where none of `before` precedes it, unless that belongs to an escape of Python or a URL.

    Looks back from its end, because a pattern that begins with letters is searched for ten times as fast.
    """
    escapes = (r"\\[abfnrtv]", r"\\x[0-9a-f]{2}", r"\\u[0-9a-f]{4}", r"%[0-9A-Fa-f]{2}")
    return f"{word}(?:(?<![{before}]{word})|{'|'.join(f'(?<={escape}{word})' for escape in escapes)})"


_SHAPES = (
    # OpenAI keys as they are issued (`sk-`, `sk-proj-`, `sk-svcacct-`, `sk-admin-`, `sess-`); masks
    # (`sk-proj-abc...xyz1`) have no 16 such characters in a row and pass
    _Shape(("sk-", "sess-"), re.compile(rf"(?:{_beginning('sk-')}|{_beginning('sess-')})[A-Za-z0-9_-]{{16,}}")),
    _Shape(("earer ",), re.compile(r"(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}")),
    _Shape(("uthorization",), re.compile(r"(?i)(authorization\W{1,6}basic )[A-Za-z0-9+/=]{4,}"), rf"\1{REDACTED}"),
    _Shape(("://",), re.compile(r"(://[^\s:/?#@'\"<>]*):[^\s/?#'\"<>]+@"), rf"\1:{REDACTED}@"),
    _Shape(("whsec_",), re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,}")),
    # JSON Web Tokens: the first part is JSON, which begins with `{"`. Only where a word begins: a search that began
    # anew at each `eyJ` of a long word would take the square of its length, and strangers fill access logs
    _Shape(
        ("eyJ",),
        re.compile(rf"{_beginning('eyJ', 'A-Za-z0-9_-')}[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]*"),
    ),
)
_URL_SECRETS = re.compile(
    r"((?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,20}://)(?:[^\s/@'\"]*@)?([^\s?'\"]*)(\?[^\s'\"]*)?"
)
_SECRET_PARAMETER = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)


def redact(text: str) -> str:
    """`text` without any protected value and without anything that looks like a secret."""
    text = _protected.hide(text)
    for shape in _SHAPES:
        for mark in shape.marks:  # not `any`, which takes longer than the search
            if mark in text:
                text = shape.pattern.sub(shape.shown, text)
                break
    return text


def redact_urls(text: str) -> str:
    """`redact`, and of every URL neither who logs in there nor the query."""
    return redact(_URL_SECRETS.sub(lambda m: m[1] + m[2] + (f"?{REDACTED}" if m[3] else ""), text))


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL: all of a webhook's that may be shown, since its path often is a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def protect(secrets: Iterable[str], shown: Callable[[str], str] | None = None) -> None:
    """From now on `redact` replaces these values wherever they occur, by `shown(secret)` or `[redacted]`.

    Those under `SHORTEST_PROTECTED` characters are left out.
    """
    _protected.add({secret: shown(secret) if shown else REDACTED for secret in secrets})


def secret_parts(value: str) -> Iterator[str]:
    """What of a configured secret must not be shown.

    The value itself and its parts between commas (also behind `name=`); but of a URL only the password, secret
    parameters, and the path of a web address, because webhooks have their secret there.
    """
    if "://" not in value:
        yield value
        for part in value.split(","):
            yield part.strip()
            yield part.partition("=")[2].strip()
        return
    try:
        url = urlsplit(value)
        password = url.password or ""
    except ValueError:  # no port, an unclosed bracket: whoever uses it complains
        yield value
        return
    yield from (password, unquote(password))
    yield from (text for name, text in parse_qsl(url.query) if _SECRET_PARAMETER.search(name))
    if url.scheme in ("http", "https"):
        yield url.path


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
