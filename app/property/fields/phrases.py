"""Compile the phrases of language files into regular expressions.

A phrase matches whole words in any case. `*` is the rest of a word, `(a|b)` a choice, `[a]` an optional part, `^` the
beginning of the text (ignoring punctuation), and `$` its end. `re:` starts a regular expression.
"""

import re
import string
from collections.abc import Mapping
from functools import cache

from app.property.fields.languages import language, languages

#: The regular expression for each special character. `*` matches at most 30 characters, so that matching takes linear
#: time.
_MARKS = {"(": "(?:", "[": "(?:", "]": ")?", ")": ")", "|": "|", "*": r"\w{0,30}"}
_WRITTEN = str.maketrans({**{char: f"\\{char}" for char in string.punctuation}, **_MARKS})
#: The first character of the Hebrew block. In the scripts from here on, words may be joined, so phrases need not match
#: at word boundaries.
_FIRST_JOINED = "\u0590"


def expression(phrase: str, *, whole: bool = True) -> str:
    """Return the regular expression of a phrase. Unless `whole`, a match may begin inside a word."""
    if phrase.startswith("re:"):
        return phrase.removeprefix("re:")
    begins, ends = phrase.startswith("^"), phrase.endswith("$")
    body = phrase[begins : len(phrase) - ends]
    written = body.lstrip("*").translate(_WRITTEN)
    lead = r"^\W*" if begins else _boundary(body) if whole else ""
    return lead + written + ("$" if ends else _boundary(body[::-1]))


def _boundary(body: str) -> str:
    first = next((c for c in body if c not in "()[]|"), "")
    return r"\b" if first.isalnum() and first < _FIRST_JOINED else ""


def alternatives(section: str, key: str, lang: str | None = None, *, whole: bool = True) -> str:
    """Return a regular expression that matches any phrase of `lang` (None: all languages) under `key`."""
    among = languages().values() if lang is None else [language(lang)]
    phrases = dict.fromkeys(phrase for sections in among for phrase in sections.get(section, {}).get(key, ()))
    return "|".join(expression(phrase, whole=whole) for phrase in phrases) or r"(?!)"


@cache
def pattern(section: str, key: str) -> re.Pattern[str]:
    return re.compile(alternatives(section, key), re.IGNORECASE)


def by_key(section: str, *keys: str) -> Mapping[str, re.Pattern[str]]:
    return {key: pattern(section, key) for key in keys}


def first_of(patterns: Mapping[str, re.Pattern[str]], text: str) -> str | None:
    return next((key for key, found in patterns.items() if found.search(text)), None)


@cache
def words(section: str, key: str) -> frozenset[str]:
    """Return the words of all languages under `key` as plain text, not as patterns."""
    return frozenset(word for sections in languages().values() for word in sections.get(section, {}).get(key, ()))
