"""Believes a model only what the page says: each value needs a quote that stands in the text that was sent and says it.

What fails is dropped and counted by what was wrong with it. What passes becomes a candidate like any other extractor's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from app.property.fields.languages import language
from app.property.fields.phrases import alternatives
from app.property.fields.table import of_kind
from app.property.reading.base import Candidate
from app.property.reading.model import figures
from app.property.reading.model.answers import LARGEST
from app.property.reading.model.claims import Claim, Flaw, Supported
from app.property.reading.model.label_words import Named, labels_in, names
from app.property.reading.model.prompt import Prompt
from app.property.reading.model.quotes import Span, find_quotes
from app.property.reading.model.support import supported
from app.property.reading.other_subjects import is_of_other
from app.property.reading.scorer import MOST_UNSHOWN
from app.property.record import FIELDS, UNIT_OF, Evidence, Method, fits
from app.property.values import areas, counts, numbers, prices
from app.property.values.areas import is_lone_land

#: the quote names its field; its line does; nothing near does
_SURE, _LIKELY, _BARE = 0.9, 0.85, 0.8
#: what is left of a value that only data says, or what stands beside the property
_UNSHOWN = 0.33
#: characters and lines of a quote
LONGEST_QUOTE, MOST_LINES = 400, 3
#: characters of a line before and behind a quote, places of a value, and of a short quote, that are looked at
_AROUND, _MOST_PLACES, _MOST_QUOTES = 400, 20, 5
#: fields as our schema writes them, which no page does for people: `ListPrice`
_OUR_NAMES = re.compile(
    rf"(?<![A-Za-z])(?:{'|'.join(name for name in FIELDS if re.search('[a-z][A-Z]', name))})(?![a-z])"
)
#: fields whose values look the same
_ALIKE = tuple(frozenset(of_kind(*kinds)) for kinds in (("count",), ("year", "date"), ("area",), ("money",), ("name",)))
_BATHS = ("BathroomsHalf", "BathroomsTotalInteger")
#: behind a label that counts: there is none
_NONE, _NONE_BEFORE = re.compile(r"[\s:|.–-]*(?:0|none|no|n/a)\b", re.IGNORECASE), re.compile(r"\b(?:0|no)\s$", re.I)
#: between a label and its value: how many characters a mark counts for, and how many letters are too many
_SEPARATED, _FAR = 20, 80
#: a label with a colon belongs to what follows
_LEADS = re.compile(r"\s?:")
_AMOUNT = re.compile(r"\d[\d.,]*")
#: heads of columns hold no other figures than years and shares
_FIGURE, _NO_FIGURE = re.compile(r"\d"), re.compile(r"\b(?:19|20)\d\d\b|\d+(?:\.\d+)?\s?%")
_CELL_BEGINS, _DOTS = re.compile(r"(?:^|[|\n])\s*$"), re.compile(r"\.{2,}")
_CELL_ENDS = re.compile(r": | \| ")
_SEPARATOR = re.compile(r"[,;|•·\n]|\.\s|\s[-–—]\s")
#: words that name nothing we know, as a label
_UNKNOWN_LABEL = re.compile(r"(?:^|[|\n])\s*([^\W\d_]{4,20}(?:\s[^\W\d_]{3,20}){0,3}):\s?[^\w\n]{0,3}$")
#: fields of names, before which a label of somebody else tells whose they are
_NAMES = frozenset(of_kind("name"))
_NO_FIELDS = frozenset({"_Ignore", "_Walk", "_EstimateRange", "X_EstimatedValueLow", "X_EstimatedValueHigh"})
_ONLY_MARKS = re.compile(r"[^\w\n]{0,8}")
_DATE = re.compile(r"\d{4}(?:-\d\d){0,2}")
#: counts of several things in one: `Beds / Baths: 3 / 2.5`
_SEVERAL = re.compile(
    r"([^:|\n/]{2,30}(?:/[^:|\n/]{2,30}){1,4}):[ ]?(\d[\w. ]{0,6}(?:/[ ]?\d[\w. ]{0,6}){1,4})(?![\w/])"
)
#: a sum, which is of what the lines above it are about
_SUM = re.compile(rf"(?:^|[|\n:])\W*(?:{alternatives('numbers', 'sums')})\W{{0,6}}$", re.IGNORECASE)
#: lines above a row that may be its head
_MOST_ABOVE = 8
#: the first cell of a row of sales, and what tells that it is one
_DATED, _OF_SALES = (
    re.compile(r"(?:\w+ )?date\b|[^|]{0,12}\b\d{4}\b", re.IGNORECASE),
    ("CloseDate", "ClosePrice", "_Sale"),
)
#: fields whose value says nothing without a label
_LABELLED = frozenset(name for name, spec in FIELDS.items() if spec.labelled)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A value of the model that is not believed."""

    field: str
    value: Any
    quote: str
    flaw: Flaw


