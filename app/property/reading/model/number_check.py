"""Check whether a quote states a number, area, amount, or date. `value_check.py` checks words.

Both `1,410` and `1.410` state 1410. A value that must be computed counts as not stated, except a sum of bathrooms.
"""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice

from app.property.fields.table import of_kind
from app.property.reading.model.claims import CheckedValue, Claim
from app.property.reading.model.label_words import labels_in, names
from app.property.reading.other_subjects import is_monthly
from app.property.record import FIELDS
from app.property.values import areas, counts, dates, numbers, prices
from app.property.values.currency import find_currency

_COUNT_WORDS: Mapping[str, float] = {
    word: value
    for value, words in {
        1: "one single a ein eine einem einen einer eins jeden jedna jedną ett en une un una",
        2: "two double zwei dwa dwie två deux dos",
        3: "three triple drei trzy tre trois tres",
        4: "four vier cztery fyra quatre cuatro",
        5: "five fünf pięć fem cinq cinco",
        6: "six sechs sześć sex seis",
        7: "seven sieben siedem sju sept siete",
        8: "eight acht osiem åtta huit ocho",
        9: "nine neun dziewięć nio neuf nueve",
        10: "ten zehn dziesięć tio dix diez",
    }.items()
    for word in words.split()
}
HALF = re.compile(r"\band[ -](?:a|one)[ -]half\b(?! acre)|einhalb|(?<=\d)[ -]?(?:½|1/2\b)", re.IGNORECASE)
#: Matches a fraction of an acre or a mile, which is not a number of bathrooms.
_FRACTION = re.compile(r"\d/\d(?=[ -]?(?:of an )?(?:acre|ac\b|mile))", re.IGNORECASE)
_COUNTED = frozenset(of_kind("count"))


def _stated(quote: str) -> Iterator[float]:
    """Yield every number in `quote`. Commas and dots are read both as decimal and as thousands separators."""
    for lang in ("en", "de"):
        for multipliers in (True, False):
            yield from (n.value for n in numbers.find_numbers(quote, lang, multipliers=multipliers))


_COUNT_LAST = re.compile(r"(?<![\d.,])\d{1,2}(?:\.\d+)?\W{0,3}$")


def numbers_in_words(quote: str) -> Iterator[float]:
    return (value for value, _ in _in_words(quote))


def places_in_words(text: str, value: float) -> Iterator[tuple[int, int]]:
    return ((word.start(), word.end()) for stated, word in _in_words(text) if stated == value)


def ends_in_count(text: str) -> bool:
    """Return whether `text` ends in a small number, in digits or words, such as `three` before `bedrooms`."""
    last = max((word.end() for _, word in _in_words(text[-16:])), default=None)
    return _COUNT_LAST.search(text) is not None or (last is not None and not re.search(r"\w", text[-16:][last:]))


def _in_words(text: str) -> Iterator[tuple[float, re.Match[str]]]:
    for word in re.finditer(r"[^\W\d_]+", text):
        spelled = word.group().lower()
        stem = spelled.removesuffix("einhalb") or spelled
        if stem in _COUNT_WORDS:
            yield _COUNT_WORDS[stem], word


def _equal(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=0.005)


def _in_range(field: str, value: float) -> bool:
    """Areas are checked later, in `consistency.py`, because their range depends on the unit."""
    spec = FIELDS[field]
    low, high = spec.range if spec.range is not None and spec.kind != "area" else (0, 1e12)
    return low <= value <= high


def number(claim: Claim) -> CheckedValue | None:
    """Check a number in digits. A number of rooms or stories may also be in words."""
    value = float(claim.value)
    if not _in_range(claim.field, value):
        return None
    stated = list(_stated(counts.ORDINAL.sub(" ", claim.quote) if claim.field in _COUNTED else claim.quote))
    if claim.field in _COUNTED:
        words = list(numbers_in_words(claim.quote))
        stated += words
        if HALF.search(claim.quote):
            stated += [n + 0.5 for n in (*stated, *words)]
    if not any(_equal(value, n) for n in stated):
        return None
    return CheckedValue(int(value) if FIELDS[claim.field].type == "integer" else numbers.tidy(value))


#: Matches the numbers of full and half baths in `2 / 1 ba`, but not a fraction such as `1/2`.
_FULL_AND_HALF = re.compile(r"(?<![\d/])(?!1\s?/\s?[24]|3\s?/\s?4)(\d{1,2})\s?/\s?(\d)(?![\d/])")
_BATHS = frozenset({"BathroomsTotalInteger", "BathroomsFull", "BathroomsHalf", "_BedsBaths"})
_MARKS = re.compile(r"[^\w\n]{0,4}(?:\([a-z/]{1,9}\))?[^\w\n]{0,4}", re.IGNORECASE)
_PARTS_OF_BATHS = frozenset({"BathroomsFull", "BathroomsHalf", "_ThreeQuarterBaths"})
#: The fields whose numbers are added up if no full baths are named: `3 baños, 1 medio baño`.
_ALL_AND_HALF = frozenset({"BathroomsTotalInteger", "BathroomsHalf", "_ThreeQuarterBaths"})
#: `_BEHIND` matches the number that follows a label; `_BEFORE` matches the number that precedes a label.
_BEHIND, _BEFORE = re.compile(r"[\s:|.–-]*(\d{1,2})(?![\d/])"), re.compile(r"(?<![\d.,/])(\d{1,2})[\s:|-]*$")


