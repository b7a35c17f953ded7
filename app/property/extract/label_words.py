"""Where a text names fields: the longest runs of words that the lexicon knows as labels.

One lexicon for labels, keys, and words in running text, so that what a label means is written down once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.property.extract.terms import meaning

_WORD = re.compile(r"[^\W\d_]+(?:['’.&/-][^\W\d_]+)*\.?|#")
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Named:
    """`field` is named by the words from `start` to `end`; composites of the lexicon (`_Address`) are named too."""

    start: int
    end: int
    field: str


def labels_in(text: str, lang: str | None) -> list[Named]:
    """The labels in `text`, in order, none inside another."""
    return list(_labels(text, lang))


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
