"""Reads a page with the recipes of its host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from app.property.page import Page
from app.property.reading.base import Candidate, Extraction
from app.property.reading.document import Document
from app.property.reading.pipeline import extract, extract_rows
from app.property.reading.ranking import rank, same
from app.property.recipes.recipe import Anchor, Recipe, RecipeState
from app.property.recipes.spots import Spots
from app.property.recipes.template import ALIKE, fingerprint, likeness
from app.property.recipes.typed import READER, one_value, says
from app.property.record import Method, PageKind

#: a page with a smaller share of the fields that its template usually has was made in another way
LEAST_FOUND = 0.6
#: readers that are this sure of something else contradict a recipe
_CONTRADICTS = 0.75
_PROPERTY = (PageKind.LISTING, PageKind.RECORD)


@dataclass(frozen=True, slots=True)
class RecipeReading:
    """A page read with its recipe. `extraction.settled` are the fields that no model needs to be asked for.

    `fingerprint` is the page's; `recipe` the one of its template (None: none is known, or the page is none of a
    property). `hits`, `misses`, and `contradicted` are fields of the recipe. `found` is the share of the usual fields
    that the page has, 0 to 1. `applies`: the recipe is active and `found` is not much less than 1; where it is, nothing
    is read by the recipe and nothing is settled.
    """

    extraction: Extraction
    fingerprint: frozenset[int]
    recipe: Recipe | None = None
    applies: bool = False
    found: float = 0.0
    hits: frozenset[str] = frozenset()
    misses: frozenset[str] = frozenset()
    contradicted: frozenset[str] = frozenset()


def read_with(page: Page, recipes: Sequence[Recipe], *, lang: str | None = None) -> RecipeReading:
    """Read `page` with the one of its host's `recipes` that it fits, beside all other readers.

    Raises `PageTooComplexError`.
    """
    reader = _Reader(recipes)
    return _read(extract(page, lang=lang, last=reader), reader)


def read_rows_with(page: Page, recipes: Sequence[Recipe], is_worth: Callable[[str], bool]) -> list[RecipeReading]:
    """Read what a JSON body says of each of several objects (`pipeline.extract_rows`), with the recipes of its host.

    Raises `PageTooComplexError`.
    """
    readers: list[_Reader] = []

    def last(row: Document, others: Sequence[Candidate]) -> Iterable[Candidate]:
        readers.append(_Reader(recipes))
        return readers[-1](row, others)

    return [_read(row, reader) for row, reader in zip(extract_rows(page, is_worth, last=last), readers, strict=True)]


def _read(extraction: Extraction, reader: _Reader) -> RecipeReading:
    if extraction.kind not in _PROPERTY:
        return RecipeReading(extraction, reader.fingerprint)
    contradicted = frozenset(_contradicted(extraction, reader))
    settled = reader.settled(extraction, contradicted) if reader.applies else frozenset()
    return RecipeReading(
        replace(extraction, settled=settled),
        reader.fingerprint,
        reader.recipe,
        reader.applies,
        reader.found,
        frozenset(reader.hits),
        frozenset(reader.misses),
        contradicted,
    )


def fitting(recipes: Sequence[Recipe], page: Page, print_: frozenset[int]) -> Recipe | None:
    """Return the recipe for `page`, whose fingerprint is `print_`: a written one for its path, else the likest."""
    parts = urlsplit(page.final_url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    written = next((one for one in recipes if one.written and fnmatchcase(path, one.pages or "*")), None)
    if written is not None:
        return written
    likest = max(
        ((likeness(one.fingerprint, print_), one) for one in recipes if not one.written),
        key=lambda pair: pair[0],
        default=None,
    )
    return likest[1] if likest is not None and likest[0] >= ALIKE else None


@dataclass
class _Reader:
    """The last reader of a page: what its recipe finds."""

    recipes: Sequence[Recipe]
    fingerprint: frozenset[int] = frozenset()
    recipe: Recipe | None = None
    found: float = 0.0
    applies: bool = False
    hits: dict[str, Candidate] = field(default_factory=dict)
    misses: list[str] = field(default_factory=list)
    split: list[str] = field(default_factory=list)

    def __call__(self, page: Document, others: Sequence[Candidate]) -> Iterable[Candidate]:
        self.fingerprint = fingerprint(page)
        self.recipe = fitting(self.recipes, page.page, self.fingerprint)
        if self.recipe is None or self.recipe.state is not RecipeState.ACTIVE:
            return ()
        usable = self.recipe.usable
        spots = Spots(page, others, frozenset(one for anchors in usable.values() for one in anchors))
        read: list[Candidate] = []
        for name, anchors in usable.items():
            read += self._read(name, anchors, spots, page)
        usual = self.recipe.usual * len(usable)
        self.found = min(1.0, (len(self.hits) + len(self.split)) / usual) if usual else 0.0
        self.applies = self.found >= LEAST_FOUND
        return read if self.applies else ()

    def _read(self, name: str, anchors: Sequence[Anchor], spots: Spots, page: Document) -> list[Candidate]:
        answers = [one_value(anchor, name, spots, page) for anchor in anchors]
        told = [found for found, is_one in answers if found and is_one]
        firsts = [says(found, name) for found in told]
        if not told:
            (self.misses if all(is_one for _, is_one in answers) else self.split).append(name)
            return []
        if not all(is_one for _, is_one in answers) or not all(
            first is not None and firsts[0] is not None and same(firsts[0], first) for first in firsts
        ):
            self.split.append(name)
            return []
        read = [replace(one, method=Method.RECIPE, reader=READER) for one in told[0]]
        self.hits[name] = next(one for one in read if one.field == name)
        return read

    def settled(self, extraction: Extraction, contradicted: frozenset[str]) -> frozenset[str]:
        """The fields of which the recipe knows what the page says, or that it says nothing."""
        if self.recipe is None or self.recipe.kind not in ("", extraction.kind):
            return frozenset()
        record = extraction.record.values
        hit = {name for name in self.hits if name in record and name not in contradicted}
        lacking = {*self.misses, *self.recipe.never} - {*self.recipe.unsure, *record, *self.recipe.suspended}
        lacking |= {*self.recipe.unanswered}
        beside = {c.field for c in extraction.candidates if c.reader == READER and c.field in record}
        return frozenset(hit | lacking | (beside - {*contradicted, *self.recipe.suspended}))


def _contradicted(extraction: Extraction, reader: _Reader) -> Iterable[str]:
    """The fields of which other readers, or the recipe's own anchors, say something else."""
    yield from reader.split
    others = [one for one in extraction.candidates if one.reader != READER]
    for name, winner in rank(one for one in others if one.field in reader.hits).items():
        if winner.confidence >= _CONTRADICTS and not same(winner.candidate, reader.hits[name]):
            yield name
