"""The page of recipes: what was learned of which site, what that saved, and why a recipe is suspended."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from app.property.recipes.recipe import recipe_host
from app.property.storage.properties.recipes import StoredRecipes
from app.services.reports.recipe_view import recipe_view
from web.auth import MANAGEMENT, READING, allow
from web.context import ContextOf
from web.pages.rendering import address, page
from web.pages.route import SignedInRoute, inner_path, see_other
from web.parameters import Id, RecipesCursor
from web.recipes import HostFilter

router = APIRouter(route_class=SignedInRoute)
_ROWS = 50


@router.get("/recipes", dependencies=[allow(*READING)])
def list_recipes(
    request: Request, context: ContextOf, host: HostFilter = None, cursor: RecipesCursor = None
) -> Response:
    """All, or those of one host."""
    name = recipe_host(host) if host else None
    found = StoredRecipes(context.stores.database).page(cursor, host=name, limit=_ROWS)
    chosen = {"host": name} if name else {}
    shown = {
        "recipes": [_with_moments(one) for one in map(recipe_view(context.settings), found.items)],
        "host": name or "",
        "here": address("/recipes", **chosen, cursor=cursor),
        "next_page": address("/recipes", **chosen, cursor=found.next_cursor) if found.next_cursor else "",
    }
    return page(request, "recipes.html", **shown)


@router.post("/recipes/{recipe_id}/forget", dependencies=[allow(*MANAGEMENT)])
def forget_recipe(recipe_id: Id, context: ContextOf, back: Annotated[str, Form()] = "") -> Response:
    """Forget it; one that is gone already is an error."""
    store = StoredRecipes(context.stores.database)
    store.get(recipe_id)
    store.forget(recipe_id)
    return see_other(inner_path(back, "/recipes"))


def _with_moments(shown: dict[str, Any]) -> dict[str, Any]:
    moments = {name: datetime.fromisoformat(shown[name]) for name in ("learned_at", "audited_at") if shown[name]}
    return shown | moments
