"""Property API: what the jobs brought."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Security
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict

from web.auth import OPERATIONS, AuthenticatedRoute, allow, bearer_scheme
from web.context import Context, context_of
from web.envelope import Failure, Success, success

router = APIRouter(
    prefix="/api/v1/properties",
    tags=["properties"],
    route_class=AuthenticatedRoute,
    dependencies=[Security(bearer_scheme), allow(*OPERATIONS)],
    responses={status: {"model": Failure} for status in (401, 403, 422, 503)},
)
ContextOf = Annotated[Context, Depends(context_of)]


class PropertyView(BaseModel):
    """A property: values by RESO name, the evidence of each, the pages they come from, and where these disagree."""

    model_config = ConfigDict(extra="allow")

    property: str
    record: dict[str, Any]
    evidence: dict[str, Any]
    sources: list[dict[str, Any]]
    conflicts: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime


class PropertyList(BaseModel):
    properties: list[PropertyView]
    limit: int
    offset: int


@router.get("", summary="List properties", responses={200: {"model": Success[PropertyList]}})
def list_properties(
    context: ContextOf,
    changed_since: Annotated[AwareDatetime | None, Query(description="ISO 8601 with offset")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> JSONResponse:
    """Oldest first. Fewer than `limit` means that there are no more."""
    page = context.stores.properties.list(limit=limit, offset=offset, changed_since=changed_since)
    return success({"properties": page, "limit": limit, "offset": offset})


@router.get(
    "/{property_id}",
    summary="One property",
    responses={200: {"model": Success[PropertyView]}, 404: {"model": Failure}},
)
def get_property(property_id: str, context: ContextOf) -> JSONResponse:
    """The id of a property that turned out to be another one gives that one."""
    return success(context.stores.properties.get(property_id))
