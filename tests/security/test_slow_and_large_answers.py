"""Answers of a model provider take bounded time and bytes: whole answers, errors, headers, streams, and files."""

import functools
import gzip
import itertools
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import brotli
import httpx2
import openai
import pytest

from app.keypool.attempts import AnswerLimits
from app.keypool.keys import make_keys
from app.keypool.outcomes import Outcome
from app.keypool.pricing import make_pricing
from app.keypool.retry_loop import Terms
from cli.keys import check_keys
from tests.plugins.hostile_provider import HostileProvider, completion, good, http
from tests.plugins.pooled_sdk import KEYS, MESSAGES, MODEL, Pooled, items_of, pooled, value_of

try:
    from compression import zstd
except ImportError:
    from backports import zstd  # Python before 3.14

Chunks = Callable[[], Iterable[bytes]]
Start = Callable[[Callable[[int], Iterable[bytes]]], HostileProvider]
#: The timeout of a request in these tests, and the longest time that an attempt may take on a busy machine.
TIMEOUT, LATEST = 0.6, 4.0
#: Pauses between bytes are much shorter than the timeout, so that no single read is late.
PAUSE = 0.1
MB = 1_000_000
LIMITS = AnswerLimits(answer_bytes=MB, file_bytes=3 * MB, stream_seconds=2.0)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
EVENT = b"data: " + json.dumps({"choices": [], "id": "c"}).encode() + b"\n\n"


def _slowly(head: bytes, again: bytes, pause: float = PAUSE) -> Chunks:
    def chunks() -> Iterator[bytes]:
        yield head
        while True:
            time.sleep(pause)
            yield again

    return chunks


def _endless(head: bytes, again: bytes) -> Chunks:
    return lambda: itertools.chain([head], itertools.repeat(again))


SLOW: dict[str, Chunks] = {
    "status line": _slowly(b"HTTP/1.1 200 ", b"O"),
    "header": _slowly(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "headers": _slowly(b"HTTP/1.1 200 OK\r\n", b"X-More: y\r\n"),
    "interim answers": _slowly(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body": _slowly(HEAD + b"\r\n", b" "),
    "body of a length": _slowly(HEAD + b"Content-Length: 5000\r\n\r\n", b" "),
    "chunks": _slowly(CHUNKED, b"1\r\n \r\n"),
    "chunk extension": _slowly(CHUNKED + b"8;", b"x"),
    "trailers": _slowly(CHUNKED + b"0\r\n", b"X: y\r\n"),
    "body packed": _slowly(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{")[:-8], b"\0"),
    "error": _slowly(HEAD.replace(b"200 OK", b"500 Odd") + b"\r\n", b" "),
    "redirect": _slowly(HEAD.replace(b"200 OK", b"302 Found") + b"Content-Length: 9\r\n\r\n", b" "),
    "nothing": _slowly(b"", b""),
}


def _there(url: str, face: str, limits: AnswerLimits = LIMITS) -> Pooled:
    there = pooled(url, KEYS[:1], face)
    there.terms = Terms(0, make_pricing(), further_keys=0, limits=limits)
    return there


async def _ask(client: Any) -> str:
    reply = await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES))
    return str(reply.choices[0].message.content)


async def _read_stream(client: Any) -> list[Any]:
    return await items_of(await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)))


async def _download(client: Any) -> bytes:
    return bytes((await value_of(client.files.content("f1"))).content)


def _first_attempt_seconds(server: HostileProvider, there: Pooled, call: Callable[[Any], Any], error: Any) -> float:
    started = time.monotonic()
    with pytest.raises(error):
        there.run(lambda client: call(client.with_options(timeout=TIMEOUT)))
    return (time.monotonic() - started) / len(server.requests)


@pytest.mark.parametrize("name", SLOW)
def test_a_slow_answer_ends_with_the_timeout_of_the_request(provider: Start, face: str, name: str) -> None:
    server = provider(lambda _: SLOW[name]())
    there = _there(server.url, face)
    assert _first_attempt_seconds(server, there, _ask, openai.APIError) < LATEST
    assert {s.outcome for s in there.store.settled} == {Outcome.SERVER_FAILURE}
    assert len(there.store.settled) == len(server.requests)


def test_the_next_key_answers_after_a_slow_one(provider: Start, face: str) -> None:
    server = provider(lambda number: good() if number else SLOW["body"]())
    there = pooled(server.url, KEYS[:2], face)
    assert there.run(lambda client: _ask(client.with_options(timeout=TIMEOUT))) == "hello"
    assert [s.outcome for s in there.store.settled] == [Outcome.SERVER_FAILURE, Outcome.SUCCESS]
    assert not there.store.settled[0].unbilled


