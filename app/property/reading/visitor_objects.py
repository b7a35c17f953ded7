"""Remove what visitors wrote from JSON: embedded state, JSON-LD, and JSON bodies (`visitor_words.py`)."""

import re
from typing import Any

from app.property.fields.table import TYPICAL_FIELDS
from app.property.reading.terms import meaning, words_of
from app.property.reading.visitor_words import TYPE, Kind, of_name

_TYPE_KEYS = ("@type", "__typename", "type")
#: Keys of a visitor's text: who wrote it, the text, and what else such texts have.
_AUTHORS = re.compile(
    r"(?:author|user|reviewer|commenter|poster|member|customer|guest|visitor|sender)(?: ?name)?|"
    r"(?:nick|screen|display|user)? ?name|(?:posted|created|written|submitted|asked) by|by|from"
)
_TEXTS = re.compile(
    r"(?:(?:comment|review|message|answer|question|reply|post) )?(?:body|text|content|html|message)|comment|"
    r"review|message|answer|question|reply|says|(?:pros|cons)"
)
_OTHERS = re.compile(
    r"(?:date|time|created|posted|published|written|submitted)(?: (?:at|on|date|time))?|timestamp|when|stars|likes|"
    r"date (?:created|published|posted)|(?:review )?rating|(?:up ?)?votes|replies|(?:helpful|avatar|verified|upvote).*|"
    r"parent id"
)
_ARGUMENTS = re.compile(r"[({\[:]")
_MOST_KEYS, _DEEPEST = 16, 60


def without_visitors(value: Any, depth: int = 0) -> Any:
    """Return a JSON value in which None replaces each visitors' text. Keys and positions stay, so pointers do too."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        return [without_visitors(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if _is_contribution(value):
        return None if depth else {}
    return {
        key: None if _are_visitors(str(key), inner) else without_visitors(inner, depth + 1)
        for key, inner in value.items()
    }


def _are_visitors(key: str, value: Any) -> bool:
    if not isinstance(value, str | list | dict) or not value:
        return False
    named = of_name(_ARGUMENTS.split(key, maxsplit=1)[0])
    if named is None or (isinstance(value, dict) and _states_facts(value)):
        return False
    return named.kind is Kind.TEXTS or (not isinstance(value, str) and not named.is_own)


def _is_contribution(node: dict[Any, Any]) -> bool:
    """Return whether the object is a visitor's text, by its type, or by its author, text, and date or rating."""
    types = [one for key in _TYPE_KEYS for one in _listed(node.get(key)) if isinstance(one, str)]
    if any(TYPE.search(one) for one in types):
        return True
    if not 3 <= len(node) <= _MOST_KEYS:
        return False
    words = [words_of(str(key)) for key in node]
    has_parts = all(any(part.fullmatch(word) for word in words) for part in (_AUTHORS, _TEXTS, _OTHERS))
    return has_parts and not _states_facts(node)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _states_facts(node: dict[Any, Any]) -> bool:
    """Return whether the object's own keys name facts of a home, as those of a listing do."""
    return sum((found := meaning(str(key))) is not None and found.field in TYPICAL_FIELDS for key in node) >= 2
