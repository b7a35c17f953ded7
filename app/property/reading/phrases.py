"""Read counts, areas, and years from titles, headings, and short lines: `3 bed house`, `4-Zimmer-Wohnung`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from app.property.fields.languages import languages
from app.property.fields.phrases import alternatives
from app.property.reading.base import Candidate, Reading
from app.property.reading.document import Document
from app.property.reading.other_subjects import is_of_other, names_other
from app.property.reading.readings import candidates_of
from app.property.reading.terms import meaning
from app.property.reading.trees import whole_text
from app.property.record import Method
from app.property.values.areas import ACRES, HECTARES, SQUARE_FEET, SQUARE_METERS, is_lone_land
from app.property.values.layouts import parse_layout

_NUM = r"(\d{1,2}(?:[.,]\d)?)"
_FIRST = r"(?<![\d.,&/-])"
_AREA = r"(\d{1,3}(?:[.,'’\u00a0\u202f ]\d{3})+(?:[.,]\d{1,2})?|\d{1,5}(?:[.,]\d{1,2})?)"
_METERS, _FEET, _ACRES, _HECTARES = (
    alternatives("units", unit, whole=False) for unit in (SQUARE_METERS, SQUARE_FEET, ACRES, HECTARES)
)
_METRES, _LAND = f"{_METERS}|坪", f"{_ACRES}|{_HECTARES}"
#: The largest count that is read as a word, such as `six`. Larger counts are read only in digits.
_MOST_IN_WORDS = 6
_WORDS = {
    word: count
    for sections in languages().values()
    for count, words in enumerate(sections.get("numbers", {}).get("counts", ())[:_MOST_IN_WORDS], 1)
    for word in words
}
_WORD = rf"(?<!\w)({'|'.join(_WORDS)})[ -]"


def _counted(words: str) -> re.Pattern[str]:
    return re.compile(rf"{_FIRST}{_NUM}[ -]?(?:{words})(?: 1 1/2 ba)?", re.I)


def _behind(field: str) -> str:
    """Return a regular expression for the words after a number of `field`, such as `chambres` in `3 chambres`."""
    return alternatives("behind_number", field, whole=False)


_PLOT = _behind("LotSizeArea")
_BUILT, _PLOT_OF, _LIVING = (alternatives("before_number", f) for f in ("YearBuilt", "LotSizeArea", "LivingArea"))
_SIZE, _PLOT_SIZE = f"{_METRES}|{_FEET}", rf"\b(?:{_PLOT_OF}) ?{_AREA}\s?(?:{_METRES}|{_LAND})"
_COUNTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("BedroomsTotal", _counted(_behind("BedroomsTotal"))),
    ("BathroomsTotalInteger", _counted(_behind("BathroomsTotalInteger"))),
    ("RoomsTotal", _counted(_behind("RoomsTotal"))),
    ("YearBuilt", re.compile(rf"(?<!\w)(?:{_BUILT}) ((?:1[6-9]|20)\d\d)(?!\w)", re.I)),
    ("BathroomsHalf", _counted(_behind("BathroomsHalf"))),
    ("LotSizeArea", re.compile(rf"{_AREA}\s?(?:{_SIZE}|{_LAND})\s*(?:{_PLOT})|{_PLOT_SIZE}", re.I)),
    ("LotSizeArea", re.compile(rf"(?<![\d.,/]){_AREA}\s?(?:\+/-|±)?\s?acres\b(?! of )", re.I)),
    ("LivingArea", re.compile(rf"(?<![\d.,/]){_AREA}\s?(?:{_SIZE})(?!\s*(?:{_PLOT}|of land\b)|\s?[·/]?\s?a\b)", re.I)),
)
#: For each language, fields and patterns of words after a number that mean something else in other languages.
_LOCAL_COUNTS = {
    code: tuple(
        (field, _counted(alternatives("behind_number_here", field, code, whole=False)))
        for field in sections["behind_number_here"]
    )
    for sections in languages().values()
    if "behind_number_here" in sections
    for code in sections["codes"]
}
_WORDED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("BedroomsTotal", re.compile(rf"{_WORD}(?:(?:double )?bed(?:room(?:ed|s)?)?\b|{_behind('BedroomsTotal')})", re.I)),
    ("BathroomsTotalInteger", re.compile(rf"{_WORD}(?:bath(?:room)?s?\b|{_behind('BathroomsTotalInteger')})", re.I)),
)
#: Patterns that are specific enough for running text.
_IN_PROSE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("YearBuilt", _COUNTS[3][1]),
    (
        "LivingArea",
        re.compile(rf"\b(?:{_LIVING})\W{{0,3}}(?:of |approx\.? |ca\.? |about )?{_AREA}\s?(?:{_SIZE})", re.I),
    ),
    ("LotSizeArea", re.compile(_PLOT_SIZE, re.I)),
    *_WORDED,
)
_LONG = 700
_SHORT = 140


def read(page: Document) -> Iterator[Reading | Candidate]:
    for text, element, confidence in _texts(page):
        for reading in _readings(text, page.path(element), confidence, page):
            if names_other(reading.field, _label_beside(element)):
                continue  # the label is about other homes, such as `Average lot`
            label = _label_before(reading, text, page) if reading.field == "LivingArea" else None
            if label == "_Ignore":
                continue  # such as `Land: 8,000 sq ft`
            lone = reading.field == "LivingArea" and is_lone_land(text, page.locale.lang, page.locale.country)
            yield replace(reading, field="LotSizeArea") if lone or label == "LotSizeArea" else reading
        if parse_layout(text, page.locale.lang) is not None:
            yield Reading("_Layout", text[:120], Method.LABEL, page.path(element), text, confidence)
    yield from _in_attributes(page)
    for segment in page.segments[:400]:
        for field, raw, words in _stated(segment.text) if 40 < len(segment.text) <= _LONG else ():
            quote = _around(segment.text, words)
            reading = Reading(field, raw, Method.LABEL, page.path(segment.owner), quote, 0.42)
            yield from (replace(c, raw=words) for c in candidates_of(reading, page.locale))


def _label_before(reading: Reading, text: str, page: Document) -> str | None:
    """Return the field that the words before the value in its clause name, as in `Lot size 8,000 sq ft`."""
    before = re.split(r"[,;|•·]", text.partition(str(reading.raw))[0])[-1].strip(" :-–")
    known = meaning(before, page.locale.lang)
    return known.field if known is not None else None


def _label_beside(element: Any) -> str:
    """Return the text of the element before `element` if it can be a label: short and without digits."""
    before = element.getprevious()
    parts = islice(before.itertext(), 4) if before is not None and isinstance(before.tag, str) else ()
    text = " ".join(parts).strip()
    return text if len(text) <= 40 and not any(map(str.isdigit, text)) else ""


def _texts(page: Document) -> Iterator[tuple[str, Any, float]]:
    for title in page.root.xpath("//title[1]"):
        yield whole_text(title)[:300], title, 0.5
    for tag, confidence in (("h1", 0.55), ("h2", 0.35)):
        for heading in page.root.iter(tag):
            if not page.is_skipped(heading):
                yield whole_text(heading)[:_SHORT], heading, confidence
                if tag == "h2":
                    break
    for meta in page.described:
        yield " ".join((meta.get("content") or "").split())[:300], meta, 0.45
    for segment in page.segments[:400]:
        if len(segment.text) <= 40 and any(c.isdigit() for c in segment.text):
            yield segment.text, segment.owner, 0.45
    for element in [e for e in page.having("aria-label") if e.tag not in ("a", "button")][:60]:
        text = " ".join(element.get("aria-label").split())
        if len(text) <= 40 and any(c.isdigit() for c in text) and not page.is_skipped(element):
            yield text, element, 0.45


_ATTRIBUTES = ("title", "aria-label", "alt", "data-label")


def _in_attributes(page: Document) -> Iterator[Reading]:
    """Read values labeled by an attribute: `<span title="Bathrooms">2</span>`, `<img alt="Bedrooms">3`."""
    for element in page.having(*_ATTRIBUTES)[:120]:
        name = next((element.get(a) for a in _ATTRIBUTES if element.get(a)), "")
        known = meaning(name, page.locale.lang) if len(name) <= 30 else None
        if known is None or known.field not in _NAMED_FIELDS or page.is_skipped(element):
            continue
        behind = element.getnext() if element.tag in ("img", "i", "svg") else element
        raw = " ".join(behind.itertext()).strip() if behind is not None else (element.tail or "").strip()
        if 0 < len(raw) <= 20 and raw[:1].isdigit():
            yield Reading(known.field, raw, Method.LABEL, page.path(element), f"{name} {raw}", 0.6 * known.trust, name)


def _stated(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield each field with its raw value and the words in the text, such as `3` and `three bedrooms`."""
    for field, pattern in _IN_PROSE:
        found = list(pattern.finditer(text))
        if len(found) == 1 and not _is_of_other(field, text, found[0]):
            word = next((_WORDS[g.lower()] for g in found[0].groups() if g and g.lower() in _WORDS), None)
            yield field, found[0].group() if word is None else str(word), found[0].group()


