"""OpenAI's files and batches: uploads, running batches, and their output files.

Source: https://platform.openai.com/docs/api-reference/files and .../batch (2026-11). Files and batches belong to a
project, and only the project's keys can see them. Nothing runs in the background: whenever a batch is read, its
progress is computed from its age.
"""

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.openai import bodies, protocol
from simulators.openai.abilities import answer_to, as_accepted
from simulators.openai.batch_lines import model_of, read_lines, tokens_of_line, unanswered
from simulators.openai.bodies import ModelRequest
from simulators.openai.config import KeyConfig, ServerConfig
from simulators.openai.prompt_cache import PromptCache
from simulators.openai.protocol import ApiError

_WINDOW_SECONDS = 86_400
_FINAL = ("failed", "completed", "expired", "cancelled")
_READERS: Mapping[str, Callable[[Mapping[str, Any]], ModelRequest]] = {
    "/v1/chat/completions": bodies.read_chat,
    "/v1/responses": bodies.read_responses,
}
#: The ids of an organization and of one of its projects.
Project = tuple[str, str]


@dataclass
class StoredFile:
    """An uploaded file or an output file. `expires_at` is in seconds since the epoch."""

    id: str
    project: Project
    filename: str
    purpose: str
    content: bytes
    created_at: int
    expires_at: int

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


@dataclass
class StoredBatch:
    """A batch. `moments` has OpenAI's `..._at` times. `began` and `canceled` are seconds of the monotonic clock."""

    id: str
    project: Project
    given: Mapping[str, Any]
    lines: list[Mapping[str, Any]]
    began: float
    created_at: int
    status: str = "validating"
    canceled: float | None = None
    model: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    moments: dict[str, int] = field(default_factory=dict)
    usage: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        names = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.given["endpoint"],
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.given["input_file_id"],
            "completion_window": self.given["completion_window"],
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "expires_at": self.created_at + _WINDOW_SECONDS,
            **{f"{name}_at": self.moments.get(name) for name in names},
            "request_counts": {name: self.counts[name] for name in ("total", "completed", "failed")},
            "metadata": self.given.get("metadata"),
            "model": self.model,
            "usage": {
                "input_tokens": self.usage["input"],
                "input_tokens_details": {"cached_tokens": self.usage["cached"]},
                "output_tokens": self.usage["output"],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": self.usage["input"] + self.usage["output"],
            },
        }


