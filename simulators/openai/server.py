"""HTTP routes of the simulated API, and `/control` for tests and benchmarks.

Each request is checked in OpenAI's order: authentication, body, quota and access, rate limits.
"""

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from simulators.openai import bodies, protocol
from simulators.openai.abilities import answer_to, as_accepted
from simulators.openai.answers import Answer, in_mode
from simulators.openai.batch_routes import BatchRoutes
from simulators.openai.batches import Batches
from simulators.openai.bodies import ModelRequest
from simulators.openai.config import Config, ConfigError
from simulators.openai.gate import Gate, KeyState
from simulators.openai.prompt_cache import PromptCache
from simulators.openai.protocol import ApiError, broken_off
from simulators.openai.web_search import Search, Searches, read_search, text_and_citations, with_search
from simulators.serving import Stopping

Written = tuple[dict[str, Any], Iterator[str]]
Reader = Callable[[Mapping[str, Any]], ModelRequest]
Writer = Callable[[ModelRequest, Answer, int, int], Written]


class _ClientGoneError(Exception):
    """The client disconnected while its request waited."""


def _write_chat(asked: ModelRequest, reply: Answer, number: int, created: int) -> Written:
    return (
        bodies.chat_body(asked, reply, number=number, created=created),
        bodies.chat_events(asked, reply, number=number, created=created),
    )


def _write_response(asked: ModelRequest, reply: Answer, number: int, created: int) -> Written:
    return (
        bodies.response_body(asked, reply, number=number, created=created),
        bodies.response_events(asked, reply, number=number, created=created),
    )


