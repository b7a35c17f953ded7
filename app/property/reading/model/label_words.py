"""Find the places where a text names fields: the longest known labels, and phrases such as those next to numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from app.property.fields.languages import languages
from app.property.fields.phrases import alternatives
from app.property.fields.table import FIELDS
from app.property.reading.terms import meaning
from app.property.values.text_cache import remembered

_WORD = re.compile(r"\d(?:st|nd|rd|th)\b|[^\W\d_]+(?:['’.&/][^\W\d_]+)*\.?|#")
_MOST_WORDS = 6
#: Sections of language files with phrases about a field in running text.
_SECTIONS = ("behind_number", "behind_number_here", "before_number", "mentions")


@dataclass(frozen=True, slots=True)
class Named:
    """A label or phrase for `field` from `start` to `end` of a text. `field` may be a composite (`_Address`)."""

    start: int
    end: int
    field: str

    def serves(self, field: str) -> bool:
        """Return whether this label may introduce `field`."""
        return self.field == field or (field in FIELDS and self.field in FIELDS[field].stands_under)


@remembered(512, 1_500)  # one answer's check examines the same quotes and lines several times
def labels_in(text: str, lang: str | None) -> tuple[Named, ...]:
    """Return the labels and phrases in `text`, in order. Of overlapping labels or phrases, only the longest is
    returned. `lang` is the page's language (None: any language).
    """
    phrases = [Named(one.start(), one.end(), str(one.lastgroup)) for one in _phrases(lang).finditer(text)]
    found: list[Named] = []
    taken = bytearray(len(text))
    for named in sorted([*_labels(text, lang), *phrases], key=lambda one: one.start - one.end):
        if not any(taken[named.start : named.end]):
            taken[named.start : named.end] = b"\1" * (named.end - named.start)
            found.append(named)
    return tuple(sorted(found, key=lambda one: one.start))


def names(field: str, text: str, lang: str | None) -> bool:
    """Return whether `text` contains a label or phrase of `field`."""
    return any(one.serves(field) for one in labels_in(text, lang))


def _labels(text: str, lang: str | None) -> Iterator[Named]:
    words = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    at = 0
    while at < len(words):
        for more in range(min(_MOST_WORDS, len(words) - at), 0, -1):
            start, end = words[at][0], words[at + more - 1][1]
            found = meaning(text[start:end], lang) if "\n" not in text[start:end] else None
            if found is not None:
                yield Named(start, end, found.field)
                at += more - 1
                break
        at += 1


@cache
def _phrases(lang: str | None) -> re.Pattern[str]:
    """Return a pattern of the phrases of `lang` and of English, or of all languages if `lang` is None."""
    among = [None] if lang is None else [lang, "en"]
    files = languages().values()
    fields = dict.fromkeys(name for file in files for section in _SECTIONS for name in file.get(section, ()))
    return re.compile(
        "|".join(
            f"(?P<{name}>{'|'.join(alternatives(section, name, one) for section in _SECTIONS for one in among)})"
            for name in fields
        ),
        re.IGNORECASE,
    )
