"""An answer of a model provider that nobody can use is a failure of its key, and takes bounded time and memory."""

import gzip
import itertools
import json
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import openai
import pytest

from app.clock import SystemClock
from app.keypool.keys import make_keys
from app.keypool.outcomes import Outcome
from app.services.openai_client_manager import OpenAIClientManager
from app.services.scraping.model_calls import reason_of
from tests.plugins.hostile_provider import HostileProvider, completion, good, http
from tests.plugins.pooled_sdk import FACES, KEYS, MESSAGES, MODEL, items_of, pooled, value_of

Start = Callable[[Callable[[int], Iterable[bytes]]], HostileProvider]


def _with(**changes: Any) -> list[bytes]:
    return good(**changes)


def _body(text: str | bytes, *fields: str, **options: Any) -> list[bytes]:
    return http(text if isinstance(text, bytes) else text.encode(), *fields, **options)


def _inside(value: str) -> str:
    """Return a chat completion that has the JSON text `value` in a member that no SDK knows."""
    return json.dumps(completion())[:-1] + f', "extra": {value}}}'


def _message(message: Any) -> list[bytes]:
    return _with(choices=[{"index": 0, "finish_reason": "stop", "message": message}])


GZIP = "Content-Encoding: gzip"
#: Answers with the status 200 or another success that cannot be used.
UNUSABLE: dict[str, list[bytes]] = {
    "204": [b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"],
    "205": [b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"],
    "299 without a body": _body("", status="299 Fine"),
    "empty": _body(""),
    "blanks": _body(" \n\t "),
    "HTML": _body("<html><body>Welcome to the portal</body></html>", kind="text/html"),
    "HTML as JSON": _body("<html></html>"),
    "text": _body("OK", kind="text/plain"),
    "no content type": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"],
    "truncated": _body(json.dumps(completion())[:-20]),
    "two documents": _body("{}{}"),
    "a list": _body("[]"),
    "a list of completions": _body(json.dumps([completion()])),
    "a number": _body("12"),
    "null": _body("null"),
    "true": _body("true"),
    "a text": _body('"hello"'),
    "an empty object": _body("{}"),
    "5,000 digits": _body(_inside("9" * 5_000)),
    "-5,000 digits": _body(_inside("-" + "1" * 5_000)),
    "5,000 digits as tokens": _body('{"usage": {"prompt_tokens": ' + "9" * 5_000 + "}}"),
    "NaN": _body(_inside("NaN")),
    "-Infinity": _body(_inside("-Infinity")),
    "lists, 100,000 deep": _body(_inside("[" * 100_000 + "]" * 100_000)),
    "lists, 900 deep": _body(_inside("[" * 900 + "]" * 900)),
    "objects, 5,000 deep": _body(_inside('{"a":' * 5_000 + "1" + "}" * 5_000)),
    "unclosed lists": _body("[" * 1_000_000),
    "a lone surrogate": _body(_inside('"\\ud800"')),
    "a lone low surrogate": _body(_inside('"\\uDFFF x"')),
    "a lone surrogate as a name": _body(_inside('{"\\udead": 1}')),
    "a raw surrogate": _body(_inside('"X"').encode().replace(b"X", b"\xed\xa0\x80")),
    "invalid UTF-8": _body(_inside('"X"').encode().replace(b"X", b"\xff\xfe")),
    "UTF-16": _body(json.dumps(completion()).encode("utf-16")),
    "millions of values": _body(_inside("[" + "[]," * 1_500_000 + "[]]")),
    "gzip that is none": _body(json.dumps(completion()), GZIP),
    "broken gzip": _body(gzip.compress(json.dumps(completion()).encode())[:30], GZIP),
    "half of gzip": _body(gzip.compress(random.Random(1).randbytes(5_000).hex().encode())[:3_000], GZIP),
    "brotli that is none": _body(json.dumps(completion()), "Content-Encoding: br"),
    "zstd that is none": _body(json.dumps(completion()), "Content-Encoding: zstd"),
    "nine codings": _body(json.dumps(completion()), "Content-Encoding: " + ", ".join(["gzip"] * 9)),
    "choices: []": _with(choices=[]),
    "choices: null": _with(choices=None),
    "choices: {}": _with(choices={}),
    "choices: text": _with(choices="hello"),
    "choices of null": _with(choices=[None]),
    "choices of numbers": _with(choices=[1]),
    "no choices": _body(json.dumps({name: v for name, v in completion().items() if name != "choices"})),
    "no message": _with(choices=[{"index": 0}]),
    "message null": _message(None),
    "message a text": _message("hello"),
    "message a list": _message([]),
    "content a list": _message({"role": "assistant", "content": ["hello"]}),
    "content parts": _message({"role": "assistant", "content": [{"type": "text", "text": "hello"}]}),
    "content a number": _message({"role": "assistant", "content": 5}),
    "content an object": _message({"role": "assistant", "content": {}}),
    "refusal an object": _message({"role": "assistant", "content": None, "refusal": {}}),
    "a bad second choice": _with(choices=[completion()["choices"][0], {"message": []}]),
    "finish reason a list": _with(choices=[{**completion()["choices"][0], "finish_reason": []}]),
    "model an object": _with(model={}),
    "model of 10,000 characters": _with(model="m" * 10_000),
    "tier a list": _with(service_tier=["default"]),
    "a stream that nobody asked for": _body("data: {}\n\ndata: [DONE]\n\n", kind="text/event-stream"),
}  # fmt: skip


def _status(status: str, *fields: str, body: bytes = b"") -> list[bytes]:
    return http(body, *fields, status=status, kind="text/html")


ELSEWHERE = "Location: http://127.0.0.2:9/steal"
#: Answers with a status that is neither a success nor an error.
ODD_STATUSES: dict[str, list[bytes]] = {
    **{f"{status} elsewhere": _status(f"{status} Moved", ELSEWHERE) for status in (300, 301, 302, 303, 307, 308, 399)},
    **{f"{status} without a location": _status(f"{status} Moved") for status in (300, 301, 304, 305, 307)},
    "302 to itself": _status("302 Found", "Location: /v1/chat/completions"),
    "302 with a completion": [*_status("302 Found", body=json.dumps(completion()).encode())],
    "304 with tags": [b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nConnection: close\r\n\r\n'],
    "101": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
    "600": _status("600 Odd"),
    "999": _status("999 Odd", body=json.dumps(completion()).encode()),
}


async def _ask(client: Any) -> str:
    reply = await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES))
    return str(reply.choices[0].message.content)


async def _read_stream(client: Any) -> list[Any]:
    return await items_of(await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)))