class Batches:
    """All files and batches of the server. `paid` counts the answers with status 200 by `prompt_sha256`."""

    def __init__(self, server: Callable[[], ServerConfig], paid: Counter[str], cache: PromptCache) -> None:
        self._server = server
        self._paid = paid
        self._cache = cache
        self._numbers = itertools.count(1)
        self.files: dict[str, StoredFile] = {}
        self.batches: dict[str, StoredBatch] = {}

    def upload(
        self, key: KeyConfig, filename: str, purpose: str, content: bytes, expires_seconds: int | None
    ) -> dict[str, Any]:
        if purpose not in ("batch", "assistants", "fine-tune", "vision", "user_data", "evals"):
            raise protocol.bad_request(f"'{purpose}' is not one of the purposes of a file.", "purpose")
        if expires_seconds is not None and not 3600 <= expires_seconds <= 2_592_000:
            raise protocol.bad_request("'seconds' must be between 3600 and 2592000.", "expires_after.seconds")
        if len(content) > 512 * 1024 * 1024:
            raise ApiError(413, "File is too large.", "invalid_request_error")
        return self._store(_project(key), filename, purpose, content, expires_seconds or 30 * 86_400).as_json()

    def file(self, key: KeyConfig, file_id: str) -> StoredFile:
        """Return a file of the key's project. Raises `ApiError` 404 if there is none."""
        found = self.files.get(file_id)
        if found is None or found.project != _project(key):
            raise ApiError(404, f"No such File object: {file_id}", "invalid_request_error", param="id")
        return found

    def list_files(self, key: KeyConfig) -> dict[str, Any]:
        mine = [f.as_json() for f in self.files.values() if f.project == _project(key)]
        return {"object": "list", "data": mine[::-1], "has_more": False}

    def delete(self, key: KeyConfig, file_id: str) -> dict[str, Any]:
        del self.files[self.file(key, file_id).id]
        return {"id": file_id, "object": "file", "deleted": True}

    def create(self, key: KeyConfig, given: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Handle `POST /v1/batches`. Raises `ApiError`, but a batch with invalid lines is created and then fails."""
        if key.behavior == "no_quota":
            raise protocol.bad_request("Billing hard limit has been reached", code="billing_hard_limit_reached")
        endpoint = given.get("endpoint")
        if endpoint not in _READERS:
            raise protocol.bad_request(f"Invalid value: '{endpoint}'.", "endpoint", "invalid_value")
        if given.get("completion_window") != "24h":
            raise protocol.bad_request("Invalid value: only '24h' is supported.", "completion_window", "invalid_value")
        metadata = given.get("metadata")
        if metadata is not None and not _is_metadata(metadata):
            raise protocol.bad_request("Metadata is at most 16 texts of 512 characters.", "metadata")
        source = self.file(key, str(given.get("input_file_id")))
        if source.purpose != "batch":
            raise protocol.bad_request("The file's purpose is not 'batch'.", "input_file_id")
        batch = StoredBatch(self._id("batch"), source.project, dict(given), [], now, int(time.time()))
        batch.lines, batch.errors = read_lines(source.content, str(endpoint))
        batch.model = model_of(batch.lines)
        limit, tokens = self._server().batch_max_tokens, self._enqueued(source.project, batch)
        if not batch.errors and limit is not None and tokens > limit:
            message = (
                f"Enqueued token limit reached for {batch.model} in organization {source.project[0]}. Limit: "
                f"{int(limit):,} enqueued tokens. Please try again once some in_progress batches have been completed."
            )
            batch.errors = [{"code": "token_limit_exceeded", "line": None, "message": message, "param": None}]
        self.batches[batch.id] = batch
        return batch.as_json()

    def batch(self, key: KeyConfig, batch_id: str, now: float) -> StoredBatch:
        """Return a batch of the key's project in its current state. Raises `ApiError` 404 if there is none."""
        found = self.batches.get(batch_id)
        if found is None or found.project != _project(key):
            raise ApiError(404, f"No batch found with id '{batch_id}'.", "invalid_request_error")
        self._advance(found, now)
        return found

    def list_batches(self, key: KeyConfig, after: str | None, limit: int, now: float) -> dict[str, Any]:
        mine = [b for b in reversed(self.batches.values()) if b.project == _project(key)]
        if after is not None:
            place = next((n for n, b in enumerate(mine) if b.id == after), None)
            if place is None:
                raise ApiError(404, f"No batch found with id '{after}'.", "invalid_request_error")
            mine = mine[place + 1 :]
        for batch in mine[:limit]:
            self._advance(batch, now)
        shown = [b.as_json() for b in mine[:limit]]
        ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {}
        return {"object": "list", "data": shown, **ends, "has_more": len(mine) > limit}

    def cancel(self, key: KeyConfig, batch_id: str, now: float) -> dict[str, Any]:
        """Handle `POST /v1/batches/{id}/cancel`. Raises `ApiError` 409 for a batch that has ended."""
        batch = self.batch(key, batch_id, now)
        if batch.status in _FINAL:
            message = f"Cannot cancel a batch with status '{batch.status}'."
            raise ApiError(409, message, "invalid_request_error")
        if batch.canceled is None:
            batch.canceled = now
            _reach(batch, "cancelling")
        return batch.as_json()

    def overview(self, now: float) -> dict[str, Any]:
        for batch in self.batches.values():
            self._advance(batch, now)
        return {
            "batches": [{**b.as_json(), "project": b.project[1]} for b in self.batches.values()],
            "files": [{**f.as_json(), "project": f.project[1]} for f in self.files.values()],
        }

    def _advance(self, batch: StoredBatch, now: float) -> None:
        server = self._server()
        if batch.status in _FINAL:
            return
        if batch.errors:
            _reach(batch, "failed")
            return
        if batch.canceled is not None:
            if now >= batch.canceled + server.batch_cancel_seconds:
                self._end(batch, "cancelled", server)
            return
        batch.counts["total"] = len(batch.lines)
        if batch.status == "validating":
            _reach(batch, "in_progress")
        if now >= batch.began + server.batch_seconds:
            self._end(batch, server.batch_ends, server)

    def _end(self, batch: StoredBatch, status: str, server: ServerConfig) -> None:
        """End the batch and store its output files. Unless it is completed, only a share of its lines has answers."""
        share = 1.0 if status == "completed" else server.batch_answered
        answered: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for number, line in enumerate(batch.lines):
            if number < share * len(batch.lines):
                done = self._answer(batch, line, server)
                (errors if done["response"]["status_code"] != 200 else answered).append(done)
            else:
                errors.append(unanswered(self._id("batch_req"), line, status))
        batch.counts = Counter(total=len(batch.lines), completed=len(answered), failed=len(errors))
        batch.output_file_id = self._leave(batch, "output", answered)
        batch.error_file_id = self._leave(batch, "error", errors)
        _reach(batch, status)

    def _answer(self, batch: StoredBatch, line: Mapping[str, Any], server: ServerConfig) -> dict[str, Any]:
        status, body = 200, {}
        try:
            if server.batch_line_status != 200:
                raise ApiError(server.batch_line_status, "This request failed.", "server_error", "server_error")
            asked = _READERS[str(batch.given["endpoint"])](line["body"])
            asked = self._cache.look_up(asked, batch.project, server.cache_seconds, time.monotonic(), in_batch=True)
            if server.models is not None and asked.model not in server.models:
                raise protocol.unknown_model(asked.model)
            asked = as_accepted(asked, server)
            reply = answer_to(asked, server.answers, server)
            write = bodies.chat_body if batch.given["endpoint"] == "/v1/chat/completions" else bodies.response_body
            body = write(asked, reply, number=next(self._numbers), created=int(time.time()))
            self._paid[asked.prompt] += 1
            batch.usage["input"] += body["usage"].get("prompt_tokens", body["usage"].get("input_tokens", 0))
            batch.usage["cached"] += asked.cached_tokens
            batch.usage["output"] += body["usage"].get("completion_tokens", body["usage"].get("output_tokens", 0))
        except ApiError as exc:
            status, body = exc.status, exc.body()
        response = {"status_code": status, "request_id": self._id("req"), "body": body}
        return {"id": self._id("batch_req"), "custom_id": line["custom_id"], "response": response, "error": None}

    def _leave(self, batch: StoredBatch, kind: str, lines: list[dict[str, Any]]) -> str | None:
        if not lines:
            return None
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        seconds = (batch.given.get("output_expires_after") or {}).get("seconds", 30 * 86_400)
        name = f"{batch.id}_{kind}.jsonl"
        return self._store(batch.project, name, "batch_output", content, seconds).id

    def _enqueued(self, project: Project, new: StoredBatch) -> float:
        others = (b for b in self.batches.values() if b.project == project and b.status not in _FINAL)
        return sum(tokens_of_line(line) for batch in (*others, new) for line in batch.lines)

    def _store(self, project: Project, filename: str, purpose: str, content: bytes, seconds: int) -> StoredFile:
        now = int(time.time())
        found = StoredFile(self._id("file"), project, filename, purpose, content, now, now + seconds)
        self.files[found.id] = found
        return found

    def _id(self, kind: str) -> str:
        return f"{kind}{'-' if kind == 'file' else '_'}{next(self._numbers):024x}"


def _project(key: KeyConfig) -> Project:
    return key.organization, key.project


def _reach(batch: StoredBatch, status: str) -> None:
    batch.status = status
    batch.moments[status] = int(time.time())


def _is_metadata(given: Any) -> bool:
    return (
        isinstance(given, Mapping)
        and len(given) <= 16
        and all(isinstance(k, str) and isinstance(v, str) and len(k) <= 64 and len(v) <= 512 for k, v in given.items())
    )