def verify(values: Mapping[str, tuple[Any, str]], prompt: Prompt) -> tuple[list[Candidate], tuple[Dropped, ...]]:
    """Of a model's `values` with their quotes what `prompt.text` bears out, in the order asked, and what it does not.

    An area also yields its unit, a price its period and rent basis where its quote tells them. A locator is
    `chars:START-END` in `prompt.text`.
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
    """Return a stored value of a model as the candidate that it was when it was answered.

    What is stored is the quote and the confidence that came of it: the line around the quote is taken to name the field
    where the quote does not, and what could not be surer than unshown to have been unshown.
    """
    unshown = proof.confidence <= MOST_UNSHOWN
    strength = _strength(_SURE if names(field, proof.quote, None) else _LIKELY, unshown=unshown)
    return Candidate(
        field, proof.value, proof.raw, proof.method, proof.locator, proof.quote, strength, proof.unit, unshown
    )


def _strength(named: float, *, unshown: bool) -> float:
    """Return how strong an answer is whose words name its field so well."""
    return named * (_UNSHOWN if unshown else 1.0)


def _checked(field: str, value: Any, quote: str, prompt: Prompt) -> list[Candidate] | Flaw:
    """What the text says of the field, or what is wrong with the claim."""
    if not fits(field, value) or (isinstance(value, int | float) and abs(value) > LARGEST):
        return "not_read"
    if not quote.strip():
        return "no_quote"
    found: list[Candidate] | Flaw = "not_in_text"
    for span in islice(find_quotes(quote, prompt.text), _MOST_QUOTES if len(quote) <= LONGEST_QUOTE else 0):
        if prompt.text.count("\n", span.start, span.end) < MOST_LINES:
            told = _told(field, value, span, prompt)
            if not isinstance(told, str):
                return told
            found = told if found == "not_in_text" else found
    return found


def _told(field: str, value: Any, span: Span, prompt: Prompt) -> list[Candidate] | Flaw:
    """What the quote at `span` says of the field, or what is wrong with the claim."""
    said, line = prompt.text[span.start : span.end], _line_of(span, prompt.text)
    quote, context = (_parted(text, prompt.lang) for text in (_with_whole_label(said, line, prompt.lang), line))
    before = prompt.text[: prompt.text.rfind("\n", 0, span.start) + 1][-_AROUND * 4 :]
    claim = Claim(field, value, quote, context, prompt.lang, prompt.country, tuple(before.splitlines()[::-1]))
    if _OUR_NAMES.search(claim.line):
        return "order"
    confidence = None if _is_of_other(claim) or _is_of_a_part(claim, prompt) else _confidence(claim)
    found = supported(claim) if confidence is not None else None
    if confidence is None or found is None:
        return "other_label" if confidence is None else "not_said"
    unshown = prompt.shown is not None and span.start >= prompt.shown
    return [
        Candidate(
            field=name,
            value=own.value,
            raw=said,
            method=Method.LLM,
            locator=f"chars:{span.start}-{span.end}",
            quote=said,
            confidence=_strength(confidence, unshown=unshown),
            unit=own.unit,
            unshown=unshown,
        )
        for name, own in [(field, found), *_companions(claim, found)]
    ]


def _with_whole_label(said: str, line: str, lang: str | None) -> str:
    """A quote that begins inside a label of its line, as `baths: 1` of `full baths: 1`, from where that begins."""
    at = line.find(said)
    begun = next((one.start for one in labels_in(line, lang) if one.start < at < one.end), at)
    return line[begun : at + len(said)] if at >= 0 else said


def _parted(text: str, lang: str | None) -> str:
    """`Beds / Baths: 3 / 2` as `Beds: 3 | Baths: 2`, where each of the words names something."""

    def apart(found: re.Match[str]) -> str:
        labels, counted = (part.split("/") for part in found.groups())
        if len(labels) != len(counted) or not all(labels_in(label, lang) for label in labels):
            return found[0]
        return " | ".join(f"{label.strip()}: {count.strip()}" for label, count in zip(labels, counted, strict=True))

    return _SEVERAL.sub(apart, text)


def _is_of_a_part(claim: Claim, prompt: Prompt) -> bool:
    """True for half baths as the number of all (not `two-and-a-half bath`), and for full ones beside half ones."""
    if claim.field != "BathroomsTotalInteger":
        return False
    named = {one.field for one in labels_in(claim.quote, claim.lang)} & {"BathroomsFull", *_BATHS}
    if named != {"BathroomsFull"}:
        return named == {"BathroomsHalf"} and figures.HALF.search(claim.quote) is None
    text = prompt.text[: prompt.shown]
    halves = [one for one in labels_in(text, claim.lang) if one.field == "BathroomsHalf"]
    return any(not _NONE.match(text, one.end) and not _NONE_BEFORE.search(text[: one.start][-4:]) for one in halves)


def _line_of(span: Span, text: str) -> str:
    """The line, or lines, that the span stands in; with the one above where they have next to no words."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    first, last = max(start, span.start - _AROUND), min(end if end >= 0 else len(text), span.end + _AROUND)
    line = text[first:last]
    is_bare = start and first == start and len(re.findall(r"[^\W\d_]{3,}", line)) <= 1
    return text[max(text.rfind("\n", 0, start - 1) + 1, start - _AROUND) : start] + line if is_bare else line


