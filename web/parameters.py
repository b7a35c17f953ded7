"""Types shared by the routes: parameters, IDs, and response fields. Their examples appear in the OpenAPI document.

IDs cannot contain text that a database cannot store (NUL, lone surrogates).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.choices import require_choice
from app.property.record import FIELDS
from app.property.storage.jobs.models import JobState
from app.property.storage.properties.rebuild import STATUS
from app.property.storage.watches.models import WatchStatus
from app.property.values.vocabulary import require_status
from web.limits import MAX_TARGETS, MeteredTargets

#: New IDs have 32 hex digits, but requests may contain any ID that matches this pattern.
_ID = r"^[A-Za-z0-9_-]{1,64}$"
_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _meant(read: Callable[[str], str], text: object) -> object:
    """Return what a filter's text means, and values that are no text unchanged."""
    if not isinstance(text, str):
        return text
    try:
        return read(text)
    except ValueError as exc:
        raise PydanticCustomError("choice", "{problem}", {"problem": str(exc)}) from None


def _choosing(names: type[StrEnum]) -> Callable[[object], object]:
    return partial(_meant, lambda text: require_choice(text, map(str, names)))


Id = Annotated[str, Path(pattern=_ID)]
JobId = Annotated[str, Field(pattern=_ID, examples=["8e03b1f6c1d14a3d9d0f5a7e2b6c4d10"])]
BatchId = Annotated[str, Field(pattern=_ID, examples=["0f6c2d9be7a8451fa0c3d1e5f2b4a697"])]
PropertyId = Annotated[str, Field(pattern=_ID, examples=["3f2c9a7be1d04f6fa1b2c3d4e5f60718"])]
OtherPropertyId = Annotated[str, Field(pattern=_ID, examples=["b7d1e0a2c94f4c0b8a6d5f3e2c1b0a99"])]
DecisionId = Annotated[str, Field(pattern=_ID, examples=["5a1d7c3e9b2f4e6d8c0a1b2d3e4f5061"])]
WatchId = Annotated[str, Field(pattern=_ID, examples=["c4e8f1a07b3d4d5e9f6a2b1c0d8e7f31"])]
RecipeId = Annotated[str, Field(pattern=_ID, examples=["9d2b4f6a8c0e4a1bb3d5e7f9a1c2e4f6"])]
KeyMask = Annotated[str, Field(examples=["sk-proj-abc...xyz1"])]
PageUrl = Annotated[str, Field(examples=["https://www.example.com/homes/123-main-st"])]
FieldName = Annotated[str, Field(examples=["ListPrice"])]
Who = Annotated[str, Field(examples=["operator nightly-import"])]

Targets = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=4096, json_schema_extra={"format": "target"})]],
    Field(min_length=1, max_length=MAX_TARGETS),
    AfterValidator(MeteredTargets),
]

BatchFilter = Annotated[Annotated[str, Field(pattern=_ID)] | None, Query(description="only of this batch")]
PropertyFilter = Annotated[
    Annotated[str, Field(pattern=_ID)] | None, Query(alias="property", description="only of this property")
]
JobStateFilter = Annotated[
    JobState | None, BeforeValidator(_choosing(JobState)), Query(description="in any spelling, such as `Queued`")
]
WatchStatusFilter = Annotated[
    WatchStatus | None, BeforeValidator(_choosing(WatchStatus)), Query(description="in any spelling, such as `put-off`")
]
StatusFilter = Annotated[
    Annotated[str, Field(max_length=64, json_schema_extra={"enum": FIELDS[STATUS].values})] | None,
    BeforeValidator(lambda text: _meant(require_status, text)),
    Query(description="only of this RESO status, in any spelling, such as `coming-soon`"),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="rows per page")]
_AFTER = Query(description="`next_cursor` of the previous page; omit it for the first page")


def _cursor(list_: str) -> Any:
    """Only the store checks whether the text is a valid cursor."""
    return Field(min_length=1, max_length=256, json_schema_extra={"format": f"{list_}-cursor"})


JobsCursor = Annotated[Annotated[str, _cursor("jobs")] | None, _AFTER]
BatchesCursor = Annotated[Annotated[str, _cursor("batches")] | None, _AFTER]
ActionsCursor = Annotated[Annotated[str, _cursor("actions")] | None, _AFTER]
AlertsCursor = Annotated[Annotated[str, _cursor("alerts")] | None, _AFTER]
ChangesCursor = Annotated[
    Annotated[str, _cursor("changes")] | None,
    Query(description="`next_since` of the previous answer, or `latest`; omit it to start with the oldest change"),
]
PlannedWatchesCursor = Annotated[Annotated[str, _cursor("planned-watches")] | None, _AFTER]
WatchesCursor = Annotated[Annotated[str, _cursor("watches")] | None, _AFTER]
RecipesCursor = Annotated[Annotated[str, _cursor("recipes")] | None, _AFTER]
ReviewsCursor = Annotated[Annotated[str, _cursor("reviews")] | None, _AFTER]
PropertiesCursor = Annotated[Annotated[str, _cursor("properties")] | None, _AFTER]


class RequestBody(BaseModel):
    """The base of request bodies: a JSON object in which unknown members are an error."""

    model_config = ConfigDict(extra="forbid")


class ListPage(BaseModel):
    """One page of a list. `next_cursor` is null on the last page."""

    next_cursor: str | None = Field(examples=["WyJqb2JzIiwgIjIwMjYtMDEtMDEiXQ"])


def whole(value: object) -> object:
    """Return a float such as 5.0 as an integer, and other values unchanged.

    JSON Schema counts 5.0 as an integer, but not "5" or true (2020-12, section 6.1.1).
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _written(value: object) -> object:
    """Pydantic would read a number such as "5" as seconds since 1970."""
    if isinstance(value, str) and not _DATE.match(value):
        raise PydanticCustomError("datetime_format", "Input should be a date and time with offset, as in RFC 3339")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_range", "Input should lie between the years 1 and 9999 UTC") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_utc)]
