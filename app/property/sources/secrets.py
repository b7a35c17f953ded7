"""Secrets in the URLs of sources: put in when a page is asked for, taken out of all that comes back.

A template says `{secret:GIS_TOKEN}`. Everywhere else the URL has the mark `~secret.GIS_TOKEN~` in that place: as a
target, in the database, in evidence, errors, logs and exports. The site may repeat the secret in its answer, in links
or in where it redirects to, in whatever escapes: there the mark takes its place too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import parse_qsl, quote, urlsplit

from app.errors import ConfigurationError, PropertyIntelligenceError
from app.property.page import NotModified, Page
from app.redaction import SHORTEST_PROTECTED, is_secret_name

#: how a secret may be called: like an environment variable
SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_MARK = re.compile(r"~secret\.([A-Z][A-Z0-9_]{0,63})~")
#: what a character may be in HTML, JSON or JavaScript beside itself
_ESCAPES: Mapping[str, tuple[str, ...]] = {
    "&": ("&amp;", "\\u0026", "\\x26"),
    "/": ("\\/", "\\u002f", "\\u002F"),
    "=": ("\\u003d", "\\u003D"),
    "+": ("\\u002b", "\\u002B", "&#43;"),
    "<": ("&lt;", "\\u003c", "\\u003C"),
    ">": ("&gt;", "\\u003e", "\\u003E"),
    '"': ("&quot;", '\\"'),
    "'": ("&#39;", "&#x27;", "\\'", "\\u0027"),
    "\\": ("\\\\",),
}


def mark_of(name: str) -> str:
    """What stands for the secret in a URL; of characters that no spelling of a URL changes."""
    return f"~secret.{name}~"


def marked(url: str) -> tuple[str, ...]:
    """The names of the secrets whose marks stand in `url`."""
    return tuple(dict.fromkeys(_MARK.findall(url)))


def parse_secrets(entries: list[str], variable: str) -> dict[str, str]:
    """`NAME=value` entries. Raises `ConfigurationError`, which names the entry by its place and never holds a value."""
    found: dict[str, str] = {}
    for place, entry in enumerate(entries, start=1):
        name, sign, value = (part.strip() for part in entry.partition("="))
        if not sign or not SECRET_NAME.fullmatch(name):
            raise ConfigurationError(variable, f"entry {place} is not NAME=value", "Write it like GIS_TOKEN=...")
        if name in found:
            raise ConfigurationError(variable, f"has {name} twice", "Leave one of them out")
        if len(value) < SHORTEST_PROTECTED or not re.fullmatch("[!-~]+", value):
            problem = (
                f"the value of {name} is shorter than {SHORTEST_PROTECTED} characters, or not ASCII without blanks"
            )
            raise ConfigurationError(
                variable, problem, "Shorter ones could not be kept out of logs; ask for a longer one"
            )
        found[name] = value
    return found


@dataclass(frozen=True)
class Veil:
    """The secrets of one URL, by name: puts them in and takes them out."""

    secrets: Mapping[str, str] = field(repr=False)

    def opened(self, url: str) -> str:
        """`url` with the secrets in the places of their marks: for the one request, to be kept nowhere."""
        return _MARK.sub(
            lambda mark: quote(self.secrets[mark[1]], safe="") if mark[1] in self.secrets else mark[0], url
        )

    def closed(self, text: str) -> str:
        """`text` with marks in the places of the secrets, however they are escaped."""
        for name, pattern in self._patterns:
            text = pattern.sub(mark_of(name), text)
        return text

    def page(self, url: str, page: Page) -> Page:
        """`page` as that of `url`, which has marks; no part of it holds a secret any more."""
        text = self.closed(page.text)
        body = self.closed(page.body.decode("latin-1")).encode("latin-1")  # one character a byte, and back
        if text != page.text and body == page.body:  # in an encoding that is not like ASCII
            body = text.encode("utf-8", "surrogatepass")
        declared = None if page.declared_url is None else self.closed(page.declared_url)
        return replace(
            page, url=url, final_url=self.closed(page.final_url), declared_url=declared, text=text, body=body
        )

    def answer(self, url: str, answer: Page | NotModified) -> Page | NotModified:
        """What a fetcher answered for `url`, without secrets."""
        if isinstance(answer, Page):
            return self.page(url, answer)
        return replace(answer, url=url, final_url=self.closed(answer.final_url))

    @contextmanager
    def over_errors(self) -> Iterator[None]:
        """No error of ours leaves the block with a secret among its facts, nor with what caused it."""
        try:
            yield
        except PropertyIntelligenceError as exc:
            facts = (self.closed(fact) if isinstance(fact, str) else fact for fact in exc.args)
            raise type(exc)(*facts) from None

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        longest_first = sorted(self.secrets.items(), key=lambda one: -len(one[1]))
        return tuple((name, re.compile("".join(map(_any_form, value)))) for name, value in longest_first)


#: what puts the secrets into a URL and takes them out again; None for a URL that has none
Veils = Callable[[str], Veil | None]


def _any_form(char: str) -> str:
    coded = f"{ord(char):02x}"
    either = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in coded)
    forms = [re.escape(char), f"%{either}", *map(re.escape, _ESCAPES.get(char, ()))]
    return f"(?:{'|'.join(forms)})"


def literal_secret(url: str) -> str | None:
    """The name of a query parameter of a template whose value looks like a secret that is written there; else None.

    `url` has `{}` in the place of each placeholder.
    """
    for name, value in _parameters(url):
        if is_secret_name(name) and len(value) >= SHORTEST_PROTECTED and "{}" not in value:
            return name
    return None


def doubtful_parameters(url: str) -> list[str]:
    """Names of parameters that may hold a secret, and may as well not: a short value under such a name."""
    return [
        name
        for name, value in _parameters(url)
        if is_secret_name(name) and 0 < len(value) < SHORTEST_PROTECTED and "{}" not in value
    ]


def _parameters(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query)
    except ValueError:  # it is no URL, which another check says
        return []
