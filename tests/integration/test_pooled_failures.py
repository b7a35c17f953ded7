"""With the real SDK, the pool handles bad keys, limits, budgets, cancellations, and broken connections."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

from app.keypool.outcomes import Outcome
from app.keypool.spending import Usage
from tests.plugins.pooled_sdk import (
    FACES,
    KEYS,
    MESSAGES,
    MODEL,
    PLACEHOLDER,
    TEXT,
    WIDE,
    Pooled,
    breaking_server,
    items_of,
    pooled,
    value_of,
)

# --- errors


def test_a_bad_key_is_skipped_with_every_method(openai_simulator: Callable[..., Any], face: str) -> None:
    bad, good = KEYS[:2]
    simulator = openai_simulator([{"key": bad, "behavior": "no_quota"}, {"key": good, **WIDE}])

    async def scenario(client: Any) -> None:
        await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES))
        stream = await value_of(client.responses.create(model=MODEL, input=TEXT, stream=True))
        assert await items_of(stream)
        await value_of(client.embeddings.create(model="e", input="x"))

    there = pooled(simulator.base_url, simulator.keys, face)
    there.run(scenario)
    assert (simulator.stats_of(bad)["requests"], simulator.stats_of(good)["ok"]) == (1, 3)
    assert [s.outcome for s in there.store.settled] == [Outcome.QUOTA_EXHAUSTED] + [Outcome.SUCCESS] * 3


def test_a_request_too_large_for_one_key_goes_to_a_key_with_a_higher_limit(
    openai_simulator: Callable[..., Any], face: str
) -> None:
    """The 429 answer has no retry time, so the first key still gets smaller requests at once."""
    small, large = KEYS[:2]
    simulator = openai_simulator([{"key": small, "rpm": 60_000, "tpm": 50}, {"key": large, **WIDE}])
    there = pooled(simulator.base_url, simulator.keys, face)

    async def scenario(client: Any) -> None:
        await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES))
        for _ in range(2):
            await value_of(client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}]))

    there.run(scenario)
    settled = [(s.outcome, s.limited_by) for s in there.store.settled]
    assert settled == [(Outcome.TOO_LARGE, "tokens")] + [(Outcome.SUCCESS, None)] * 3
    assert [simulator.stats_of(key)["ok"] for key in (small, large)] == [1, 2]
    figures = there.pool.stats()["keys"]
    assert [(f["failures"], f["rate_limited"], f["circuit_open"]) for f in figures.values()] == [
        (1, False, False),
        (0, False, False),
    ]


def test_no_error_and_no_answer_contains_a_key(openai_simulator: Callable[..., Any], face: str) -> None:
    """Tracebacks, error reports, and request logs contain only the SDK's API key, which is a placeholder."""
    simulator = openai_simulator([{"key": KEYS[0], **WIDE}], models=[MODEL])
    there = pooled(simulator.base_url, simulator.keys, face)

    async def scenario(client: Any) -> list[httpx2.Request]:
        raw = await value_of(client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES))
        with pytest.raises(openai.NotFoundError) as caught:
            await value_of(client.chat.completions.create(model="unheard", messages=MESSAGES))
        return [raw.http_response.request, caught.value.request, caught.value.response.request]

    for request in there.run(scenario):
        assert request.headers["authorization"] == f"Bearer {PLACEHOLDER}"
        assert simulator.keys[0] not in repr(request.headers.raw)


def test_a_file_upload_works(openai_simulator: Callable[..., Any], face: str) -> None:
    """The pool cannot read a multipart body before it is sent."""
    simulator = openai_simulator()
    there = pooled(simulator.base_url, simulator.keys, face)

    async def scenario(client: Any) -> Any:
        return await value_of(client.files.create(file=("a.jsonl", b"{}"), purpose="batch"))

    uploaded = there.run(scenario)
    assert (uploaded.filename, uploaded.bytes) == ("a.jsonl", 2)
    assert [s.outcome for s in there.store.settled] == [Outcome.SUCCESS]


# --- the event loop


def test_a_blocking_store_is_never_called_on_the_event_loop(there: Pooled) -> None:
    async def scenario(client: Any) -> None:
        await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES))
        stream = await value_of(client.responses.create(model=MODEL, input=TEXT, stream=True))
        await items_of(stream)

    there.run(scenario)
    in_loop = threading.get_ident() in there.store.threads
    assert in_loop is ("blocking" not in there.face)


