"""Admin API: remove everything stored about a page, host, property, address, or person."""

from typing import Annotated, Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Discriminator, Field, Tag

from app.property.storage.privacy.scope import PurgeKind
from app.services.privacy.purging import purge
from web.auth import Manager, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.parameters import RequestBody

router = api_router("/api/v1/admin", "admin")


class _Purge(RequestBody):
    dry_run: bool = Field(True, strict=True, description="false: remove", examples=[True])


class PurgeUrl(_Purge):
    """The page to purge, named by any of its URLs."""

    url: str = Field(
        min_length=1,
        max_length=4096,
        json_schema_extra={"format": "http-url"},
        examples=["https://www.example.com/homes/123-main-st"],
    )


class PurgeHost(_Purge):
    """The host to purge, with all its pages and all pages of its subdomains."""

    host: str = Field(min_length=1, max_length=253, json_schema_extra={"format": "site-host"})


class PurgeProperty(_Purge):
    """The ID of the property to purge."""

    property: str = Field(pattern=r"^[0-9a-f]{32}$")


class PurgeAddress(_Purge):
    """The address to purge, with the results of its lookups and the properties at this address."""

    address: str = Field(min_length=1, max_length=300, json_schema_extra={"format": "address"})


class PurgePerson(_Purge):
    """The name of the person to purge."""

    person: str = Field(min_length=1, max_length=200, json_schema_extra={"format": "person"})


def _kind(body: Any) -> str | None:
    named = [kind for kind in PurgeKind if kind in body] if isinstance(body, dict) else []
    return named[0] if len(named) == 1 else None


PurgeRequest = Annotated[
    Annotated[PurgeUrl, Tag(PurgeKind.URL)]
    | Annotated[PurgeHost, Tag(PurgeKind.HOST)]
    | Annotated[PurgeProperty, Tag(PurgeKind.PROPERTY)]
    | Annotated[PurgeAddress, Tag(PurgeKind.ADDRESS)]
    | Annotated[PurgePerson, Tag(PurgeKind.PERSON)],
    Discriminator(
        _kind,
        custom_error_type="purge_kind",
        custom_error_message="Name one of url, host, property, address, and person",
    ),
]
type RowCounts = Annotated[dict[str, int], Field(examples=[{"jobs": 1, "pages": 1, "source_records": 1}])]


class PurgedView(BaseModel):
    """The result of a purge. `removed` is the number of removed rows by table.

    If `dry_run` is true, nothing was removed, and `removed` counts the rows that a purge would remove. `wiped` is true
    if the removed rows were also overwritten in the database's files.
    """

    kind: PurgeKind
    dry_run: bool = Field(examples=[True])
    removed: RowCounts
    wiped: bool


@router.post("/purge", summary="Purge stored data", responses=answers(PurgedView, 415, 422))
def purge_data(request: PurgeRequest, caller: Manager, context: ContextOf) -> JSONResponse:
    """Remove copies of pages, values with evidence and history, model answers, and jobs. By default, only count them.

    Values that other pages state about the same property stay. Workers can keep running. A repeated request is safe
    without an `Idempotency-Key`.
    """
    ((kind, name),) = ((kind, getattr(request, kind)) for kind in PurgeKind if hasattr(request, kind))
    done = purge(context.settings, context.stores.database, kind, name, who=caller.who, dry_run=request.dry_run)
    return success(done.as_json())
