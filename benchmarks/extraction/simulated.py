"""A simulated model: it answers with every labeled value that the prompt's text contains, and quotes as a real one.

It quotes the shortest passage that states the value together with its label, whatever the label is. It knows the page's
labels (the truth), the prompt, and a person's few words (`reader_words.py`), but nothing of what the check of claims
knows. A place of a value is its field's

- if the nearest known word in the passage is the field's, or
- if the passage is a label and its value, and no word says that it is something else. A small count under such an
  unknown label counts only if no other unknown label has the same number, or
- if the value itself says what it is: a price with its currency, an area with its unit, a name, an address.

A place is never a field's if it is evidently another thing: a part of the labeled street, a date, a phone number.
`planted` yields wrong claims: each correct value and its quote for a similar field. `mistakes.py` yields the errors of
a real model.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.property.reading.model.prompt import ENUMS, Prompt
from app.property.record import FIELDS
from app.property.values.areas import IN_SQUARE_METERS
from app.property.values.places import US_STATES
from benchmarks.extraction import matching
from benchmarks.extraction.passages import MAX_QUOTE_LINES, PageLines, Passage, Place
from benchmarks.extraction.presence import ASKED, STREET_WORDS
from benchmarks.extraction.reader_words import (
    ALIKE,
    DENIED,
    FOR_RENT,
    KIND_OF,
    NEED_WORDS,
    OF_OTHERS,
    OTHER_THINGS,
    SIGNS,
    STATUS_WORDS,
    TYPE_WORDS,
    UNITS,
    WORDS,
)
from benchmarks.extraction.scorer import LABELS

Row = Mapping[str, Any]
#: Groups of labels whose values look alike, for `planted`.
_ALIKE = (
    ("rooms", "bedrooms", "bathrooms", "stories", "parking"),
    ("year_built", "tax_year", "roof_year"),
    ("price", "hoa_fee", "tax_annual", "assessed_value", "market_value", "last_sale_price"),
    ("living_area", "lot_size"),
    ("agent", "office"),
)
_AREAS = {"living_area": "living_area_unit", "lot_size": "lot_unit"}
_ADDRESS = ("street", "city", "postal_code", "region")
_FEATURES = ("roof", "exterior_wall", "heating", "cooling")
_IDS = ("listing_id", "parcel_number")
_ENUM_VALUES = {"Studio": "Apartment"}
_STATUSES = {"for_sale": "Active", "for_rent": "Active", "sold": "Closed"}
#: The tiers of numbers under a label that no word explains, and of numbers without a label.
_UNKNOWN, _UNLABELED = 2, 3
#: A passage is trimmed to its label and value if it is longer.
_MAX_WHOLE_CHARS = 60
#: A word farther from a value does not label it. Each separator between them counts as many characters.
_MAX_GAP, _SEPARATOR_GAP = 60, 20
_SEPARATOR = re.compile(r"[,;|\n•·]")
_MONTH = r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])\w*"
_DATE = re.compile(
    rf"\b\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}\b|\b\d{{1,2}}/(?:19|20)\d\d\b|\b(?:19|20)\d\d-\d\d(?:-\d\d)?\b|\b\d{{1,2}}:\d\d\b"
    rf"|\b\d{{1,2}}\.? {_MONTH}\.? \d{{4}}\b|\b{_MONTH}\.? \d{{1,2}},? \d{{4}}\b|\b{_MONTH}\.? (?:19|20)\d\d\b",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"\(\d{3}\) ?\d{3}-\d{4}|\b\d{3}[-.]\d{3}[-.]\d{4}\b|\+\d[\d ()-]{8,}\d|\b0\d{2,5}[ /-]\d[\d -]{4,}"
)
_ADDRESS_OF_PAGE = re.compile(r"\S*(?://|www\.)\S*")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|er|ème|º|ª)\b|(?<!\d)[13]/4(?!\d)|(?<=\d) ?[x×] ?\d+|\d+ ?[x×] ?(?=\d)|#\d+")
_CURRENCY = re.compile(
    r"[$€£¥₩₺]|zł|\b(?:USD|EUR|GBP|PLN|CHF|CAD|AUD|kr|Kč|Ft|lei|円|万円|TL|NZD|SEK|NOK|DKK)\b|万円|円"
)
_OF_TYPE = re.compile(r"\btype?\b|\btyp\b|objektart|objekttyp|\bstyle\b|categor|\buse\b|rodzaj|art der|kind of", re.I)
_OF_STATUS = re.compile(r"status|availab|verfügb|\bstan\b", re.IGNORECASE)
#: Two ways to write full and half bathrooms: `2 full, 1 half`, and `Full Baths: 2 | Half Baths: 1`.
_FULL_AND_HALF = (
    r"(?<![\d.,]){0}(?: ?½| 1/2| full\b[^\n|]{{0,25}}[^\d\n|]\d (?:half|partial)\b)(?: ?bath(?:room)?s?)?"
    r"|full\b[^\d\n]{{0,14}}{0}\b[^\d]{{0,30}}(?:half|partial)\b[^\d\n]{{0,14}}\d\b"
)
#: A label's colon, right before its value, and the least amount that only one thing on a page is likely to have.
_COLON, _MIN_AMOUNT = re.compile(r"(?<=[^\W\d]): ?$"), 50
#: Some of the bathrooms: a total is preferred.
_PART = re.compile(r"\bfull\b|¾|en-? ?suite", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim of the simulated model. `shown_label` is the label beside the value in the quote, "" if there is none."""

    label: str
    field: str
    value: Any
    quote: str
    shown_label: str = ""


