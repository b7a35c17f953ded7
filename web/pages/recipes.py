"""The recipes page: the recipes of each site, what each saves, and why a recipe is suspended."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from app.property.recipes.recipe import recipe_host
from app.property.storage.properties.recipes import StoredRecipes
from app.services.reports.recipe_view import recipe_view
from web.auth import MANAGEMENT, READING, allow
from web.context import ContextOf
from web.pages.rendering import ROWS, page, page_addresses
from web.pages.route import SignedInRoute, inner_path, see_other
from web.parameters import Id, RecipesCursor
from web.recipes import HostFilter

router = APIRouter(route_class=SignedInRoute)


@router.get("/recipes", dependencies=[allow(*READING)])
def list_recipes(
    request: Request, context: ContextOf, host: HostFilter = None, cursor: RecipesCursor = None
) -> Response:
    """List all recipes, or the recipes of one host."""
    name = recipe_host(host) if host else None
    found = StoredRecipes(context.stores.database).page(cursor, host=name, limit=ROWS)
    recipes = [_with_moments(one) for one in map(recipe_view(context.settings), found.items)]
    addresses = page_addresses("/recipes", cursor, found.next_cursor, host=name)
    return page(request, "recipes.html", recipes=recipes, host=name or "", **addresses)


@router.post("/recipes/{recipe_id}/forget", dependencies=[allow(*MANAGEMENT)])
def forget_recipe(recipe_id: Id, context: ContextOf, back: Annotated[str, Form()] = "") -> Response:
    """Delete a recipe. Raises `NotFoundError` if there is no such recipe."""
    store = StoredRecipes(context.stores.database)
    store.get(recipe_id)
    store.forget(recipe_id)
    return see_other(inner_path(back, "/recipes"))


def _with_moments(shown: dict[str, Any]) -> dict[str, Any]:
    moments = {name: datetime.fromisoformat(shown[name]) for name in ("learned_at", "audited_at") if shown[name]}
    return shown | moments
