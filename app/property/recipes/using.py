"""Read a page with the recipes of its host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as member
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from app.property.page import Page
from app.property.reading.base import Candidate, Extraction
from app.property.reading.document import Document
from app.property.reading.pipeline import extract, extract_rows
from app.property.reading.ranking import rank, same
from app.property.recipes.recipe import Anchor, Recipe, RecipeState
from app.property.recipes.spots import Spots
from app.property.recipes.template import ALIKE, TRIED, fingerprint, likeness, likest
from app.property.recipes.typed import READER, one_value, says
from app.property.record import WITH_PROPERTY

#: A recipe applies only if its anchors find at least this share of the fields that they usually find. A page that is
#: less similar to the recipe's template needs a higher share.
LEAST_FOUND = 0.6
#: Minimum confidence with which another reader's value contradicts a recipe.
_CONTRADICTS = 0.75
#: If another reader found a value with at least this confidence, the page is assumed to have the field. A less certain
#: value may belong to another home on the page.
_LIKELY = 0.5
#: Maximum number of recipes tried on a page. Once a recipe applies, a recipe whose similarity is lower by more than
#: `_AS_ALIKE` is not tried.
_MOST_ALIKE, _AS_ALIKE = 3, 0.1


@dataclass(frozen=True, slots=True)
class RecipeReading:
    """The result of reading a page with its recipe.

    `recipe` is the recipe for the page's template, or None if there is none or the page describes no property. `found`
    is the number of fields that the anchors found, divided by the usual number, at most 1. `applies` is True if the
    recipe is active and `found` is high enough; otherwise, the recipe's values are not used. `hits` are the fields
    found, `misses` the fields not found, and `contradicted` the fields whose anchors disagree or for which another
    reader found another value. `extraction.settled` are the fields for which no model is asked.
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
    """Read `page` with all readers and with the best recipe of `recipes`, which belong to its host.

    Raises `PageTooComplexError` if the page exceeds the limits for reading.
    """
    reader = _Reader(recipes)
    return _read(extract(page, lang=lang, last=reader), reader)


def read_rows_with(page: Page, recipes: Sequence[Recipe], is_worth: Callable[[str], bool]) -> list[RecipeReading]:
    """Read each property in a JSON body that lists several, as `read_with` does.

    Raises `PageTooComplexError` if the page exceeds the limits for reading.
    """
    readers: list[_Reader] = []

    def last(row: Document, others: Sequence[Candidate]) -> Iterable[Candidate]:
        readers.append(_Reader(recipes))
        return readers[-1](row, others)

    return [_read(row, reader) for row, reader in zip(extract_rows(page, is_worth, last=last), readers, strict=True)]


def _read(extraction: Extraction, reader: _Reader) -> RecipeReading:
    if extraction.kind not in WITH_PROPERTY:
        return RecipeReading(extraction, reader.fingerprint)
    contradicted = frozenset(_contradicted(extraction, reader))
    settled = reader.settled(extraction, contradicted) if reader.applies else frozenset()
    return RecipeReading(
        replace(extraction, settled=settled),
        reader.fingerprint,
        reader.recipe,
        reader.applies,
        reader.tried.found,
        frozenset(reader.tried.hits),
        frozenset(reader.tried.misses),
        contradicted,
    )


