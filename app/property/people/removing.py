"""Remove a person's name from a text or JSON value."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.property.people.finding import Match, find_names
from app.property.people.names import PersonName
from app.property.people.words import plain_text, unescaped

REMOVED = "[removed]"
#: A text with more characters than this is first checked with the faster `may_hold`.
_LONG = 2000
_BETWEEN = re.compile(r"[\s.,+_-]{1,6}")


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds a person's name, even if only hashes of it are known. `find_names` explains `may_begin` and `is_name`."""

    may_begin: Callable[[str], bool] = field(repr=False)
    is_name: Callable[[tuple[str, ...]], bool] = field(repr=False)
    #: Returns False if a long text cannot contain the name. The text is normalized by `plain_text`.
    may_hold: Callable[[str], bool] = field(default=lambda _: True, repr=False)

    def find(self, text: str) -> list[Match]:
        if len(text) > _LONG and not self.may_hold(plain_text(unescaped(text).plain)):
            return []
        return find_names(text, self.may_begin, self.is_name)

    def is_in(self, value: Any) -> bool:
        """Return whether any text or key in `value` (JSON types) names the person."""
        match value:
            case str():
                return bool(self.find(value))
            case dict():
                return any(self.is_in(key) or self.is_in(one) for key, one in value.items())
            case list() | tuple():
                return any(self.is_in(one) for one in value)
            case _:
                return False

    def without(self, value: Any) -> Any:
        """Return a copy of `value` (JSON types) with `REMOVED` instead of the name."""
        match value:
            case str():
                return self._text(value)
            case dict():
                return {self._text(key): self.without(one) for key, one in value.items()}
            case list() | tuple():
                return [self.without(one) for one in value]
            case _:
                return value

    def _text(self, text: str) -> str:
        """Replace the name. Tags and JSON keys between the name's words are kept; spaces and punctuation are
        removed.
        """
        parts, done = list[str](), 0
        for start, end, instead in _cuts(text, self.find(text)):
            parts += (text[done:start], instead)
            done = end
        return "".join((*parts, text[done:]))


class _NobodyFinder(Finder):
    def find(self, text: str) -> list[Match]:  # noqa: ARG002
        return []


NOBODY = _NobodyFinder(lambda _: False, lambda _: False)


def _cuts(text: str, matches: list[Match]) -> Iterator[tuple[int, int, str]]:
    done = 0
    for match in matches:
        instead, until = REMOVED, done
        for word in sorted(match.words, key=lambda word: word.start):
            if word.start < done:
                continue
            start = until if not instead and _BETWEEN.fullmatch(text, until, word.start) else word.start
            yield start, word.end, instead
            instead, until, done = "", word.end, word.end


def finder_of(*names: PersonName) -> Finder:
    forms = frozenset(form for name in names for form in name.forms)
    ours = {word for form in forms for word in form}
    whole = [[word for word in form if not word.endswith("*")] for form in forms]

    def may_hold(text: str) -> bool:
        return any(all(word in text for word in form) for form in whole)

    return Finder(ours.__contains__, forms.__contains__, may_hold)
