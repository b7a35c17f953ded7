"""Map labels and JSON keys to fields, by the words in `fields/languages/`.

The same words are used for visible labels (`Year Built:`), table columns, and keys of embedded state (`yearBuilt`),
after normalization. Names with a leading `_` are not fields. `_Ignore` marks labels that are known but have no field.
All other names with a leading `_` are composites, which `readings.py` splits into fields.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType

from app.property.fields.languages import Sections, language, languages
from app.property.fields.table import of_kind

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])(?!Ds\b)")
_PARENTHESIS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_UNIT_TAIL = re.compile(r"(?:\s|,)+(?:in\s)?(?:sq\.?\s?(?:ft|feet|m)\.?|sqft|sqm|m2|m²|kvm|qm|acres?)$")
_BETWEEN = re.compile(r"[^\w%/&'.²#+]+")
_TRAILING_NUMBER = re.compile(r"(?<=[a-z])\d{1,2}$")
_FILLERS_BEGIN = ("ca", "approx", "total of", "the", "k backing")
_LONGEST = 80
_FILLERS = re.compile(r"\b(?:ca|approx|approximate|approximately|total of|the|k backing field)\b\.?")


@dataclass(frozen=True, slots=True)
class Meaning:
    """The field that a term means, and how reliable the term is (0 to 1)."""

    field: str
    trust: float = 1.0


def words_of(label: str) -> str:
    """Return the words of a label or JSON key: the same for `livingArea`, `Living area (m²):`, and `living_area`."""
    return _words(label[:_LONGEST])  # cut before caching, so that long texts do not fill the cache


@lru_cache(maxsize=20_000)
def _words(label: str) -> str:
    return _folded(_PARENTHESIS.sub(" ", label) if "(" in label or "[" in label else label)


def _folded(label: str) -> str:
    text = _CAMEL.sub(" ", label[:_LONGEST]).replace("_", " ").replace("-", " ").replace("\u00ad", "").casefold()
    text = _BETWEEN.sub(" ", text)
    if any(filler in text for filler in _FILLERS_BEGIN):
        text = _FILLERS.sub(" ", text)
    return " ".join(text.split()).lstrip(" +&").strip(" .'/#")


def _labels(sections: Sections, sure: str = "labels", unsure: str = "unsure_labels") -> Mapping[str, Meaning]:
    by_trust = {"1.0": sections.get(sure, {}), **sections.get(unsure, {})}
    return {
        words_of(term): Meaning(field, float(trust))
        for trust, fields in by_trust.items()
        for field, terms in fields.items()
        for term in terms
    }


_EN = language("en")
_ENGLISH = _labels(_EN)
_SHEET = _labels(_EN, "sheet_labels", "")
#: Labels as databases write them, in one word: `SITEADDRESS`, `YEARBUILT`.
_GLUED = MappingProxyType(
    {glued: found for term, found in _ENGLISH.items() if " " in term and len(glued := term.replace(" ", "")) >= 8}
)
_PATTERNS = tuple(
    (re.compile(f"(?:{pattern})"), Meaning(field, trust)) for field, trust, pattern in _EN["label_patterns"]["rows"]
)
_ANY_PATTERN = re.compile("|".join(pattern.pattern for pattern, _ in _PATTERNS))
_OTHERWISE = re.compile(rf"\b(?:{'|'.join(_EN['label_patterns']['unless'])})\b")
#: Matches a price per unit: `$/SqFt`, `$ per sq ft`.
_RATE = re.compile(r"\W*[$€£]\s?(?:/|per\b)")
#: Fields whose labels may end in a unit of area.
_AREAS = frozenset({*of_kind("area"), "_Ignore"})
#: Prefixes of database columns, and `of`, because `words_of` turns `# of Rooms` into `of rooms`.
_PREFIXES = frozenset({"attr", "char", "chars", "fld", "of"})
_SHORT_WORDS = MappingProxyType({short: word for word, shorts in _EN["short_words"].items() for short in shorts})


@cache
def _of_file(code: str) -> Mapping[str, Meaning]:
    return _labels(languages()[code])


def _of_language(lang: str) -> Mapping[str, Meaning]:
    return _of_file(code) if (code := _file_of(lang)) != "en" else {}


def _file_of(lang: str) -> str:
    return str(language(lang).get("codes", ("en",))[0])


@cache
def _of_all_languages() -> Mapping[str, Meaning]:
    """A label with several meanings keeps only one meaning."""
    return {words: found for code in languages() if code != "en" for words, found in _of_file(code).items()}


def meaning(label: str, lang: str | None = "en") -> Meaning | None:
    """Return the meaning of `label` on a page in `lang` (None: any language), or None for an unknown label.

    English words are known on every page, because sites of all countries use English JSON keys.
    """
    return _meaning(label, lang) if 0 < len(label) <= _LONGEST else None


@lru_cache(maxsize=20_000)
def _meaning(label: str, lang: str | None) -> Meaning | None:
    words = words_of(label)
    if not words:
        return None
    if _RATE.match(label):
        return Meaning("_Ignore")
    own = _of_all_languages() if lang is None else _of_language(lang)
    whole = _folded(label) if "(" in label or "[" in label else words
    spellings = (whole, words, _TRAILING_NUMBER.sub("", words), _UNIT_TAIL.sub("", words))
    first, second = (_ENGLISH, own) if lang is None else (own, _ENGLISH)  # in French, `construction` means a year
    for spelling in dict.fromkeys(spellings):
        found = first.get(spelling) or second.get(spelling)
        if found and (spelling != spellings[-1] or spelling == words or found.field in _AREAS):
            return found
    if ":" in label.rstrip(" :"):
        return None  # the text contains both a label and its value
    known = _GLUED.get(words) or _spelled_out(words, lang) or _by_pattern(words, lang)
    return known or _abbreviated(words, lang) or _without_modifier(words, lang)


#: Words before a label that do not change its meaning.
_MODIFIERS = frozenset({"new", "current", "approx", "approximate", "total", "overall", "reported"})
#: `_SHORTEST` is the minimum length of an abbreviation. `_LESS` is the factor for the trust in abbreviated labels and
#: in labels with a modifier.
_SHORTEST, _LESS = 4, 0.8


@cache
def _by_beginnings(code: str | None) -> Mapping[tuple[str, ...], tuple[tuple[tuple[str, ...], Meaning], ...]]:
    """Return the labels in the language file `code` (None: English), keyed by the first three letters of each word."""
    found: dict[tuple[str, ...], list[tuple[tuple[str, ...], Meaning]]] = {}
    for term, meaning_of in (_ENGLISH if code is None else _of_file(code)).items():
        parts = tuple(term.split())
        if all(len(part) > 2 and part.isalpha() for part in parts):
            found.setdefault(tuple(part[:3] for part in parts), []).append((parts, meaning_of))
    return {key: tuple(terms) for key, terms in found.items()}


def _abbreviated(words: str, lang: str | None) -> Meaning | None:
    """Return the meaning of abbreviated words (`maint. fee`, `bldg. area`) if all matching labels mean one field.

    Single words are excluded, since they may be complete: `Main`, `Park`.
    """
    parts = tuple(part.rstrip(".") for part in words.split())
    if len(parts) < 2 or not all(len(part) > 2 and part.isalpha() for part in parts):
        return None
    code = _file_of(lang) if lang is not None else "en"
    for file in dict.fromkeys((None if code == "en" else code, None)):
        fields = {
            found.field
            for term, found in _by_beginnings(file).get(tuple(part[:3] for part in parts), ())
            if set(parts) & set(term) and all(map(_begins, parts, term))
        }
        if len(fields) == 1:
            return Meaning(fields.pop(), _LESS)
    return None


def _begins(short: str, whole: str) -> bool:
    return short == whole or (len(short) >= _SHORTEST and len(short) + 2 <= len(whole) and whole.startswith(short))


def _without_modifier(words: str, lang: str | None) -> Meaning | None:
    """Return the meaning of `words` without a leading modifier: `new roof covering` means `roof covering`."""
    first, _, rest = words.partition(" ")
    found = meaning(rest, lang) if first in _MODIFIERS and " " in rest else None
    return found and Meaning(found.field, found.trust * _LESS)


def _spelled_out(words: str, lang: str | None) -> Meaning | None:
    """Return the meaning of `words` after expanding short words: `prop location` means `property location`."""
    parts = words.split()
    if len(parts) > 1 and parts[0] in _PREFIXES:
        parts = parts[1:]  # drop a prefix, as in `char_beds`
    spelled = " ".join(_SHORT_WORDS.get(word, word) for word in parts)
    if spelled == words:
        return None
    known = _ENGLISH.get(spelled) or _ENGLISH.get(" ".join(parts))
    return known or _by_pattern(words, lang) or _by_pattern(spelled.replace("square ft", "sq ft"), lang)


def _by_pattern(words: str, lang: str | None) -> Meaning | None:
    if lang not in (None, "en") or words.count(" ") > 5 or _OTHERWISE.search(words):
        return None
    if _ANY_PATTERN.fullmatch(words) is None:
        return None
    return next((found for pattern, found in _PATTERNS if pattern.fullmatch(words)), None)


def label_meaning(label: str, lang: str | None, *, sheet: bool = False) -> Meaning | None:
    """Return the meaning of a visible label. If `sheet`, the abbreviations of listing sheets are also known."""
    if sheet and len(label) <= 20 and (found := _SHEET.get(words_of(label))):
        return found
    return meaning(label, lang)


def is_abbreviation(label: str) -> bool:
    """Return whether the label is known only as an abbreviation on listing sheets."""
    return len(label) <= 14 and (words := words_of(label)) in _SHEET and words not in _ENGLISH
