"""The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a request that is repeated is done once.

What a key brought is kept by the job store, in the transaction that makes the jobs.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Header
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.statements import digest

REPLAYED = "Idempotency-Replayed"


_FORM = {"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}


def _bare(key: str) -> str:
    """The key without the quotes that the draft asks for and most clients leave out."""
    bare = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not re.fullmatch(r"[!-~]{1,255}", bare) or len(key) > 255:
        problem = "A key has 1 to 255 visible ASCII characters; use a fresh UUID for every new request"
        raise PydanticCustomError("idempotency_key", problem)
    return bare


IdempotencyKey = Annotated[
    Annotated[str, AfterValidator(_bare), WithJsonSchema({"type": "string", **_FORM})] | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 255 visible ASCII characters, such as a UUID. The same key with the same body gets the first "
        "answer again for 24 hours, with `Idempotency-Replayed: true`, and enqueues nothing.",
    ),
]


def request_key(caller: str, key: str, asked: Any) -> RequestKey:
    """The key of `caller` for a request that asks for `asked` (JSON values)."""
    return RequestKey(digest([caller, key]), digest(asked))