def fitting(recipes: Sequence[Recipe], page: Page, print_: frozenset[int]) -> list[Recipe]:
    """Return the recipes to try: the handwritten one for the page's path, else up to three for similar pages, best
    first.
    """
    parts = urlsplit(page.final_url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    written = [one for one in recipes if one.written and fnmatchcase(path, one.pages or "*")]
    return written[:1] or likest(recipes, print_, TRIED)[:_MOST_ALIKE]


@dataclass
class _Tried:
    """The result of trying one recipe on a page.

    Fields are found (`hits`), not found (`misses`), or their anchors disagree (`split`).
    """

    read: list[Candidate] = member(default_factory=list)
    hits: dict[str, Candidate] = member(default_factory=dict)
    misses: list[str] = member(default_factory=list)
    split: list[str] = member(default_factory=list)
    found: float = 0.0

    @classmethod
    def of(cls, recipe: Recipe, page: Document, others: Sequence[Candidate]) -> _Tried:
        tried, usable = cls(), recipe.usable
        spots = Spots(page, others, [one for anchors in usable.values() for one in anchors])
        by_field: dict[str, list[Candidate]] = {name: [] for name in usable}
        for one in others:
            by_field.get(one.field, []).append(one)
        for name, anchors in usable.items():
            tried._read(name, anchors, spots, by_field[name])
        usual = recipe.usual * len(usable)
        tried.found = min(1.0, (len(tried.hits) + len(tried.split)) / usual) if usual else 0.0
        return tried

    def _read(self, name: str, anchors: Sequence[Anchor], spots: Spots, others: Sequence[Candidate]) -> None:
        answers: list[tuple[list[Candidate], bool]] = []
        for anchor in anchors:
            known = {one.raw for found, _ in answers for one in found if one.field == name}
            answers.append(one_value(anchor, name, spots, known))
        readings = [found for found, _ in answers if found]
        firsts = [first for found in readings if (first := says(found, name)) is not None]
        if not all(is_one for _, is_one in answers) or not all(same(firsts[0], other) for other in firsts[1:]):
            self.split.append(name)
        elif not readings:
            self.misses.append(name)
        elif any(one.value == firsts[0].value and one.unit not in (None, firsts[0].unit) for one in others):
            self.split.append(name)
        else:
            self.read += readings[0]
            self.hits[name] = firsts[0]


@dataclass
class _Reader:
    """Reads a page with the best of `recipes`, after all other readers.

    If no recipe applies, `recipe` is still that of the page's template, if any.
    """

    recipes: Sequence[Recipe]
    fingerprint: frozenset[int] = frozenset()
    recipe: Recipe | None = None
    applies: bool = False
    tried: _Tried = member(default_factory=_Tried)

    def __call__(self, page: Document, others: Sequence[Candidate]) -> Iterable[Candidate]:
        self.fingerprint = fingerprint(page)
        likest = 0.0
        for recipe in fitting(self.recipes, page.page, self.fingerprint):
            alike = 1.0 if recipe.written else likeness(recipe.fingerprint, self.fingerprint)
            if self.applies and alike < likest - _AS_ALIKE:
                break
            tried = _Tried.of(recipe, page, others) if recipe.state is RecipeState.ACTIVE else _Tried()
            applies = tried.found >= LEAST_FOUND + (1.0 - alike)
            # of several recipes that apply, the one that finds more fields is used
            is_better = applies and (not self.applies or tried.found > self.tried.found)
            if is_better or (self.recipe is None and alike >= ALIKE):
                self.recipe, self.tried, self.applies, likest = recipe, tried, applies, alike
        return self.tried.read if self.applies else ()

    def settled(self, extraction: Extraction, contradicted: frozenset[str]) -> frozenset[str]:
        """Return the fields that no model needs to be asked for.

        These are fields that the recipe read, that the page is expected to lack, or that a model never answers.
        """
        if self.recipe is None or self.recipe.kind not in ("", extraction.kind):
            return frozenset()
        recipe = self.recipe
        read_elsewhere = {n for n, proof in extraction.record.evidence.items() if proof.confidence >= _LIKELY}
        lacking = {*self.tried.misses, *recipe.never} - {*recipe.unsure} - read_elsewhere
        # includes values that were rejected later, because a model would not read them better
        read = {one.field for one in self.tried.read}
        return frozenset((lacking | read | {*recipe.unanswered}) - contradicted - recipe.suspended.keys())


def _contradicted(extraction: Extraction, reader: _Reader) -> Iterable[str]:
    hits, outvoted = reader.tried.hits, reader.recipe.outvoted if reader.recipe is not None else ()
    yield from reader.tried.split
    others = [one for one in extraction.candidates if one.reader != READER and one.field in hits]
    differing = {one.field for one in others if (one.value, one.unit) != (hits[one.field].value, hits[one.field].unit)}
    for name, winner in rank(one for one in others if one.field in differing - {*outvoted}).items():
        if winner.confidence >= _CONTRADICTS and not same(winner.candidate, hits[name]):
            yield name
