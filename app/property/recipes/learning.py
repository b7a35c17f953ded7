"""Learn the anchors of a template from pages with verified values (ADR 0054).

An anchor is right on a page if it leads only to the verified value, or to nothing if the page is known to lack the
field. An anchor is adopted if it is right on at least four pages. At least three of these pages must have a value, or
two if the anchor's words name the field.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as member
from itertools import chain
from typing import Any

from app.property.fields.table import FIELDS, UNIT_OF
from app.property.page import Page
from app.property.reading.base import SURE, Candidate, Extraction
from app.property.reading.document import Document
from app.property.reading.pipeline import extract, extract_rows
from app.property.reading.ranking import rank
from app.property.recipes.recipe import Anchor, Recipe, RecipeState
from app.property.recipes.spots import IN_CLAUSE, Spot, Spots, blocks_around, folded
from app.property.recipes.typed import READER, is_value, may_be, one_value, parsers, says, values_at
from app.property.record import Method

#: An anchor needs `LEAST_PAGES` right pages. `_LEAST_HAVING` of them must have a value, or `_LEAST_NAMED` if the
#: anchor's words name the field.
LEAST_PAGES, _LEAST_HAVING, _LEAST_NAMED = 4, 3, 2
#: For each wrong page, an anchor needs this many right pages after the first. It is `_NAMED` if the anchor's words name
#: the field, else `_MANY` if the field has few possible values, else `_SEVERAL`.
_MANY, _SEVERAL, _NAMED = 7, 4, 3
_MOST_ANCHORS = 3
_MOST_SPOTS = 4
#: Maximum share of pages on which a model finds a value for a `never` or `unanswered` field. If the anchors of a field
#: miss its value on a larger share of pages, the field is `unsure`.
_RARE = 0.25
#: Kinds of fields with few possible values. Two different fields of such a kind often have equal values by chance.
_FEW = frozenset({"count", "answer", "choice", "place", "currency", "unit"})
_LEAST_FEW = 3
#: Fields that are not learned: derived fields, and fields with several values.
_DERIVED = {*UNIT_OF.values(), "OriginatingSystemName", "X_Currency", "Media", "X_Permits"}
_LEARNED = tuple(name for name in FIELDS if name not in _DERIVED)
_ORDER = ("path", "attribute", "label", "reader")


@dataclass(frozen=True, slots=True)
class Example:
    """A page with verified values.

    `values` maps fields to (value, unit). `absent` are fields that the page is known to lack. `unanswered` are fields
    that a model was asked for, but that have no verified value. If the body lists several properties, `row` is the JSON
    pointer of the one that was read.
    """

    page: Page
    values: Mapping[str, tuple[Any, str | None]]
    absent: frozenset[str]
    unanswered: frozenset[str]
    row: str | None = None


def example_of(extraction: Extraction, asked: Collection[str], dropped: Collection[str] = ()) -> Example:
    """Return the verified values of a page as an example. A model was asked for the fields `asked`.

    Verified values are the model's checked answers and values that readers are sure of, except the recipe's own. A
    field is absent if a model was asked for it, and neither the model nor a reader found a value. Fields in `dropped`,
    for which the model's answer was rejected, are not absent.
    """
    answers = {one.field: one for one in extraction.candidates if one.method is Method.LLM and one.field in _LEARNED}
    values = {name: (one.value, one.unit) for name, one in answers.items()}
    by_recipe = {one.field for one in extraction.candidates if one.reader == READER}
    for name, proof in extraction.record.evidence.items():
        is_sure = proof.confidence >= SURE and name not in extraction.doubtful and proof.method is not Method.DERIVED
        if is_sure and name in _LEARNED and name not in by_recipe:
            values.setdefault(name, (proof.value, proof.unit))
    unanswered = frozenset(asked) - values.keys()
    absent = unanswered - extraction.record.values.keys() - set(dropped)
    return Example(extraction.page, values, absent, unanswered, extraction.row)


def learn(recipe: Recipe, examples: Sequence[Example]) -> Recipe:
    """Return an active recipe with the anchors that `examples` (newest last) support.

    If they support no anchor, return `recipe` unchanged.
    """
    pages = [page for example in examples if (page := _Page.of(example)) is not None]
    if len(pages) < LEAST_PAGES:
        return recipe
    counted = Counter(anchor for page in pages for anchor in page.spots.by_anchor)
    common = [anchor for anchor, many in counted.items() if many >= _LEAST_NAMED]
    found = {name: _anchors(name, pages, common, is_doubted=name in recipe.suspended) for name in _LEARNED}
    known = {
        name: [one for one in anchors if _still_holds(name, one, pages)] for name, anchors in recipe.usable.items()
    }
    anchors = {name: tuple(dict.fromkeys((*new, *known.get(name, ()))))[:_MOST_ANCHORS] for name, new in found.items()}
    adopted = _unambiguous({name: several for name, several in anchors.items() if several})
    if not adopted:
        return recipe
    counts = [sum(page.finds(name, anchors) for name, anchors in adopted.items()) for page in pages]
    return replace(
        recipe,
        state=RecipeState.ACTIVE,
        reason="",
        fields=adopted,
        suspended={name: why for name, why in recipe.suspended.items() if name not in adopted},
        never=tuple(sorted(_silent(pages, adopted, recipe.never, absent=True))),
        unanswered=tuple(sorted(_silent(pages, adopted, recipe.unanswered, absent=False))),
        unsure=tuple(sorted(_unsure(pages, adopted))),
        outvoted=tuple(sorted(_outvoted(pages, adopted) | (set(recipe.outvoted) & adopted.keys()))),
        usual=sum(counts) / len(pages) / len(adopted),
        learned_from=len(pages),
    )


@dataclass(eq=False)
class _Page:
    example: Example
    spots: Spots
    known: dict[tuple[str, Anchor], tuple[Candidate | None, bool]] = member(default_factory=dict)
    checked: dict[tuple[str, ...], bool] = member(default_factory=dict)

    @classmethod
    def of(cls, example: Example) -> _Page | None:
        """Read the example's page again. Return None if the page no longer has the row `Example.row`."""
        documents: list[Document] = []

        def keep(document: Document, _: Sequence[Candidate]) -> tuple[Candidate, ...]:
            documents.append(document)
            return ()

        page, row = example.page, example.row
        read = [extract(page, last=keep)] if row is None else extract_rows(page, bool, last=keep)
        for extraction, document in zip(read, documents, strict=True):
            if extraction.row == row:
                document.distrusted = extraction.distrusted
                return cls(example, Spots(document, extraction.candidates))
        return None

    def value(self, name: str, anchor: Anchor) -> tuple[Candidate | None, bool]:
        """Return the value at the anchor's spots on this page (None: no value), and whether all its spots agree."""
        if (name, anchor) not in self.known:
            found, is_one = one_value(anchor, name, self.spots)
            self.known[name, anchor] = (says(found, name), is_one)
        return self.known[name, anchor]

    def finds(self, name: str, anchors: Sequence[Anchor]) -> bool:
        return any(self.value(name, anchor)[0] is not None for anchor in anchors)

    def is_right(self, name: str, anchor: Anchor) -> bool | None:
        """Return whether the anchor leads only to the verified value.

        Return None if it leads to nothing, or if the example does not show whether it is right.
        """
        found, is_one = self.value(name, anchor)
        if not is_one:
            return False
        if found is None:
            return None
        if name in self.example.values:
            return is_value(found, *self.example.values[name])
        return False if name in self.example.absent else None

    def is_silent(self, name: str, anchor: Anchor) -> bool:
        return name in self.example.absent and self.value(name, anchor)[0] is None

    def leading_to(self, name: str, anchors: Iterable[Anchor]) -> Iterator[Anchor]:
        """Yield the anchors that lead to the field's verified value: some of `anchors`, anchors in clauses, and anchors
        of readers.

        If an anchor has several spots, also yield it limited to each block around the right spot (`within`).
        """
        value, unit = self.example.values[name]
        for (field, anchor), found in self.spots.readings.items():
            if field == name and any(is_value(one, value, unit) for one in found):
                yield anchor
        may_say, of_page = may_be(value), self.spots.by_anchor
        likely = ((one, [spot for spot in of_page.get(one, ()) if may_say(str(spot.raw))]) for one in anchors)
        alone = ((anchor, spot) for anchor, spots in likely for spot in spots[:_MOST_SPOTS])
        in_clauses = self.spots.in_clauses(may_be(value, literally=FIELDS[name].kind != "choice"))
        for anchor, spot in chain(alone, (pair for pair in in_clauses if may_say(pair[1].raw))):
            for known in (anchor._replace(reads=reads) for reads in parsers(name)):
                units = ("", unit) if unit and anchor.relation not in IN_CLAUSE else ("",)
                united = (known._replace(unit=one) for one in units)
                fitting = next((one for one in united if self._says(spot, name, one)), None)
                if fitting is not None:
                    yield fitting
                    blocks = blocks_around(spot.element) if len(self.spots.at(anchor)) > 1 else ()
                    yield from (fitting._replace(within=block) for block in blocks)

    def _says(self, spot: Spot, name: str, anchor: Anchor) -> bool:
        asked = (name, anchor.reads, anchor.unit, spot.label, repr(spot.raw))
        if asked not in self.checked:
            own = says(values_at(spot, name, anchor, self.spots), name)
            self.checked[asked] = own is not None and is_value(own, *self.example.values[name])
        return self.checked[asked]