@functools.cache
def _packed(coding: str) -> bytes:
    """Return 300 MB of blanks, compressed."""
    packer: Any = {
        "gzip": lambda: zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16),
        "deflate": lambda: zlib.compressobj(9),
        "br": lambda: brotli.Compressor(quality=3),
        "zstd": zstd.ZstdCompressor,
    }[coding]()
    pack, end = (packer.process, packer.finish) if coding == "br" else (packer.compress, packer.flush)
    return b"".join(pack(b" " * MB) for _ in range(300)) + bytes(end())


def _bomb(coding: str) -> Chunks:
    twice = coding == "gzip, gzip"
    return lambda: http(gzip.compress(_packed("gzip")) if twice else _packed(coding), f"Content-Encoding: {coding}")


LARGE: dict[str, Chunks] = {
    **{f"300 MB in {coding}": _bomb(coding) for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip")},
    "endless": _endless(HEAD + b"\r\n", b" " * 65_536),
    "endless text": _endless(HEAD + b'\r\n{"choices": "', b"x" * 65_536),
    "endless in chunks": _endless(CHUNKED, b"2000\r\n" + b" " * 8192 + b"\r\n"),
    "endless after gzip": _endless(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}"), b"x" * 65_536),
    "a length of 1 TB": _endless(HEAD + b"Content-Length: 1000000000000\r\n\r\n", b" " * 65_536),
    "header of 10 MB": lambda: [b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10 * MB],
    "endless headers": _endless(b"HTTP/1.1 200 OK\r\n", b"X-More: y\r\n" * 4_096),
    "endless interim answers": _endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2_048),
    "endless trailers": _endless(CHUNKED + b"0\r\n", b"X-Trailer: y\r\n" * 4_096),
    "1.1 MB": lambda: good("x" * 1_100_000),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_a_large_answer_is_a_failure_of_its_key(provider: Start, face: str, name: str) -> None:
    server = provider(lambda _: LARGE[name]())
    there = _there(server.url, face)
    with pytest.raises(openai.APIError):
        there.run(_ask)
    assert {s.outcome for s in there.store.settled} == {Outcome.SERVER_FAILURE}
    assert not any(s.unbilled for s in there.store.settled)


@pytest.mark.parametrize("coding", [None, "gzip", "br", "zstd"])
def test_an_answer_within_the_limits_is_read(provider: Start, face: str, coding: str | None) -> None:
    body = json.dumps(completion("é" * 300_000), ensure_ascii=False).encode()
    pack: dict[str | None, Any] = {None: bytes, "gzip": gzip.compress, "br": brotli.compress, "zstd": zstd.compress}
    server = provider(lambda _: http(pack[coding](body), *([f"Content-Encoding: {coding}"] if coding else [])))
    assert _there(server.url, face).run(_ask) == "é" * 300_000


# --- streams

BAD_STREAMS: dict[str, Chunks] = {
    "bytes without an end": _slowly(EVENTS + EVENT, b"x"),
    "lines without an end": _slowly(EVENTS + EVENT, b"data: x\n"),
    "comments for ever": _slowly(EVENTS + EVENT, b": wait\n\n"),
    "events for ever, slowly": _slowly(EVENTS, EVENT),
    "events for ever": _endless(EVENTS, EVENT * 500),
    "one endless line": _endless(EVENTS + b"data: ", b"x" * 65_536),
    "one endless event": _endless(EVENTS, b"data: x\n" * 8_192),
    "300 MB in gzip": lambda: [EVENTS.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 1) + _packed("gzip")],
}


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_a_stream_ends_in_time_and_within_its_size(provider: Start, face: str, name: str) -> None:
    server = provider(lambda _: BAD_STREAMS[name]())
    there = _there(server.url, face)
    errors = (openai.APIError, httpx2.TransportError)
    assert _first_attempt_seconds(server, there, _read_stream, errors) < LIMITS.stream_seconds + LATEST
    assert there.store.broken == 1


