"""Check a model's claims. Each value needs a quote that is in the prompt's text and states the value."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from app.property.fields.languages import language
from app.property.fields.phrases import alternatives
from app.property.fields.table import of_kind
from app.property.reading.base import Candidate
from app.property.reading.model import number_check
from app.property.reading.model.answers import LARGEST
from app.property.reading.model.cells import (
    ANSWERS,
    cell_at,
    is_of_other_features,
    is_under_unknown_label,
    misfits,
    with_answer,
)
from app.property.reading.model.claims import CheckedValue, Claim, Flaw
from app.property.reading.model.label_words import Named, labels_in, names
from app.property.reading.model.prompt import Prompt
from app.property.reading.model.quotes import Span, find_quotes
from app.property.reading.model.value_check import check_value
from app.property.reading.other_subjects import is_of_other
from app.property.reading.scorer import MOST_UNSHOWN
from app.property.record import FIELDS, UNIT_OF, Evidence, Method, fits
from app.property.values import areas, counts, numbers, prices
from app.property.values.areas import is_lone_land

#: The confidence of a claim if its quote names the field, if only the quote's line names it, if neither does, and if
#: its label is unknown.
_SURE, _LIKELY, _BARE, _UNKNOWN = 0.9, 0.85, 0.8, 0.79
#: The reader of claims whose label is unknown. `make fit` finds their confidence apart from that of other claims.
_UNNAMED = "model_unknown_label"
#: The confidence of a value is multiplied by this if its quote is in the page's data or unrelated blocks.
_UNSHOWN = 0.33
LONGEST_QUOTE, MOST_LINES = 400, 3
#: Maximum number of characters examined around a quote, of places tried for a value, and of places tried for a quote.
_AROUND, _MOST_PLACES, _MOST_QUOTES = 400, 20, 5
#: Matches our schema's field names (`ListPrice`). A claim quoted from a line with such a name is rejected, because the
#: line was probably written to instruct a model.
_OUR_NAMES = re.compile(
    rf"(?<![A-Za-z])(?:{'|'.join(name for name in FIELDS if re.search('[a-z][A-Z]', name))})(?![a-z])"
)
#: Groups of fields whose values look alike.
_ALIKE = tuple(frozenset(of_kind(*kinds)) for kinds in (("count",), ("year", "date"), ("area",), ("money",), ("name",)))
_BATHS = ("BathroomsHalf", "BathroomsTotalInteger")
#: Match `none` or zero after a count's label, and before it.
_NONE, _NONE_BEFORE = re.compile(r"[\s:|.–-]*(?:0|none|no|n/a)\b", re.IGNORECASE), re.compile(r"\b(?:0|no)\s$", re.I)
#: Each separator between a label and its value adds `_SEPARATED` characters to their distance. `_FAR` is the maximum
#: number of letters between a label and its value.
_SEPARATED, _FAR = 20, 80
#: Matches the colon of a label, which shows that the label belongs to the text after it.
_LEADS = re.compile(r"\s?:")
_AMOUNT = re.compile(r"\d[\d.,]*")
#: Match a digit, and the only numbers that column headers may contain: years and percentages.
_FIGURE, _NO_FIGURE = re.compile(r"\d"), re.compile(r"\b(?:19|20)\d\d\b|\d+(?:\.\d+)?\s?%")
_CELL_BEGINS, _DOTS = re.compile(r"(?:^|[|\n])\s*$"), re.compile(r"\.{2,}")
_CELL_ENDS = re.compile(r": | \| ")
_SEPARATOR = re.compile(r"[,;|•·\n]|\.\s|\s[-–—]\s")
_NAMES = frozenset(of_kind("name"))
#: Fields that merge properties. Any other label right before their value shows that it is another number.
_KEYS = frozenset({"ParcelNumber"})
#: Matches what precedes the second of two labels for one value: `Geo / Ref ID`.
_SECOND = re.compile(r"[^\W\d_]\s?/\s?$")
_NO_FIELDS = frozenset({"_Ignore", "_Walk", "_EstimateRange", "X_EstimatedValueLow", "X_EstimatedValueHigh"})
_ONLY_MARKS = re.compile(r"[^\w\n]{0,8}")
_DATE = re.compile(r"\d{4}(?:-\d\d){0,2}")
#: Matches counts of several things together: `Beds / Baths: 3 / 2.5`.
_SEVERAL = re.compile(
    r"([^:|\n/]{2,30}(?:/[^:|\n/]{2,30}){1,4}):[ ]?(\d[\w. ]{0,6}(?:/[ ]?\d[\w. ]{0,6}){1,4})(?![\w/])"
)
#: Matches words for a sum, such as `Total`. The field of the sum is named in the lines above it.
_SUM = re.compile(rf"(?:^|[|\n:])\W*(?:{alternatives('numbers', 'sums')})\W{{0,6}}$", re.IGNORECASE)
_MOST_ABOVE = 8
#: `_DATED` matches the first cell of a table row about a sale. `_OF_SALES` are the fields that identify such a row.
_DATED, _OF_SALES = (
    re.compile(r"(?:\w+ )?date\b|[^|]{0,12}\b\d{4}\b", re.IGNORECASE),
    ("CloseDate", "ClosePrice", "_Sale"),
)
#: Fields whose value is meaningless without a label.
_LABELED = frozenset(name for name, spec in FIELDS.items() if spec.labeled)


@dataclass(frozen=True, slots=True)
class Dropped:
    field: str
    value: Any
    quote: str
    flaw: Flaw


def check_claims(values: Mapping[str, tuple[Any, str]], prompt: Prompt) -> tuple[list[Candidate], tuple[Dropped, ...]]:
    """Check a model's `values` and quotes against `prompt.text`. Return the accepted claims in the order of
    `prompt.fields`, and the rejected claims.

    A claim may yield further values that its quote gives: an area's unit, a price's period and rent basis, or the
    numbers of full and half bathrooms. A locator is `chars:START-END` in `prompt.text`.
    """
    kept: list[Candidate] = []
    dropped: list[Dropped] = []
    for field in prompt.fields:
        if field not in values:
            continue
        value, quote = values[field]
        found = _checked(field, value, quote, prompt)
        if isinstance(found, str):
            dropped.append(Dropped(field, value, quote, found))
        else:
            kept.extend(found)
    return kept, tuple(dropped)


def answered_before(field: str, proof: Evidence) -> Candidate:
    """Rebuild the candidate of a model's stored value.

    The quote and the final confidence are stored, but not the quote's line or the claim's own confidence. If the quote
    does not name the field, its line is assumed to name it. A confidence of at most `MOST_UNSHOWN` means that the
    visible page did not show the value.
    """
    unshown = proof.confidence <= MOST_UNSHOWN
    strength = _strength(_SURE if names(field, proof.quote, None) else _LIKELY, unshown=unshown)
    return Candidate(
        field, proof.value, proof.raw, proof.method, proof.locator, proof.quote, strength, proof.unit, unshown
    )


def _strength(named: float, *, unshown: bool) -> float:
    return named * (_UNSHOWN if unshown else 1.0)


def _checked(field: str, value: Any, quote: str, prompt: Prompt) -> list[Candidate] | Flaw:
    if not fits(field, value) or (isinstance(value, int | float) and abs(value) > LARGEST):
        return "not_read"
    if not quote.strip():
        return "no_quote"
    found: list[Candidate] | Flaw = "not_in_text"
    for span in islice(find_quotes(quote, prompt.text), _MOST_QUOTES if len(quote) <= LONGEST_QUOTE else 0):
        if prompt.text.count("\n", span.start, span.end) < MOST_LINES:
            stated = _checked_at(field, value, span, prompt)
            if not isinstance(stated, str):
                return stated
            found = stated if found == "not_in_text" else found
    return found


def _checked_at(field: str, value: Any, span: Span, prompt: Prompt) -> list[Candidate] | Flaw:
    quoted, line = prompt.text[span.start : span.end], _line_of(span, prompt.text)
    whole = _with_whole_label(quoted, line, prompt.lang)
    whole = with_answer(whole, line) if field in ANSWERS else whole
    quote, context = (_parted(text, prompt.lang) for text in (whole, line))
    before = prompt.text[: prompt.text.rfind("\n", 0, span.start) + 1][-_AROUND * 4 :]
    claim = Claim(field, value, quote, context, prompt.lang, prompt.country, tuple(before.splitlines()[::-1]))
    if _OUR_NAMES.search(claim.line):
        return "order"
    if misfits(claim, _quoted_places(claim)):
        return "not_stated"
    is_other = _is_of_other(claim) or _is_of_a_part(claim, prompt) or is_of_other_features(claim)
    confidence = None if is_other else _confidence(claim)
    found = check_value(claim) if confidence is not None else None
    if confidence is None or found is None:
        return "other_label" if confidence is None else "not_stated"
    if confidence == _UNKNOWN and _is_labeled_elsewhere(claim, prompt):
        return "other_label"
    unshown = prompt.shown is not None and span.start >= prompt.shown
    return [
        Candidate(
            field=name,
            value=own.value,
            raw=quoted,
            method=Method.LLM,
            locator=f"chars:{span.start}-{span.end}",
            quote=quoted,
            confidence=_strength(confidence, unshown=unshown),
            unit=own.unit,
            unshown=unshown,
            reader=_UNNAMED if confidence == _UNKNOWN else "",
        )
        for name, own in [(field, found), *_companions(claim, found)]
    ]


def _with_whole_label(quoted: str, line: str, lang: str | None) -> str:
    """If a quote begins inside a label (`baths: 1` of `full baths: 1`), extend it to the label's start."""
    at = line.find(quoted)
    begun = next((one.start for one in labels_in(line, lang) if one.start < at < one.end), at)
    return line[begun : at + len(quoted)] if at >= 0 else quoted


