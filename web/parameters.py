"""Parameters that several routes take. What no database holds (NUL, half a surrogate pair) fits none of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

#: 32 hex digits as we make them; a word that is none is simply not found
_ID = r"^[A-Za-z0-9_-]{1,64}$"

Id = Annotated[str, Path(pattern=_ID)]
BatchFilter = Annotated[Annotated[str, Field(pattern=_ID)] | None, Query(description="of this batch only")]
Limit = Annotated[int, Query(ge=1, le=1000, description="rows of one page")]
Cursor = Annotated[
    Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,256}$", json_schema_extra={"format": "cursor"})] | None,
    Query(description="`next_cursor` of the page before; none for the first page"),
]
