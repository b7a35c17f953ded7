"""URL templates: placeholders, how their values are escaped, and what of an address fills them. Pure.

`{name}` stands for a part of the address, percent-encoded whole (RFC 3986: all but letters, digits and `-._~`), so that
no value can leave its place in the URL. `{name:filter:filter}` changes the value before that: `sql` doubles single
quotes, as a literal of an ArcGIS `where` wants it; `upper`, `lower`; `bare` leaves letters and digits only; `slug` is
lower case with dashes between the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from app.errors import InvalidTargetError
from app.property.store.targets import normalise_url

#: what a template may ask of an address, and what an example of it is
PLACEHOLDERS: Mapping[str, str] = {
    "street_number": "12",
    "street_name": "Fictional Ave",
    "street_line": "12 Fictional Ave",
    "unit": "2B",
    "city": "Anytown",
    "state": "ST",
    "postal_code": "00000",
    "county": "Anytown County",
    "parcel_number": "0012-0034",
}
#: empty where an address has none: no reason to leave the source out
_MAY_BE_EMPTY = frozenset({"unit"})
FILTERS: Mapping[str, Callable[[str], str]] = {
    "sql": lambda text: text.replace("'", "''"),
    "upper": str.upper,
    "lower": str.lower,
    "bare": lambda text: re.sub(r"[\W_]+", "", text),
    "slug": lambda text: re.sub(r"[\W_]+", "-", text.casefold()).strip("-"),
}
_PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A template that `problem_of` found nothing wrong with."""

    text: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of its placeholders, each once."""
        return tuple(dict.fromkeys(place.partition(":")[0] for place in _PLACE.findall(self.text)))

    def missing(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The placeholders for which `values` has nothing, and which need something."""
        return tuple(name for name in self.needs if name not in _MAY_BE_EMPTY and not values.get(name))

    def url(self, values: Mapping[str, str]) -> str:
        """The URL for `values`, in the spelling of a target. Raises `InvalidTargetError` where it gets too long."""
        return normalise_url(_PLACE.sub(lambda match: _filled(match[1], values), self.text))


def _filled(place: str, values: Mapping[str, str]) -> str:
    name, *filters = place.split(":")
    text = values.get(name, "")
    for one in filters:
        text = FILTERS[one](text)
    return quote(text, safe="")


def problem_of(text: str) -> str | None:
    """What is wrong with a template, in words that name the part; None if it can be used."""
    rest = _PLACE.sub("", text)
    if "{" in rest or "}" in rest:
        return "has a brace without its partner (a brace of the URL itself is written %7B or %7D)"
    places = _PLACE.findall(text)
    if not places:
        return "has no placeholder, so it is the same page for every address"
    problem = next(filter(None, map(_problem_of_place, places)), None) or _problem_of_head(text)
    if problem is not None:
        return problem
    try:
        Template(text).url(PLACEHOLDERS)
    except InvalidTargetError as exc:
        return f"is no URL: it {exc.facts['problem']}"
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
        return f"is no URL ({exc})"
    if parts.scheme.lower() not in ("http", "https"):
        return "is no URL that begins with http:// or https://"
    if "{" in parts.netloc:
        return "has a placeholder in its host; an address decides about path and query only"
    return None