class OpenAISimulator:
    def __init__(self, config: Config) -> None:
        self.gate = Gate(config)
        self.stopping = Stopping()
        self._calls = 0
        #: The number of answers with status 200, by `bodies.prompt_sha256`.
        self.paid: Counter[str] = Counter()
        self.searches = Searches(config.searches)
        self.cache = PromptCache()
        self.batches = Batches(lambda: self.gate.server, self.paid, self.cache)
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/responses", self.responses, methods=["POST"]),
                Route("/v1/embeddings", self.embeddings, methods=["POST"]),
                Route("/v1/models", self.models, methods=["GET"]),
                *BatchRoutes(self.batches, self.gate, self._call, self._take_time, _json).routes(),
                Route("/control/stats", self.stats, methods=["GET"]),
                Route("/control/refusals", self.refusals, methods=["GET"]),
                Route("/control/prompts", self.prompts, methods=["GET"]),
                Route("/control/searches", self.asked_searches, methods=["GET"]),
                Route("/control/searches", self.change_searches, methods=["POST"]),
                Route("/control/keys", self.change_key, methods=["POST"]),
                Route("/control/server", self.change_server, methods=["POST"]),
                Route("/control/reset", self.reset, methods=["POST"]),
            ],
            exception_handlers={404: _no_route, 405: _no_route},
        )

    async def chat(self, request: Request) -> Response:
        return await self._generate(request, bodies.read_chat, _write_chat)

    async def responses(self, request: Request) -> Response:
        async def work(state: KeyState, headers: dict[str, str]) -> Response:
            body = await _json(request)
            search = read_search(body)
            if search is None:
                return await self._answer(request, state, headers, bodies.read_responses(body), _write_response)
            asked = bodies.read_responses(body)
            if asked.stream:
                raise protocol.bad_request("This simulator does not stream searches.", "stream")
            return await self._answer_search(request, state, headers, asked, search)

        return await self._call(request, work)

    async def _answer_search(
        self, request: Request, state: KeyState, headers: dict[str, str], asked: ModelRequest, search: Search
    ) -> Response:
        asked = as_accepted(self._with_tier(asked), self.gate.server)
        await self._admit(request, state, asked, headers)
        mode = state.config.answers or self.gate.server.answers
        found = self.searches.answer(asked.text, search)
        reply = in_mode(text_and_citations(found, search)[0], mode=mode, max_tokens=asked.max_tokens)
        asked = self._cached(state, asked)
        state.counts["web_searches"] += 1
        self._calls += 1
        self.paid[asked.prompt] += 1
        body = bodies.response_body(asked, reply, number=self._calls, created=int(time.time()))
        return JSONResponse(with_search(body, found, search, reply))

    async def embeddings(self, request: Request) -> Response:
        async def work(state: KeyState, headers: dict[str, str]) -> Response:
            body = await _json(request)
            asked, texts = bodies.read_embeddings(body)
            await self._admit(request, state, asked, headers)
            return JSONResponse(bodies.embeddings_body(body, asked, texts))

        return await self._call(request, work)

    async def models(self, request: Request) -> Response:
        async def work(state: KeyState, headers: dict[str, str]) -> Response:  # noqa: ARG001 (same shape as the others)
            if state.config.behavior == "dead":
                raise protocol.invalid_key(state.config.key, state.config.code)
            return JSONResponse(bodies.models_body(self.gate.server.models, int(time.time())))

        return await self._call(request, work)

    async def _generate(self, request: Request, read: Reader, write: Writer) -> Response:
        async def work(state: KeyState, headers: dict[str, str]) -> Response:
            return await self._answer(request, state, headers, read(await _json(request)), write)

        return await self._call(request, work)

    async def _answer(
        self, request: Request, state: KeyState, headers: dict[str, str], asked: ModelRequest, write: Writer
    ) -> Response:
        asked = as_accepted(self._with_tier(asked), self.gate.server)
        await self._admit(request, state, asked, headers)
        mode = state.config.answers or self.gate.server.answers
        reply = answer_to(asked, mode, self.gate.server)
        asked = self._cached(state, asked)
        self._calls += 1
        self.paid[asked.prompt] += 1
        body, events = write(asked, reply, self._calls, int(time.time()))
        whole = StreamingResponse(events, media_type="text/event-stream") if asked.stream else JSONResponse(body)
        if not self.gate.breaks_off():
            return whole
        state.counts["broken_off"] += 1
        return broken_off(whole, next(events) if asked.stream else None)

    def _with_tier(self, asked: ModelRequest) -> ModelRequest:
        server = self.gate.server
        if asked.tier == "flex" and server.flex == "unsupported":
            raise protocol.tier_unsupported(asked.model, asked.tier)
        return replace(asked, tier=server.project_tier) if asked.tier == "auto" else asked

    def _cached(self, state: KeyState, asked: ModelRequest) -> ModelRequest:
        project = state.config.organization, state.config.project
        asked = self.cache.look_up(asked, project, self.gate.server.cache_seconds, time.monotonic())
        state.counts["cached_tokens"] += asked.cached_tokens
        return asked

    async def _admit(self, request: Request, state: KeyState, asked: ModelRequest, headers: dict[str, str]) -> None:
        """Admit the request and wait for the simulated latency. Adds rate-limit headers to `headers`."""
        estimate = math.ceil(asked.characters / bodies.CHARACTERS_A_TOKEN)
        admission = self.gate.admit(state, asked.model, estimate, asked.max_tokens, time.monotonic(), text=asked.text)
        headers.update(self.gate.limit_headers(admission.meter, time.monotonic()))
        if asked.tier == "flex" and self.gate.server.flex == "unavailable":
            raise protocol.flex_unavailable()
        if asked.tier == "flex" and self.gate.server.flex == "hang":
            await self._wait(request, None)
        else:
            await self._take_time(request, state)
        self.gate.fail_by_chance(state, admission, time.monotonic())

    async def _take_time(self, request: Request, state: KeyState) -> None:
        hangs = state.config.behavior == "hang"
        await self._wait(request, None if hangs else self.gate.latency(state))

    async def _wait(self, request: Request, seconds: float | None) -> None:
        """Wait `seconds` (None: forever). A wait above 0.5 s fails if the client disconnects or the server stops."""
        if seconds is not None and seconds <= 0.5:
            await asyncio.sleep(max(0.0, seconds))
            return
        gone = asyncio.ensure_future(_until_gone(request))
        stopping = asyncio.ensure_future(self.stopping.wait())
        done, pending = await asyncio.wait(
            {gone, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )  # fmt: skip
        for task in pending:
            task.cancel()
        if gone in done:
            raise _ClientGoneError
        if stopping in done:
            raise protocol.shutting_down()

    async def _call(self, request: Request, work: Callable[[KeyState, dict[str, str]], Any]) -> Response:
        started = time.monotonic()
        headers: dict[str, str] = {}
        state: KeyState | None = None
        try:
            state = self.gate.authenticate(request.headers.get("authorization"))
            state.begin()
            response: Response = await work(state, headers)
            state.counts["ok"] += 1
        except ApiError as exc:
            if state is not None:
                state.counts[exc.counter] += 1
            headers.update(exc.headers)
            if self.gate.server.echoes_key:
                exc.message += f" The request was sent with {request.headers.get('authorization')}."
            response = JSONResponse(exc.body(), exc.status)
        except _ClientGoneError:
            if state is not None:
                state.counts["abandoned"] += 1
            response = Response(status_code=499)
        finally:
            if state is not None:
                state.in_flight -= 1
        response.headers.update(self._common_headers(state, time.monotonic() - started) | headers)
        return response

    def _common_headers(self, state: KeyState | None, seconds: float) -> dict[str, str]:
        found = {"x-request-id": self.gate.request_id(), "openai-version": "2020-10-01"}
        if state is not None:
            found["openai-organization"] = state.config.organization
            found["openai-project"] = state.config.project
            found["openai-processing-ms"] = str(max(1, round(seconds * 1000)))
        return found

    async def stats(self, request: Request) -> Response:  # noqa: ARG002 (starlette passes it)
        """Return counters and bucket levels. `at` is the current time of the server's monotonic clock."""
        now = time.monotonic()
        return JSONResponse({"at": now, **self.gate.stats(now)})

    async def refusals(self, request: Request) -> Response:  # noqa: ARG002 (starlette passes it)
        return JSONResponse({state.config.id: state.refused_at for state in self.gate.keys.values()})

    async def prompts(self, request: Request) -> Response:  # noqa: ARG002 (starlette passes it)
        """Return the number of answers with status 200 per prompt: `{prompt_sha256(messages): count}`."""
        self.batches.overview(time.monotonic())  # completes due batches, so that their answers are counted
        return JSONResponse(self.paid)

    async def asked_searches(self, request: Request) -> Response:  # noqa: ARG002 (starlette passes it)
        return JSONResponse(self.searches.asked)

    async def change_searches(self, request: Request) -> Response:
        return await self._control(request, self.searches.replace)

    async def change_key(self, request: Request) -> Response:
        """Change or add keys. The body is `{"key" or "id": ..., SETTING: ...}`, or a list of such objects."""
        return await self._control(
            request, lambda given: [self.gate.change_key(g, time.monotonic()).as_json() for g in _listed(given)]
        )

    async def change_server(self, request: Request) -> Response:
        return await self._control(request, self.gate.change_server)

    async def reset(self, request: Request) -> Response:  # noqa: ARG002 (starlette passes it)
        self.gate.reset_counts()
        self.paid.clear()
        self.searches.asked.clear()
        self.cache.clear()
        return JSONResponse({"ok": True})

    async def _control(self, request: Request, act: Callable[[Any], Any]) -> Response:
        try:
            return JSONResponse({"ok": True, "data": act(await request.json())})
        except (ConfigError, json.JSONDecodeError, TypeError, AttributeError) as exc:
            return JSONResponse({"ok": False, "error": str(exc)}, 400)


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


async def _json(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.body())
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict):
        raise protocol.bad_request(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            "library correctly.)"
        )
    return body


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _no_route(request: Request, exc: Exception) -> Response:  # noqa: ARG001 (starlette passes it)
    message = f"Invalid URL ({request.method} {request.url.path})"
    error = ApiError(404, message, "invalid_request_error")
    return JSONResponse(error.body(), 404)
