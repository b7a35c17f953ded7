"""The life of recipes: which pages teach one, when it is used, audited, suspended, and learned again.

Every process has a keeper; they share recipes through a store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.clock import Clock
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.recipes.learning import Example
from app.property.recipes.recipe import Counts, Recipe
from app.property.recipes.using import RecipeReading


class RecipeStore(Protocol):
    """Recipes and their examples. In memory for tests and benchmarks, rows of the database for a fleet."""

    def of_host(self, host: str) -> Sequence[Recipe]:
        """Return the recipes of `host`, the learned ones newest first; at most 50."""
        ...

    def find_or_add(self, recipe: Recipe) -> Recipe:
        """Return the stored recipe of the same template (`template.ALIKE`), else store `recipe`, with its host locked."""
        ...

    def add_example(self, recipe_id: str, example: Example) -> None:
        """Store an example; one of the same page replaces the older one. Only the newest 12 of a recipe are kept."""
        ...

    def examples(self, recipe_id: str) -> list[Example]:
        """Return the examples whose pages are still stored, newest last."""
        ...

    def forget_examples(self, recipe_id: str) -> None:
        """Delete the examples of a recipe, as of pages before a redesign."""
        ...

    def update(self, recipe_id: str, change: RecipeChange) -> Recipe | None:
        """Apply `change` to the stored recipe in one transaction and return it; None: it was forgotten."""
        ...


class RecipeChange(Protocol):
    """A pure change of a recipe, applied to what is stored now."""

    def __call__(self, recipe: Recipe) -> Recipe:
        """Return the changed recipe."""
        ...


@dataclass(frozen=True, slots=True)
class AuditRate:
    """The share of pages that a model is asked about although a recipe settles them: 0 to 1."""

    share: float = 0.02
    #: for recipes that have read fewer pages than `young`
    young_share: float = 0.1
    young: int = 50


class RecipeKeeper:
    """Reads pages with recipes and learns from what a model answered. Thread-safe."""

    def __init__(self, store: RecipeStore, clock: Clock, audits: AuditRate = AuditRate()) -> None:  # noqa: B008
        raise NotImplementedError

    def read(self, page: Page) -> RecipeReading:
        """Read `page` with the recipes of its host; where it is chosen for an audit, nothing is settled.

        Raises `PageTooComplexError` and errors of the store.
        """
        raise NotImplementedError

    def learn(self, read: RecipeReading, asked: tuple[str, ...], answered: Extraction | None, saved_tokens: int) -> None:
        """Note what came of a page that was read: keep it as an example, learn, audit, count.

        `asked` are the fields that a model was asked for (none: no call was made), `answered` is the extraction with
        its checked values, None where it did not answer. `saved_tokens` is what the prompt without the recipe would
        have had more.
        """
        raise NotImplementedError
