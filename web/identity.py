"""Property API: say which pages are one property, take it back, and ask why a property is what it is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from app.access.tokens import Caller
from app.property.record import SourceKind
from app.property.storage.properties.decisions import DecisionStore
from app.services.reports import identity_decisions
from app.services.reports.identity_decisions import MOST_CHARACTERS
from web.auth import OPERATIONS, READING, allow, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.parameters import Id

router = api_router("/api/v1/properties", "properties")
Operator = Annotated[Caller, allow(*OPERATIONS)]
Reason = Annotated[str, Field(max_length=MOST_CHARACTERS)]


class SplitRequest(BaseModel):
    """The sources that go, by any of their URLs, and why; it is written down with who and when."""

    model_config = ConfigDict(extra="forbid")

    sources: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(min_length=1, max_length=100)
    reason: Reason = ""


class JoinRequest(BaseModel):
    """The property that becomes a part of this one, and why."""

    model_config = ConfigDict(extra="forbid")

    other: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    reason: Reason = ""


class DecisionView(BaseModel):
    """A decision. `property` kept its id; `other` came of it (split) or went into it (join), with the `pages`.

    A `review` is none yet: only a page of unknown kind makes the two one. `undone_at` is null unless it was undone.
    """

    id: str
    at: datetime
    who: str
    kind: Literal["split", "join", "review"]
    reason: str
    property: str
    other: str
    pages: list[str]
    undone_at: datetime | None
    undone_by: str | None


class DecisionList(BaseModel):
    """The newest first."""

    decisions: list[DecisionView]


class ComparedView(BaseModel):
    """One thing that was compared; negative points speak against one property."""

    what: str
    one: Any
    other: Any
    result: Literal["same", "close", "differs"]
    points: float


class BelongsView(BaseModel):
    """By which key a source belongs to the property (`none`: by none of today's rules), and what was compared."""

    key: str
    is_same: bool
    why: str
    compared: list[ComparedView]


class SourceReasonView(BaseModel):
    """Why a page is a source of the property."""

    url: str
    source_kind: SourceKind | None
    as_of: datetime
    age_days: float
    belongs: BelongsView


class WeightView(BaseModel):
    """What a source weighs on a field: factors from 0 to 1, and the vote that they come to."""

    rank: float
    method: float
    confidence: float
    freshness: float
    fit: float
    vote: float


class SaidView(BaseModel):
    """What one source says of a field. `votes` and `voices` are those of all who say the same."""

    url: str
    source_kind: SourceKind | None
    value: Any
    verdict: Literal["won", "agrees", "older", "conflict"]
    reason: str
    read_by: str
    as_of: datetime
    age_days: float
    weight: WeightView
    votes: float
    voices: int


class ValueReasonView(BaseModel):
    """Why a value is shown; the winner is first in `said`, which is empty for a derived value (`inputs`)."""

    field: str
    value: Any
    as_of: datetime
    age_days: float
    why: str
    said: list[SaidView]
    inputs: list[str] | None = None


class ExplanationView(BaseModel):
    """Why a property is what it is, by the rules of today."""

    property: str
    sources: list[SourceReasonView]
    values: list[ValueReasonView]
    decisions: list[DecisionView]


@router.get(
    "/{property_id}/explanation",
    summary="Why it is what it is",
    dependencies=[allow(*READING)],
    responses=answers(ExplanationView, 404, 422),
)
def explain_property(property_id: Id, context: ContextOf) -> JSONResponse:
    """Why each source belongs to the property, and why each value won over the others."""
    return success(identity_decisions.explanation(context.stores.database, property_id))


@router.get(
    "/{property_id}/decisions",
    summary="What people decided on it",
    dependencies=[allow(*READING)],
    responses=answers(DecisionList, 422),
)
def list_decisions(property_id: Id, context: ContextOf) -> JSONResponse:
    """Splits, joins and reviews of the property and of what is or was part of it, the newest first."""
    made = DecisionStore(context.stores.database).of(property_id)
    return success({"decisions": [one.as_json() for one in made]})


@router.post("/{property_id}/split", summary="Part it in two", responses=answers(DecisionView, 404, 409, 415, 422))
def split_property(property_id: Id, request: SplitRequest, caller: Operator, context: ContextOf) -> JSONResponse:
    """The named sources become a property of their own (`other`); later scrapes respect it until it is undone.

    Done twice the second one is refused (409), so it needs no `Idempotency-Key`.
    """
    made = identity_decisions.split(
        context.stores.database, property_id, request.sources, who=caller.who, reason=request.reason
    )
    return success(made.as_json())


@router.post("/{property_id}/join", summary="Make two one", responses=answers(DecisionView, 404, 409, 415, 422))
def join_properties(property_id: Id, request: JoinRequest, caller: Operator, context: ContextOf) -> JSONResponse:
    """`other` becomes a part of the property, whatever their pages say; later scrapes respect it until it is undone."""
    made = identity_decisions.join(
        context.stores.database, property_id, request.other, who=caller.who, reason=request.reason
    )
    return success(made.as_json())


@router.post(
    "/{property_id}/decisions/{decision_id}/undo",
    summary="Take a decision back",
    responses=answers(DecisionView, 404, 409, 422),
)
def undo_decision(property_id: Id, decision_id: Id, caller: Operator, context: ContextOf) -> JSONResponse:
    """Things are as they were before it; what came since stays where it is."""
    made = identity_decisions.undo(context.stores.database, decision_id, who=caller.who, property_id=property_id)
    return success(made.as_json())
