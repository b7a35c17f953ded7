"""Requests and responses are parsed, including invalid ones."""

import json
import random
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from app.keypool import wire
from app.keypool.outcomes import Failure
from app.keypool.streams import StreamTail
from app.keypool.wire import Need, TokensUsed


def need_of(body: Any) -> Need:
    return wire.read_need(httpx2.Request("POST", "http://api.test/v1/x", json=body))


# --- requests


def test_only_the_prompts_text_is_estimated() -> None:
    """The estimate ignores schemas, tools, and ids. A picture's token estimate does not depend on its size in bytes."""
    user = [{"type": "text", "text": "b" * 40}, {"type": "image_url", "image_url": {"url": "data:" + "x" * 100_000}}]
    messages = [{"role": "system", "content": "a" * 400}, {"role": "user", "content": user}]
    need = need_of({"model": "m", "messages": messages, "response_format": {"schema": "s" * 4000}})
    assert need == Need("m", 100 + 10 + 765)


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"input": "a" * 40}, 10),
        ({"input": ["a" * 40, "b" * 4]}, 11),
        ({"input": [1, 2, 3]}, 3),
        ({"input": [[1, 2, 3], [4]]}, 4),
        ({"input": "a" * 40, "instructions": "i" * 8}, 12),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "a" * 40}]}]}, 10),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "o" * 20}]}, 5),
        ({"prompt": "a" * 8}, 2),
        ({"messages": [{"role": "user", "content": "é" * 4}]}, 2),
        ({"messages": [{"role": "user", "content": None}, 5, "loose"]}, 1.25),
    ],
)
def test_every_endpoints_prompt_is_found(body: dict[str, Any], tokens: float) -> None:
    assert need_of(body).input_tokens == tokens


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({}, 0),
        ({"max_completion_tokens": 50}, 50),
        ({"max_output_tokens": 60}, 60),
        ({"max_tokens": 70}, 70),
        ({"max_tokens": 70, "max_completion_tokens": 50}, 50),
        ({"max_completion_tokens": 50, "n": 3}, 150),
        ({"n": 3}, 0),
        ({"max_tokens": True}, 0),
        ({"max_tokens": -5}, 0),
        ({"max_tokens": "many"}, 0),
        ({"max_tokens": 10**400, "n": 10**400}, 10_000_000 * 128),
    ],
)
def test_the_completion_counts_as_far_as_the_request_allows_it(body: dict[str, Any], tokens: float) -> None:
    """Without a bound, the completion counts as 0: reserving the model's maximum would waste the rate limit."""
    assert need_of(body).output_tokens == tokens


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"model": {"a": 1}, "input": 3}'])
def test_an_invalid_body_needs_nothing(content: bytes) -> None:
    request = httpx2.Request("POST", "http://api.test", content=content, headers={"content-type": "application/json"})
    assert wire.read_need(request) == Need()


def test_a_deeply_nested_body_is_read_to_a_limited_depth() -> None:
    body = '{"input":' + '[["x"],' * 500 + "1" + "]" * 500 + "}"
    request = httpx2.Request("POST", "http://api.test", content=body, headers={"content-type": "application/json"})
    assert wire.read_need(request).input_tokens < 10


def test_a_streamed_body_cannot_be_sent_twice_and_needs_nothing() -> None:
    def parts() -> Iterator[bytes]:
        yield b"once"

    request = httpx2.Request("POST", "http://api.test", content=parts())
    assert wire.read_need(request) == Need(replayable=False)


@pytest.mark.parametrize(
    ("body", "searches"),
    [
        ({"tools": [{"type": "web_search"}]}, 1),
        ({"tools": [{"type": "function"}, {"type": "web_search_2025_08_26"}], "max_tool_calls": 4}, 4),
        ({"tools": [{"type": "web_search"}], "max_tool_calls": 10**9}, 1_000),
        ({"tools": [{"type": "file_search"}], "max_tool_calls": 4}, 0),
        ({"tools": "web_search"}, 0),
        ({}, 0),
    ],
)
def test_the_allowed_searches_of_a_request_are_read(body: dict[str, Any], searches: int) -> None:
    assert need_of({"model": "m", **body}).searches == searches


