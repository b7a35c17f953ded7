"""Check values from markup (JSON-LD, microdata, meta tags, and JSON in other scripts) against the visible page.

Sites usually generate markup from the data they show, so markup should agree with the visible page. Contradicted values
are dropped. All values of a script are dropped if it has at least one contradicted field for every three confirmed
fields. If a page shows many facts but lacks a value that its markup gives, the value's confidence is reduced. Pages
usually do not show coordinates and internal ids, so these are dropped only with their whole script. A page without
visible facts, such as a page that a script fills, contradicts nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from app.property.fields.table import FIELDS, FieldKind, of_kind
from app.property.reading.base import Candidate
from app.property.reading.document import Document
from app.property.reading.model import number_check
from app.property.reading.model.label_words import names
from app.property.reading.past_events import is_past
from app.property.reading.ranking import same
from app.property.record import Method
from app.property.values.areas import IN_SQUARE_METERS
from app.property.values.texts import letters_of

_MARKUP = frozenset({Method.JSONLD, Method.MICRODATA, Method.OPENGRAPH, Method.STATE})


def _visible(*kinds: FieldKind) -> frozenset[str]:
    return frozenset(name for name in of_kind(*kinds) if FIELDS[name].visible)


_NUMBERS, _TEXTS = _visible("money", "count", "area", "year"), _visible("address", "place", "identifier")
_LISTS, _WORDS, _PEOPLE = _visible("features"), _visible("choice"), _visible("name")
_COUNTS = _visible("count")
#: Maps a field, such as an area's unit, to the field whose check also applies to it.
_PART_OF = {name: spec.part_of for name, spec in FIELDS.items() if spec.part_of is not None}
#: A count below this is confirmed only by a line that also has a label for its field, since small numbers are common.
_SMALL = 100.0
#: Visible values with a confidence below `_WEAK` are ignored. A value below `_STRONG` does not reduce the confidence of
#: a markup number that differs from it.
_WEAK, _STRONG = 0.45, 0.6
#: Factors for the confidence of a markup value: `_DENIED` if a visible value contradicts it, `_UNSHOWN` if the page
#: should show it but does not.
_DENIED, _UNSHOWN = 0.7, 0.55
#: A page with at least this many visible characters and fields is expected to show the values in its markup.
_FULL_CHARS, _FULL_FACTS = 400, 3
_NUMBER = re.compile(r"\d[\d.,'’\u00a0\u202f ]*\d|\d")
_MULTIPLIED = re.compile(
    r"\s?(?:k|m|mm|mn|mio|mill?|mln|tys|tsd|thousand|million|lakhs?|lacs?|crores?|cr)\b|\s?[万億만억千百]",
    re.IGNORECASE,
)
_META = re.compile(r"/meta(?:\[\d+\])?$")
_HIDDEN_PLACE = re.compile(r"#|/@|/meta(?:\[\d+\])?$")
_LATIN, _OTHER_LETTERS = re.compile(r"[A-Za-zÀ-ɏ]"), re.compile(r"[^\W\d_A-Za-zÀ-ɏ]")
_CENTS = re.compile(r"[.,]\d{1,2}$")


@dataclass(frozen=True, slots=True)
class MarkupCheck:
    """`kept` candidates stay in order, some with less confidence. `denied` candidates are dropped. `distrusted` are the
    scripts whose values are all dropped. Each script is given as the part of its locators before the last `#`.
    """

    kept: list[Candidate]
    denied: list[Candidate]
    distrusted: frozenset[str]


def check_markup(candidates: Sequence[Candidate], page: Document) -> MarkupCheck:
    """Check the markup values among `candidates` against the visible page. Other candidates are kept unchanged."""
    if page.root is None or not any(map(_is_markup, candidates)):
        return MarkupCheck(list(candidates), [], frozenset())
    shown = _Shown.on(page, candidates)
    whole = {(c.field, c.method, c.locator): c for c in candidates if c.field in _PART_OF.values()}
    wholes = [whole.get((_PART_OF.get(c.field, ""), c.method, c.locator), c) for c in candidates]
    denied = [shown.denies(candidate) for candidate in wholes]
    discredited = _discredited(candidates, denied, shown)
    kept: list[Candidate] = []
    dropped: list[Candidate] = []
    for candidate, other, gone in zip(candidates, wholes, denied, strict=True):
        if gone or _block(candidate) in discredited:
            dropped.append(candidate)
        else:
            left = shown.share(other)
            kept.append(
                candidate if left == 1.0 else replace(candidate, confidence=candidate.confidence * left, unshown=True)
            )
    return MarkupCheck(kept, dropped, discredited)


@dataclass
class _Shown:
    text: str
    lang: str | None
    values: Mapping[str, Sequence[Candidate]]
    page: Document

    @classmethod
    def on(cls, page: Document, candidates: Iterable[Candidate]) -> _Shown:
        warm = {c.locator for c in candidates if c.field == "X_RentBasis" and c.value == "warm"}
        values: dict[str, list[Candidate]] = defaultdict(list)
        for c in candidates:
            # a rent with heating does not contradict the rent without heating
            if _is_visible(c) and c.confidence >= _WEAK and not (c.field == "ListPrice" and c.locator in warm):
                values[c.field].append(c)
        text = "\n".join((page.title, *(segment.text for segment in page.segments)))
        return cls(text, page.locale.lang, values, page)

    def denies(self, candidate: Candidate) -> bool:
        """Return whether the page shows other values of the field but not this markup value."""
        if not _is_markup(candidate) or candidate.field not in (_NUMBERS | _TEXTS) - _COUNTS:
            return False
        others = self.values.get(candidate.field, ())
        is_consistent = _is_spelled_otherwise(candidate, others) or _says_more(candidate, others) or self.has(candidate)
        return bool(others) and not is_consistent

    def share(self, candidate: Candidate) -> float:
        """Return the factor for the value's confidence, below 1 if the page contradicts or lacks the value."""
        if not _is_markup(candidate):
            return 1.0
        others = self.values.get(candidate.field, ())
        if candidate.field in _NUMBERS | _WORDS:
            if candidate.field == "ListPrice" and is_past(float(candidate.value), self.page):
                return _UNSHOWN
            sure = any(o.confidence >= (_STRONG if candidate.field in _NUMBERS else _WEAK) for o in others)
            if sure and not any(same(candidate, o) for o in others):
                return _DENIED
        if _is_spelled_otherwise(candidate, others):
            return _UNSHOWN
        expected = self.is_full and candidate.field in _NUMBERS | _TEXTS | _LISTS | _PEOPLE
        return _UNSHOWN if expected and not self.has(candidate) else 1.0

    def has(self, candidate: Candidate) -> bool:
        if any(same(candidate, other) for other in self.values.get(candidate.field, ())):
            return True
        value = candidate.value
        if isinstance(value, bool):
            return False
        if isinstance(value, int | float):
            return self._has_number(candidate, float(value))
        texts = value if isinstance(value, list) else [value]
        return all(isinstance(text, str) and letters_of(text) in self._letters for text in texts)

    def _has_number(self, candidate: Candidate, value: float) -> bool:
        if value < _SMALL and candidate.field in _COUNTS:
            return self._has_count(candidate.field, value)
        forms = {value}
        if candidate.unit in IN_SQUARE_METERS:
            square_meters = value * IN_SQUARE_METERS[candidate.unit]
            forms |= {square_meters / size for size in IN_SQUARE_METERS.values()}
        plain, multiplied = self._numbers
        return any(
            _digits(form) in plain or str(round(form)) in plain or _digits(form).rstrip("0") in multiplied
            for form in forms
        )

    def _has_count(self, field: str, value: float) -> bool:
        number = re.compile(rf"(?<![\d.,]){value:g}(?![\d,])")
        holding = (line for line, in_words in self._lines if value in in_words or number.search(line))
        return any(names(field, line, self.lang) for line in holding)

    @cached_property
    def _lines(self) -> Sequence[tuple[str, frozenset[float]]]:
        return [(line, frozenset(number_check.numbers_in_words(line))) for line in self.text.split("\n")]

    @cached_property
    def is_full(self) -> bool:
        stated = sum(field in self.values for field in _NUMBERS | _TEXTS)
        return len(self.text) >= _FULL_CHARS and stated >= _FULL_FACTS

    @cached_property
    def _letters(self) -> str:
        return letters_of(self.text)

    @cached_property
    def _numbers(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the digits of the visible numbers, and of the numbers with a multiplier such as `k`.

        A number is included as a whole, without cents, and by groups of digits.
        """
        plain: set[str] = set()
        multiplied: set[str] = set()
        for match in _NUMBER.finditer(self.text):
            written = match.group()
            plain.add(re.sub(r"\D", "", written))
            plain.add(re.sub(r"\D", "", _CENTS.sub("", written)))
            plain.update(re.findall(r"\d+", written))
            if _MULTIPLIED.match(self.text, match.end()):
                multiplied.add(re.sub(r"\D", "", written).rstrip("0"))
        return frozenset(plain), frozenset(multiplied)


def _is_spelled_otherwise(candidate: Candidate, others: Sequence[Candidate]) -> bool:
    """Return whether the page gives this Latin text only in another script, such as `Москва` for `Moskva`."""
    latin = candidate.field in _TEXTS and _LATIN.search(str(candidate.value)) is not None
    return latin and bool(others) and all(_OTHER_LETTERS.search(str(other.value)) for other in others)


def _says_more(candidate: Candidate, others: Sequence[Candidate]) -> bool:
    """Return whether a town or postal code extends the visible value: `Hamilton (Mill)` extends `Hamilton`."""
    if FIELDS[candidate.field].address_part not in ("city", "postal_code"):
        return False
    before = re.split(r"\s*[(/,]|\s(?=\d[A-Z]{2}$)", str(candidate.value))[0].strip().casefold()
    return any(str(other.value).casefold() == before for other in others)


def _is_markup(candidate: Candidate) -> bool:
    """A recipe can read markup or text; the locator shows which."""
    hidden = candidate.method is Method.RECIPE and _HIDDEN_PLACE.search(candidate.locator) is not None
    return hidden or candidate.method in _MARKUP


def _is_visible(candidate: Candidate) -> bool:
    where = candidate.locator
    return candidate.method is Method.LABEL and (
        where == "/html/head/title" or (where.startswith("/html/body") and _META.search(where) is None)
    )


def _block(candidate: Candidate) -> str | None:
    """Return the script that contains the value, as its locator up to the last `#`; None if it is in no script."""
    if candidate.method not in (Method.JSONLD, Method.STATE, Method.RECIPE):
        return None
    return candidate.locator.rpartition("#")[0] or None


def _discredited(candidates: Sequence[Candidate], denied: Sequence[bool], shown: _Shown) -> frozenset[str]:
    against: dict[str, set[str]] = defaultdict(set)
    confirmed: dict[str, set[str]] = defaultdict(set)
    for candidate, gone in zip(candidates, denied, strict=True):
        block = _block(candidate)
        if block is not None and candidate.field in _NUMBERS | _TEXTS:
            if gone:
                against[block].add(candidate.field)
            elif shown.has(candidate):
                confirmed[block].add(candidate.field)
    shares = {block: (len(fields - confirmed[block]), len(confirmed[block])) for block, fields in against.items()}
    return frozenset(block for block, (lies, truths) in shares.items() if lies and 3 * lies >= truths)


def _digits(value: float) -> str:
    return re.sub(r"\D", "", f"{value:.10g}")