def _is_of_other(field: str, text: str, found: re.Match[str]) -> bool:
    return is_of_other(field, text[: found.start(found.lastindex or 0)], text[found.end() :])


def _around(text: str, words: str) -> str:
    at = max(0, text.find(words))
    return text[max(0, at - 60) : at + len(words) + 60]


#: Matches a range that covers several homes: a line such as `1 - 3 bd`, or `ranging from 702-1346 sq ft`.
_RANGE = re.compile(r"(?:^|, )\d(?:\.\d)? ?(?:[-–—]|to) ?\d[^-–—]*$|\d{3} ?[-–—] ?[\d,]{3,6} ?sq[^-–—]*$", re.I)
_FULL_AND_HALF = re.compile(
    r"\b\d{1,2} full,? (?:and )?\d (?:half|partial) (?:bath|bathroom)s?\b|\b\d{1,2} ba 1 (?:1/2|½) ba\b", re.I
)


def _readings(text: str, where: str, confidence: float, page: Document) -> Iterator[Reading]:
    if baths := _FULL_AND_HALF.search(text):
        yield Reading("BathroomsTotalInteger", baths.group(), Method.LABEL, where, text, 0.93)
    for field, pattern in (*_COUNTS, *_LOCAL_COUNTS.get(page.locale.lang or "", ())):
        found = list(pattern.finditer(text))
        if len(found) == 1 and _RANGE.search(text[: found[0].end()]):
            continue
        if len(found) == 1 and not _is_of_other(field, text, found[0]):
            less = 0.1 if field == "LivingArea" else 0.0
            yield Reading(field, found[0].group(), Method.LABEL, where, text, confidence - less)
    for field, pattern in _WORDED:
        if len(found := list(pattern.finditer(text))) == 1 and not _is_of_other(field, text, found[0]):
            yield Reading(field, str(_WORDS[found[0][1].lower()]), Method.LABEL, where, text, confidence - 0.05)


_NAMED_FIELDS = frozenset(
    {"BedroomsTotal", "BathroomsTotalInteger", "RoomsTotal", "LivingArea", "LotSizeArea", "YearBuilt", "StoriesTotal"}
)