def _anchors(name: str, pages: Sequence[_Page], common: Sequence[Anchor], *, is_doubted: bool) -> tuple[Anchor, ...]:
    """Return the anchors that the pages support for the field `name`, best first.

    If `is_doubted` (a model contradicted earlier anchors of the field), fewer wrong pages are allowed.
    """
    having = [page for page in pages if name in page.example.values]
    if len(having) < _LEAST_NAMED:
        return ()
    good: list[tuple[int, int, int, int, Anchor]] = []
    tried = {having[0], having[len(having) // 2], having[-1]}
    for anchor in {one for page in tried for one in page.leading_to(name, common)}:
        named = anchor.kind == "reader" or _names(re.split("[/=.]", anchor.name)[-1], name, having[-1])
        if named is False or _is_a_value(anchor, pages):
            continue
        judged = {page: page.is_right(name, anchor) for page in pages}
        right = sum(map(bool, judged.values()))
        wrong = [name in page.example.absent for page, is_right in judged.items() if is_right is False]
        for_each = _SEVERAL if is_doubted else _NAMED
        may_be_wrong = (right - 1) // (for_each if named else _MANY if FIELDS[name].kind in _FEW else _SEVERAL)
        silent = sum(page.is_silent(name, anchor) for page in pages)
        if right + silent < LEAST_PAGES or any(wrong) or len(wrong) > may_be_wrong:
            continue
        if right >= _LEAST_NAMED and (named or _is_distinctive(name, anchor, having)):
            words = len(anchor.name) if anchor.relation in IN_CLAUSE else 0
            good.append((-right, _ORDER.index(anchor.kind), len(anchor.within), -words, anchor))
    ranked = [anchor for *_, anchor in sorted(good)]
    in_clauses = [one for one in ranked if one.relation in IN_CLAUSE]
    apart = _of_one_label(name, [one for one in ranked if one not in in_clauses], pages)
    return (apart or tuple(in_clauses[:1]))[:_MOST_ANCHORS]


def _still_holds(name: str, anchor: Anchor, pages: Sequence[_Page]) -> bool:
    """Return whether an adopted anchor is still right on the examples.

    No page may contradict it, and it must find a verified value if there is one. An adopted anchor needs no minimum of
    right pages, because no model is asked for its field any more.
    """
    judged = [page.is_right(name, anchor) for page in pages]
    is_outdated = any(name in page.example.values for page in pages) and True not in judged
    return False not in judged and not is_outdated


def _of_one_label(name: str, anchors: Sequence[Anchor], pages: Sequence[_Page]) -> tuple[Anchor, ...]:
    """Return `anchors` without labels that are only by chance near the value, such as the label one line up.

    Of several labels, keep those that the vocabulary knows for the field. If it knows none of them, keep the label in
    the same row or text as the value, if there is only one.
    """
    labels = {one.name for one in anchors if one.kind == "label"}
    if len(labels) > 1:
        known = {label for label in labels if _names(label, name, pages[-1])}
        near = {one.name for one in anchors if one.kind == "label" and one.relation not in ("next", "previous")}
        kept = known or near
        labels = kept if len(kept) == 1 or known else set()
    return tuple(one for one in anchors if one.kind != "label" or one.name in labels)


def _names(words: str, field: str, page: _Page) -> bool | None:
    found = page.spots.page.meaning(words)
    return None if found is None or found.field == "_Ignore" else found.field in (field, *parsers(field))


def _is_a_value(anchor: Anchor, pages: Sequence[_Page]) -> bool:
    if anchor.kind != "label":
        return False
    values = (value for page in pages for value, _ in page.example.values.values())
    return any(isinstance(value, str) and folded(value) == anchor.name for value in values)


def _is_distinctive(name: str, anchor: Anchor, having: Sequence[_Page]) -> bool:
    values = [str(page.example.values[name][0]).casefold() for page in having if page.is_right(name, anchor)]
    least = _LEAST_FEW if FIELDS[name].kind in _FEW and len(values) <= _MANY else 2
    return len(values) >= _LEAST_HAVING and len(set(values)) >= least


def _unambiguous(found: Mapping[str, tuple[Anchor, ...]]) -> dict[str, tuple[Anchor, ...]]:
    """Drop anchors that several fields of one kind share, because the examples do not show which field is meant."""
    owners: dict[tuple[str, Anchor], set[str]] = defaultdict(set)
    for name, anchors in found.items():
        for anchor in anchors:
            owners[FIELDS[name].kind, anchor].add(name)
    kept = {
        name: tuple(
            one for one in anchors if len(owners[FIELDS[name].kind, one]) == 1 or one.kind == "reader" or one.reads
        )
        for name, anchors in found.items()
    }
    return {name: anchors for name, anchors in kept.items() if anchors}


def _silent(
    pages: Sequence[_Page], adopted: Mapping[str, Any], known: Collection[str], *, absent: bool
) -> Iterator[str]:
    """Yield fields without anchors for which a model is not asked, because it rarely finds a value.

    Yield fields that the pages lack if `absent` is true, else fields that readers find but no model confirms. Fields in
    `known`, the earlier result, stay, because no model was asked for them since.
    """
    for name in FIELDS:
        answered = sum(name in page.example.values for page in pages)
        silent = sum(name in page.example.unanswered for page in pages)
        is_absent = sum(name in page.example.absent for page in pages) > silent / 2
        is_found = name in known or (silent >= LEAST_PAGES and is_absent is absent)
        if is_found and name not in adopted and answered <= max(1, _RARE * len(pages)):
            yield name


def _outvoted(pages: Sequence[_Page], adopted: Mapping[str, tuple[Anchor, ...]]) -> set[str]:
    found = Counter[str]()
    for page in pages:
        known = {name for name in adopted if name in page.example.values and page.finds(name, adopted[name])}
        for name, winner in rank(one for one in page.spots.candidates if one.field in known).items():
            is_right = is_value(winner.candidate, *page.example.values[name])
            found[name] += not is_right and page.is_right(name, adopted[name][0]) is True
    return {name for name, many in found.items() if many >= _LEAST_NAMED}


def _unsure(pages: Sequence[_Page], adopted: Mapping[str, tuple[Anchor, ...]]) -> Iterator[str]:
    for name, anchors in adopted.items():
        having = [page for page in pages if name in page.example.values]
        if sum(not page.finds(name, anchors) for page in having) > _RARE * len(having):
            yield name
