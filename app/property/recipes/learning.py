"""Learns the anchors of a template from pages whose values are verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Example:
    """A page of a template: its verified `values` as (value, unit) by field, and the fields that it is known to lack."""

    page: Page
    values: Mapping[str, tuple[Any, str | None]]
    absent: frozenset[str]


def example_of(extraction: Extraction, asked: tuple[str, ...]) -> Example:
    """Return what is verified of a page about which a model was asked for `asked`: `extraction` holds its answer.

    Verified are checked answers of the model, and what a reader read at 0.9. Absent is what was asked and not found.
    """
    raise NotImplementedError


def learn(recipe: Recipe, examples: Sequence[Example]) -> Recipe:
    """Return `recipe` with the anchors that `examples` (newest last) bear out; active once it has any."""
    raise NotImplementedError