def _confidence(claim: Claim) -> float | None:
    """How sure the words around the value are of its field; None where they name another one, or none.

    Of the labels of fields that hold the like the one nearest to the value counts, in the quote, else in its line.
    """
    if claim.field in UNIT_OF and is_lone_land(claim.quote, claim.lang, claim.country):
        return _BARE if claim.field == "LotSizeArea" else None
    if claim.field == "LotSizeArea" and figures.is_of_land(claim.quote):
        return _SURE
    if claim.field == "BathroomsTotalInteger" and figures.is_sum_of_baths(claim):
        return _SURE
    for text, sure in ((claim.quote, _SURE), (claim.line, _LIKELY)):
        named = _nearest(claim, text)
        if named is not None:
            return sure if named == claim.field else None
    if claim.field in _LABELLED and (named := _named_above(claim)) is not None:
        return _BARE if named == claim.field else None
    needs_label = claim.field in _LABELLED or (claim.field == "ListPrice" and _is_under_unknown_label(claim))
    return None if needs_label and (claim.lang is None or language(claim.lang)) else _BARE


def _named_above(claim: Claim) -> str | None:
    """Return the field that the head of a row's column, or what a sum adds up, names."""
    *before, row = claim.line.split("\n")
    above = [*before[::-1], *claim.above][:_MOST_ABOVE]
    if any(_SUM.search(row[:start]) for start, _ in islice(_places(_said_as(claim), row), _MOST_PLACES)):
        alike = {claim.field, *_rivals(claim.field)}
        for line in above:
            fields = {one.field for one in labels_in(line, claim.lang) if any(map(one.serves, alike))}
            if fields:
                is_each = len({*_AMOUNT.findall(row)}) == 1 and claim.field in fields
                return claim.field if is_each else fields.pop() if len(fields) == 1 else None
    if " | " in row:
        head = next((line for line in above if not _is_row(line)), "")
        column = _column_of(_said_as(claim), f"{head}\n{row}")
        return _nearest(claim, column) if "\n" not in column else None
    is_heading = bool(above) and len(above[0]) <= 40 and not _FIGURE.search(above[0])
    return _nearest(claim, f"{above[0]}\n{row}") if is_heading else None


def _is_row(line: str) -> bool:
    """Whether `line` has cells with figures: a head has other words."""
    return " | " in line and _FIGURE.search(_NO_FIGURE.sub("", line)) is not None


def _is_of_other(claim: Claim) -> bool:
    """Return whether the words around the value speak of something else, wherever the quote says it."""
    at = claim.line.find(claim.quote)
    found = islice(_places(_said_as(claim), claim.line), _MOST_PLACES)
    places = [(start, end) for start, end in found if at <= start and end <= at + len(claim.quote)]
    return bool(places) and all(is_of_other(claim.field, claim.line[:s], claim.line[e:]) for s, e in places)


def _said_as(claim: Claim) -> tuple[Any, ...]:
    """Return the values that a text may state for the claim: it may write 2.5 for three bathrooms."""
    return (claim.value, claim.value - 0.5) if claim.field == "BathroomsTotalInteger" else (claim.value,)


def _is_under_unknown_label(claim: Claim) -> bool:
    """Return whether words that name nothing we know stand as a label right before the value: `Insurance: $900`."""
    for start, _ in islice(_places((claim.value,), claim.line), _MOST_PLACES):
        before = _UNKNOWN_LABEL.search(claim.line[max(0, start - _AROUND) : start])
        if before is not None and not labels_in(before[1], claim.lang):
            return True
    return False


def _nearest(claim: Claim, text: str) -> str | None:
    """Which of the field and its rivals `text` names nearest to the value; None if it names none of them."""
    field, alike = claim.field, {claim.field, *_rivals(claim.field)}
    values = _said_as(claim)
    text = _column_of(values, text)
    places = list(islice(_places(values, text), _MOST_PLACES))
    labelled = places if isinstance(claim.value, int | float) or field in _NAMES else []
    found = [_in_its_row(one, text, claim.lang) for one in labels_in(text, claim.lang)]
    named = [one for one in found if any(map(one.serves, alike)) or _is_of_nothing(one, text, labelled)]
    # a unit is no label where there is one
    named = [
        one for one in named if _LEADS.match(text, one.end) or not areas.is_unit(text[one.start : one.end])
    ] or named
    if not named:
        return None
    if not places:
        return field if any(one.serves(field) for one in named) else named[0].field
    leads = not figures.ends_in_count(text[: named[0].start])  # `Beds 3`, or `3 beds`

    def gap(one: Named) -> int:
        return min(_gap(text, one, start, end) + (leads is (one.start >= end)) for start, end in places)

    nearest = min(named, key=lambda one: (gap(one), not one.serves(field)))
    apart = min(_letters(_between(text, nearest, *place)) for place in places)
    return None if apart > _FAR else field if nearest.serves(field) else nearest.field


