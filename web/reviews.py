"""Review API: the pairs of properties of which a person has to say whether they are one."""

from __future__ import annotations

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.property.storage.properties.decisions import DecisionStore
from web.auth import READING, allow, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.identity import DecisionView
from web.parameters import Limit, ReviewsCursor

router = api_router("/api/v1/reviews", "properties")


class ReviewList(BaseModel):
    """The oldest first; `next_cursor` is null on the last page."""

    reviews: list[DecisionView]
    next_cursor: str | None


@router.get(
    "",
    summary="What waits for a person",
    dependencies=[allow(*READING)],
    responses=answers(ReviewList, 422),
)
def list_reviews(context: ContextOf, limit: Limit = 100, cursor: ReviewsCursor = None) -> JSONResponse:
    """Pairs of properties that only a page of unknown kind makes one. A join answers a review; so does its undo, which
    joins nothing."""
    page = DecisionStore(context.stores.database).reviews(cursor, limit=limit)
    return success({"reviews": [one.as_json() for one in page.items], "next_cursor": page.next_cursor})