@pytest.mark.parametrize("face", FACES[:2])
@pytest.mark.parametrize("name", [*UNUSABLE, *ODD_STATUSES])
def test_an_unusable_answer_is_a_failure_of_its_key_and_another_key_is_asked(
    provider: Start, face: str, name: str
) -> None:
    answer = {**UNUSABLE, **ODD_STATUSES}[name]
    server = provider(lambda number: good() if number else answer)
    there = pooled(server.url, KEYS[:2], face)
    assert there.run(_ask) == "hello"
    assert [s.outcome for s in there.store.settled] == [Outcome.SERVER_FAILURE, Outcome.SUCCESS]
    assert sorted(server.keys) == sorted(KEYS[:2])  # one settlement for each request: no lease is left
    assert [entry["failures"] for entry in there.pool.stats()["keys"].values()] == [1, 0]
    # what may have been paid stays charged; a redirect is no work. The HTTP library itself rejects the status 101
    is_unbilled = name in ODD_STATUSES and name != "101"
    assert [s.unbilled for s in there.store.settled] == [is_unbilled, False]
    assert there.pool.stats()["spent_today"]["calls"] == (1 if is_unbilled else 2)


def test_a_key_whose_every_answer_is_unusable_is_asked_three_times_and_says_why(provider: Start, face: str) -> None:
    server = provider(lambda _: UNUSABLE["HTML"])
    there = pooled(server.url, KEYS[:1], face)
    with pytest.raises(openai.InternalServerError) as caught:
        there.run(_ask)
    assert len(server.requests) == len(there.store.settled) == 3
    assert reason_of(caught.value).startswith("The API's answer cannot be used: it is not valid JSON")


