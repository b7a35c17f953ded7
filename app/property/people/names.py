"""A person's name as an operator writes it, and the forms in which texts write it.

What you write is what is meant: `John Doe` stands for itself with or without an initial in between, in either order;
`John Quincy Doe` for itself and `John Q. Doe`, and not for every John Doe.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.errors.purging import InvalidPersonError
from app.property.people.words import unescaped, words_of

#: before or after a name, and no part of it
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "rev", "hon", "sir", "esq", "phd", "md"})
#: they begin a family name of several words
PARTICLES = frozenset(
    {"al", "bin", "da", "de", "del", "della", "den", "der", "di", "dos", "du", "el", "la", "le", "los", "san", "st",
     "ten", "ter", "van", "von", "zu"}
)  # fmt: skip
#: after a family name: another generation is another person
SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
#: between two given names with one family name
JOINING = frozenset({"and", "or", "und", "y"})
_MOST_WORDS = 6
#: a name without the space in it is a word of its own in addresses (janedoe@, janedoe.com); a short one is any word
_FUSED_LETTERS = 7


@dataclass(frozen=True, slots=True)
class PersonName:
    """`words` in plain form, given name first. `forms` are sequences of words, any of which is the name. A `*` stands
    for any word that begins so."""

    words: tuple[str, ...]
    forms: frozenset[tuple[str, ...]]


def parse_name(text: str) -> PersonName:
    """`Jane Doe`, `Doe, Jane`, `Dr. Jane Q. Doe`. Raises `InvalidPersonError` for what names nobody: less than two
    words, more than six."""
    family, comma, given = text.partition(",")
    is_turned = bool(comma and _plain(given)) and not SUFFIXES.issuperset(_plain(given))
    words = [*_plain(given), *_plain(family)] if is_turned else _plain(text)
    if not 2 <= len(words) <= _MOST_WORDS or len(words[-1]) < 2:
        raise InvalidPersonError("it needs a given and a family name, six words at most")
    return PersonName(tuple(words), frozenset(_forms(tuple(words))))


def _plain(text: str) -> list[str]:
    return [word.plain for word in words_of(unescaped(text)) if word.plain and word.plain not in _TITLES]


def _forms(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    forms = [words]
    if len(words) == 3 and words[1] not in PARTICLES and words[2] not in SUFFIXES:
        given, middle, family = words
        # an initial is any name that begins so; a name is its initial
        forms.append((given, f"{middle}*", family) if len(middle) == 1 else (given, middle[0], family))
    fused = "".join(words)
    if len(words) == 2 and len(fused) >= _FUSED_LETTERS and len(words[0]) > 1:
        forms += [(fused,), ("".join(reversed(words)),)]
    return forms
