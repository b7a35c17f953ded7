"""Reads a page with the recipes of its host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True)
class RecipeReading:
    """A page read with its recipe. `extraction.settled` are the fields that no model needs to be asked for.

    `fingerprint` is the page's; `recipe` the one of its template (None: none is known, or the page is none of a
    property). `hits`, `misses`, and `contradicted` are fields of the recipe. `applies`: the recipe is active and the
    page has the fields that the template's pages have; where it has too few, nothing is settled.
    """

    extraction: Extraction
    fingerprint: frozenset[int]
    recipe: Recipe | None = None
    applies: bool = False
    hits: frozenset[str] = frozenset()
    misses: frozenset[str] = frozenset()
    contradicted: frozenset[str] = frozenset()


def read_with(page: Page, recipes: Sequence[Recipe], *, lang: str | None = None) -> RecipeReading:
    """Read `page` with the one of its host's `recipes` that it fits, beside all other readers.

    Raises `PageTooComplexError`.
    """
    raise NotImplementedError
