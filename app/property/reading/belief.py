"""Which values of markup to believe, by what the page shows: JSON-LD, microdata, meta tags and state nobody sees.

A site writes its markup from the data that it shows, so honest markup says nothing that the visible page denies. Values
that it denies are left out, with whatever else nobody can see in a block that is denied as often as it is confirmed;
plain facts that a page full of facts shows nowhere are kept as doubtful. Coordinates, ids and the like are no text of
any page, and stand by the block that they are in. Pages that show nothing (shells, JSON) deny nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from app.property.fields.table import FIELDS, FieldKind, of_kind
from app.property.reading.base import Candidate
from app.property.reading.document import Document
from app.property.reading.model import figures
from app.property.reading.model.label_words import names
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
#: as true as what they were read with
_PART_OF = {name: spec.part_of for name, spec in FIELDS.items() if spec.part_of is not None}
#: seen as digits anywhere they would prove nothing
_SMALL = 100.0
#: a visible value that may deny what is nowhere to be seen; one that may do so though the number stands elsewhere
_WEAK, _STRONG = 0.45, 0.6
#: what is left of a value that another one denies, though the page shows it; of one that it should show and does not
_DENIED, _UNSHOWN = 0.7, 0.55
#: a page that shows this much shows what it is about
_FULL_CHARS, _FULL_FACTS = 400, 3
_NUMBER = re.compile(r"\d[\d.,'’\u00a0\u202f ]*\d|\d")
_MULTIPLIED = re.compile(
    r"\s?(?:k|m|mm|mn|mio|mill?|mln|tys|tsd|thousand|million|lakhs?|lacs?|crores?|cr)\b|\s?[万億만억千百]",
    re.IGNORECASE,
)
_META = re.compile(r"/meta(?:\[\d+\])?$")
_HIDDEN_PLACE = re.compile(r"#|/@|/meta(?:\[\d+\])?$")
#: letters of the Latin alphabet; of any other
_LATIN, _OTHER_LETTERS = re.compile(r"[A-Za-zÀ-ɏ]"), re.compile(r"[^\W\d_A-Za-zÀ-ɏ]")
#: texts of a row in which its date stands, and such that are looked at
_FIRST_TEXTS, _MOST_TEXTS = 4, 30
_DATED = re.compile(r"\W*(?:\w{1,12}\W{1,2}){0,2}(?:\d{1,2}\D)?(?:19|20)\d\d\b|\W*\d{1,2}\W\d{1,2}\W\d{2,4}\b")
_CENTS = re.compile(r"[.,]\d{1,2}$")


@dataclass(frozen=True, slots=True)
class Belief:
    """`kept`: candidates with the confidence that is left to them, in their order; `denied`: what the page denies.

    `distrusted`: scripts, by the part of a locator before its last `#`, of which nothing is taken.
    """

    kept: list[Candidate]
    denied: list[Candidate]
    distrusted: frozenset[str]


def believed(candidates: Sequence[Candidate], page: Document) -> Belief:
    """Which of `candidates` to believe, and how far."""
    if page.root is None or not any(map(_is_markup, candidates)):
        return Belief(list(candidates), [], frozenset())
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
    return Belief(kept, dropped, discredited)


@dataclass
class _Shown:
    """What the page shows: its text, and the values that were read from it, by field."""

    text: str
    lang: str | None
    values: Mapping[str, Sequence[Candidate]]
    page: Document

    @classmethod
    def on(cls, page: Document, candidates: Iterable[Candidate]) -> _Shown:
        warm = {c.locator for c in candidates if c.field == "X_RentBasis" and c.value == "warm"}
        values: dict[str, list[Candidate]] = defaultdict(list)
        for c in candidates:
            # the warm rent does not deny the cold one
            if _is_visible(c) and c.confidence >= _WEAK and not (c.field == "ListPrice" and c.locator in warm):
                values[c.field].append(c)
        text = "\n".join((page.title, *(segment.text for segment in page.segments)))
        return cls(text, page.locale.lang, values, page)

    def denies(self, candidate: Candidate) -> bool:
        """True for a value of markup that the page shows nowhere, and another one in its place."""
        if not _is_markup(candidate) or candidate.field not in (_NUMBERS | _TEXTS) - _COUNTS:
            return False
        others = self.values.get(candidate.field, ())
        said = _is_spelled_otherwise(candidate, others) or _says_more(candidate, others) or self.has(candidate)
        return bool(others) and not said

    def share(self, candidate: Candidate) -> float:
        """What is left of a value's confidence: less where the page says something else, or should say it and does
        not.
        """
        if not _is_markup(candidate):
            return 1.0
        others = self.values.get(candidate.field, ())
        if candidate.field in _NUMBERS | _WORDS:
            if self.is_past(candidate) and not all(same(candidate, o) for o in others):
                return _UNSHOWN
            sure = any(o.confidence >= (_STRONG if candidate.field in _NUMBERS else _WEAK) for o in others)
            if sure and not any(same(candidate, o) for o in others):
                return _DENIED
        if _is_spelled_otherwise(candidate, others):
            return _UNSHOWN
        expected = self.is_full and candidate.field in _NUMBERS | _TEXTS | _LISTS | _PEOPLE
        return _UNSHOWN if expected and not self.has(candidate) else 1.0

    def is_past(self, candidate: Candidate) -> bool:
        """True for a price that the page shows in a row that begins with a date, and nowhere else."""
        if candidate.field != "ListPrice":
            return False
        everywhere, past = (amounts[_digits(float(candidate.value))] for amounts in self._amounts)
        return 0 < everywhere <= past

    def has(self, candidate: Candidate) -> bool:
        """True where the value stands in the visible text, or was read there."""
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
        """True where a line that speaks of the field holds the number in digits or in words."""
        number = re.compile(rf"(?<![\d.,]){value:g}(?![\d,])")
        holding = (line for line, said in self._lines if value in said or number.search(line))
        return any(names(field, line, self.lang) for line in holding)

    @cached_property
    def _lines(self) -> Sequence[tuple[str, frozenset[float]]]:
        """Each line with the numbers that it says in words."""
        return [(line, frozenset(figures.said_in_words(line))) for line in self.text.split("\n")]

    @cached_property
    def is_full(self) -> bool:
        """True for a page that shows its facts, so that one which it does not show is strange."""
        told = sum(field in self.values for field in _NUMBERS | _TEXTS)
        return len(self.text) >= _FULL_CHARS and told >= _FULL_FACTS

    @cached_property
    def _amounts(self) -> tuple[Counter[str], Counter[str]]:
        """How often the digits of each number stand on the page, and in rows that begin with a date."""
        rows = self.page.root.iter("tr")
        dated = (row for row in rows if _DATED.match(" ".join(islice(row.itertext(), _FIRST_TEXTS))))
        past = "\n".join(" ".join(islice(row.itertext(), _MOST_TEXTS)) for row in dated)
        everywhere, of_past = (
            Counter(re.sub(r"\D", "", one) for one in _NUMBER.findall(text)) for text in (self.text, past)
        )
        return everywhere, of_past

    @cached_property
    def _letters(self) -> str:
        return letters_of(self.text)

    @cached_property
    def _numbers(self) -> tuple[frozenset[str], frozenset[str]]:
        """Digits of the page's numbers, as a whole and part by part; and of those with a word that multiplies them."""
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
    """True for `Moskva` where the page shows `Москва`: letters do not tell whether it is the same."""
    latin = candidate.field in _TEXTS and _LATIN.search(str(candidate.value)) is not None
    return latin and bool(others) and all(_OTHER_LETTERS.search(str(other.value)) for other in others)