def test_a_stream_that_keeps_sending_events_may_take_longer_than_the_timeout(provider: Start, face: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield EVENTS
        for _ in range(12):
            time.sleep(PAUSE)
            yield EVENT
        yield b"data: [DONE]\n\n"

    server = provider(lambda _: chunks())
    there = _there(server.url, face)
    assert len(there.run(lambda client: _read_stream(client.with_options(timeout=TIMEOUT)))) == 12
    assert there.store.broken == 0


def test_a_stream_that_is_packed_although_nobody_asked_is_read(provider: Start, face: str) -> None:
    packed = gzip.compress(EVENT * 3 + b"data: [DONE]\n\n")
    server = provider(lambda _: http(packed, "Content-Encoding: gzip", kind="text/event-stream"))
    there = _there(server.url, face)
    assert len(there.run(_read_stream)) == 3
    assert there.store.broken == 0


@pytest.mark.parametrize(
    "body",
    [b"", b": nothing\n\n", b'data: {"a": ' + b"9" * 5_000 + b"}\n\n", b'data: {"a": ' + b"[" * 999 + b"}\n\n"],
    ids=["empty", "a comment", "5,000 digits", "deep"],
)
def test_a_stream_without_usable_events_is_a_failure_of_its_key(provider: Start, face: str, body: bytes) -> None:
    server = provider(lambda _: http(body, kind="text/event-stream"))
    there = _there(server.url, face)
    with suppress(ValueError, RecursionError):  # the SDK's own error for an event
        assert there.run(_read_stream) == []
    assert there.store.broken == 1


# --- files


def test_a_file_may_take_longer_than_the_timeout_as_long_as_it_keeps_coming(provider: Start, face: str) -> None:
    piece = b"x" * 40_000

    def chunks() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n"
        for _ in range(10):
            time.sleep(PAUSE)
            yield piece

    server = provider(lambda _: chunks())
    there = _there(server.url, face)
    assert len(there.run(lambda client: _download(client.with_options(timeout=TIMEOUT)))) == 400_000


FILE = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n"
BAD_FILES: dict[str, Chunks] = {
    "slow": _slowly(FILE + b"\r\n", b"x"),
    "endless": _endless(FILE + b"\r\n", b"x" * 65_536),
    "300 MB in gzip": lambda: [FILE + b"Content-Encoding: gzip\r\n\r\n" + _packed("gzip")],
    "300 MB in zstd": lambda: [FILE + b"Content-Encoding: zstd\r\n\r\n" + _packed("zstd")],
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_ends_in_time_and_within_its_size(provider: Start, face: str, name: str) -> None:
    server = provider(lambda _: BAD_FILES[name]())
    errors = (openai.APIError, httpx2.TransportError)
    assert _first_attempt_seconds(server, _there(server.url, face), _download, errors) < LATEST


# --- the check of keys


@pytest.mark.parametrize("name", [*SLOW, *LARGE, "204", "HTML", "deep", "elsewhere"])
def test_the_check_of_keys_knows_nothing_from_a_hostile_answer(
    provider: Start, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("cli.keys._TIMEOUT_SECONDS", TIMEOUT)
    small: dict[str, Chunks] = {
        "204": lambda: [b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"],
        "HTML": lambda: http(b"<html></html>", kind="text/html"),
        "deep": lambda: http(b"[" * 100_000),
        "elsewhere": lambda: http(b"", f"Location: {server.url}/stolen", status="302 Found"),
        "1.1 MB": lambda: good("x" * 40_000_000),
    }
    server = provider(lambda _: {**SLOW, **LARGE, **small}[name]())
    started = time.monotonic()
    keys = make_keys(KEYS[:1])
    assert check_keys(keys, server.url)[keys[0].mask]["status"] == "unknown"
    assert time.monotonic() - started < LATEST
    assert server.requests == ["GET /v1/models"]


# --- memory

#: An answer of 32 MB is held as bytes, as text, and as values.
MOST_ABOVE_IDLE_MB = 200.0
_LARGE_JSON = b'{"choices": [' + b'{"message": {"content": "x"}},' * 60_000 + b'{"message": {"content": "x"}}]}'
MEMORY: dict[str, Chunks] = {
    **{name: LARGE[name] for name in ("300 MB in gzip", "300 MB in gzip, gzip", "300 MB in br", "300 MB in zstd")},
    **{name: LARGE[name] for name in ("endless", "endless text", "endless in chunks", "endless after gzip")},
    "endless error": _endless(HEAD.replace(b"200 OK", b"500 Odd") + b"\r\n", b"x" * 65_536),
    "31 MB of lists": lambda: http(b'{"choices": [' + b"[]," * 10_000_000 + b"[]]}"),
    "31 MB of texts": lambda: http(b'{"choices": [' + b'"abc",' * 5_000_000 + b"0]}"),
    "a large answer": lambda: http(_LARGE_JSON),
}


@pytest.mark.long
def test_memory_stays_flat_whatever_a_provider_sends(provider: Start) -> None:
    servers = [provider(lambda _, chunks=chunks: chunks()) for chunks in MEMORY.values()]  # type: ignore[misc]
    command = [sys.executable, "-m", "tests.security.memory_of_a_pool", *[server.url for server in servers]]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=550, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = dict(zip(MEMORY, map(json.loads, done.stdout.splitlines()), strict=True))
    assert [name for name, (outcome, _) in rows.items() if outcome == "answered"] == ["a large answer"]
    assert {name: round(risen) for name, (_, risen) in rows.items() if risen > MOST_ABOVE_IDLE_MB} == {}
    assert max(risen for _, risen in rows.values()) > 5, "the measurement misses an answer of megabytes"