@dataclass(frozen=True, slots=True)
class _Quote:
    """A possible quote; `tier` is 0 for the most telling."""

    tier: int
    start: int
    end: int
    label: str
    place: Place
    pair: bool = False


def answers(prompt: Prompt, row: Row) -> Iterator[Claimed]:
    """Yield the labeled values of requested fields that the text of `prompt` states."""
    reader = _Reader(prompt, row)
    for label in ASKED:
        if row.get(label) is not None:
            yield from reader.claims(label)


def planted(claims: list[Claimed], prompt: Prompt, row: Row) -> Iterator[Claimed]:
    """Yield wrong claims: each value of `claims`, with its quote, as the value of a similar field."""
    for claim in claims:
        for other in next((kind for kind in _ALIKE if claim.label in kind), ()):
            field = LABELS[other][0][0]
            is_wrong = other != claim.label and _as_model_states(other, row) not in (row[claim.label], claim.value)
            if is_wrong and field in prompt.fields and FIELDS[field].ask_model:
                yield Claimed(other, field, claim.value, claim.quote)


def _as_model_states(label: str, row: Row) -> Any:
    value = row.get(label)
    return math.ceil(value) if label == "bathrooms" and value is not None else value


class _Reader:
    """Finds the quotes of one page's labeled values."""

    def __init__(self, prompt: Prompt, row: Row) -> None:
        self._prompt, self._row = prompt, row
        self._lines = PageLines(prompt.text)
        self._text = prompt.text
        self._shown = len(prompt.text) if prompt.shown is None else prompt.shown

    def claims(self, label: str) -> Iterator[Claimed]:
        field = LABELS[label][0][0]
        wanted = [name for name in LABELS[label][0] if name in self._prompt.fields]
        if not wanted or not (field in wanted or label == "property_type"):
            return
        quote = self._best(label)
        if quote is None:
            return
        value = self._value(label, quote)
        if field in wanted and value is not None:
            yield Claimed(label, field, value, self._text_of(quote), quote.label.strip())
        if label == "property_type" and "PropertyType" in wanted:
            yield self._general_type(quote)

    def _general_type(self, quote: _Quote) -> Claimed:
        labeled = self._row["property_type"]
        leased = self._row.get("status") == "for_rent" or self._row.get("price_period") is not None
        value = {"land": "Land", "commercial": "Commercial Sale"}.get(labeled, "Residential")
        if leased and value != "Land":
            value = value.split()[0] + " Lease"
            status = self._best("status") if self._row.get("status") else None
            quote = status if status is not None and FOR_RENT.search(self._text_of(status)) else quote
        return Claimed("property_type", "PropertyType", value, self._text_of(quote), quote.label.strip())

    def _text_of(self, quote: _Quote) -> str:
        return self._text[quote.start : quote.end]

    def _best(self, label: str) -> _Quote | None:
        quotes = list(self._quotes(label))
        if KIND_OF.get(label) == "count":
            quotes = self._with_one_meaning(quotes)
        return min(quotes, key=lambda quote: self._order(label, quote), default=None)

    def _order(self, label: str, quote: _Quote) -> tuple[int | bool, ...]:
        """Prefer a telling passage, then what a reader sees, a label before its value, fewer lines, and fewer words.

        A price is quoted where it stands first, because similar homes may have the same price. An address is quoted
        from the page's data only if a reader sees no address.
        """
        text = self._text_of(quote)
        is_unshown = quote.start >= self._shown
        tier = quote.tier + (2 * is_unshown if label in _ADDRESS else 0)
        form = 2 if not quote.pair else quote.start == quote.place.start
        if label == "price":
            return tier, is_unshown, text.count("\n"), quote.start, len(text)
        return tier, is_unshown, form, text.count("\n"), len(text), quote.start

    def _with_one_meaning(self, quotes: list[_Quote]) -> list[_Quote]:
        """Leave out small counts under unknown labels, if several of these labels have the same count, or if only the
        page's data has them."""
        quotes = [quote for quote in quotes if quote.tier < _UNKNOWN or quote.start < self._shown]
        unknown = {quote.label.strip(" :").casefold() for quote in quotes if quote.tier >= _UNKNOWN}
        return [quote for quote in quotes if quote.tier < _UNKNOWN or len(unknown) == 1]

    def _quotes(self, label: str) -> Iterator[_Quote]:
        find = _FINDERS.get(label)
        found = find(self, label) if find is not None else self._of_text(label)
        return (quote for quote in found if self._text_of(quote).count("\n") < MAX_QUOTE_LINES)

    # numbers

    def _of_number(self, label: str) -> Iterator[_Quote]:
        for place in self._places_of_number(label):
            yield from self._of_place(label, place)

    def _places_of_number(self, label: str) -> Iterator[Place]:
        wanted = self._numbers_of(label)
        for place in self._lines.numbers:
            if place.number is None or not any(abs(place.number - number) < 0.005 for number in wanted):
                continue
            if not self._is_another_thing(place):
                yield place

    def _numbers_of(self, label: str) -> set[float]:
        value = float(self._row[label])
        return {value, float(math.ceil(value))} if label == "bathrooms" else {value}

    def _of_area(self, label: str) -> Iterator[_Quote]:
        labeled = float(self._row[label])
        size = labeled * IN_SQUARE_METERS[matching.UNITS[self._row[_AREAS[label]]]]
        for place in self._lines.numbers:
            if place.number is None or self._is_another_thing(place):
                continue
            unit = self._unit_at(place)
            is_own = abs(place.number - labeled) < 0.005 and unit in (None, matching.UNITS[self._row[_AREAS[label]]])
            if unit is not None and not is_own:
                is_own = abs(place.number * IN_SQUARE_METERS[unit] - size) <= matching.AREA_TOLERANCE * size
            if is_own:
                yield from self._of_place(label, place)

    def _unit_at(self, place: Place) -> str | None:
        behind = self._text[place.end : place.end + 16].lstrip(" \u00a0")
        return next((unit for unit, words in UNITS.items() if words.match(behind)), None)

    def _of_place(self, label: str, place: Place) -> Iterator[_Quote]:
        is_shared = self._is_shared(label, place)
        passages = list(self._lines.passages(place))
        owners = [self._owner(label, one, place) for one in passages]
        for passage, (owner, gap) in zip(passages, owners, strict=True):
            if owner == label:
                is_part = label == "bathrooms" and _PART.search(passage.label) is not None
                is_spelled = self._text[place.start : place.end].isalpha()
                yield self._trimmed(int(is_part or is_spelled), passage, place, gap)
            elif owner is None and not is_shared and label not in owners:
                tier = self._tier_without_words(label, passage, place)
                if tier is not None:
                    yield _Quote(tier, *self._with_neighbor(label, passage), passage.label, place, passage.pair)

    def _tier_without_words(self, label: str, passage: Passage, place: Place) -> int | None:
        if passage.pair and self._may_be_unknown(label, passage, place):
            return _UNKNOWN
        around = self._text[max(0, place.start - 5) : place.start], self._text[place.end : place.end + 5]
        if label == "price" and any(map(_CURRENCY.search, around)):
            return _UNLABELED
        return _UNLABELED if label in _AREAS and self._unit_at(place) is not None else None

    def _may_be_unknown(self, label: str, passage: Passage, place: Place) -> bool:
        """Return whether a pair whose label no word explains may be quoted: for a count or a year, only `Label: 3`."""
        if KIND_OF[label] in ("count", "year"):
            return place.end == passage.end and _COLON.search(self._text[passage.start : place.start]) is not None
        return (place.number or 0) >= _MIN_AMOUNT

    def _with_neighbor(self, label: str, passage: Passage) -> tuple[int, int]:
        """Return the bounds of a passage, with the line above if it is only a price."""
        start, end = passage.start, passage.end
        if label == "price" and not passage.label:
            above = self._lines.line_at(start) - 1
            if 0 < len(self._lines.line(above)) <= _MAX_WHOLE_CHARS:
                start = self._lines.bounds(above)[0]
        return start, end

    def _is_shared(self, label: str, place: Place) -> bool:
        """Return whether the number is also the labeled value of another field, so that only words can tell it."""
        for other in (*ALIKE["count"], *ALIKE["year"], *ALIKE["money"]):
            value = self._row.get(other)
            if other != label and isinstance(value, int | float) and place.number == value:
                return True
        return False

    def _is_another_thing(self, place: Place) -> bool:
        return any(start <= place.start and place.end <= end for start, end in self._other_things)

    @cached_property
    def _other_things(self) -> list[tuple[int, int]]:
        """The bounds of dates, phone numbers, ordinals, and URLs, and of the labeled street, postal code, and ids."""
        found = [
            match.span() for mark in (_DATE, _PHONE, _ORDINAL, _ADDRESS_OF_PAGE) for match in mark.finditer(self._text)
        ]
        for label in ("street", "postal_code", *_IDS):
            if self._row.get(label) is not None:
                found += [(place.start, place.end) for place in self._places_of_text(label)]
        return found

    # what a passage says

    def _owner(self, label: str, passage: Passage, place: Place) -> tuple[str | None, tuple[int, int]]:
        """Return the label, or "other", whose words are nearest to the value in the passage, and where these are."""
        kind = KIND_OF.get(label, "")
        named = [
            (other, match.start(), match.end())
            for other in {label, *ALIKE.get(kind, ())}
            for match in WORDS[other].finditer(self._text, passage.start, passage.end)
        ]
        if kind in OTHER_THINGS:
            things = OTHER_THINGS[kind].finditer(self._text, passage.start, passage.end)
            named += [("other", match.start(), match.end()) for match in things]
        if passage.pair and "\n" in self._text[passage.start : passage.end]:
            # a column's header or a label's line names its value, whatever the other cells are
            named = [one for one in named if self._text[one[1] : one[2]].casefold() in passage.label.casefold()]
        named = [one for one in named if one[2] <= place.start or one[1] >= place.end]
        named = [
            one
            for one in named
            if not any(
                other[0] != one[0] and other[1] <= one[1] and one[2] <= other[2] and other[1:] != one[1:]
                for other in named
            )
        ]
        nearest = min(named, key=lambda one: (self._gap(one[1], one[2], place), one[0] != label), default=None)
        if nearest is None or (not passage.pair and self._gap(nearest[1], nearest[2], place) > _MAX_GAP):
            return None, (place.start, place.end)
        return nearest[0], nearest[1:]

    def _gap(self, start: int, end: int, place: Place) -> int:
        is_before = end <= place.start
        between = self._text[end : place.start] if is_before else self._text[place.end : start]
        is_of_next = not is_before and re.match(r"\s?:", self._text[end : end + 2]) is not None
        return len(between) + _SEPARATOR_GAP * (len(_SEPARATOR.findall(between)) + is_of_next)

    def _trimmed(self, tier: int, passage: Passage, place: Place, words: tuple[int, int]) -> _Quote:
        start, end = passage.start, passage.end
        if end - start > _MAX_WHOLE_CHARS and not passage.pair:
            start, end = min(place.start, words[0]), max(place.end, words[1])
            unit = re.compile(r"\s?(?:m²|m2|€|zł|%|sq\.? ?ft\.?|sqft|acres?)", re.IGNORECASE).match(self._text, end)
            end = unit.end() if unit else end
            sign = re.search(r"[$€£]\s?$", self._text[:start][-2:])
            start -= len(sign[0]) if sign else 0
        return _Quote(tier, start, end, passage.label, place, passage.pair)

    # numbers that need more than one place

    def _of_bathrooms(self, label: str) -> Iterator[_Quote]:
        yield from self._of_number(label)
        value = float(self._row[label])
        if value.is_integer():
            return
        full = math.floor(value)
        for match in re.finditer(_FULL_AND_HALF.format(full), self._text, re.IGNORECASE):
            place = Place(match.start(), match.end(), float(full))
            yield _Quote(1, *match.span(), "", place)

    def _of_year(self, label: str) -> Iterator[_Quote]:
        """Yield also the year in a line with its tax values, and a year in a date of the roof's permit."""
        yield from self._of_number(label)
        year = re.compile(rf"(?<!\d){self._row[label]}(?!\d)")
        for match in year.finditer(self._text):
            place = Place(match.start(), match.end(), float(self._row[label]))
            line = self._lines.line_at(place.start)
            start, end = self._lines.bounds(line)
            if label == "roof_year" and (roof := WORDS[label].search(self._text, start, end)) and end - start < 200:
                date = next((one for one in _DATE.finditer(self._text, start, end) if one.end() >= place.end), match)
                yield _Quote(1, min(roof.start(), date.start()), max(roof.end(), date.end()), roof[0], place)
            if label == "tax_year":
                taxes = {self._row.get(name) for name in ("assessed_value", "market_value", "tax_annual")} - {None}
                values = [one for one in self._lines.numbers if start <= one.start < end and one.number in taxes]
                if values and match.start() - start <= 20:
                    yield _Quote(1, match.start(), values[0].end, "", place)

    def _of_date(self, label: str) -> Iterator[_Quote]:
        for match in _DATE.finditer(self._text):
            if not _is_date(match[0], str(self._row[label])):
                continue
            place = Place(match.start(), match.end())
            passages = list(self._lines.passages(place))
            for passage in passages:
                owner, words = self._owner(label, passage, place)
                if owner == label:
                    yield self._trimmed(0, passage, place, words)
                elif passage.pair:
                    yield _Quote(_UNKNOWN, passage.start, passage.end, passage.label, place, passage.pair)
            end = self._lines.bounds(self._lines.line_at(place.start))[1]
            prices = [
                one.end
                for one in self._lines.numbers
                if place.end <= one.start < end and one.number == self._row.get("last_sale_price")
            ]
            if prices:
                yield _Quote(1, place.start, prices[0], "", place)

    def _is_in_url(self, place: Place) -> bool:
        return any(
            match.start() <= place.start < match.end()
            for match in _ADDRESS_OF_PAGE.finditer(self._text, *self._lines.bounds(self._lines.line_at(place.start)))
        )

    # texts

    def _places_of_text(self, label: str) -> Iterator[Place]:
        values = self._row[label] if isinstance(self._row[label], list) else [self._row[label]]
        pattern = _text_pattern(label, str(values[0]))
        return (Place(match.start(), match.end()) for match in pattern.finditer(self._text))

    def _of_text(self, label: str) -> Iterator[_Quote]:
        rest = self._row[label][1:] if isinstance(self._row[label], list) else []
        for place in self._places_of_text(label):
            if label in _IDS and self._is_in_url(place):
                continue
            others = [self._text.find(str(one), place.start, place.start + 300) for one in rest]
            if any(at < 0 for at in others):
                continue
            end = max([place.end, *(at + len(str(one)) for at, one in zip(others, rest, strict=True))])
            yield from self._of_text_place(label, Place(place.start, end))

    def _of_text_place(self, label: str, place: Place) -> Iterator[_Quote]:
        for passage in self._lines.passages(place):
            owner, words = self._owner(label, passage, place)
            end = max(place.end, passage.end)
            if owner == label:
                tier = 0
            elif self._is_telling(label, passage, place):
                tier = 1
            elif label in _FEATURES:
                continue
            else:
                tier = 2
            if label in _ADDRESS:
                tier = self._tier_of_address(label, passage, tier)
            quote = self._trimmed(tier, passage, place, words) if tier == 0 and label not in _ADDRESS else None
            yield quote or _Quote(tier, passage.start, end, passage.label if passage.pair else "", place, passage.pair)

    def _is_telling(self, label: str, passage: Passage, place: Place) -> bool:
        """Return whether a text says itself what it is (`Gas heating`), or is in a pair with a label."""
        if label in _FEATURES and WORDS[label].search(self._text, place.start, place.end):
            return True
        return passage.pair and not (label in _ADDRESS and OF_OTHERS.search(passage.label))

    def _tier_of_address(self, label: str, passage: Passage, tier: int) -> int:
        """Prefer a passage with other parts of the address, and avoid those of owners, agents, and offices."""
        parts = [name for name in _ADDRESS if name != label and self._row.get(name) is not None]
        beside = sum(
            _text_pattern(name, str(self._row[name])).search(self._text, passage.start, passage.end) is not None
            for name in parts
        )
        line = self._lines.line(self._lines.line_at(passage.start))
        if OF_OTHERS.search(line):
            return 4
        return 0 if beside > 1 or tier == 0 else 1 if beside else tier + 1

    def _of_currency(self, label: str) -> Iterator[_Quote]:
        sign = SIGNS.get(self._row[label], "$")
        if self._row.get("price") is None:
            return
        for quote in self._quotes("price"):
            for written in (str(self._row[label]), sign):
                if written in self._text_of(quote):
                    yield quote

    # words for kinds

    def _of_type(self, _label: str) -> Iterator[_Quote]:
        for place in self._places_of_type():
            for passage in self._lines.passages(place):
                line = self._text[passage.start : passage.end]
                is_named = _OF_TYPE.search(passage.label) is not None and passage.pair
                is_headline = re.search(r"\d|\bsale\b|\brent\b", passage.label) or STATUS_WORDS["for_sale"].search(line)
                tier = 0 if is_named else 1 if is_headline else 2
                yield _Quote(
                    tier, passage.start, passage.end, passage.label if passage.pair else "", place, passage.pair
                )

    def _places_of_type(self) -> Iterator[Place]:
        wanted = {_ENUM_VALUES.get(one, one) for one in matching.PROPERTY_TYPES[self._row["property_type"]]}
        taken: list[tuple[int, int]] = []
        for name, words in TYPE_WORDS.items():  # the more exact words come first
            for match in words.finditer(self._text):
                if any(start < match.end() and match.start() < end for start, end in taken):
                    continue
                taken.append(match.span())
                is_open_house = self._text[: match.start()][-5:].casefold() == "open "
                if _ENUM_VALUES.get(name, name) in wanted and not is_open_house:
                    yield Place(*match.span())

    def _of_status(self, label: str) -> Iterator[_Quote]:
        for match in STATUS_WORDS[self._row[label]].finditer(self._text):
            place = Place(*match.span())
            for passage in self._lines.passages(place):
                line = self._text[passage.start : passage.end]
                is_telling = _OF_STATUS.search(passage.label) is not None and passage.pair
                is_headline = any(words.search(line) for words in TYPE_WORDS.values())
                yield _Quote(0 if is_telling or is_headline else 1, passage.start, passage.end, "", place)

    def _of_words(self, label: str) -> Iterator[_Quote]:
        """Yield the cells with the field's words that state or deny it."""
        for match in WORDS[label].finditer(self._text):
            place = Place(*match.span())
            start, end = self._lines.cell(place)
            cell = self._text[start:end]
            is_shared = label == "pool" and re.search(r"community|shared|gemeinschaft", cell, re.IGNORECASE)
            if (DENIED.search(cell) is None) == bool(self._row[label]) and not is_shared:
                yield _Quote(0, start, end, "", place)

    # values

    def _value(self, label: str, quote: _Quote) -> Any:
        write = _WRITERS.get(label)
        if write is not None:
            return write(self, label, quote)
        labeled = self._row[label]
        if FIELDS[LABELS[label][0][0]].type == "texts":
            return labeled if isinstance(labeled, list) else [labeled]
        return labeled

    def _write_area(self, label: str, quote: _Quote) -> Any:
        labeled, number = self._row[label], quote.place.number
        return labeled if number is None or abs(number - labeled) < 0.005 else number

    def _write_type(self, _label: str, quote: _Quote) -> Any:
        written = self._text[quote.place.start : quote.place.end]
        possible = [name for name, words in TYPE_WORDS.items() if words.fullmatch(written)]
        wanted = matching.PROPERTY_TYPES[self._row["property_type"]]
        names = [_ENUM_VALUES.get(one, one) for one in (*possible, *sorted(wanted))]
        return next((one for one in names if one in ENUMS["PropertySubType"] and one in wanted), None)

    def _write_status(self, label: str, quote: _Quote) -> Any:
        is_soon = "coming soon" in self._text_of(quote).casefold()
        return "Coming Soon" if is_soon else _STATUSES.get(self._row[label], "Pending")

    def _write_region(self, _label: str, quote: _Quote) -> Any:
        return self._text[quote.place.start : quote.place.end]

    def _write_words(self, label: str, quote: _Quote) -> Any:
        words = self._text[quote.place.start : quote.place.end]
        return None if not self._row[label] else [words] if label == "solar" else words


