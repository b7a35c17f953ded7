"""Recipe API: list and delete recipes. A recipe says how to read the pages of a site without a model."""

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
from web.parameters import FieldName, Limit, ListPage, RecipeId, RecipesCursor

router = api_router("/api/v1/recipes", "recipes", READING)
HostFilter = Annotated[
    Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")] | None, Query(description="only of this host")
]


class AnchorView(BaseModel):
    """A rule that finds a value on a page. `where` describes the rule in words."""

    kind: str = Field(examples=["label"])
    name: str = Field(examples=["Year built"])
    relation: str = Field(examples=["cell"])
    within: str = Field(examples=[""])
    reads: str = Field(examples=["integer"])
    unit: str = Field(examples=[""])
    where: str = Field(examples=["in the cell beside 'Year built'"])


class RecipeFieldView(BaseModel):
    """A field and the anchors that find its value. `suspended` says why the anchors are not used; null if they are."""

    field: FieldName
    anchors: list[AnchorView]
    suspended: str | None


class RecipeCounts(BaseModel):
    """`pages` counts the pages read with the recipe; `without_model` of them needed no model call.

    `hits` and `misses` count fields that the recipe found and did not find. `contradicted` counts fields for which a
    model or a reliable reader found another value. `audits` counts pages on which a model was asked for all fields.
    """

    pages: int = Field(examples=[120])
    without_model: int = Field(examples=[112])
    hits: int = Field(examples=[940])
    misses: int = Field(examples=[12])
    contradicted: int = Field(examples=[0])
    audits: int = Field(examples=[8])


class RecipeView(BaseModel):
    """A recipe for the pages of a host that share one template, or that match `pages_glob`.

    `reason` says why the recipe is suspended. `saved_usd` is null if the price of the model is unknown.
    """

    id: RecipeId
    host: str = Field(examples=["www.example.com"])
    pages_glob: str | None
    written: bool
    state: RecipeState = Field(examples=["active"])
    reason: str | None
    fields: list[RecipeFieldView]
    never: list[FieldName] = Field(examples=[[]])
    learned_from: int = Field(examples=[5])
    learned_at: datetime | None = Field(examples=["2026-05-04T06:12:09+00:00"])
    audited_at: datetime | None
    counts: RecipeCounts
    saved_calls: int = Field(examples=[112])
    saved_tokens: int = Field(examples=[235200])
    saved_usd: float | None = Field(examples=[0.1176])


class RecipeList(ListPage):
    """Recipes, ordered by ID."""

    recipes: list[RecipeView]


class DeletedRecipe(BaseModel):
    """The deleted recipe."""

    id: RecipeId


@router.get("", summary="List recipes", responses=answers(RecipeList, 422))
def list_recipes(
    context: ContextOf, host: HostFilter = None, limit: Limit = 100, cursor: RecipesCursor = None
) -> JSONResponse:
    """List recipes by ID."""
    name = recipe_host(host) if host is not None else None
    page = StoredRecipes(context.stores.database).page(cursor, host=name, limit=limit)
    shown = list(map(recipe_view(context.settings), page.items))
    return success({"recipes": shown, "next_cursor": page.next_cursor})


@router.get("/{recipe_id}", summary="Read a recipe", responses=answers(RecipeView, 404, 422))
def get_recipe(recipe_id: RecipeId, context: ContextOf) -> JSONResponse:
    """Return a recipe."""
    return success(recipe_view(context.settings)(StoredRecipes(context.stores.database).get(recipe_id)))


@router.delete(
    "/{recipe_id}",
    summary="Delete a recipe",
    dependencies=[allow(*MANAGEMENT)],
    responses=answers(DeletedRecipe, 404, 422),
)
def delete_recipe(recipe_id: RecipeId, context: ContextOf) -> JSONResponse:
    """Delete a recipe. The model reads pages of its template again until a new recipe is learned."""
    store = StoredRecipes(context.stores.database)
    store.get(recipe_id)
    store.forget(recipe_id)
    return success({"id": recipe_id})
