"""What labels and JSON keys mean: words of twenty languages, and of US assessors, to field names.

One lexicon serves labels in the DOM (`Year Built:`), columns of tables and keys of embedded state (`yearBuilt`),
because all are normalised to the same words. Names that start with `_` are not fields: `_Ignore` is recognised so that
it is not taken for something else, the others are composites that `readings.py` takes apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from app.property.extract.lexicon import assessor, by_language, english, english_abroad

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PARENTHESIS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_UNIT_TAIL = re.compile(r"(?:\s|,)+(?:in\s)?(?:sq\.?\s?(?:ft|feet|m)\.?|sqft|sqm|m2|m²|kvm|qm|acres?)$")
_FILLERS = re.compile(r"\b(?:ca|approx|approximate|approximately|total of|the|k backing field)\b\.?")


@dataclass(frozen=True, slots=True)
class Meaning:
    """The field that a term stands for, and how far the term may be trusted (0 to 1)."""

    field: str
    trust: float = 1.0


def words_of(label: str) -> str:
    """A label or JSON key as lower-case words: `livingAreaM2`, `Living area (m²):` and `living_area` are alike."""
    return _folded(_PARENTHESIS.sub(" ", label[:80]))


def _folded(label: str) -> str:
    text = _CAMEL.sub(" ", label[:80]).replace("_", " ").replace("-", " ").replace("\u00ad", "").casefold()
    text = re.sub(r"[^\w%/&'.²#+]+", " ", text)
    text = _FILLERS.sub(" ", text)
    return re.sub(r"\s+", " ", text).strip(" .'/#")


def _compiled(*lexicons: tuple[tuple[str, str], ...]) -> Mapping[str, Meaning]:
    table: dict[str, Meaning] = {}
    for lexicon in lexicons:
        for head, terms in lexicon:
            field, _, trust = head.partition(":")
            for term in terms.split("|"):
                table[words_of(term)] = Meaning(field, float(trust or 1.0))
    return MappingProxyType(table)


_ENGLISH = _compiled(english_abroad.TERMS, english.TERMS, assessor.TERMS)
_BY_LANGUAGE = {lang: _compiled(*lexicons) for lang, lexicons in by_language.BY_LANGUAGE.items()}
_ANY = _compiled(*(lexicon for lexicons in by_language.BY_LANGUAGE.values() for lexicon in lexicons))


@lru_cache(maxsize=20_000)
def meaning(label: str, lang: str | None = "en") -> Meaning | None:
    """What `label` means on a page in `lang` (None: in any language), or None for a word we do not know.

    English words are known on every page: sites of all countries name their JSON keys in English.
    """
    if not label or len(label) > 80:
        return None
    words = words_of(label)
    if not words:
        return None
    own = _ANY if lang is None else _BY_LANGUAGE.get(lang, {})
    spellings = (_folded(label), words, re.sub(r"(?<=[a-z])\d{1,2}$", "", words), _UNIT_TAIL.sub("", words))
    for spelling in dict.fromkeys(spellings):
        found = own.get(spelling) or _ENGLISH.get(spelling)
        if found:
            return found
    return None