def _is_date(written: str, labeled: str) -> bool:
    year, month, day = (*map(int, labeled.split("-")), *[0] * (2 - labeled.count("-")))
    numbers = [int(number) for number in re.findall(r"\d+", written)]
    months = ("jan", "feb", "ma", "apr", "ma", "jun", "jul", "aug", "sep", "o", "nov", "de")
    is_month = not month or month in numbers or months[month - 1] in written.casefold()
    return year in numbers and is_month and (not day or day in numbers)


def _text_pattern(label: str, value: str) -> re.Pattern[str]:
    """Return a pattern of a labeled text: whole words, whatever stands between them."""
    if label == "postal_code":
        value = re.sub(r"^(\d{5})-\d{4}$", r"\1", value)
        return re.compile(
            rf"(?<!\w){r'[\s-]?'.join(map(re.escape, re.sub(r'[\W_]', '', value)))}(?:-\d{{4}})?(?!\w)", re.I
        )
    if label in ("region", "county"):
        value = re.sub(r"(?i)^(?:county|co\.?)\s+", "", value)
        names = [name for name, code in US_STATES.items() if code == value]
        written = "|".join(re.escape(name) for name in sorted([value, *names], key=len, reverse=True))
        is_code = value in US_STATES.values()
        return re.compile(rf"(?<!\w)(?:{written})(?!\w)", 0 if is_code else re.IGNORECASE)
    words = re.findall(r"[^\W_]+", value)
    written = [_word(word, label) for word in words]
    is_unparted = re.search(r"[\u3040-\u30ff\u3400-\u9fff]", value) is not None
    pattern = r"[\W_]*".join(written) if is_unparted else r"[\W_]{1,3}".join(written)
    if re.search(r"[^\w\s]\W*$", value):
        pattern += r"\W?"
    return re.compile(pattern if is_unparted else rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE)


