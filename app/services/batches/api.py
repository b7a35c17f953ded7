"""Files and batches at OpenAI, through the key pool. What one key's project made, only that project's keys see.

Raises what the SDK raises; the pool's own refusals are among that (429).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import IO, Any, Final

import openai
from openai.types import Batch

from app.keypool.retry_loop import KEY_ID, allowed_keys, bound

ENDPOINT: Final = "/v1/chat/completions"
#: Who dies before he has deleted a file leaves it at OpenAI for so long: a batch needs its own for 24 hours.
FILES_EXPIRE = timedelta(days=3)
#: what a batch of ours is found by
_OURS = "propintel_batch"
_LISTED_AT_ONCE = 100
#: by which our clock and OpenAI's may differ
_SKEW = timedelta(minutes=10)
#: what is asked for in the block is asked for with these keys alone
_only = partial(bound, allowed_keys)


class BatchApi:
    """What is done at OpenAI. Every call but `upload` is made with the one key that is named."""

    def __init__(self, client: openai.OpenAI) -> None:
        self._client = client

    def upload(self, name: str, content: IO[bytes], keys: frozenset[str]) -> tuple[str, str]:
        """Upload an input file with whichever of `keys` the pool chooses; -> the file's id and the key's."""
        seconds = round(FILES_EXPIRE.total_seconds())
        with _only(keys):
            raw = self._client.files.with_raw_response.create(
                file=(name, content, "application/jsonl"),
                purpose="batch",
                expires_after={"anchor": "created_at", "seconds": seconds},
            )
        return raw.parse().id, str(raw.http_response.extensions[KEY_ID])

    def create(self, key_id: str, file_id: str, name: str) -> Batch:
        """Make the batch; `name` is what `find` finds it by."""
        with _only(frozenset({key_id})):
            return self._client.batches.create(
                input_file_id=file_id,
                endpoint=ENDPOINT,
                completion_window="24h",
                metadata={_OURS: name},
                output_expires_after={"anchor": "created_at", "seconds": round(FILES_EXPIRE.total_seconds())},
            )

    def find(self, key_id: str, name: str, since: datetime) -> Batch | None:
        """The batch of that name, made after `since`; None if there is none."""
        oldest = (since - _SKEW).timestamp()
        with _only(frozenset({key_id})):
            for batch in self._client.batches.list(limit=_LISTED_AT_ONCE):
                if batch.created_at < oldest:
                    return None
                if (batch.metadata or {}).get(_OURS) == name:
                    return batch
        return None

    def look(self, key_id: str, openai_id: str) -> Batch:
        with _only(frozenset({key_id})):
            return self._client.batches.retrieve(openai_id)

    def cancel(self, key_id: str, openai_id: str) -> Batch:
        with _only(frozenset({key_id})):
            return self._client.batches.cancel(openai_id)

    def lines(self, key_id: str, file_id: str) -> Iterator[dict[str, Any]]:
        """The objects of a result file, as they come over the wire; what is none is left out."""
        with ExitStack() as stack:
            with _only(frozenset({key_id})):  # as long as the request takes: the caller goes on between two lines
                response = stack.enter_context(self._client.files.with_streaming_response.content(file_id))
            for line in response.iter_lines():
                try:
                    found = json.loads(line)
                except ValueError:
                    continue
                if isinstance(found, dict):
                    yield found

    def delete(self, key_id: str, file_id: str) -> None:
        """Delete a file; one that is gone already is fine."""
        with _only(frozenset({key_id})), suppress(openai.NotFoundError):
            self._client.files.delete(file_id)