ODD_USAGES: dict[str, Any] = {
    "null": None,
    "a list": [],
    "a text": "many",
    "negative": {"prompt_tokens": -5, "completion_tokens": 5, "total_tokens": 0},
    "floats": {"prompt_tokens": 1.5, "completion_tokens": 2.5, "total_tokens": 4.0},
    "texts": {"prompt_tokens": "10", "completion_tokens": "5", "total_tokens": "15"},
    "huge": {"prompt_tokens": 10**30, "completion_tokens": 10**18, "total_tokens": 10**30},
    "infinite": {"prompt_tokens": 1e400, "completion_tokens": 5},
    "booleans": {"prompt_tokens": True, "completion_tokens": False},
    "lists": {"prompt_tokens": [10], "completion_tokens": {}},
    "odd details": {"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": [1]},
    "details of texts": {"prompt_tokens": 10, "completion_tokens_details": {"reasoning_tokens": "x"}},
}


@pytest.mark.parametrize("name", [*ODD_USAGES, "missing"])
def test_an_odd_usage_does_not_spoil_the_answer_and_the_estimate_stays_charged(
    provider: Start, face: str, name: str
) -> None:
    body = completion(usage=ODD_USAGES.get(name))
    if name == "missing":
        del body["usage"]
    server = provider(lambda _: _body(json.dumps(body).replace("Infinity", "1e400")))
    there = pooled(server.url, KEYS[:1], face)

    async def scenario(client: Any) -> None:
        reply = await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES))
        assert reply.choices[0].message.content == "hello"
        assert reply.usage is None

    there.run(scenario)
    assert [(s.outcome, s.usage) for s in there.store.settled] == [(Outcome.SUCCESS, None)]
    assert 0 < there.pool.stats()["spent_today"]["tokens"] < 1_000


#: Calls of other endpoints, and answers that have the wrong shape for them.
OTHER_CALLS: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "responses": (
        lambda client: client.responses.create(model=MODEL, input="x"),
        [{}, {"output": None}, {"output": ["x"]}, {"output": [{"type": {}}]}, {"output": [], "error": "x"},
         {"output": [], "incomplete_details": []}, {"output": [], "status": 5}],
    ),
    "embeddings": (lambda client: client.embeddings.create(model="e", input="x"), [{}, {"data": []}, {"data": [5]}]),
    "models": (lambda client: client.models.list(), [{}, [], {"data": None}, {"data": ["m"]}, {"data": [{"id": 5}]}]),
    "files": (
        lambda client: client.files.create(file=("x", b"{}"), purpose="batch"),
        [{}, {"id": None}, {"id": 5}, {"id": "f" * 10_000}, {"id": ""}],
    ),
    "batch": (
        lambda client: client.batches.retrieve("b1"),
        [{}, {"id": "b1"}, {"id": "b1", "status": ["completed"], "created_at": 1},
         {"id": "b1", "status": "completed", "created_at": "now"},
         {"id": "b1", "status": "completed", "created_at": 1, "output_file_id": 7},
         {"id": "b1", "status": "failed", "created_at": 1, "errors": "x"},
         {"id": "b1", "status": "failed", "created_at": 1, "errors": {"data": ["x"]}},
         {"id": "b1", "status": "failed", "created_at": 1, "errors": {"data": [{"message": {}}]}},
         {"id": "b1", "status": "completed", "created_at": 1, "metadata": "x"}],
    ),
    "batches": (lambda client: client.batches.list(), [{}, {"data": [{"id": "b1"}]}]),
    "cancel": (lambda client: client.batches.cancel("b1"), [{}, {"id": "b1"}]),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_CALLS)