def _parted(text: str, lang: str | None) -> str:
    """Split double labels if every label is known: `Beds / Baths: 3 / 2` becomes `Beds: 3 | Baths: 2`."""

    def apart(found: re.Match[str]) -> str:
        labels, counted = (part.split("/") for part in found.groups())
        if len(labels) != len(counted) or not all(labels_in(label, lang) for label in labels):
            return found[0]
        return " | ".join(f"{label.strip()}: {count.strip()}" for label, count in zip(labels, counted, strict=True))

    return _SEVERAL.sub(apart, text)


def _is_of_a_part(claim: Claim, prompt: Prompt) -> bool:
    """Return whether a claimed total of bathrooms leaves out the full baths, or the half baths that the page has."""
    if claim.field != "BathroomsTotalInteger":
        return False
    named = {one.field for one in labels_in(claim.quote, claim.lang)} & {"BathroomsFull", *_BATHS}
    if named != {"BathroomsFull"}:
        return named == {"BathroomsHalf"} and number_check.HALF.search(claim.quote) is None
    text = prompt.text[: prompt.shown]
    halves = [one for one in labels_in(text, claim.lang) if one.field == "BathroomsHalf"]
    return any(not _NONE.match(text, one.end) and not _NONE_BEFORE.search(text[: one.start][-4:]) for one in halves)


