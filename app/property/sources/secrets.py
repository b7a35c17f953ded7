"""Insert secrets into source URLs for the request, and remove them from all results.

A template contains `{secret:GIS_TOKEN}`. The secret is inserted only into the request itself. All stored or shown URLs
contain the mark `~secret.GIS_TOKEN~` instead. A site may repeat the secret in its response, in any escaping. The mark
replaces the secret there, too.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import parse_qsl, quote, urlsplit

from app.errors import ConfigurationError, PropertyIntelligenceError
from app.property.page import NotModified, Page
from app.redaction import SHORTEST_PROTECTED, is_secret_name

SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_MARK = re.compile(r"~secret\.([A-Z][A-Z0-9_]{0,63})~")
#: The escapes that HTML, JSON, and JavaScript may use for a character.
_ESCAPES: Mapping[str, tuple[str, ...]] = {
    "&": ("&amp;", "\\u0026", "\\x26"), "/": ("\\/", "\\u002f", "\\u002F"), "=": ("\\u003d", "\\u003D"),
    "+": ("\\u002b", "\\u002B", "&#43;"), "<": ("&lt;", "\\u003c", "\\u003C"), ">": ("&gt;", "\\u003e", "\\u003E"),
    '"': ("&quot;", '\\"'), "'": ("&#39;", "&#x27;", "\\'", "\\u0027"), "\\": ("\\\\",),
}  # fmt: skip


def mark_of(name: str) -> str:
    """Return the mark that stands for the secret in a URL."""
    return f"~secret.{name}~"


def secret_names_in(url: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_MARK.findall(url)))


def parse_secrets(entries: list[str], variable: str) -> dict[str, str]:
    """Parse `NAME=value` entries.

    Raises `ConfigurationError`, without the secret, for an invalid or repeated entry.
    """
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
class UrlSecrets:
    """Inserts secrets (`secrets` maps names to values) into one URL, and removes them from the results."""

    secrets: Mapping[str, str] = field(repr=False)

    def reveal(self, url: str) -> str:
        """Return `url` with secrets instead of marks. Use the result for one request only, and never store it."""
        return _MARK.sub(
            lambda mark: quote(self.secrets[mark[1]], safe="") if mark[1] in self.secrets else mark[0], url
        )

    def hide(self, text: str) -> str:
        """Return `text` with each secret, in any escaping, replaced by its mark."""
        for name, pattern in self._patterns:
            text = pattern.sub(mark_of(name), text)
        return text

    def answer(self, url: str, answer: Page | NotModified) -> Page | NotModified:
        """Return the fetcher's result `answer` with the requested `url`, and with marks instead of secrets."""
        final_url = self.hide(answer.final_url)
        if isinstance(answer, NotModified):
            return replace(answer, url=url, final_url=final_url)
        text = self.hide(answer.text)
        body = self.hide(answer.body.decode("latin-1")).encode("latin-1")  # latin-1 maps each byte to one character
        if text != answer.text and body == answer.body:  # the body's encoding, such as UTF-16, hid the secret
            body = text.encode("utf-8", "surrogatepass")
        declared = None if answer.declared_url is None else self.hide(answer.declared_url)
        return replace(answer, url=url, final_url=final_url, declared_url=declared, text=text, body=body)

    @contextmanager
    def hidden_in_errors(self) -> Iterator[None]:
        """Replace secrets in a `PropertyIntelligenceError` from the block, and drop the error's cause."""
        try:
            yield
        except PropertyIntelligenceError as exc:
            facts = (self.hide(fact) if isinstance(fact, str) else fact for fact in exc.args)
            raise type(exc)(*facts) from None

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        longest_first = sorted(self.secrets.items(), key=lambda one: -len(one[1]))
        return tuple((name, re.compile("".join(map(_any_form, value)))) for name, value in longest_first)


SecretsByUrl = Callable[[str], UrlSecrets | None]


def _any_form(char: str) -> str:
    coded = f"{ord(char):02x}"
    either = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in coded)
    forms = [re.escape(char), f"%{either}", *map(re.escape, _ESCAPES.get(char, ()))]
    return f"(?:{'|'.join(forms)})"


def literal_secret(url: str) -> str | None:
    """Return the name of the first query parameter that seems to contain a literal secret, or None.

    In `url`, each placeholder is replaced by `{}`.
    """
    for name, value in _parameters(url):
        if is_secret_name(name) and len(value) >= SHORTEST_PROTECTED and "{}" not in value:
            return name
    return None


def doubtful_parameters(url: str) -> list[str]:
    """Return the parameters that are named like a secret but have a short, possibly harmless value."""
    return [
        name
        for name, value in _parameters(url)
        if is_secret_name(name) and 0 < len(value) < SHORTEST_PROTECTED and "{}" not in value
    ]


def _parameters(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query)
    except ValueError:
        return []
