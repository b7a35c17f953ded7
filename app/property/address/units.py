"""Normalize units in a building, such as `Apt. 4-B`, `#4B`, and `4B`, and distinguish units from street names."""

import re
from collections.abc import Sequence

from app.property.address.tables import (
    DIRECTIONALS,
    HOUSE_NUMBER_WORDS,
    lone_units,
    ordinal_words,
    suffixes,
    unit_designators,
)
from app.property.address.words import ORDINAL

#: The designator that replaces `APT` and `#`: `4`, `# 4`, `Apt 4`, and `Unit 4` are all normalized to `UNIT 4`.
UNIT = "UNIT"
_ANY = frozenset({"APT", UNIT})
#: Designators of parts of a building that have several units.
_AROUND = frozenset({"BLDG", "FL"})
#: Maximum number of designators of a unit, such as building and floor.
_MOST = 4
#: Maximum number of words of a unit. Each designator has up to four words: its name, `#` or `NO`, an identifier, and a
#: letter.
_MOST_WORDS = 4 * _MOST
_IDENTIFIER = re.compile(r"[A-Z0-9]+(?:[-/.][A-Z0-9]+)*")


def split(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Split the words after a house number into the street's words and the normalized unit, or None if there is no
    unit.
    """
    for start in range(max(1, len(words) - _MOST_WORDS), len(words)):
        street = words[:start]
        if all(word in DIRECTIONALS for word in street):
            continue
        unit = read(words[start:])
        # without a suffix before them, these words may belong to the street's name, as in MAIN FLAT N or LAKE FRONT
        doubtful = unit in lone_units() or (
            len(words) > start + 1 and words[start] in suffixes() and not re.search(r"\d", words[start + 1])
        )
        if unit is None or (doubtful and not _has_suffix(street)):
            continue
        return list(street), unit
    return list(words), None


def _has_suffix(street: Sequence[str]) -> bool:
    begins = next(place for place, word in enumerate(street) if word not in DIRECTIONALS)
    # the first word belongs to the name, as in N DR JONES, unless it is the only word, as in E ST
    return any(word in suffixes() for word in street[begins + 1 :] or street[1:])


def read(words: Sequence[str]) -> str | None:
    """Return the normalized unit, such as `BLDG B UNIT 4`, or None if `words` contain anything else."""
    found: list[str] = []
    at = 0
    while at < len(words):
        if len(found) == _MOST:
            return None
        one, used = _one(words[at:])
        if one is None:
            return None
        found.append(one)
        at += used
    return " ".join(found) or None


def of_words(text: str) -> str | None:
    """Normalize the content of a unit field, such as `APT 4` or `4`. Return other text (`THE LOFT`) unchanged."""
    words = text.split()
    if len(words) == 2 and words[0].isdigit() and re.fullmatch(r"[A-Z]", words[1]):
        words = ["".join(words)]
    if not words:
        return None
    alone = f"{UNIT} {_identifier(words[0])}" if len(words) == 1 and _IDENTIFIER.fullmatch(words[0]) else text
    return read(words) or alone


def split_up(unit: str) -> dict[str, str]:
    """Map each designator of a normalized unit to its identifier: `BLDG B UNIT 4` becomes {BLDG: B, UNIT: 4}."""
    found: dict[str, str] = {}
    last = ""
    for word in unit.split():
        if word in unit_designators().values() and word not in found:
            last = word
            found[word] = ""
        else:
            found[last] = f"{found.get(last, '')} {word}".strip()
    return found


def joined(written: str, field: str) -> str:
    """Return the unit in a unit field (`4`), after a building or floor that only the street line names (`BLDG B`)."""
    line, own = split_up(written), split_up(field)
    if not field or [*line.values()][-1:] == [*own.values()][-1:]:
        return written if len(line) >= len(own) else field
    around = [f"{kind} {name}" for kind, name in line.items() if kind in _AROUND - own.keys()]
    return " ".join((*around, field))


def bare(word: str) -> str | None:
    """Return the normalized unit for a lone identifier such as `4B` or `C`. Return None for other words."""
    return f"{UNIT} {_identifier(word)}" if _is_bare(word) else None


def identifier(unit: str) -> str:
    """Return the short form of a unit: `4` for `UNIT 4`, but `STE 4` unchanged."""
    return unit.removeprefix(f"{UNIT} ")


def _one(words: Sequence[str]) -> tuple[str | None, int]:
    if floor := _floor(words):
        return floor
    designator = unit_designators().get(words[0])
    if words[0] == "#":
        designator = UNIT
    if designator is None:
        return None, 0
    at = 1
    while at < len(words) and (words[at] == "#" or (words[at] in ("NO", "NUMBER") and at + 1 < len(words))):
        at += 1
    if at < len(words) and designator in _ANY and unit_designators().get(words[at]) in lone_units():
        return _one(words[at:])[0], at + _one(words[at:])[1]
    if at < len(words) and _can_identify(words[at]):
        name = _identifier(words[at])
        if at + 1 < len(words) and re.fullmatch(r"[A-Z]", words[at + 1]) and name.isdigit():
            name, at = name + words[at + 1], at + 1
        return f"{UNIT if designator in _ANY else designator} {name}", at + 1
    return (designator, 1) if designator in lone_units() and at == 1 else (None, 0)


def _floor(words: Sequence[str]) -> tuple[str, int] | None:
    if len(words) < 2 or unit_designators().get(words[1]) != "FL":
        return None
    written = ORDINAL.fullmatch(words[0])
    number = int(written[1]) if written else ordinal_words().get(words[0])
    return (f"FL {number}", 2) if number is not None else None


def _can_identify(word: str) -> bool:
    if not _IDENTIFIER.fullmatch(word):
        return False
    if re.search(r"\d", word) or word in DIRECTIONALS or word in HOUSE_NUMBER_WORDS:
        return True
    return len(word) <= 2 and word not in suffixes()


def _is_bare(word: str) -> bool:
    named = bool(_IDENTIFIER.fullmatch(word) and re.search(r"\d", word) and not ORDINAL.fullmatch(word))
    return named or (len(word) == 1 and word.isalpha() and word not in DIRECTIONALS)


def _identifier(word: str) -> str:
    """Normalize an identifier, such as `4-B` to `4B`, `ONE` to `1`, and `2ND` to `2`. Return `4-12` unchanged."""
    word = HOUSE_NUMBER_WORDS.get(word, DIRECTIONALS.get(word, word))
    if written := ORDINAL.fullmatch(word):
        return written[1]
    return re.sub(r"(?<=\d)-(?=[A-Z])|(?<=[A-Z])-(?=\d)", "", word)
