"""Parameters that several routes take. What no database holds (NUL, half a surrogate pair) fits none of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

#: 32 hex digits as we make them; a word that is none is simply not found
_ID = r"^[A-Za-z0-9_-]{1,64}$"
_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")

Id = Annotated[str, Path(pattern=_ID)]
BatchFilter = Annotated[Annotated[str, Field(pattern=_ID)] | None, Query(description="of this batch only")]
Limit = Annotated[int, Query(ge=1, le=1000, description="rows of one page")]
_AFTER = Query(description="`next_cursor` of the page before; none for the first page")


def _cursor(list_: str) -> Any:
    """Any text of that length: the store says which of them are cursors of the list."""
    return Field(min_length=1, max_length=256, json_schema_extra={"format": f"{list_}-cursor"})


JobsCursor = Annotated[Annotated[str, _cursor("jobs")] | None, _AFTER]
BatchesCursor = Annotated[Annotated[str, _cursor("batches")] | None, _AFTER]
ActionsCursor = Annotated[Annotated[str, _cursor("actions")] | None, _AFTER]
AlertsCursor = Annotated[Annotated[str, _cursor("alerts")] | None, _AFTER]
ChangesCursor = Annotated[
    Annotated[str, _cursor("changes")] | None,
    Query(description="`next_since` of the time before, or `latest`; none begins with the oldest that is kept"),
]
PropertyFilter = Annotated[Annotated[str, Field(pattern=_ID)] | None, Query(alias="property", description="of it only")]
PlannedWatchesCursor = Annotated[Annotated[str, _cursor("planned-watches")] | None, _AFTER]
WatchesCursor = Annotated[Annotated[str, _cursor("watches")] | None, _AFTER]
RecipesCursor = Annotated[Annotated[str, _cursor("recipes")] | None, _AFTER]
ReviewsCursor = Annotated[Annotated[str, _cursor("reviews")] | None, _AFTER]
PropertiesCursor = Annotated[Annotated[str, _cursor("properties")] | None, _AFTER]


def whole(value: object) -> object:
    """To JSON 5.0 is an integer, and "5" and true are none (JSON Schema 2020-12, section 6.1.1)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _written(value: object) -> object:
    """Pydantic would take a bare number for seconds since 1970."""
    if isinstance(value, str) and not _DATE.match(value):
        raise PydanticCustomError("datetime_format", "Input should be a date and time with offset, as in RFC 3339")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_range", "Input should lie between the years 1 and 9999 UTC") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_utc)]