def test_searches_are_counted_and_opened_pages_are_not() -> None:
    calls = [{"type": "search"}, {"type": "open_page"}, {"type": "find"}, {"type": "search"}, None]
    output = [{"type": "web_search_call", "action": action} for action in calls]
    assert wire.read_searches({"output": [*output, {"type": "message"}, "x"]}) == 3
    assert wire.read_searches({"output": {"type": "web_search_call"}}) == wire.read_searches({}) == 0


# --- responses


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        ({"type": "tokens"}, "tokens"),
        ({"type": "requests"}, "requests"),
        ({"type": "x", "message": "Rate limit reached on tokens per min (TPM): Limit 9"}, "tokens"),
        ({"message": "on requests per day (RPD)"}, "requests"),
        ({"message": "slow down"}, None),
        ({"message": ["(TPM"]}, None),
        ("a string", None),
        (None, None),
    ],
)
def test_a_429_names_the_limit_that_was_hit(error: Any, limit: str | None) -> None:
    assert wire.read_failure({"error": error})[1] == limit


def test_the_details_of_an_error_are_words() -> None:
    assert wire.read_failure({"error": {"code": None, "type": "requests"}})[0] == Failure("", "requests")
    assert wire.read_failure({"error": {"code": 429}})[0] == Failure("429", "")
    assert wire.read_failure({"error": {"message": "too much"}})[0] == Failure("", "", "too much")
    assert wire.read_failure({})[0] == Failure()


@pytest.mark.parametrize(
    ("processing_ms", "elapsed_us", "admitted_us"),
    [
        ("80", 100_000, 20_000),
        ("2000", 2_030_000, 30_000),
        ("0", 5_000, 5_000),
        ("3", 2_600, 0),
        (None, 8_000, 4_000),
        (None, 4_000_000, 100_000),
        ("9000", 8_000, 4_000),
        ("soon", 8_000, 4_000),
        ("-5", 8_000, 4_000),
    ],
)
def test_a_request_is_admitted_before_the_server_works_on_it(
    processing_ms: str | None, elapsed_us: int, admitted_us: int
) -> None:
    headers = {} if processing_ms is None else {"openai-processing-ms": processing_ms}
    assert wire.admitted_after_us(headers, elapsed_us) == admitted_us


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}, TokensUsed(3, 4, 7)),
        ({"input_tokens": 3, "output_tokens": 4, "total_tokens": 9}, TokensUsed(3, 4, 9)),
        ({"input_tokens": 3, "output_tokens": 4}, TokensUsed(3, 4, 7)),
        ({"prompt_tokens": 3, "total_tokens": 3}, TokensUsed(3, 0, 3)),
        ({"prompt_tokens": 3}, TokensUsed(3, 0, 3)),
        ({"total_tokens": 3}, TokensUsed(3, 0, 3)),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}},
            TokensUsed(9, 4, 13, 6),
        ),
        (
            {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 2}},
            TokensUsed(9, 0, 9, 6, 2),
        ),
        # cached and written tokens cannot exceed the prompt's tokens, and invalid counts are ignored
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 12, "cache_write_tokens": 9}},
            TokensUsed(9, 0, 9, 9),
        ),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 9}},
            TokensUsed(9, 0, 9, 7, 2),
        ),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": "6"}}, TokensUsed(9, 0, 9)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": -1}}, TokensUsed(9, 0, 9)),
        ({"prompt_tokens": 9, "prompt_tokens_details": [6], "input_tokens_details": None}, TokensUsed(9, 0, 9)),
        ({"prompt_tokens": -3, "total_tokens": True}, None),
        ({"prompt_tokens": "3"}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_usage_of_every_endpoint_is_read(usage: Any, read: TokensUsed | None) -> None:
    assert wire.read_usage(usage) == read


# --- streams


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events) + b"data: [DONE]\n\n"


CHAT = sse(
    {"choices": [{"delta": {"content": 'say "usage": {"total_tokens": 1}'}}], "usage": None},
    {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}},
)


GROWING = [{"usage": {"total_tokens": n}} for n in range(1, 30)]


@pytest.mark.parametrize("seed", range(20))
def test_a_streams_usage_is_found_however_it_is_split(seed: int) -> None:
    chance, tail, at = random.Random(seed), StreamTail(), 0
    while at < len(CHAT):
        size = chance.choice([1, 2, 3, 50])
        tail.feed(CHAT[at : at + size])
        at += size
    assert tail.usage() == TokensUsed(5, 6, 11)


