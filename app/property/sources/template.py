"""Check URL templates, and fill their placeholders with the parts of an address. No I/O.

`{name}` stands for a part of the address. The value is percent-encoded (RFC 3986) except for letters, digits, and
`-._~`, so it cannot change the URL's structure. `{name:filter:filter}` transforms the value first:

- `sql` doubles single quotes, as string literals in an ArcGIS `where` clause require
- `upper` and `lower` change the case
- `bare` keeps letters and digits only
- `slug` converts to lower case and puts dashes between words

`{secret:NAME}` stands for a secret (`secrets.py`), which is not filled in here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from app.errors.targets import InvalidTargetError
from app.property.sources.secrets import SECRET_NAME, doubtful_parameters, literal_secret, mark_of
from app.property.urls.targets import normalize_url

#: Parts of an address that a template may use, with examples.
PLACEHOLDERS: Mapping[str, str] = {
    "street_number": "12", "street_name": "Fictional Ave", "street_line": "12 Fictional Ave", "unit": "2B",
    "city": "Anytown", "state": "ST", "postal_code": "00000", "county": "Anytown County",
    "parcel_number": "0012-0034",
}  # fmt: skip
#: Parts that an address may lack. A source is requested even if the address lacks them.
_MAY_BE_EMPTY = frozenset({"unit"})
FILTERS: Mapping[str, Callable[[str], str]] = {
    "sql": lambda text: text.replace("'", "''"),
    "upper": str.upper,
    "lower": str.lower,
    "bare": lambda text: re.sub(r"[\W_]+", "", text),
    "slug": lambda text: re.sub(r"[\W_]+", "-", text.casefold()).strip("-"),
}
_PLACE = re.compile(r"\{([^{}]*)\}")
_SECRET = re.compile(r"\{secret:([^{}]*)\}")
_VALUE = r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*"
#: Stands for each value while a template is normalized as a URL.
_ANYTHING = "zqxjkvzqxjkv"


@dataclass(frozen=True, slots=True)
class Template:
    text: str

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(place.partition(":")[0] for place in _PLACE.findall(_without_secrets(self.text))))

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_SECRET.findall(self.text)))

    def made(self, url: str) -> bool:
        """Return whether this template can produce the target `url`. Secrets are inserted only into such URLs."""
        return re.fullmatch(self._pattern(), url) is not None

    def _pattern(self) -> str:
        spelled = normalize_url(_PLACE.sub(_ANYTHING, _without_secrets(self.text)))
        return re.escape(spelled).replace(_ANYTHING, _VALUE)

    def missing(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the required placeholders for which `values` has no value."""
        return tuple(name for name in self.needs if name not in _MAY_BE_EMPTY and not values.get(name))

    def url(self, values: Mapping[str, str]) -> str:
        """Return the target URL for `values`. It contains marks instead of secrets (`mark_of`).

        Raises `InvalidTargetError` if the URL is too long.
        """
        return normalize_url(_PLACE.sub(lambda match: _filled(match[1], values), _without_secrets(self.text)))


def _filled(place: str, values: Mapping[str, str]) -> str:
    name, *filters = place.split(":")
    text = values.get(name, "")
    for one in filters:
        text = FILTERS[one](text)
    return quote(text, safe="")


def _without_secrets(text: str) -> str:
    return _SECRET.sub(lambda match: mark_of(match[1]), text)


def literal_parameters(text: str) -> tuple[str | None, list[str]]:
    """Return the first parameter with a literal secret (or None), and the parameters that may have one."""
    bare = _PLACE.sub("{}", text)
    return literal_secret(bare), doubtful_parameters(bare)


def problem_of(text: str) -> str | None:
    """Return what is wrong with a template, or None if it is valid."""
    rest = _PLACE.sub("", text)
    if "{" in rest or "}" in rest:
        return "has a brace without its partner (a brace of the URL itself is written %7B or %7D)"
    unnamed = next((name for name in _SECRET.findall(text) if not SECRET_NAME.fullmatch(name)), None)
    if unnamed is not None:
        return f"has {{secret:{unnamed}}}; a secret is called like GIS_TOKEN"
    text = _without_secrets(text)
    places = _PLACE.findall(text)
    if not places:
        return "has no placeholder, so it is the same page for every address"
    problem = next(filter(None, map(_problem_of_place, places)), None) or _problem_of_head(text)
    if problem is not None:
        return problem
    try:
        Template(text).url(PLACEHOLDERS)
    except InvalidTargetError as exc:
        return f"is not a URL: it {exc.facts['problem']}"
    return None


def _problem_of_place(place: str) -> str | None:
    name, *filters = place.split(":")
    if name not in PLACEHOLDERS:
        return f"has the placeholder {{{place}}}; there are {', '.join(f'{{{known}}}' for known in PLACEHOLDERS)}"
    unknown = next((one for one in filters if one not in FILTERS), None)
    return f"has the filter {unknown!r} in {{{place}}}; there are {', '.join(FILTERS)}" if unknown is not None else None


def _problem_of_head(text: str) -> str | None:
    try:
        parts = urlsplit(text)
    except ValueError as exc:
        return f"is not a URL ({exc})"
    if parts.scheme.lower() not in ("http", "https"):
        return "is not a URL that begins with http:// or https://"
    if "{" in parts.netloc or "~secret." in parts.netloc:
        return "has a placeholder in its host; an address decides about path and query only"
    return None