@pytest.mark.parametrize("async_face", FACES[1:])
def test_a_canceled_request_returns_its_lease(openai_simulator: Callable[..., Any], async_face: str) -> None:
    simulator = openai_simulator([{"key": KEYS[0], **WIDE, "behavior": "hang"}])
    there = pooled(simulator.base_url, simulator.keys, async_face)

    async def scenario(client: Any) -> None:
        call = asyncio.ensure_future(client.chat.completions.create(model=MODEL, messages=MESSAGES))
        assert await asyncio.to_thread(there.store.leased.wait, 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    there.run(scenario)
    (key,) = there.store.snapshot()
    assert (key.in_flight, key.failures, [s.outcome for s in there.store.settled]) == (0, 0, [Outcome.ABANDONED])


def test_a_lease_that_arrives_after_the_cancellation_is_returned(openai_simulator: Callable[..., Any]) -> None:
    """The thread that calls the store cannot be stopped, so its lease must be awaited and returned."""
    simulator = openai_simulator()
    there = pooled(simulator.base_url, simulator.keys, "async on a blocking store")
    there.store.gate.clear()

    async def scenario(client: Any) -> None:
        call = asyncio.ensure_future(client.chat.completions.create(model=MODEL, messages=MESSAGES))
        assert await asyncio.to_thread(there.store.leased.wait, 10)
        for _ in range(2):
            call.cancel()
            await asyncio.wait({call}, timeout=0.02)
        assert not call.done()
        there.store.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await call

    there.run(scenario)
    assert [s.outcome for s in there.store.settled] == [Outcome.ABANDONED]
    assert [s.in_flight for s in there.store.snapshot()] == [0, 0]
    assert simulator.stats()["totals"]["requests"] == 0


# --- broken connections


WHOLE = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"hello"}}],"usage":{"prompt_tokens":1,"total_tokens":2}}'
)
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"


def test_a_truncated_answer_is_requested_again_with_another_key(face: str) -> None:
    """The headers reported success, but the connection broke before the body was complete."""

    async def scenario(client: Any) -> Any:
        return await value_of(client.chat.completions.create(model="m", messages=MESSAGES))

    with breaking_server(1, JSON_HEAD % len(WHOLE), WHOLE[:50], WHOLE) as (address, seen):
        there = pooled(address, KEYS, face)
        assert there.run(scenario).choices[0].message.content == "hello"
    assert len(set(seen)) == 2
    assert [s.outcome for s in there.store.settled] == [Outcome.SERVER_FAILURE, Outcome.SUCCESS]
    assert there.store.settled[1].usage == Usage(2, 0)


def test_an_answer_that_is_always_truncated_is_a_connection_error(face: str) -> None:
    async def scenario(client: Any) -> None:
        with pytest.raises(openai.APIConnectionError) as caught:
            await value_of(client.chat.completions.create(model="m", messages=MESSAGES))
        assert isinstance(caught.value.__cause__, httpx2.RemoteProtocolError)

    with breaking_server(99, JSON_HEAD % len(WHOLE), WHOLE[:50], WHOLE) as (address, seen):
        there = pooled(address, KEYS, face)
        there.run(scenario)
    assert len(set(seen)) == len(seen) == 3, "at most three keys may be used, because each may be billed"


EVENT = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":'
EVENT += b'{"prompt_tokens":1,"completion_tokens":4,"total_tokens":5}}\n\n'


@pytest.mark.parametrize(
    "rest",
    [
        (b"transfer-encoding: chunked", b"%x\r\n%s\r\n" % (len(EVENT), EVENT)),
        (b"connection: close", EVENT + b'data: {"error": {"message": "upstream is gone", "code": 502}}\n\n'),
        (b"connection: close", EVENT + b'event: error\ndata: {"type": "error", "code": "server_error"}\n\n'),
    ],
    ids=["broken", "error", "event named error"],
)
def test_a_stream_that_breaks_or_ends_with_an_error_is_a_failure_and_charged_as_far_as_reported(
    face: str, rest: tuple[bytes, bytes]
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n%s\r\n\r\n" % rest[0]
    raised: list[Exception] = []

    async def scenario(client: Any) -> None:
        stream = await value_of(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))
        try:
            await items_of(stream)
        except (httpx2.RemoteProtocolError, openai.APIError) as exc:
            raised.append(exc)

    with breaking_server(99, head, rest[1], b"") as (address, seen):
        there = pooled(address, KEYS, face)
        there.run(scenario)
    assert len(seen) == 1
    assert raised or b"event: error" in rest[1], "the SDK must raise, except for an event that it does not know"
    assert there.store.streams == [Usage(5, 0, 4)]
    keys = there.pool.stats()["keys"].values()
    assert (there.store.broken, [sum(key[f] for key in keys) for f in ("successes", "failures")]) == (1, [0, 1])