def _says_more(candidate: Candidate, others: Sequence[Candidate]) -> bool:
    """True for the town `Hamilton (Mill)` where the page shows `Hamilton`, for the code `LS17 6LD` where `LS17`."""
    if FIELDS[candidate.field].address_part not in ("city", "postal_code"):
        return False
    before = re.split(r"\s*[(/,]|\s(?=\d[A-Z]{2}$)", str(candidate.value))[0].strip().casefold()
    return any(str(other.value).casefold() == before for other in others)


def _is_markup(candidate: Candidate) -> bool:
    """True for what nobody has to see: a recipe reads scripts and attributes as well as text."""
    hidden = candidate.method is Method.RECIPE and _HIDDEN_PLACE.search(candidate.locator) is not None
    return hidden or candidate.method in _MARKUP


def _is_visible(candidate: Candidate) -> bool:
    """True for what was read from the body, or from the title, which browsers show."""
    where = candidate.locator
    return candidate.method is Method.LABEL and (
        where == "/html/head/title" or (where.startswith("/html/body") and _META.search(where) is None)
    )


def _block(candidate: Candidate) -> str | None:
    """The script that a value stands in, and the name that it gives to the object."""
    if candidate.method not in (Method.JSONLD, Method.STATE, Method.RECIPE):
        return None
    return candidate.locator.rpartition("#")[0] or None


def _discredited(candidates: Sequence[Candidate], denied: Sequence[bool], shown: _Shown) -> frozenset[str]:
    """Blocks of which the page denies at least a third of what it confirms."""
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
