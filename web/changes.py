"""Change API: read the feed of property changes."""

from datetime import datetime
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.property.storage.watches.changes import ChangeStore
from web.auth import READING, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.parameters import ChangesCursor, FieldName, Limit, PropertyFilter, PropertyId
from web.properties import EvidenceView, Values

router = api_router("/api/v1/changes", "properties", READING)


class ChangeContext(BaseModel):
    """The currency, unit, or tax year of the old value and of the new value."""

    old: Values = Field(examples=[{"X_Currency": "USD"}])
    new: Values = Field(examples=[{"X_Currency": "USD"}])


class ChangeView(BaseModel):
    """A new value of a property's field. If the field had no value before, `old` and `old_evidence` are null.

    `why` is the reason for accepting the new value. `seen_at` is when a page first showed the value, `published_at`
    when the change entered the feed. If properties are merged, `property` is updated. Nothing else in a published
    change is updated.
    """

    id: str = Field(examples=["0d9b6c1fa2e34b5c8d7e6f5041322314"])
    property: PropertyId
    field: FieldName
    old: Any = Field(examples=[512000])
    new: Any = Field(examples=[499000])
    context: ChangeContext
    old_evidence: EvidenceView | None
    new_evidence: EvidenceView
    why: str = Field(examples=["2 sources changed alike"])
    seen_at: datetime
    published_at: datetime


class ChangeList(BaseModel):
    """Changes, oldest first. Pass `next_since` as `since` of your next request, at any time.

    If `has_more` is true, more changes are already available.
    """

    changes: list[ChangeView]
    next_since: str = Field(examples=["WyJjaGFuZ2VzIiwgMTdd"])
    has_more: bool


@router.get("", summary="Follow changes", responses=answers(ChangeList, 422))
def list_changes(
    context: ContextOf, since: ChangesCursor = None, limit: Limit = 100, property_id: PropertyFilter = None
) -> JSONResponse:
    """List changes in the order of their publication.

    A new change always comes after all changes that you have received. With `since=latest`, the list is empty, and
    `next_since` is a cursor after the newest change. A change has the same `id` in every answer.
    """
    found = ChangeStore(context.stores.database).since(since, limit=limit, property_id=property_id)
    return success(found.as_json())
