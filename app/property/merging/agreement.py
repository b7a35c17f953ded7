"""Compare the values that two sources give for a field, ignoring units, rounding, spelling, and abbreviations."""

import math
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from rapidfuzz.distance import OSA

from app.property.address import Address, normalize, with_street
from app.property.fields.table import AXES, FIELDS, UNIT_OF
from app.property.source_record import SourceRecord
from app.property.values.areas import IN_SQUARE_METERS, square_meters
from app.property.values.texts import letters_of

#: Coordinates agree if they differ by at most this many degrees (about 110 m of latitude), because geocoders locate an
#: address at its entrance, roof, lot, or street.
DEGREES = 0.001
#: The relative tolerance for areas in different units. Sites round before or after they convert.
_OTHER_UNIT = 0.015
#: Rounding explains at most this relative difference, so that `1 acre` does not match 1.4 acres.
_MOST_ROUNDING = 0.05
#: Matches a number with a multiplier, such as `$1.25M`, which is accurate to within half a unit of its last digit.
_SHORT = re.compile(r"(?<!\d)(\d++(?:[.,](\d++))?)\s?(k|m|mm|mio|mn|million|thousand|tsd|mil|b|bn)\b", re.IGNORECASE)
_TIMES = {"k": 1e3, "thousand": 1e3, "tsd": 1e3, "b": 1e9, "bn": 1e9}
_WORDS = {"saint": "st", "mount": "mt", "fort": "ft", "heights": "hts", "estates": "est", "estate": "est"}
_LETTERS_PER_ERROR = 5


def same_value(name: str, one: SourceRecord, other: SourceRecord) -> bool:
    """Return whether two records agree on the field `name`, ignoring unit, rounding, spelling, and order."""
    a, b = one.values[name], other.values[name]
    if name in UNIT_OF:
        return _same_area(name, one, other)
    if name in AXES:
        return bool(abs(a - b) <= DEGREES)
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        known_to = max(_known_to(one, name), _known_to(other, name))
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=max(1e-9, known_to))
    if isinstance(a, list) and isinstance(b, list):
        return _same_list(a, b)
    return a == b or _same_text(name, str(a), str(b))


def says_less(name: str, chosen: SourceRecord, other: SourceRecord) -> bool:
    """Return whether both records have the same street address, but only `chosen` names the unit."""
    if FIELDS[name].address_part != "street":
        return False
    address, house = _street(str(chosen.values[name])), _street(str(other.values[name]))
    return bool(address.unit) and not house.unit and _is_one_house(address, house)


def same_place(one: SourceRecord, other: SourceRecord) -> bool:
    """Return whether the coordinates that both records give differ by at most `DEGREES`."""
    names = [name for name in AXES if name in one.values and name in other.values]
    return all(same_value(name, one, other) for name in names)


def _same_area(name: str, one: SourceRecord, other: SourceRecord) -> bool:
    a, b = one.values[name], other.values[name]
    units = one.values.get(UNIT_OF[name]), other.values.get(UNIT_OF[name])
    first, second = square_meters(one.values, name), square_meters(other.values, name)
    if first is None or second is None or units[0] == units[1]:
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=min(max(_half_step(a), _half_step(b)), _MOST_ROUNDING * abs(b)))
    steps = _half_step(a) * IN_SQUARE_METERS[str(units[0])] + _half_step(b) * IN_SQUARE_METERS[str(units[1])]
    return math.isclose(first, second, rel_tol=_OTHER_UNIT, abs_tol=min(steps, _MOST_ROUNDING * second))


def _half_step(number: float) -> float:
    """Return half a unit of the number's last digit: 0.005 for 0.23, 0.5 for 1410."""
    digits = f"{number:.6f}".rstrip("0").partition(".")[2]
    return float(0.5 * 10 ** -len(digits))


def _known_to(record: SourceRecord, name: str) -> float:
    proof = record.evidence.get(name)
    short = _SHORT.search(proof.raw) if proof is not None else None
    if short is None:
        return 0.0
    return float(0.5 * _TIMES.get(short[3].casefold(), 1e6) * 10 ** -len(short[2] or ""))


def _same_list(a: list[Any], b: list[Any]) -> bool:
    """Compare two lists in any order. Two texts match if the words of one include all words of the other."""
    if any(isinstance(part, dict) for part in (*a, *b)):
        return sorted(map(str, a)) == sorted(map(str, b))
    one, other = [frozenset(_plain_words(str(part))) for part in a], [frozenset(_plain_words(str(p))) for p in b]
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    return all(any(part <= whole or whole <= part for whole in many) for part in few)


def _same_text(name: str, a: str, b: str) -> bool:
    spec = FIELDS[name]
    if spec.address_part == "street":
        return _same_street(a, b)
    one, other = _spelled(name, a), _spelled(name, b)
    if one == other:
        return True
    if spec.personal:
        return _same_person(one, other)
    if spec.address_part == "street_name":
        return same_street_name(one, other)
    return spec.spelled and is_misspelling(one, other)


def same_street_name(one: str, other: str) -> bool:
    """Return whether two normalized street names agree word by word. Words of up to four letters must be equal."""
    if one.replace(" ", "") == other.replace(" ", ""):
        return True
    words, others = one.split(), other.split()
    return len(words) == len(others) and all(is_misspelling(a, b) for a, b in zip(words, others, strict=True))


def is_misspelling(one: str, other: str) -> bool:
    """Return whether two texts may be spellings of the same name.

    One letter in five may differ, but at most two letters. Digits must be equal.
    """
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return False
    longest = max(len(one), len(other))
    return OSA.distance(one, other) <= min(2, longest // _LETTERS_PER_ERROR)


@lru_cache(maxsize=20_000)
def _spelled(name: str, text: str) -> str:
    spec = FIELDS[name]
    if spec.address_part == "street_name":
        return normalize(Address(street_name=text)).street_name or text
    if spec.address_part == "postal_code":
        joined = re.sub(r"\W+", "", text.casefold())
        return joined[:5] if re.fullmatch(r"\d{9}", joined) else joined
    if spec.kind == "identifier":
        return letters_of(text).lstrip("0") or text
    return " ".join(sorted(_known_words(text))) if spec.personal else _joined(text, spec.idle_words)


def _joined(text: str, idle: Collection[str] = ()) -> str:
    return "".join(_known_words(text, idle)) or text.casefold()


def _known_words(text: str, idle: Collection[str] = ()) -> list[str]:
    return [_WORDS.get(word, word) for word in _plain_words(text) if word not in idle]


def _plain_words(text: str) -> list[str]:
    return re.sub(r"[^\w/]+|_", " ", text.casefold().replace("'", "")).split()


def _same_person(one: str, other: str) -> bool:
    names = [[word for word in text.split() if len(word) > 1] for text in (one, other)]
    return is_misspelling(*(" ".join(words) for words in names)) if all(names) else False


@lru_cache(maxsize=20_000)
def _street(text: str) -> Address:
    whole = normalize(with_street(Address(), text))
    head = normalize(with_street(Address(), text.partition(",")[0]))
    return Address(street_number=head.street_number, street_name=head.street_name, unit=whole.unit or head.unit)


def _same_street(a: str, b: str) -> bool:
    one, other = _street(a), _street(b)
    if not (one.street_number and other.street_number and one.street_name and other.street_name):
        return _joined(a) == _joined(b)
    return (one.unit or "") == (other.unit or "") and _is_one_house(one, other)


def _is_one_house(one: Address, other: Address) -> bool:
    if not (one.street_number and one.street_name and other.street_name) or one.street_number != other.street_number:
        return False
    return same_street_name(one.street_name, other.street_name)
