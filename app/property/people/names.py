"""Parse a person's name as an operator writes it, and derive the forms that it may have in texts.

`John Doe` matches with or without a middle initial, in either order. `John Quincy Doe` matches with the full middle
name or its initial, but not without a middle name.
"""

from dataclasses import dataclass

from app.errors.purging import InvalidPersonError
from app.property.people.words import unescaped, words_of

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "rev", "hon", "sir", "esq", "phd", "md"})
#: Particles that may begin a family name of several words.
PARTICLES = frozenset(
    {"al", "bin", "da", "de", "del", "della", "den", "der", "di", "dos", "du", "el", "la", "le", "los", "san", "st",
     "ten", "ter", "van", "von", "zu"}
)  # fmt: skip
#: Suffixes after a family name. They are part of the name, because another generation is another person.
SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
JOINING = frozenset({"and", "or", "und", "y"})
_MOST_WORDS = 6
#: Names of at least this many letters also match without a space, as in `janedoe@`. Shorter names could be other words.
_FUSED_LETTERS = 7


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name: its plain `words`, given name first, and the `forms` in which it may be written.

    Each form is a sequence of words. A `*` at the end of a word matches any word with that prefix.
    """

    words: tuple[str, ...]
    forms: frozenset[tuple[str, ...]]


def parse_name(text: str) -> PersonName:
    """Parse a name such as `Jane Doe` or `Doe, Jane`, with or without titles.

    Raises `InvalidPersonError` for fewer than two or more than six words, or a family name of one letter.
    """
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
        # an initial matches every middle name with that first letter; a full middle name also matches its initial
        forms.append((given, f"{middle}*", family) if len(middle) == 1 else (given, middle[0], family))
    fused = "".join(words)
    if len(words) == 2 and len(fused) >= _FUSED_LETTERS and len(words[0]) > 1:
        forms += [(fused,), ("".join(reversed(words)),)]
    return forms
