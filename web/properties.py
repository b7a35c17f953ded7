"""Property API: list and read stored properties."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from app.property.record import Method, SourceKind
from app.property.storage.properties.repository import PropertyFilter
from app.services.reports.exports import ExportFormat
from web.auth import READING, api_router
from web.context import ContextOf
from web.envelope import RATE_HEADERS, answers, described_headers, failures, success
from web.exports import COLUMNS_PATTERN, EXPORT_CONTENT, export_response
from web.jobs import SourceAttempt
from web.parameters import (
    FieldName,
    Limit,
    ListPage,
    Moment,
    OtherPropertyId,
    PageUrl,
    PropertiesCursor,
    PropertyId,
    StatusFilter,
)

router = api_router("/api/v1/properties", "properties", READING)
Sha256 = Annotated[str, Field(examples=["5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"])]
_EXPORTED = {"description": "OK", "headers": described_headers(RATE_HEADERS), "content": EXPORT_CONTENT}
type Verdict = Literal["won", "agrees", "older", "conflict"]
type Values = Annotated[dict[FieldName, Any], Field(examples=[{"ListPrice": 499000, "BedroomsTotal": 3}])]


class EvidenceView(BaseModel):
    """The evidence of a value: where and how it was read from a page.

    `raw` is the value's text on the page, and `quote` is that text with its surroundings. `locator` is a JSON pointer,
    an XPath, or `chars:START-END`. `rendered` means that a browser rendered the page. `recipe` names the
    recipe that read the value, and says how many pages it was learned from.
    """

    value: Any = Field(examples=[499000])
    raw: str = Field(examples=["$499,000"])
    unit: str | None
    method: Method
    locator: str = Field(examples=["/offers/price"])
    quote: str = Field(examples=['"price": "$499,000"'])
    source_url: PageUrl
    fetched_at: datetime
    content_sha256: Sha256
    confidence: float = Field(examples=[0.97])
    rendered: bool = False
    recipe: str = ""


type EvidenceByField = dict[FieldName, EvidenceView]
type DatesByField = dict[FieldName, datetime]


class SourceView(BaseModel):
    """A page that the property was read from. `page_url` is the page's main URL; other URLs can lead to the same page.

    `checked_at` is when a check last found the page unchanged; null if never. `source_kind` is null if unknown.
    `wanted_model` lists fields that needed a model answer and got none; `model_note` says why.
    """

    url: PageUrl
    final_url: PageUrl
    page_url: PageUrl | None
    kind: str = Field(examples=["listing"])
    source_kind: SourceKind | None = Field(examples=["portal"])
    fetched_at: datetime
    checked_at: datetime | None
    content_sha256: Sha256
    wanted_model: list[FieldName] = Field(examples=[[]])
    model_note: str | None


class UnverifiedClaim(BaseModel):
    """A value that `reported_by` (method and model) found for the page `url`, which could not be read."""

    field: str = Field(examples=["ListPrice"])
    value: Any = Field(examples=[2020])
    quote: str = Field(examples=["reroofed in 2020"])
    url: str = Field(examples=["https://news.example.com/123-main-st"])
    reported_by: str = Field(examples=["web_search, gpt-4.1-mini"])
    seen_at: datetime


class ConflictView(BaseModel):
    """A field whose sources disagree. The lists have one item per value, the chosen value first."""

    field: FieldName
    chosen: Any = Field(examples=[499000])
    evidence: list[EvidenceView]
    reasons: list[str] = Field(examples=[["newest of the sources with the highest rank"]])
    verdicts: list[Verdict]


class PropertyView(BaseModel):
    """A property with the values from its pages.

    - `record` has the values by RESO name, `evidence` where each was read, `as_of` when each was last confirmed.
    - `sources` are the pages. `conflicts` are the fields on which the pages disagree.
    - `unverified` lists claims that no page confirmed. They are not part of `record`.
    - `tried` lists the sources that the property's newest finished job tried for the address.
    - `replaces` has the IDs of properties that were merged into this one. Delete your copies of them.
    """

    property: PropertyId
    record: Values
    evidence: EvidenceByField
    as_of: DatesByField
    sources: list[SourceView]
    conflicts: list[ConflictView]
    unverified: list[UnverifiedClaim]
    tried: list[SourceAttempt]
    replaces: list[OtherPropertyId]
    created_at: datetime
    updated_at: datetime


class PropertyList(ListPage):
    """Properties, ordered by their last change."""

    properties: list[PropertyView]


@router.get("", summary="List properties", responses=answers(PropertyList, 422))
def list_properties(
    *,
    context: ContextOf,
    changed_since: Annotated[
        Moment | None, Query(description="ISO 8601 with offset: the newest `updated_at` that you have")
    ] = None,
    status: StatusFilter = None,
    q: Annotated[str, Query(max_length=200, description="only with all these words in address or URLs")] = "",
    conflicts: Annotated[bool, Query(description="only those whose sources disagree")] = False,
    limit: Limit = 100,
    cursor: PropertiesCursor = None,
) -> JSONResponse:
    """List properties by the time of their last change, newest last.

    A property that changes while you page through the list appears again at the end, so you miss no change. Use the
    last `updated_at` as `changed_since` of your next request.
    """
    only = PropertyFilter(q.replace("\x00", ""), status, conflicts)
    page = context.stores.properties.page(cursor, limit=limit, changed_since=changed_since, only=only)
    return success({"properties": page.items, "next_cursor": page.next_cursor})


@router.get(
    "/export",
    summary="Export properties",
    response_class=StreamingResponse,
    responses={**failures(422), 200: _EXPORTED},
)
def export_properties(
    context: ContextOf,
    format_: Annotated[ExportFormat, Query(alias="format", description="see docs/export.md")] = ExportFormat.CSV,
    columns: Annotated[
        str,
        Query(
            max_length=4096,
            description="names separated by commas, or the preset `contractor`; default: all",
            json_schema_extra={"pattern": COLUMNS_PATTERN},
        ),
    ] = "",
    changed_since: Annotated[
        Moment | None, Query(description="ISO 8601 with offset: the newest `updated_at` that you have")
    ] = None,
) -> StreamingResponse:
    """Export all properties as a file, in the order of their last change, like `propintel properties export`."""
    return export_response(context, format_, columns, changed_since=changed_since)


@router.get("/{property_id}", summary="Read a property", responses=answers(PropertyView, 404, 422))
def get_property(property_id: PropertyId, context: ContextOf) -> JSONResponse:
    """Return a property. For the ID of a merged property, return the property that it was merged into."""
    return success(context.stores.properties.get(property_id))