def _line_of(span: Span, text: str) -> str:
    """Return the lines that contain the span. If these lines have at most one word, also return the line above."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    first, last = max(start, span.start - _AROUND), min(end if end >= 0 else len(text), span.end + _AROUND)
    line = text[first:last]
    is_bare = start and first == start and len(re.findall(r"[^\W\d_]{3,}", line)) <= 1
    return text[max(text.rfind("\n", 0, start - 1) + 1, start - _AROUND) : start] + line if is_bare else line


def _confidence(claim: Claim) -> float | None:
    """Return a claim's confidence, which depends on the labels around the value. Return None if the labels name another
    field, or if a needed label is missing.

    Among labels of fields with similar values, the label nearest to the value counts. Labels in the quote have priority
    over labels in the rest of its line.
    """
    if claim.field in UNIT_OF and is_lone_land(claim.quote, claim.lang, claim.country):
        return _BARE if claim.field == "LotSizeArea" else None
    if claim.field == "LotSizeArea" and number_check.is_of_land(claim.quote):
        return _SURE
    if claim.field == "BathroomsTotalInteger" and number_check.is_sum_of_baths(claim):
        return _SURE
    for text, sure in ((claim.quote, _SURE), (claim.line, _LIKELY)):
        named = _nearest(claim, text) if text == claim.quote or not _has_own_unknown_label(claim) else None
        if named is not None:
            return sure if named == claim.field else None
    if claim.field in _LABELED and (named := _named_above(claim)) is not None:
        return _BARE if named == claim.field else None
    return _unnamed_confidence(claim)


def _has_own_unknown_label(claim: Claim) -> bool:
    """Return whether a label that no list knows names the value: then no other cell of the line does."""
    if claim.field not in _LABELED and claim.field != "ListPrice":
        return False
    places = _quoted_places(claim)
    return bool(places) and all(
        is_under_unknown_label(claim, [place]) and not _SUM.search(claim.line[: place[0]]) for place in places
    )


def _unnamed_confidence(claim: Claim) -> float | None:
    """Return the confidence of a claim that no known label names: lower below an unknown label, and None if a needed
    label is missing.
    """
    places = list(islice(_places(_possible_values(claim), claim.line), _MOST_PLACES))
    if (claim.field in _LABELED or claim.field == "ListPrice") and is_under_unknown_label(claim, places):
        return _UNKNOWN
    return None if claim.field in _LABELED and (claim.lang is None or language(claim.lang)) else _BARE


def _named_above(claim: Claim) -> str | None:
    """Return the field named by the column header, by the lines above a sum, or by a heading; None if there is none."""
    *before, row = claim.line.split("\n")
    above = [*before[::-1], *claim.above][:_MOST_ABOVE]
    if any(_SUM.search(row[:start]) for start, _ in islice(_places(_possible_values(claim), row), _MOST_PLACES)):
        alike = {claim.field, *_rivals(claim.field)}
        for line in above:
            fields = {one.field for one in labels_in(line, claim.lang) if any(map(one.serves, alike))}
            if fields:
                is_each = len({*_AMOUNT.findall(row)}) == 1 and claim.field in fields
                return claim.field if is_each else fields.pop() if len(fields) == 1 else None
    if " | " in row:
        head = next((line for line in above if not _is_row(line)), "")
        column = _column_of(_possible_values(claim), f"{head}\n{row}")
        return _nearest(claim, column) if "\n" not in column else None
    is_heading = bool(above) and len(above[0]) <= 40 and not _FIGURE.search(above[0])
    return _nearest(claim, f"{above[0]}\n{row}") if is_heading else None


def _is_row(line: str) -> bool:
    return " | " in line and _FIGURE.search(_NO_FIGURE.sub("", line)) is not None


def _is_of_other(claim: Claim) -> bool:
    places = _quoted_places(claim)
    return bool(places) and all(
        is_of_other(claim.field, claim.line[:s], claim.line[e:]) or _is_labeled_as_land(claim, s) for s, e in places
    )


def _is_labeled_as_land(claim: Claim, start: int) -> bool:
    """Return whether the label right before a claimed living area means the land, as in `Lot: 8,000 sq ft`."""
    if claim.field != "LivingArea":
        return False
    text = claim.line
    label = next((one for one in labels_in(text, claim.lang)[::-1] if one.end <= start), None)
    if label is None or label.field != "LotSizeArea" or areas.is_unit(text[label.start : label.end]):
        return False
    return _ONLY_MARKS.fullmatch(text, label.end, start) is not None


def _possible_values(claim: Claim) -> tuple[Any, ...]:
    """Return the values that the text may state for the claim: three bathrooms may be written as 2.5."""
    return (claim.value, claim.value - 0.5) if claim.field == "BathroomsTotalInteger" else (claim.value,)


def _is_labeled_elsewhere(claim: Claim, prompt: Prompt) -> bool:
    """Return whether the value also stands below a known label of another field."""
    if isinstance(claim.value, list):
        return False
    for start, _ in islice(_places((claim.value,), prompt.text), _MOST_PLACES):
        cell = cell_at(prompt.text, start)
        known = labels_in(cell.label, claim.lang) if cell.label and cell.is_first(start) else ()
        if known and not any(one.serves(claim.field) for one in known):
            return True
    return False


def _quoted_places(claim: Claim) -> list[tuple[int, int]]:
    """Return the places of the value in the quote, as places in the line."""
    at = claim.line.find(claim.quote)
    found = islice(_places(_possible_values(claim), claim.line), _MOST_PLACES)
    return [(start, end) for start, end in found if 0 <= at <= start and end <= at + len(claim.quote)]


def _nearest(claim: Claim, text: str) -> str | None:
    """Return the field whose label in `text` is nearest to the value: the claimed field, or a field with similar
    values. Return None if no label is near.
    """
    field, alike = claim.field, {claim.field, *_rivals(claim.field)}
    values = _possible_values(claim)
    text = _column_of(values, text)
    places = list(islice(_places(values, text), _MOST_PLACES))
    labeled = places if isinstance(claim.value, int | float) or field in _NAMES | _KEYS else []
    found = [_in_its_row(one, text, claim.lang) for one in labels_in(text, claim.lang)]
    named = [one for one in found if any(map(one.serves, alike)) or _is_of_nothing(one, text, labeled, field)]
    # units such as `acres` count as labels only if there is no other label
    named = [
        one for one in named if _LEADS.match(text, one.end) or not areas.is_unit(text[one.start : one.end])
    ] or named
    if not named:
        return None
    if not places:
        return field if any(one.serves(field) for one in named) else named[0].field
    leads = not number_check.ends_in_count(text[: named[0].start])  # the label leads in `Beds 3`, but not in `3 beds`

    def gap(one: Named) -> int:
        return min(_gap(text, one, start, end) + (leads is (one.start >= end)) for start, end in places)

    nearest = min(named, key=lambda one: (gap(one), not one.serves(field)))
    apart = min(_letters(_between(text, nearest, *place)) for place in places)
    return None if apart > _FAR else field if nearest.serves(field) else nearest.field


def _in_its_row(label: Named, text: str, lang: str | None) -> Named:
    """Return `label`. In a table row about a past sale, a label of the asking price is returned as a label of the price
    paid.
    """
    row = text[text.rfind("\n", 0, label.start) + 1 :].partition("\n")[0]
    if label.field != "ListPrice" or " | " not in row or not _DATED.match(row):
        return label
    is_sold = any(one.field in _OF_SALES for one in labels_in(row, lang))
    return replace(label, field="ClosePrice") if is_sold else label


def _letters(between: str) -> int:
    """Return the number of letters between a label and its value, plus 20 per line break. Figures do not count, because
    they may belong to other columns.
    """
    return sum(map(str.isalpha, between)) + _SEPARATED * between.count("\n")


def _is_of_nothing(label: Named, text: str, places: Sequence[tuple[int, int]], field: str) -> bool:
    """Return whether a label in `_NO_FIELDS` is right before the value: `Security deposit: $1,500`. Before a value of
    `_KEYS`, any other label counts.
    """
    behind = (start for start, _ in places if start >= label.end)
    is_first = label.field in _NO_FIELDS and _CELL_BEGINS.search(text[: label.start]) is not None
    is_other = field in _KEYS and not label.serves(field) and _SECOND.search(text[: label.start]) is None
    return (is_first or is_other) and any(_ONLY_MARKS.fullmatch(text[label.end : start]) for start in behind)


def _column_of(values: Sequence[object], text: str) -> str:
    """Return the cells that state one of `values`, each with its column header (`header: cell`). Return a text
    without columns unchanged.

    Headers may span several columns (`Appraised | Assessed` above `Land | Building | Total` of each) if all headers
    span the same number. The first column may lack a header.
    """
    head, _, rows = text.partition("\n")
    heads = _CELL_ENDS.split(head)
    lines = [line for line in rows.split("\n") if " | " in line and line.count(": ") <= 1 and _is_in(values, line)]
    if " | " not in head or not lines or any(_FIGURE.search(_NO_FIGURE.sub("", one)) for one in heads):
        return text
    found: list[str] = []
    for cells in map(_CELL_ENDS.split, lines):
        spans = {
            (len(cells) - beside) // (len(heads) - own): (own, beside)
            for own, beside in ((0, 1), (1, 1), (0, 0))
            if len(cells) > beside and not (len(cells) - beside) % (len(heads) - own)
        }
        if not spans:
            return text
        span = min(spans)
        own, beside = spans[span]
        stated = [at for at, cell in enumerate(cells) if at >= beside and _is_in(values, cell)]
        found += (f"{heads[own + (at - beside) // span]}: {cells[at]}" for at in stated)
    return "\n".join(found) or text


def _is_in(values: Sequence[object], text: str) -> bool:
    return any(_places(values, text))


def _between(text: str, label: Named, start: int, end: int) -> str:
    return text[label.end : start] if label.end <= start else text[end : label.start]


def _gap(text: str, label: Named, start: int, end: int) -> int:
    between = _DOTS.sub("", _between(text, label, start, end))
    is_of_next = label.start >= end and _LEADS.match(text, label.end) and not _CELL_BEGINS.search(text[:start])
    return len(between) + _SEPARATED * (len(_SEPARATOR.findall(between)) + bool(is_of_next))


def _places(values: Sequence[object], text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of `values` in `text`. Numbers in words and the year of a date also count."""
    for value in values:
        if isinstance(value, int | float) and not isinstance(value, bool):
            for lang in ("en", "de"):
                for found in numbers.find_numbers(text, lang):
                    if abs(found.value - value) < 0.005:
                        yield found.start, found.end
            yield from number_check.places_in_words(text, value)
        elif isinstance(value, str) and (match := re.search(re.escape(value), text, re.IGNORECASE)):
            yield match.start(), match.end()
        elif isinstance(value, str) and _DATE.fullmatch(value):
            yield from ((year.start(), year.end()) for year in re.finditer(rf"(?<!\d){value[:4]}(?!\d)", text))


def _rivals(field: str) -> frozenset[str]:
    return next((kind - {field} for kind in _ALIKE if field in kind), frozenset())


def _companions(claim: Claim, found: CheckedValue) -> Iterator[tuple[str, CheckedValue]]:
    if claim.field in UNIT_OF and found.unit:
        yield UNIT_OF[claim.field], CheckedValue(found.unit)
    if claim.field == "BathroomsTotalInteger":
        stated = counts.bathrooms(claim.quote, claim.lang)
        if stated and stated.half is not None and stated.total == found.value:
            yield "BathroomsFull", CheckedValue(stated.full)
            yield "BathroomsHalf", CheckedValue(stated.half)
    if claim.field == "ListPrice":
        period = prices.find_period(claim.quote)
        price = prices.parse_price(claim.quote, lang=claim.lang, country=claim.country)
        if period:
            yield "X_PricePeriod", CheckedValue(period)
        if price and price.basis:
            yield "X_RentBasis", CheckedValue(price.basis)
