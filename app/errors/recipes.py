"""Errors about recipes."""

from app.errors import NotFoundError


class RecipeNotFoundError(NotFoundError, code="recipe_not_found", facts="name"):
    """No recipe has the given id or host."""

    sentence = "There is no recipe {name}."
    remedy = "`propintel recipes list` shows all recipes."
