"""Call OpenAI's file and batch API through the key pool.

Only keys of the project that owns a file or a batch can access it. All methods raise the errors of the SDK, including
`openai.RateLimitError` (429) if the pool has no usable key.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import IO, Any, Final

import httpx2
import openai
from openai.types import Batch

from app.keypool.answer_checks import parse_json
from app.keypool.retry_loop import KEY_ID, allowed_keys, bound, sent_once

ENDPOINT: Final = "/v1/chat/completions"
#: OpenAI deletes our files after this time, even if our process crashed. A batch takes up to 24 hours.
FILES_EXPIRE = timedelta(days=3)
_OURS = "propintel_batch"
_LISTED_AT_ONCE = 100
#: A server that lists more batches of the last minutes than this does not end its list.
_MAX_LISTED = 10_000
#: Maximum expected difference between our clock and OpenAI's.
_SKEW = timedelta(minutes=10)
_only = partial(bound, allowed_keys)


class BatchApi:
    """A client of the file and batch API. Every call except `upload` uses the key with the given id."""

    def __init__(self, client: openai.OpenAI, most_line_bytes: int) -> None:
        self._client = client
        self._most_line_bytes = most_line_bytes

    def upload(self, name: str, content: IO[bytes], keys: frozenset[str]) -> tuple[str, str]:
        """Upload an input file with a key from `keys`. Return the ids of the file and of the key that was used."""
        seconds = round(FILES_EXPIRE.total_seconds())
        with _only(keys):
            raw = self._client.files.with_raw_response.create(
                file=(name, content, "application/jsonl"),
                purpose="batch",
                expires_after={"anchor": "created_at", "seconds": seconds},
            )
        return raw.parse().id, str(raw.http_response.extensions[KEY_ID])

    def create(self, key_id: str, file_id: str, name: str) -> Batch:
        """Create a batch from an uploaded file. Store `name` in the batch's metadata, where `find` looks for it.

        The request is not retried: if only the response was lost, a retry would create and bill a second batch.
        """
        with _only(frozenset({key_id})), bound(sent_once, True):
            return self._client.batches.create(
                input_file_id=file_id,
                endpoint=ENDPOINT,
                completion_window="24h",
                metadata={_OURS: name},
                output_expires_after={"anchor": "created_at", "seconds": round(FILES_EXPIRE.total_seconds())},
            )

    def find(self, key_id: str, name: str, since: datetime) -> Batch | None:
        """Return the batch with this name, or None. Search batches created since ten minutes before `since`."""
        oldest = (since - _SKEW).timestamp()
        with _only(frozenset({key_id})):
            for batch in islice(self._client.batches.list(limit=_LISTED_AT_ONCE), _MAX_LISTED):
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
        """Yield the JSON objects of a result file while it downloads.

        Lines that are no JSON objects, or longer than an answer may be, are left out.
        """
        with ExitStack() as stack:
            # end this block before `yield`, because it would restrict requests of the caller
            with _only(frozenset({key_id})):
                response = stack.enter_context(self._client.files.with_streaming_response.content(file_id))
            try:
                for line in _lines(response.iter_bytes(), self._most_line_bytes):
                    try:
                        found = parse_json(line, most_bytes=self._most_line_bytes)
                    except ValueError:
                        continue
                    if isinstance(found, dict):
                        yield found
            except httpx2.HTTPError as exc:  # the SDK does not convert errors during the download
                raise openai.APIConnectionError(request=response.http_request) from exc

    def delete(self, key_id: str, file_id: str) -> None:
        with _only(frozenset({key_id})), suppress(openai.NotFoundError):
            self._client.files.delete(file_id)


def _lines(chunks: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    line = bytearray()
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            if len(line) <= most_bytes:
                yield bytes(line) + chunk[start:end]
            line.clear()
            start = end + 1
        if len(line) <= most_bytes:  # the rest of a line that is too long is not kept
            line += chunk[start:]
    if len(line) <= most_bytes:
        yield bytes(line)