def bathrooms(claim: Claim) -> CheckedValue | None:
    """RESO counts a half bathroom as one: `2.5 baths` and `2 full, 1 half` are both 3."""
    value = int(claim.value)
    if not _in_range(claim.field, value):
        return None
    stated = [*_stated(_FRACTION.sub(" ", claim.quote)), *numbers_in_words(claim.quote)]
    if HALF.search(claim.quote):
        stated += [n + 1 for n in stated]
    if is_sum_of_baths(claim) or any(n > 0 and math.ceil(n) == value for n in stated):
        return CheckedValue(value)
    return None


def is_sum_of_baths(claim: Claim) -> bool:
    """Return whether full and half bathrooms in the quote add up to the value: `2 full, 1 half`, `2 / 1 ba`."""
    counted = counts.bathrooms(claim.quote, claim.lang)
    if counted and counted.half is not None and counted.total == claim.value:
        return True
    baths = [one for one in labels_in(claim.quote, claim.lang) if one.field in _BATHS]
    pairs = (
        int(both[1]) + int(both[2])
        for both in _FULL_AND_HALF.finditer(claim.quote)
        if any(_MARKS.fullmatch(claim.quote[min(both.end(), one.end) : max(both.start(), one.start)]) for one in baths)
    )
    return claim.value in (sum(_parts(claim)), *pairs)


def _parts(claim: Claim) -> Iterator[int]:
    """Yield the numbers of full, half, and three-quarter bathrooms: all after their labels, or all before them."""
    named = labels_in(claim.quote, claim.lang)
    fields = {one.field for one in named}
    wanted = _PARTS_OF_BATHS if "BathroomsFull" in fields else _ALL_AND_HALF
    parts = [one for one in named if one.field in wanted] if "BathroomsHalf" in fields else []
    is_before = not all(_BEHIND.match(claim.quote, one.end) for one in parts)
    for one in parts:
        near = _BEFORE.search(claim.quote[: one.start]) if is_before else _BEHIND.match(claim.quote, one.end)
        yield int(near[1]) if near else 0


def area(claim: Claim) -> CheckedValue | None:
    """The area's unit may be elsewhere in the quote or its line. An area without a unit needs a label."""
    value = float(claim.value)
    if not _in_range(claim.field, value):
        return None
    for lang in ("en", "de"):
        for found in numbers.find_numbers(claim.quote, lang, multipliers=False):
            if not _equal(found.value, value) or _is_length(claim.quote, found.start, found.end):
                continue
            at = claim.line.find(claim.quote)
            rest = claim.line[at + found.end :] if at >= 0 else claim.quote[found.end :]
            behind = re.split(r"[|\n]", rest[:16])[0]
            unit = areas.find_unit(behind) or areas.find_unit(claim.quote) or areas.find_unit(claim.line)
            is_area = unit is not None or names(claim.field, claim.line, claim.lang)
            is_other = unit in _OF_LAND and claim.field == "LivingArea"
            return CheckedValue(numbers.tidy(value), unit) if is_area and not is_other else None
    return None


def _is_length(text: str, start: int, end: int) -> bool:
    """Return whether a number is a length in dimensions such as `80 x 120` or `80' x 120'`."""
    return bool(_LENGTH_FOLLOWS.match(text, end) or _AFTER_LENGTH.search(text[:start]))


def is_of_land(quote: str) -> bool:
    """Return whether the unit in `quote` measures land and not homes."""
    return areas.find_unit(quote) in _OF_LAND


_BY = r" ?(?:'|ft|feet)? ?[x×] ?"
_LENGTH_FOLLOWS, _AFTER_LENGTH = re.compile(rf"{_BY}\d", re.IGNORECASE), re.compile(rf"\d{_BY}$", re.IGNORECASE)
#: RESO's units that are accepted only for land.
_OF_LAND = frozenset({"Acres", "Hectares"})


def money(claim: Claim) -> CheckedValue | None:
    """The unit of the checked value is the quote's currency."""
    value = float(claim.value)
    if value < 0 or (value == 0 and claim.field != "ClosePrice") or not _in_range(claim.field, value):
        return None
    is_stated = any(_equal(value, n) for n in _stated(claim.quote)) and not is_monthly(claim.field, claim.quote)
    return CheckedValue(numbers.tidy(value), find_currency(claim.quote, claim.country)) if is_stated else None


def list_price(claim: Claim) -> CheckedValue | None:
    """A quote with only a price per area is rejected. The number needs a currency or a label."""
    if find_currency(claim.quote, claim.country) is None and not names(claim.field, claim.line, claim.lang):
        return None
    if prices.is_per_area(claim.quote) and prices.parse_price(claim.quote, lang=claim.lang) is None:
        return None
    return money(claim)


def date(claim: Claim) -> CheckedValue | None:
    """If the claim has `01` for a day or month that the quote lacks, return the date without it."""
    wanted = str(claim.value).strip()
    if not re.fullmatch(r"\d{4}(?:-\d\d(?:-\d\d)?)?", wanted):
        return None
    for word in islice(re.finditer(r"(?<![\w/.-])\w", claim.quote), 24):
        found = dates.parse_date(claim.quote[word.start() :], lang=claim.lang, country=claim.country)
        if found and wanted.startswith(found) and set(wanted[len(found) :].split("-")) <= {"", "01"}:
            return CheckedValue(found)
    return None
