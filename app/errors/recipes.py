"""Errors of recipes."""

from __future__ import annotations

from typing import ClassVar

from app.errors import NotFoundError


class RecipeNotFoundError(NotFoundError):
    """No recipe has this id or host."""

    code = "recipe_not_found"
    fact_names: ClassVar[tuple[str, ...]] = ("name",)
    sentence = "There is no recipe {name}."
    remedy = "`propintel recipes list` shows all recipes."
