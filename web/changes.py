"""Property API: what changed, for whoever follows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.property.storage.watches.changes import ChangeStore
from web.auth import READING, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.parameters import ChangesCursor, Limit, PropertyFilter

router = api_router("/api/v1/changes", "properties", READING)


class ChangeContext(BaseModel):
    """What either value means nothing without: currency, unit, tax year."""

    old: dict[str, Any]
    new: dict[str, Any]


class ChangeView(BaseModel):
    """A published change of one field. `old` and `old_evidence` are null if the field had no value before.

    `why` says why the change was accepted, `seen_at` when a page first showed it, `published_at` when it entered the
    feed. A published change stays as it is, except that its property id changes when properties are merged.
    """

    id: str
    property: str
    field: str
    old: Any
    new: Any
    context: ChangeContext
    old_evidence: dict[str, Any] | None
    new_evidence: dict[str, Any]
    why: str
    seen_at: datetime
    published_at: datetime


class ChangeList(BaseModel):
    """`next_since` is where to go on, now or at any later time; `has_more`: some are there already."""

    changes: list[ChangeView]
    next_since: str
    has_more: bool


@router.get("", summary="Follow changes", responses=answers(ChangeList, 422))
def list_changes(
    context: ContextOf,
    since: ChangesCursor = None,
    limit: Limit = 100,
    property_id: PropertyFilter = None,
) -> JSONResponse:
    """The oldest first, in the order in which they were told; a change that comes later is never before one that you
    have. Without `since` from the oldest that is kept; `since=latest` only says where to begin if the past is of no
    interest. Doubles (of a request that you had to repeat) have the same `id`.
    """
    found = ChangeStore(context.stores.database).since(since, limit=limit, property_id=property_id)
    return success(found.as_json())
