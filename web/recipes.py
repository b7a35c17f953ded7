"""Recipe API: what was learned of sites, whose pages then need no model."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.property.recipes.recipe import RecipeState, recipe_host
from app.property.storage.properties.recipes import StoredRecipes
from app.services.reports.recipe_view import recipe_view
from web.auth import MANAGEMENT, READING, allow, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.parameters import Id, Limit, RecipesCursor

router = api_router("/api/v1/recipes", "recipes")
HostFilter = Annotated[
    Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")] | None, Query(description="of this host only")
]


class AnchorView(BaseModel):
    """How a value is found; `where` says it in words."""

    kind: str
    name: str
    relation: str
    within: str
    reads: str
    unit: str
    where: str


class RecipeFieldView(BaseModel):
    """`suspended` says why the anchors are not used any more; null: they are."""

    field: str
    anchors: list[AnchorView]
    suspended: str | None


class RecipeCounts(BaseModel):
    """`pages` were read with the recipe, `without_model` of them asked no model; the rest counts fields and audits."""

    pages: int
    without_model: int
    hits: int
    misses: int
    contradicted: int
    audits: int


class RecipeView(BaseModel):
    """One template of a host. `reason` says why it is suspended; `saved_usd` is null if no price is known."""

    id: str
    host: str
    pages_glob: str | None
    written: bool
    state: RecipeState
    reason: str | None
    fields: list[RecipeFieldView]
    never: list[str]
    learned_from: int
    learned_at: datetime | None
    audited_at: datetime | None
    counts: RecipeCounts
    saved_calls: int
    saved_tokens: int
    saved_usd: float | None


class RecipeList(BaseModel):
    """`next_cursor` is null on the last page."""

    recipes: list[RecipeView]
    next_cursor: str | None


class ForgottenRecipe(BaseModel):
    """The recipe that is gone."""

    id: str


@router.get("", summary="List recipes", dependencies=[allow(*READING)], responses=answers(RecipeList, 422))
def list_recipes(
    context: ContextOf, host: HostFilter = None, limit: Limit = 100, cursor: RecipesCursor = None
) -> JSONResponse:
    """In the order of their ids."""
    name = recipe_host(host) if host is not None else None
    page = StoredRecipes(context.stores.database).page(cursor, host=name, limit=limit)
    shown = list(map(recipe_view(context.settings), page.items))
    return success({"recipes": shown, "next_cursor": page.next_cursor})


@router.get(
    "/{recipe_id}", summary="One recipe", dependencies=[allow(*READING)], responses=answers(RecipeView, 404, 422)
)
def get_recipe(recipe_id: Id, context: ContextOf) -> JSONResponse:
    """By its id."""
    return success(recipe_view(context.settings)(StoredRecipes(context.stores.database).get(recipe_id)))


@router.delete(
    "/{recipe_id}",
    summary="Forget a recipe",
    dependencies=[allow(*MANAGEMENT)],
    responses=answers(ForgottenRecipe, 404, 422),
)
def forget_recipe(recipe_id: Id, context: ContextOf) -> JSONResponse:
    """Pages of its template are asked of the model again, and learned anew."""
    store = StoredRecipes(context.stores.database)
    store.get(recipe_id)
    store.forget(recipe_id)
    return success({"id": recipe_id})
