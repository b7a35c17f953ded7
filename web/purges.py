"""Admin API: remove all that is stored of a page, a host, a property, an address or a person."""

from __future__ import annotations

from typing import Annotated

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.access.tokens import Caller
from app.property.storage.privacy.scope import PurgeKind
from app.services.privacy.purging import purge
from web.auth import MANAGEMENT, allow, api_router
from web.context import ContextOf
from web.envelope import answers, success

router = api_router("/api/v1/admin", "admin")


class PurgeRequest(BaseModel):
    """What is meant, by one of `url` (a page, by any of its URLs), `host` (with all below it), `property` (an id),
    `address` (what was looked up for it, and the properties that are filed under it) and `person` (a name).

    Nothing is removed unless `dry_run` is false.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [{"required": [kind], "properties": {kind: {"type": "string"}}} for kind in PurgeKind]
        },
    )

    url: Annotated[str, Field(min_length=1, max_length=4096, json_schema_extra={"format": "http-url"})] | None = None
    host: Annotated[str, Field(min_length=1, max_length=253, json_schema_extra={"format": "site-host"})] | None = None
    property: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    address: Annotated[str, Field(min_length=1, max_length=300, json_schema_extra={"format": "address"})] | None = None
    person: Annotated[str, Field(min_length=1, max_length=200, json_schema_extra={"format": "person"})] | None = None
    dry_run: bool = Field(True, strict=True)

    @model_validator(mode="after")
    def _one(self) -> PurgeRequest:
        if len(self.named()) != 1:
            raise ValueError("name one of url, host, property, address and person")
        return self

    def named(self) -> dict[PurgeKind, str]:
        """What is meant, by its kind."""
        return {kind: name for kind in PurgeKind if (name := getattr(self, kind)) is not None}


class PurgedView(BaseModel):
    """How many rows went, or would go, by table. `wiped`: nothing of it is left in the database's files either."""

    kind: PurgeKind
    dry_run: bool
    removed: dict[str, int]
    wiped: bool


@router.post(
    "/purge",
    summary="Remove a page, a host, a property, an address or a person",
    responses=answers(PurgedView, 415, 422),
)
def purge_pages(
    request: PurgeRequest,
    caller: Annotated[Caller, allow(*MANAGEMENT)],
    context: ContextOf,
) -> JSONResponse:
    """Copies of pages, values with their evidence and history, what models said, jobs: gone, not hidden.

    What other pages say of the same property stays. Workers may run meanwhile. Done twice it removes nothing more, so
    it needs no `Idempotency-Key`.
    """
    ((kind, name),) = request.named().items()
    done = purge(context.settings, context.stores.database, kind, name, who=caller.who, dry_run=request.dry_run)
    return success(done.as_json())
