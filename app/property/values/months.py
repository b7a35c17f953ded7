"""Parse CLDR month names in the page's language: `listopada` is October in Croatian, but November in Polish."""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from app.property.fields.languages import languages

_LEAST = 3
_MOST_LANGUAGES = 64


def month_of(word: str, lang: str | None) -> int | None:
    """Return the month (1 to 12) that `word` means in `lang`, or else in English, or in any language, or None."""
    name = _folded(word)
    if len(name) < _LEAST:
        return None
    return _find(name, _names(lang or "en")) or _find(name, _names("en")) or _all_names().get(name)


def _find(name: str, names: Mapping[str, int]) -> int | None:
    if name in names:
        return names[name]
    begun = {month for known, month in names.items() if known.startswith(name)}
    return begun.pop() if len(begun) == 1 else None


@lru_cache(maxsize=_MOST_LANGUAGES)
def _names(lang: str) -> Mapping[str, int]:
    return dict(_of_language(lang))


@cache
def _all_names() -> Mapping[str, int]:
    meant: dict[str, set[int]] = {}
    for sections in languages().values():
        for code in sections["codes"]:
            for name, month in _of_language(code):
                meant.setdefault(name, set()).add(month)
    return {name: months.pop() for name, months in meant.items() if len(months) == 1}


def _of_language(lang: str) -> Iterator[tuple[str, int]]:
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 (most pages have no month in words)

    try:
        months = Locale.parse(lang).months
    except (ValueError, TypeError, UnknownLocaleError):
        return
    for usage in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for month, written in months[usage][width].items():
                name = _folded(written)
                if len(name) >= _LEAST and not name[0].isdigit():
                    yield name, month


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold().strip(" ."))
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("ı", "i")