def _in_its_row(label: Named, text: str, lang: str | None) -> Named:
    """`label`; where it is a price in a row that begins with a date and tells a sale, as that of what was paid."""
    row = text[text.rfind("\n", 0, label.start) + 1 :].partition("\n")[0]
    if label.field != "ListPrice" or " | " not in row or not _DATED.match(row):
        return label
    is_sold = any(one.field in _OF_SALES for one in labels_in(row, lang))
    return replace(label, field="ClosePrice") if is_sold else label


def _letters(between: str) -> int:
    """How much is read between a label and its value; figures of other columns count for nothing."""
    return sum(map(str.isalpha, between)) + _SEPARATED * between.count("\n")


def _is_of_nothing(label: Named, text: str, places: Sequence[tuple[int, int]]) -> bool:
    """True for a label of something that is no field, right before a number: `Security deposit: $1,500`."""
    behind = (start for start, _ in places if start >= label.end)
    is_first = label.field in _NO_FIELDS and _CELL_BEGINS.search(text[: label.start]) is not None
    return is_first and any(_ONLY_MARKS.fullmatch(text[label.end : start]) for start in behind)


def _column_of(values: Sequence[object], text: str) -> str:
    """Of the head and the rows of a table, the cells with one of `values` behind what stands above them; of any other
    text all.

    A head above several columns, as `Appraised | Assessed` above `Land | Building | Total` of each, is above equally
    many; the first column may have a head of its own, or none.
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
        told = [at for at, cell in enumerate(cells) if at >= beside and _is_in(values, cell)]
        found += (f"{heads[own + (at - beside) // span]}: {cells[at]}" for at in told)
    return "\n".join(found) or text


def _is_in(values: Sequence[object], text: str) -> bool:
    return any(_places(values, text))


def _between(text: str, label: Named, start: int, end: int) -> str:
    return text[label.end : start] if label.end <= start else text[end : label.start]


def _gap(text: str, label: Named, start: int, end: int) -> int:
    """How far a label is from the value that stands from `start` to `end`."""
    between = _DOTS.sub("", _between(text, label, start, end))
    is_of_next = label.start >= end and _LEADS.match(text, label.end) and not _CELL_BEGINS.search(text[:start])
    return len(between) + _SEPARATED * (len(_SEPARATOR.findall(between)) + bool(is_of_next))


def _places(values: Sequence[object], text: str) -> Iterator[tuple[int, int]]:
    """Return where `text` holds one of `values`: a number also in words, and of a date its year."""
    for value in values:
        if isinstance(value, int | float) and not isinstance(value, bool):
            for lang in ("en", "de"):
                for found in numbers.find_numbers(text, lang):
                    if abs(found.value - value) < 0.005:
                        yield found.start, found.end
            yield from figures.places_in_words(text, value)
        elif isinstance(value, str) and (said := re.search(re.escape(value), text, re.IGNORECASE)):
            yield said.start(), said.end()
        elif isinstance(value, str) and _DATE.fullmatch(value):
            yield from ((year.start(), year.end()) for year in re.finditer(rf"(?<!\d){value[:4]}(?!\d)", text))


def _rivals(field: str) -> frozenset[str]:
    """The fields whose values look the same."""
    return next((kind - {field} for kind in _ALIKE if field in kind), frozenset())


def _companions(claim: Claim, found: Supported) -> Iterator[tuple[str, Supported]]:
    """What the same quote says of fields that nobody asks a model for."""
    if claim.field in UNIT_OF and found.unit:
        yield UNIT_OF[claim.field], Supported(found.unit)
    if claim.field == "BathroomsTotalInteger":
        told = counts.bathrooms(claim.quote, claim.lang)
        if told and told.half is not None and told.total == found.value:
            yield "BathroomsFull", Supported(told.full)
            yield "BathroomsHalf", Supported(told.half)
    if claim.field == "ListPrice":
        period = prices.find_period(claim.quote)
        price = prices.parse_price(claim.quote, lang=claim.lang, country=claim.country)
        if period:
            yield "X_PricePeriod", Supported(period)
        if price and price.basis:
            yield "X_RentBasis", Supported(price.basis)
