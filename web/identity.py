"""Identity API: split and join properties, undo these decisions, explain a property, and list open reviews."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.property.record import Method, SourceKind
from app.property.storage.properties.decisions import DecisionStore
from app.services.reports import identity_decisions
from app.services.reports.identity_decisions import MOST_CHARACTERS
from web.auth import READING, Operator, api_router
from web.context import ContextOf
from web.envelope import answers, listed, success
from web.parameters import (
    DecisionId,
    FieldName,
    Limit,
    ListPage,
    OtherPropertyId,
    PageUrl,
    PropertyId,
    RequestBody,
    ReviewsCursor,
    Who,
)
from web.properties import Verdict

router = api_router("/api/v1/properties", "properties", READING)
reviews = api_router("/api/v1/reviews", "properties", READING)
type DecisionKind = Literal["split", "join", "review"]
type ComparisonResult = Literal["same", "close", "differs"]
Reason = Annotated[str, Field(max_length=MOST_CHARACTERS, examples=["the building behind"])]


class SplitRequest(RequestBody):
    """The sources to move to a new property, each named by any of its URLs, and the reason to record."""

    sources: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(
        min_length=1, max_length=100, examples=[["https://www.example.com/homes/123-main-st-rear"]]
    )
    reason: Reason = ""


class JoinRequest(RequestBody):
    """The property to merge into this one, and the reason to record."""

    other: OtherPropertyId
    reason: Reason = ""


class DecisionView(BaseModel):
    """A decision about two properties. `property` kept its ID.

    A `split` created `other`, a `join` merged `other` into `property`. `pages` are the pages of `other`. A `review`
    marks two properties that may be the same: only a page of unknown kind connects them. `undone_at` is null unless the
    decision was undone.
    """

    id: DecisionId
    at: datetime
    who: Who
    kind: DecisionKind
    reason: Reason
    property: PropertyId
    other: OtherPropertyId
    pages: list[PageUrl]
    undone_at: datetime | None
    undone_by: str | None


class DecisionList(BaseModel):
    """Decisions, newest first."""

    decisions: list[DecisionView]


class ReviewList(ListPage):
    """Open reviews, oldest first."""

    reviews: list[DecisionView]


class ComparisonView(BaseModel):
    """The result of comparing one fact of two sources. Negative `points` mean that the properties probably differ."""

    what: str = Field(examples=["house number"])
    one: Any = Field(examples=["12"])
    other: Any = Field(examples=["12"])
    result: ComparisonResult
    points: float = Field(examples=[2.0])


class MatchView(BaseModel):
    """Why a source belongs to the property. `key` is what matched, or `none` if no current rule matches."""

    key: str = Field(examples=["address"])
    is_same: bool = Field(examples=[True])
    why: str = Field(examples=["the address is the same"])
    compared: list[ComparisonView]


class SourceReasonView(BaseModel):
    """A source of the property, and why it belongs to the property."""

    url: PageUrl
    source_kind: SourceKind | None
    as_of: datetime
    age_days: float
    belongs: MatchView


class WeightView(BaseModel):
    """The weight of a source's value: factors from 0 to 1, and the `vote`, which grows with their product."""

    rank: float = Field(examples=[1.0])
    method: float = Field(examples=[1.0])
    confidence: float = Field(examples=[0.97])
    freshness: float = Field(examples=[0.99])
    fit: float = Field(examples=[1.0])
    vote: float = Field(examples=[0.96])


class SourceValueView(BaseModel):
    """One source's value of a field. `votes` and `source_count` are totals of all sources that state this value."""

    url: PageUrl
    source_kind: SourceKind | None
    value: Any = Field(examples=[499000])
    verdict: Verdict
    reason: str = Field(examples=["newest of the sources with the highest rank"])
    read_by: Method
    as_of: datetime
    age_days: float
    weight: WeightView
    votes: float = Field(examples=[0.96])
    source_count: int


class ValueReasonView(BaseModel):
    """A chosen value, and the reason for the choice.

    `source_values` starts with the chosen value. A computed value has `inputs` instead: the fields it was computed
    from.
    """

    field: FieldName
    value: Any = Field(examples=[499000])
    as_of: datetime
    age_days: float
    why: str = Field(examples=["newest of the sources with the highest rank"])
    source_values: list[SourceValueView]
    inputs: list[FieldName] | None = None


class ExplanationView(BaseModel):
    """Why each source belongs to the property, and why each value was chosen, according to the current rules."""

    property: PropertyId
    sources: list[SourceReasonView]
    values: list[ValueReasonView]
    decisions: list[DecisionView]


@router.get("/{property_id}/explanation", summary="Explain a property", responses=answers(ExplanationView, 404, 422))
def explain_property(property_id: PropertyId, context: ContextOf) -> JSONResponse:
    """Explain why each source belongs to the property, and why each value was chosen."""
    return success(identity_decisions.explanation(context.stores.database, property_id))


@router.get(
    "/{property_id}/decisions", summary="List the decisions on a property", responses=answers(DecisionList, 422)
)
def list_decisions(property_id: PropertyId, context: ContextOf) -> JSONResponse:
    """List splits, joins, and reviews of the property and of all properties merged into it, newest first."""
    made = DecisionStore(context.stores.database).of(property_id)
    return success({"decisions": [one.as_json() for one in made]})


@router.post("/{property_id}/split", summary="Split a property", responses=answers(DecisionView, 404, 409, 415, 422))
def split_property(
    property_id: PropertyId, request: SplitRequest, caller: Operator, context: ContextOf
) -> JSONResponse:
    """Move sources to a new property, `other`. Later scrapes keep both properties apart until the split is undone.

    The status of a repeated request is 409, so no `Idempotency-Key` is needed.
    """
    made = identity_decisions.split(
        context.stores.database, property_id, request.sources, who=caller.who, reason=request.reason
    )
    return success(made.as_json())


@router.post("/{property_id}/join", summary="Join two properties", responses=answers(DecisionView, 404, 409, 415, 422))
def join_properties(
    property_id: PropertyId, request: JoinRequest, caller: Operator, context: ContextOf
) -> JSONResponse:
    """Merge `other` into the property, even if their pages contradict each other. Later scrapes keep them merged until
    the join is undone."""
    made = identity_decisions.join(
        context.stores.database, property_id, request.other, who=caller.who, reason=request.reason
    )
    return success(made.as_json())


@router.post(
    "/{property_id}/decisions/{decision_id}/undo",
    summary="Undo a decision",
    responses=answers(DecisionView, 404, 409, 422),
)
def undo_decision(
    property_id: PropertyId, decision_id: DecisionId, caller: Operator, context: ContextOf
) -> JSONResponse:
    """Undo a split (merge both properties), undo a join (move the pages of `other` back), or close a review.

    Pages that the property got after a join stay with the property.
    """
    made = identity_decisions.undo(context.stores.database, decision_id, who=caller.who, property_id=property_id)
    return success(made.as_json())


@reviews.get("", summary="List reviews", responses=answers(ReviewList, 422))
def list_reviews(context: ContextOf, limit: Limit = 100, cursor: ReviewsCursor = None) -> JSONResponse:
    """List open reviews: pairs of properties that only a page of unknown kind connects, oldest first.

    Join both properties, or undo the review to keep them apart.
    """
    return success(listed("reviews", DecisionStore(context.stores.database).reviews(cursor, limit=limit)))
