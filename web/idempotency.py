"""Handle the header Idempotency-Key: a request that is sent again with the same key enqueues nothing.

The header is specified in draft-ietf-httpapi-idempotency-key-header-07. The job store saves the answer together with
the jobs.
"""

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
    """The header's specification requires quotes around the key, but most clients omit them."""
    bare = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not re.fullmatch(r"[!-~]{1,255}", bare) or len(key) > 255:
        problem = "A key has 1 to 255 visible ASCII characters; use a fresh UUID for every new request"
        raise PydanticCustomError("idempotency_key", problem)
    return bare


IdempotencyKey = Annotated[
    Annotated[str, AfterValidator(_bare), WithJsonSchema({"type": "string", **_FORM})] | None,
    Header(
        alias="Idempotency-Key",
        examples=["import-2026-01-31"],
        description="1 to 255 visible ASCII characters, such as a UUID. For 24 hours, the same key with the same body "
        "gets the first answer again, with `Idempotency-Replayed: true`, and enqueues nothing.",
    ),
]


def request_key(caller: str, key: str, body: Any) -> RequestKey:
    """Return a digest of the caller and the key, and a digest of the request's JSON `body`."""
    return RequestKey(digest([caller, key]), digest(body))
