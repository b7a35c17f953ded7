"""HTTP routes for files and batches."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.openai import protocol
from simulators.openai.batches import Batches
from simulators.openai.config import KeyConfig
from simulators.openai.gate import Gate, KeyState
from simulators.openai.protocol import ApiError

#: `server.OpenAISimulator._call`: authenticates a request, runs a function, and counts the response.
Call = Callable[[Request, Callable[[KeyState, dict[str, str]], Any]], Awaitable[Response]]
Wait = Callable[[Request, KeyState], Awaitable[None]]
Read = Callable[[Request], Awaitable[Mapping[str, Any]]]
Work = Callable[[Request, KeyConfig], Awaitable[Response]]
_MOST_SHOWN = 100


class BatchRoutes:
    """The routes for files and batches.

    A request with a slow key takes effect before the delay.
    """

    def __init__(self, batches: Batches, gate: Gate, call: Call, wait: Wait, read: Read) -> None:
        self._batches = batches
        self._gate = gate
        self._call = call
        self._wait = wait
        self._read = read

    def routes(self) -> list[Route]:
        api = (
            ("POST", "/v1/files", self.upload),
            ("GET", "/v1/files", self.list_files),
            ("GET", "/v1/files/{file_id}", self.file),
            ("DELETE", "/v1/files/{file_id}", self.delete_file),
            ("GET", "/v1/files/{file_id}/content", self.content),
            ("POST", "/v1/batches", self.create),
            ("GET", "/v1/batches", self.list_batches),
            ("GET", "/v1/batches/{batch_id}", self.batch),
            ("POST", "/v1/batches/{batch_id}/cancel", self.cancel),
        )
        control = Route("/control/batches", self.overview, methods=["GET"])
        return [*(Route(path, self._endpoint(work), methods=[method]) for method, path, work in api), control]

    async def upload(self, request: Request, key: KeyConfig) -> Response:
        async with request.form(max_part_size=1024 * 1024) as form:
            file, purpose = form.get("file"), form.get("purpose")
            if not isinstance(file, UploadFile) or not isinstance(purpose, str):
                raise protocol.bad_request("'file' and 'purpose' are required properties", "file")
            seconds = form.get("expires_after[seconds]")
            expires = int(seconds) if isinstance(seconds, str) and seconds.isdigit() else None
            content = await file.read()
            name = file.filename or "upload"
        return JSONResponse(self._batches.upload(key, name, purpose, content, expires))

    async def list_files(self, _: Request, key: KeyConfig) -> Response:
        return JSONResponse(self._batches.list_files(key))

    async def file(self, request: Request, key: KeyConfig) -> Response:
        return JSONResponse(self._batches.file(key, request.path_params["file_id"]).as_json())

    async def delete_file(self, request: Request, key: KeyConfig) -> Response:
        return JSONResponse(self._batches.delete(key, request.path_params["file_id"]))

    async def content(self, request: Request, key: KeyConfig) -> Response:
        found = self._batches.file(key, request.path_params["file_id"])
        whole = Response(found.content, media_type="application/octet-stream")
        return protocol.broken_off(whole) if self._gate.breaks_off() else whole

    async def create(self, request: Request, key: KeyConfig) -> Response:
        return JSONResponse(self._batches.create(key, await self._read(request), time.monotonic()))

    async def list_batches(self, request: Request, key: KeyConfig) -> Response:
        given = request.query_params.get("limit", "20")
        if not given.isdigit() or not 1 <= int(given) <= _MOST_SHOWN:
            raise protocol.bad_request("'limit' must be between 1 and 100.", "limit")
        after = request.query_params.get("after")
        return JSONResponse(self._batches.list_batches(key, after, int(given), time.monotonic()))

    async def batch(self, request: Request, key: KeyConfig) -> Response:
        return JSONResponse(self._batches.batch(key, request.path_params["batch_id"], time.monotonic()).as_json())

    async def cancel(self, request: Request, key: KeyConfig) -> Response:
        return JSONResponse(self._batches.cancel(key, request.path_params["batch_id"], time.monotonic()))

    async def overview(self, request: Request) -> Response:  # noqa: ARG002 (starlette passes it)
        return JSONResponse(self._batches.overview(time.monotonic()))

    def _endpoint(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            async def permitted(state: KeyState, headers: dict[str, str]) -> Response:  # noqa: ARG001 (shape of Call)
                self._permit(state)
                response = await work(request, state.config)
                await self._wait(request, state)
                return response

            return await self._call(request, permitted)

        return endpoint

    def _permit(self, state: KeyState) -> None:
        """Raise `ApiError` if the key's behavior forbids files and batches. A key without quota may use them."""
        key = state.config
        if not self._gate.server.batches:
            raise ApiError(404, "Invalid URL", "invalid_request_error")
        if key.behavior == "dead":
            raise protocol.invalid_key(key.key, key.code)
        if key.behavior == "region":
            raise protocol.region_forbidden(key.code)
        if key.behavior == "forbidden":
            message = "You have insufficient permissions for this operation. Missing scopes: api.files.write."
            raise ApiError(403, message, "invalid_request_error", key.code or "missing_scope", counter="forbidden")
        if key.behavior == "flaky" and self._gate.chance.random() < key.failure_rate:
            raise protocol.server_error()