def _word(word: str, label: str) -> str:
    if label != "street":
        return re.escape(word)
    short = STREET_WORDS.get(word.casefold(), "")
    same = {word, short, *(long for long, code in STREET_WORDS.items() if code == short != "")}
    return rf"(?:{'|'.join(re.escape(one) for one in sorted(filter(None, same), key=len, reverse=True))})\.?"


_FINDERS: Mapping[str, Callable[[_Reader, str], Iterator[_Quote]]] = {
    **dict.fromkeys((*ALIKE["count"], *ALIKE["money"]), _Reader._of_number),
    **dict.fromkeys(ALIKE["year"], _Reader._of_year),
    **dict.fromkeys(_AREAS, _Reader._of_area),
    **dict.fromkeys(NEED_WORDS, _Reader._of_words),
    "bathrooms": _Reader._of_bathrooms,
    "last_sale_date": _Reader._of_date,
    "property_type": _Reader._of_type,
    "status": _Reader._of_status,
    "currency": _Reader._of_currency,
}
_WRITERS: Mapping[str, Callable[[_Reader, str, _Quote], Any]] = {
    **dict.fromkeys(_AREAS, _Reader._write_area),
    "bathrooms": lambda reader, label, _quote: math.ceil(reader._row[label]),
    "property_type": _Reader._write_type,
    "status": _Reader._write_status,
    "region": _Reader._write_region,
    "solar": _Reader._write_words,
    "gated": _Reader._write_words,
}
