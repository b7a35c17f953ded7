"""The routes of files and batches: from HTTP to `batches.py` and back."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.openai import protocol
from simulators.openai.batches import Batches
from simulators.openai.gate import Gate, KeyState
from simulators.openai.protocol import ApiError

#: one API call from authentication to the counted answer, and how long its work takes (`server.OpenAISimulator`)
Call = Callable[[Request, Callable[[KeyState, dict[str, str]], Any]], Awaitable[Response]]
Wait = Callable[[Request, KeyState], Awaitable[None]]
Read = Callable[[Request], Awaitable[Mapping[str, Any]]]
_MOST_SHOWN = 100


class BatchRoutes:
    """What is done is done before the time that a slow key takes: a client that goes away then does not undo it."""

    def __init__(self, batches: Batches, gate: Gate, call: Call, wait: Wait, read: Read) -> None:
        self._batches = batches
        self._gate = gate
        self._call = call
        self._wait = wait
        self._read = read

    def routes(self) -> list[Route]:
        return [
            Route("/v1/files", self.upload, methods=["POST"]),
            Route("/v1/files", self.list_files, methods=["GET"]),
            Route("/v1/files/{file_id}", self.file, methods=["GET"]),
            Route("/v1/files/{file_id}", self.delete_file, methods=["DELETE"]),
            Route("/v1/files/{file_id}/content", self.content, methods=["GET"]),
            Route("/v1/batches", self.create, methods=["POST"]),
            Route("/v1/batches", self.list_batches, methods=["GET"]),
            Route("/v1/batches/{batch_id}", self.batch, methods=["GET"]),
            Route("/v1/batches/{batch_id}/cancel", self.cancel, methods=["POST"]),
            Route("/control/batches", self.overview, methods=["GET"]),
        ]

    async def upload(self, request: Request) -> Response:
        async def work(state: KeyState) -> Response:
            async with request.form(max_part_size=1024 * 1024) as form:
                file, purpose = form.get("file"), form.get("purpose")
                if not isinstance(file, UploadFile) or not isinstance(purpose, str):
                    raise protocol.bad_request("'file' and 'purpose' are required properties", "file")
                seconds = form.get("expires_after[seconds]")
                expires = int(seconds) if isinstance(seconds, str) and seconds.isdigit() else None
                content = await file.read()
                name = file.filename or "upload"
            return JSONResponse(self._batches.upload(state.config, name, purpose, content, expires))

        return await self._answered(request, work)

    async def list_files(self, request: Request) -> Response:
        async def work(state: KeyState) -> Response:
            return JSONResponse(self._batches.list_files(state.config))

        return await self._answered(request, work)

    async def file(self, request: Request) -> Response:
        async def work(state: KeyState) -> Response:
            return JSONResponse(self._batches.file(state.config, request.path_params["file_id"]).as_json())

        return await self._answered(request, work)

    async def delete_file(self, request: Request) -> Response:
        async def work(state: KeyState) -> Response:
            return JSONResponse(self._batches.delete(state.config, request.path_params["file_id"]))

        return await self._answered(request, work)

    async def content(self, request: Request) -> Response:
        async def work(state: KeyState) -> Response:
            found = self._batches.file(state.config, request.path_params["file_id"])
            return Response(found.content, media_type="application/octet-stream")

        return await self._answered(request, work)

    async def create(self, request: Request) -> Response:
        async def work(state: KeyState) -> Response:
            return JSONResponse(self._batches.create(state.config, await self._read(request), time.monotonic()))

        return await self._answered(request, work)

    async def list_batches(self, request: Request) -> Response:
        async def work(state: KeyState) -> Response:
            given = request.query_params.get("limit", "20")
            if not given.isdigit() or not 1 <= int(given) <= _MOST_SHOWN:
                raise protocol.bad_request("'limit' must be between 1 and 100.", "limit")
            after = request.query_params.get("after")
            return JSONResponse(self._batches.list_batches(state.config, after, int(given), time.monotonic()))

        return await self._answered(request, work)

    async def batch(self, request: Request) -> Response:
        async def work(state: KeyState) -> Response:
            found = self._batches.batch(state.config, request.path_params["batch_id"], time.monotonic())
            return JSONResponse(found.as_json())

        return await self._answered(request, work)

    async def cancel(self, request: Request) -> Response:
        async def work(state: KeyState) -> Response:
            return JSONResponse(self._batches.cancel(state.config, request.path_params["batch_id"], time.monotonic()))

        return await self._answered(request, work)

    async def overview(self, request: Request) -> Response:  # noqa: ARG002 (starlette passes it)
        """All batches and undeleted files, of every project."""
        return JSONResponse(self._batches.overview(time.monotonic()))

    async def _answered(self, request: Request, work: Callable[[KeyState], Awaitable[Response]]) -> Response:
        async def permitted(state: KeyState, headers: dict[str, str]) -> Response:  # noqa: ARG001 (shape of all work)
            self._permit(state)
            response = await work(state)
            await self._wait(request, state)
            return response

        return await self._call(request, permitted)

    def _permit(self, state: KeyState) -> None:
        """A key without quota may look and upload; what fails by chance fails before anything is done."""
        key = state.config
        if not self._gate.server.batches:
            raise ApiError(404, "Invalid URL", "invalid_request_error")
        if key.behaviour == "dead":
            raise protocol.invalid_key(key.key, key.code)
        if key.behaviour == "region":
            raise protocol.region_forbidden(key.code)
        if key.behaviour == "forbidden":
            message = "You have insufficient permissions for this operation. Missing scopes: api.files.write."
            raise ApiError(403, message, "invalid_request_error", key.code or "missing_scope", counter="forbidden")
        if key.behaviour == "flaky" and self._gate.chance.random() < key.failure_rate:
            raise protocol.server_error()