def test_other_endpoints_answers_are_checked_too(provider: Start, face: str, name: str) -> None:
    call, bodies = OTHER_CALLS[name]
    answers = [_body(json.dumps(body)) for body in bodies] + [UNUSABLE[x] for x in ("204", "5,000 digits", "HTML")]
    server = provider(lambda number: answers[number // 3])
    there = pooled(server.url, KEYS[:1], face)

    async def scenario(client: Any) -> None:
        for _ in answers:
            with pytest.raises(openai.InternalServerError, match="cannot be used"):
                await value_of(call(client))
            there.store.act(there.pool.keys[0].key_id, "close")

    there.run(scenario)
    assert {s.outcome for s in there.store.settled} == {Outcome.SERVER_FAILURE}
    assert len(there.store.settled) == len(server.requests)


# --- error responses

ODD_ERRORS: dict[str, bytes] = {
    "a list": b"[1]",
    "a number": b"5",
    "code a list": b'{"error": {"code": ["x"], "type": {"a": 1}, "message": "no"}}',
    "message an object": b'{"error": {"message": {"a": [1]}}}',
    "no member error": b'{"code": ["x"], "detail": [{"msg": "no"}]}',
    "5,000 digits": b'{"error": {"code": %s}}' % (b"9" * 5_000),
    "deep": b'{"error": %s}' % (b'{"a":' * 900 + b"1" + b"}" * 900),
    "very deep": b"[" * 60_000,
    "a surrogate": b'{"error": {"message": "\\ud800"}}',
    "not UTF-8": b"\xff\xfe",
    "200 KB": b'{"error": {"message": "%s"}}' % (b"x" * 200_000),
}
BY_STATUS = {
    401: Outcome.INVALID_KEY, 403: Outcome.FORBIDDEN, 429: Outcome.RATE_LIMITED, 500: Outcome.SERVER_FAILURE,
    400: Outcome.REQUEST_FAULT,
}  # fmt: skip


@pytest.mark.parametrize("face", FACES[:2])
@pytest.mark.parametrize("name", ODD_ERRORS)
@pytest.mark.parametrize("status", BY_STATUS)
def test_the_status_of_an_odd_error_counts_and_its_body_harms_nobody(
    provider: Start, face: str, name: str, status: int
) -> None:
    server = provider(lambda _: _body(ODD_ERRORS[name], "Retry-After: 60", status=f"{status} Odd"))
    there = pooled(server.url, KEYS[:1], face)
    with pytest.raises(openai.APIStatusError) as caught:
        there.run(_ask)
    assert there.store.settled[0].outcome is BY_STATUS[status]
    assert isinstance(caught.value.code, str | int | None)
    assert isinstance(caught.value.type, str | int | None)
    assert len(reason_of(caught.value)) < 1_000


@pytest.mark.parametrize("status", [401, 429, 500])
def test_an_endless_error_is_cut_off_and_its_status_counts(provider: Start, face: str, status: int) -> None:
    head = http(b"", status=f"{status} Odd", length=False)
    server = provider(lambda _: itertools.chain(head, itertools.repeat(b"x" * 65_536, 10_000)))
    there = pooled(server.url, KEYS[:1], face)
    with pytest.raises(openai.APIStatusError):
        there.run(_ask)
    assert there.store.settled[0].outcome is BY_STATUS[status]


# --- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_key_follows_a_redirect_to_another_host(provider: Start, face: str, status: int) -> None:
    """Not even with a client that follows redirects, nor for streams and files."""
    thief = provider(lambda _: good())
    server = provider(lambda _: _status(f"{status} Moved", f"Location: {thief.url}/chat/completions"))
    there = pooled(server.url, KEYS[:2], face)

    async def scenario(client: Any) -> None:
        client._client.follow_redirects = True
        for call in (
            _ask,
            _read_stream,
            lambda c: value_of(c.files.content("f1")),
            lambda c: value_of(c.models.list()),
        ):
            with pytest.raises(openai.InternalServerError, match="Redirects are not followed"):
                await call(client)

    there.run(scenario)
    assert thief.requests == []
    assert {s.outcome for s in there.store.settled} == {Outcome.SERVER_FAILURE}
    assert len(there.store.settled) == len(server.requests)


def test_a_redirect_of_a_keys_own_server_is_not_followed(provider: Start) -> None:
    thief = provider(lambda _: good("stolen"))
    own = provider(lambda _: _status("307 Moved", f"Location: {thief.url}/chat/completions"))
    default = provider(lambda _: good())
    keys = make_keys(KEYS[:2], base_urls=[own.url, ""])
    with OpenAIClientManager(keys, base_url=default.url, max_wait_seconds=0) as manager:
        client = manager.get_client()
        assert client is not None
        reply = client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert reply.choices[0].message.content == "hello"
    assert (len(own.requests), thief.requests, default.keys) == (1, [], [KEYS[1]])


# --- headers


@pytest.mark.parametrize(
    "cookie", ["a=caf\xe9; Path=/", "a=1; Domain=127.0.0.1; Expires=Thu, 99 Foo 99999 99:99:99 GMT"]
)
def test_a_providers_cookie_is_neither_kept_nor_sent(provider: Start, face: str, cookie: str) -> None:
    """A cookie that is not ASCII would fail every later request, and cookies would tie keys together."""
    server = provider(lambda _: http(json.dumps(completion()).encode(), f"Set-Cookie: {cookie}"))
    there = pooled(server.url, KEYS[:1], face)

    async def scenario(client: Any) -> None:
        for _ in range(2):
            assert await _ask(client) == "hello"
        assert len(client._client.cookies) == 0

    there.run(scenario)
    assert len(server.requests) == 2


ODD_NUMBERS = [
    "1e308", "1e-308", "nan", "-nan", "inf", "-inf", "Infinity", "-1", "0", "-0", "9" * 10_000, "0x10", "1_000", "1e13",
    "", " ", "5;q=1", "1,2", "NaNs", "1e400",
]  # fmt: skip
ODD_TIMES = [
    "999999999999h",
    "1e308",
    "nan",
    "inf",
    "-1",
    "-5s",
    "9" * 10_000 + "s",
    "1d2h3m4s5ms6",
    "0.0.1s",
    "s",
    "99999d",
]
ODD_DATES = [
    "Thu, 01 Jan 99999 00:00:00 GMT",
    "Thu, 32 Foo 2026 00:00:00 +9999",
    "Mon, 00 Jan 0000 00:00:00 GMT",
    "1 2 3",
]
ODD_HEADERS = [
    *[
        {"x-ratelimit-limit-requests": number, "x-ratelimit-remaining-requests": other, **reset}
        for number in ODD_NUMBERS
        for other, reset in (
            (number, {}),
            ("0", {"x-ratelimit-reset-requests": "1s"}),
            ("5", {"x-ratelimit-reset-requests": "1s"}),
        )
    ],
    *[{"x-ratelimit-limit-tokens": "1e308", "x-ratelimit-remaining-tokens": n} for n in ODD_NUMBERS],
    *[
        {
            f"x-ratelimit-{part}-requests": value
            for part, value in zip(("limit", "remaining", "reset"), row, strict=True)
        }
        for row in [("60000", "59999", t) for t in ODD_TIMES]
    ],
    *[{"retry-after": value} for value in (*ODD_NUMBERS, *ODD_TIMES, *ODD_DATES)],
    *[{"retry-after": ODD_DATES[0], "date": value} for value in ODD_DATES],
    *[{"retry-after-ms": value, "openai-processing-ms": value} for value in (*ODD_NUMBERS, *ODD_TIMES)],
    {"openai-organization": "o" * 30_000, "openai-project": "\xff" * 1_000, "x-request-id": "r" * 20_000},
]


def test_odd_headers_spoil_no_state_of_the_keys(provider: Start, make_store: Callable[..., Any], backend: Any) -> None:
    """In memory and in Redis: the pool sends as before, and every stored number is finite."""
    rows = [(status, row) for row in ODD_HEADERS for status in ("200 OK", "500 Odd")]
    body = json.dumps(completion()).encode()

    def answer(number: int) -> list[bytes]:
        if number % 2:
            return good()
        status, row = rows[number // 2]
        return http(body, *[f"{name}: {value}" for name, value in row.items()], status=status)

    server = provider(answer)
    keys = make_keys(KEYS[:1])
    with OpenAIClientManager(
        keys, base_url=server.url, max_wait_seconds=0, store=make_store(keys, SystemClock())
    ) as manager:
        client = manager.get_client()
        assert client is not None
        for status, row in rows:
            ask = lambda: client.chat.completions.create(model=MODEL, messages=MESSAGES)  # noqa: E731
            if status == "500 Odd":
                with pytest.raises(openai.InternalServerError):
                    ask()
            else:
                assert ask().choices, row
            manager.store.act(keys[0].key_id, "close")
            assert ask().choices, (status, row)
        state = json.dumps([asdict(snapshot) for snapshot in manager.get_snapshots()])
        manager.get_stats()
    assert not {"NaN", "Infinity", "-Infinity"} & set(re.findall(r"-?[A-Z]\w+", state))
    if backend.connection is not None:
        fields = [
            value
            for name in backend.connection.scan_iter("*")
            if backend.connection.type(name) == b"hash"
            for value in backend.connection.hvals(name)
        ]
        assert fields
        assert not [value for value in fields if re.fullmatch(rb"-?(nan|inf)|.*e[+]?\d{2,}", value)]