def test_a_long_last_event_is_read_at_its_end_and_memory_stays_bounded() -> None:
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    event = {"type": "response.completed", "response": {"output": "x" * 3_000_000, "usage": usage, "metadata": {}}}
    body, tail = sse(event), StreamTail()
    for at in range(0, len(body), 1000):
        tail.feed(body[at : at + 1000])
        assert len(tail._tail) <= 128 * 1024 + 1000
    tail.feed(b"")
    assert tail.usage() == TokensUsed(1, 2, 3)
    tail.feed(b"y" * 10_000_000)
    assert len(tail._tail) <= 128 * 1024


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (sse(*GROWING, {"tools": {"usage": {"type": "object"}}}), TokensUsed(29, 0, 29)),
        (sse({"choices": [{"delta": {"content": '"usage": {"total_tokens": 99}'}}], "usage": None}), None),
        (b"", None),
        (b"\xff\xfe\x00" * 1000, None),
        (b'data: {"usage": {"total_tokens": 3', None),
        (b'data: {"usage": {broken}}\n\n', None),
        (b'"usage":' + b'{"a":' * 12_000, None),
        (b'"usage":{' * 12_000, None),
    ],
    ids=["growing, then a schema", "text of a model", "empty", "binary", "cut off", "malformed", "deep", "many"],
)
def test_the_last_valid_usage_of_a_stream_counts(body: bytes, usage: TokensUsed | None) -> None:
    """Some servers send growing usage with every event, and a JSON schema may have a property named `usage`."""
    tail = StreamTail()
    tail.feed(body)
    assert tail.usage() == usage


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"message": "slow down", "code": 429}}, 429),
        ({"error": {"message": "slow down", "code": "429"}, "user_id": "u"}, 429),
        ({"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}, 429),
        ({"error": {"message": "pay", "type": "insufficient_quota"}}, 429),
        ({"error": {"message": "who", "code": "invalid_api_key"}}, 401),
        ({"error": {"message": "what", "type": "invalid_request_error", "code": None}}, 400),
        ({"error": "upstream timed out", "status": 504}, 504),
        ({"error": "upstream timed out"}, 502),
        ({"error": {"code": 200, "message": "odd"}}, 502),
        ({"error": {"code": "model_is_unheard_of", "message": "odd"}}, 400),
        ({"error": {"type": "server_error", "message": "odd"}}, 500),
        ({"error": None}, None),
        ({"error": {}}, None),
        ({"object": "response", "status": "failed", "error": {"code": "server_error", "message": "x"}}, None),
        ({"choices": [], "error": {"code": 500}}, None),
        ({}, None),
    ],
)
def test_an_error_with_status_200_gets_its_real_status(body: dict[str, Any], status: int | None) -> None:
    assert wire.hidden_status(body) == status


@pytest.mark.parametrize(
    ("events", "failed"),
    [
        ('data: {"error": {"message": "gone", "code": 502}}\n\n', True),
        ('event: error\ndata: {"type": "error", "code": "server_error", "message": "gone"}\n\n', True),
        ('data: {"type": "response.failed", "response": {"error": {"code": "server_error"}}}\n\n', True),
        ('data: {"error": {"message": "gone", "code": 502}}\n\ndata: [DONE]\n\n', True),
        ('data: {"error": {"message": "bad", "code": 400, "type": "invalid_request_error"}}\n\n', False),
        ('data: {"type": "response.failed", "response": {"error": {"code": "invalid_prompt"}}}\n\n', False),
        ('data: {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded"}}}\n\n', False),
        ('data: {"type": "response.completed", "response": {"error": null, "usage": {}}}\n\n', False),
        ('data: {"choices": [{"delta": {"content": "data: {\\"error\\": {}}"}}]}\n\ndata: [DONE]\n\n', False),
        ("", False),
    ],
)
def test_a_stream_has_failed_if_an_event_reports_a_server_error(events: str, failed: bool) -> None:
    tail = StreamTail()
    for part in (events[:7], events[7:]):
        tail.feed(part.encode())
    assert tail.failed() is failed
