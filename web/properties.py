"""Property API: what the jobs brought."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.property.record import SourceKind
from web.auth import READING, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.jobs import TriedView
from web.parameters import Id, Limit, Moment, PropertiesCursor

router = api_router("/api/v1/properties", "properties", READING)


class SourceView(BaseModel):
    """A page that the property was read from. `page_url` is the one by which it is known, whichever URLs lead to it;
    `checked_at` is when its site last said that it still holds. `source_kind` says whose page it is (null: nobody
    said). `wanted_model` names the fields for which a model was wanted and not heard, `model_note` says why."""

    url: str
    final_url: str
    page_url: str | None
    kind: str
    source_kind: SourceKind | None
    fetched_at: datetime
    checked_at: datetime | None
    content_sha256: str
    wanted_model: list[str]
    model_note: str | None


class HearsayView(BaseModel):
    """What `said_by` (a method and a model) says that the page `url` says, which could not be read here."""

    field: str
    value: Any
    quote: str
    url: str
    said_by: str
    seen_at: datetime


class PropertyView(BaseModel):
    """A property: values by RESO name, the evidence of each, when it was last known to hold (`as_of`), the pages they
    come from, and where these disagree: what each says, the chosen value first, with the `reasons`.

    A conflict has `field`, `chosen`, the `evidence` of all sides (the chosen first), and in the same order `reasons`
    and `verdicts` (won, agrees, older, conflict; lacking in what was merged before these were kept).
    `unverified` is what was only said of it and is no part of the record. `tried` has the sources that the newest job
    for its address asked, and what came of each. `replaces` has the ids of properties that
    turned out to be this one: whoever keeps a copy drops them.
    """

    property: str
    record: dict[str, Any]
    evidence: dict[str, Any]
    as_of: dict[str, datetime]
    sources: list[SourceView]
    conflicts: list[dict[str, Any]]
    unverified: list[HearsayView]
    tried: list[TriedView]
    replaces: list[str]
    created_at: datetime
    updated_at: datetime


class PropertyList(BaseModel):
    """`next_cursor` is null on the last page."""

    properties: list[PropertyView]
    next_cursor: str | None


@router.get("", summary="List properties", responses=answers(PropertyList, 422))
def list_properties(
    context: ContextOf,
    changed_since: Annotated[
        Moment | None, Query(description="ISO 8601 with offset: the `updated_at` up to which you have seen all")
    ] = None,
    limit: Limit = 100,
    cursor: PropertiesCursor = None,
) -> JSONResponse:
    """What changed last comes last.

    A property that changes while you turn pages comes again at the end, so that none is missed. The last `updated_at`
    that you saw is the `changed_since` of the next time.
    """
    page = context.stores.properties.page(cursor, limit=limit, changed_since=changed_since)
    return success({"properties": page.items, "next_cursor": page.next_cursor})


@router.get("/{property_id}", summary="One property", responses=answers(PropertyView, 404, 422))
def get_property(property_id: Id, context: ContextOf) -> JSONResponse:
    """The id of a property that turned out to be another one gives that one."""
    return success(context.stores.properties.get(property_id))
