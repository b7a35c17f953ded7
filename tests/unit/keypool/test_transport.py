"""The pool works with a real `openai.OpenAI` client. Only the HTTP connection is replaced by prepared replies."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import openai
import pytest

from app.clock import ManualClock
from app.errors.keys import NoKeysError
from app.keypool.keys import make_keys
from app.keypool.retry_loop import allowed_keys, bound, on_first_key
from app.services.openai_client_manager import OpenAIClientManager

Reply = httpx2.Response | BaseException
_SECRETS = [f"sk-proj-{letter * 3}{'0' * 20}{letter * 4}" for letter in "abc"]


def ok(**headers: str) -> httpx2.Response:
    message = {"role": "assistant", "content": "hello"}
    body = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
    }
    return httpx2.Response(200, json=body, headers=headers)


def error(status: int, code: str = "", kind: str = "", **headers: str) -> httpx2.Response:
    body = {"error": {"message": f"said the server {status}", "type": kind, "code": code, "param": None}}
    return httpx2.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


class Scripted(httpx2.BaseTransport):
    """A transport that returns each of `replies` in turn, then repeats the last one."""

    def __init__(self, replies: list[Reply]) -> None:
        self._replies: Iterator[Reply] = iter(replies)
        self._last: Reply | None = None
        self.keys: list[str] = []
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.keys.append(request.headers["authorization"].removeprefix("Bearer "))
        self.requests.append(request)
        self._last = next(self._replies, self._last)
        assert self._last is not None
        if isinstance(self._last, BaseException):
            raise self._last
        return httpx2.Response(self._last.status_code, headers=self._last.headers, content=self._last.content)


def manager_of(
    replies: list[Reply], *, keys: int = 3, max_wait: float = 0, clock: ManualClock | None = None
) -> tuple[OpenAIClientManager, Scripted]:
    inner = Scripted(replies)
    manager = OpenAIClientManager(
        make_keys(_SECRETS[:keys]), max_wait_seconds=max_wait, clock=clock or ManualClock(), inner=inner
    )
    return manager, inner


def chat(client: openai.OpenAI | None) -> str | None:
    assert client is not None
    reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    return reply.choices[0].message.content


@pytest.mark.parametrize(
    "bad",
    [
        error(429, "rate_limit_exceeded", retry_after="20"),
        error(429, "insufficient_quota", "insufficient_quota"),
        error(401, "invalid_api_key"),
        error(403, "model_not_found"),
        error(500),
        error(503),
        httpx2.ReadTimeout("slow"),
        httpx2.ConnectError("refused"),
        httpx2.RemoteProtocolError("cut off"),
        # bodies that do not come from OpenAI
        httpx2.Response(500, content=b"<html>bad gateway</html>"),
        httpx2.Response(429, content=b"[]"),
        httpx2.Response(403, content=b'{"error": "a string"}'),
        httpx2.Response(401, content=b"\xff\xfe"),
    ],
    ids=lambda r: type(r).__name__ if isinstance(r, Exception) else str(r.status_code),
)
def test_another_key_takes_over(bad: Reply) -> None:
    manager, inner = manager_of([bad, bad, ok()])
    assert chat(manager.get_client()) == "hello"
    assert inner.keys == _SECRETS


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_faulty_request_is_sent_once_and_counts_against_no_key(status: int) -> None:
    manager, inner = manager_of([error(status, "bad_request")])
    with pytest.raises(openai.APIStatusError) as caught:
        chat(manager.get_client())
    assert caught.value.status_code == status
    assert len(inner.keys) == 1
    assert manager.get_stats()["healthy_keys"] == 3


@pytest.mark.parametrize(
    "named",
    [{"retry_after": "20"}, {"date": "Thu, 01 Jan 1998 05:00:00 GMT", "retry_after": "Thu, 01 Jan 1998 05:00:20 GMT"}],
    ids=["seconds", "date"],
)
def test_when_every_key_is_limited_the_pool_answers_429_with_retry_after(named: dict[str, str]) -> None:
    """A date in Retry-After is compared with the server's clock, because this machine's clock may differ."""
    manager, inner = manager_of([error(429, "rate_limit_exceeded", **named)])
    with pytest.raises(openai.RateLimitError) as caught:
        chat(manager.get_client())
    headers = caught.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("20", "20000")
    assert caught.value.code == "rate_limit_exceeded"
    assert inner.keys == _SECRETS


@pytest.mark.parametrize(
    ("replies", "least", "most"),
    [
        ([error(429, "rate_limit_exceeded", retry_after_ms="800")], 0.8, 0.8),
        ([error(429, "rate_limit_exceeded", retry_after_ms="200")] * 10, 2, 29),
        ([error(503, retry_after="7")], 7, 7),
        ([error(503)] * 5, 0.5, 10),
        ([error(500)], 0.01, 1),
        ([httpx2.ReadError("reset")], 0.01, 1),
    ],
)
def test_the_only_key_is_used_again_as_soon_as_its_server_says(replies: list[Reply], least: float, most: float) -> None:
    """Rejected requests are not charged to the budget."""
    clock = ManualClock()
    manager, inner = manager_of([*replies, ok()], keys=1, max_wait=30, clock=clock)
    assert chat(manager.get_client()) == "hello"
    assert len(inner.keys) == len(replies) + 1
    assert least <= round(sum(clock.slept), 3) <= most
    maybe_served = sum(isinstance(reply, httpx2.ReadError) for reply in replies)
    assert manager.get_stats()["spent_today"]["calls"] == 1 + maybe_served


def test_pauses_grow_during_an_outage() -> None:
    clock = ManualClock()
    began = clock.now_us()

    class Down(Scripted):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            self._last = error(503) if clock.now_us() < began + 5_000_000 else ok()
            return super().handle_request(request)

    inner = Down([])
    manager = OpenAIClientManager(make_keys(_SECRETS[:2]), max_wait_seconds=30, clock=clock, inner=inner)
    for _ in range(3):
        assert chat(manager.get_client()) == "hello"
    assert 5 <= sum(clock.slept) <= 7.5
    assert len(inner.keys) <= 12
    assert set(inner.keys) == set(_SECRETS[:2])


def test_a_lasting_failure_reaches_the_caller_after_its_wait() -> None:
    clock = ManualClock()
    manager, _ = manager_of([error(500)], keys=2, max_wait=30, clock=clock)
    with pytest.raises(openai.InternalServerError):
        chat(manager.get_client())
    assert 25 <= sum(clock.slept) <= 30


def test_each_key_is_used_again_at_the_time_that_its_server_names() -> None:
    clock = ManualClock()
    replies = [error(503, retry_after="20"), error(503), error(503), ok()]
    manager, inner = manager_of(replies, keys=2, max_wait=30, clock=clock)
    assert chat(manager.get_client()) == "hello"
    assert inner.keys == [_SECRETS[0], *[_SECRETS[1]] * 3]
    assert sum(clock.slept) < 2


def test_the_pool_does_not_wait_longer_than_the_caller_allows() -> None:
    clock = ManualClock()
    manager, inner = manager_of([error(503, retry_after="60"), ok()], keys=1, max_wait=30, clock=clock)
    with pytest.raises(openai.InternalServerError) as caught:
        chat(manager.get_client())
    assert caught.value.response.headers["retry-after"] == "60"
    assert sum(clock.slept) <= 1
    assert len(inner.keys) == 1


def test_a_server_that_refuses_without_a_pause_is_not_asked_in_a_hot_loop() -> None:
    clock = ManualClock()
    manager, inner = manager_of([error(429, "rate_limit_exceeded", retry_after="0")], max_wait=10, clock=clock)
    with pytest.raises(openai.RateLimitError):
        chat(manager.get_client())
    assert len(inner.keys) < 20


def test_max_retries_caps_the_keys_and_not_the_wait() -> None:
    manager, inner = manager_of([error(500), error(500), ok()], max_wait=30)
    assert manager.execute_with_retry(chat, max_retries=0) == "hello"
    assert inner.keys == _SECRETS[:1] * 3


def test_an_error_in_a_body_with_status_200_is_a_failure_of_the_key() -> None:
    hidden = httpx2.Response(200, json={"error": {"message": "upstream is down", "code": 503}})
    manager, inner = manager_of([hidden, ok()])
    assert chat(manager.get_client()) == "hello"
    assert inner.keys == _SECRETS[:2]
    assert [figures["failures"] for figures in manager.get_stats()["keys"].values()] == [1, 0, 0]
    manager, _ = manager_of([hidden], keys=1)
    with pytest.raises(openai.InternalServerError, match="upstream is down"):
        chat(manager.get_client())


def test_one_request_counts_one_failure() -> None:
    """A prompt that causes server errors must not open every key's circuit."""
    manager, inner = manager_of([error(500)])
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            chat(manager.get_client())
    assert len(inner.keys) == 6
    assert manager.get_stats()["healthy_keys"] == 3


def test_the_third_failed_request_opens_the_circuit_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The specification requires the log line "Circuit breaker opened for OpenAI key ... after 3 failures"."""
    manager, _ = manager_of([error(500)], keys=1)
    for _ in range(3):
        with pytest.raises(openai.InternalServerError):
            chat(manager.get_client())
    line = "Circuit breaker opened for OpenAI key sk-proj-aaa...aaaa after 3 failures"
    assert [r.levelname for r in caplog.records if r.getMessage() == line] == ["WARNING"]
    assert manager.get_stats()["keys"]["sk-proj-aaa...aaaa"]["circuit_open"] is True


def test_log_lines_match_the_specification(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    manager, _ = manager_of([error(429, "rate_limit_exceeded", retry_after="60"), ok()])
    chat(manager.get_client())
    lines = [(r.levelname, r.getMessage()) for r in caplog.records if r.name.startswith("app.")]
    assert lines == [
        ("INFO", "Using OpenAI key: sk-proj-aaa...aaaa"),
        ("WARNING", "Rate limited on OpenAI key sk-proj-aaa...aaaa backing off for 60s"),
        ("INFO", "Using OpenAI key: sk-proj-bbb...bbbb"),
    ]


@pytest.mark.parametrize(
    ("reply", "raised"),
    [
        (error(401, "invalid_api_key"), openai.AuthenticationError),
        (error(403, "model_not_found"), openai.PermissionDeniedError),
        (error(429, "insufficient_quota", "insufficient_quota"), openai.RateLimitError),
    ],
)
def test_if_no_key_may_serve_a_request_the_error_is_the_api_s_and_is_not_asked_for_again(
    reply: httpx2.Response, raised: type[openai.APIStatusError]
) -> None:
    """The caller must be able to tell missing quota and invalid keys from a temporary rate limit."""
    manager, inner = manager_of([reply], keys=2)
    for _ in range(2):
        with pytest.raises(raised) as caught:
            chat(manager.get_client())
        assert reply.status_code != 429 or caught.value.code == "insufficient_quota"
    assert inner.keys == _SECRETS[:2], "the second request must not be sent"


def test_execute_with_retry_runs_the_function_once_while_keys_rotate_below() -> None:
    manager, inner = manager_of([error(500), ok()])
    runs: list[int] = []

    def work(client: openai.OpenAI) -> str | None:
        runs.append(1)
        return chat(client)

    assert manager.execute_with_retry(work, max_retries=len(manager.keys) + 1) == "hello"
    assert (len(runs), len(inner.keys)) == (1, 2)


def test_max_retries_caps_the_further_keys_also_in_threads_that_the_function_starts() -> None:
    manager, inner = manager_of([error(429, "rate_limit_exceeded", retry_after="20")])

    def in_a_thread(client: openai.OpenAI) -> str | None:
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(chat, client).result(60)

    with pytest.raises(openai.RateLimitError):
        manager.execute_with_retry(in_a_thread, max_retries=1)
    assert len(inner.keys) == 2
    with pytest.raises(ValueError, match="max_retries"):
        manager.execute_with_retry(chat, max_retries=-1)


def test_without_keys_there_is_no_client_and_a_clear_error() -> None:
    manager = OpenAIClientManager(())
    assert manager.get_client() is None
    assert (manager.get_stats()["total_keys"], manager.keys) == (0, ())
    with pytest.raises(NoKeysError, match="Set OPENAI_API_KEYS"):
        manager.execute_with_retry(chat)


def test_headers_of_the_environment_do_not_name_another_keys_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-other")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj_other")
    manager, inner = manager_of([ok()])
    chat(manager.get_client())
    assert "openai-organization" not in inner.requests[0].headers
    assert "openai-project" not in inner.requests[0].headers


def test_an_interrupted_request_gives_its_lease_back() -> None:
    class Interrupting(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            raise KeyboardInterrupt

    manager = OpenAIClientManager(
        make_keys(_SECRETS[:1]), max_wait_seconds=0, clock=ManualClock(), inner=Interrupting()
    )
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            chat(manager.get_client())
    figures = manager.get_stats()["keys"]["sk-proj-aaa...aaaa"]
    assert (figures["requests"], figures["failures"], figures["circuit_open"]) == (4, 0, False)


@pytest.mark.parametrize("is_sent", [False, True])
def test_a_request_that_was_not_sent_costs_nothing(is_sent: bool) -> None:
    """A caller may refuse the request once a key is found, for example because its own budget is used up."""

    def stop() -> None:
        raise KeyboardInterrupt

    manager, inner = manager_of([KeyboardInterrupt()])
    with bound(on_first_key, None if is_sent else stop), pytest.raises(KeyboardInterrupt):
        chat(manager.get_client())
    assert len(inner.keys) == manager.get_stats()["spent_today"]["calls"] == int(is_sent)


def test_a_key_added_during_a_wait_is_not_used_if_it_may_not_be() -> None:
    """A batch belongs to the project of its key, so the requests about it must not use another key."""

    class Adding(ManualClock):
        def sleep(self, seconds: float) -> None:
            manager.replace_keys(keys)
            super().sleep(seconds)

    keys = make_keys(_SECRETS)
    full = error(429, "rate_limit_exceeded", retry_after="5")
    inner = Scripted([ok(), full, full, ok()])
    manager = OpenAIClientManager(keys[:1], max_wait_seconds=30, clock=Adding(), inner=inner)
    chat(manager.get_client())
    with bound(allowed_keys, frozenset({keys[0].key_id})):
        assert chat(manager.get_client()) == "hello"
    assert inner.keys == [_SECRETS[0]] * 4


def test_a_body_that_cannot_be_replayed_gets_one_key() -> None:
    manager, inner = manager_of([error(500), ok()])

    def parts() -> Iterator[bytes]:
        yield b"once"

    with httpx2.Client(transport=manager._transport) as http:
        reply = http.post("http://api.test/v1/files", content=parts())
    assert (reply.status_code, len(inner.keys)) == (500, 1)


def test_stats_match_the_specification_key_for_key() -> None:
    clock = ManualClock()
    manager, _ = manager_of([error(429, "rate_limit_exceeded", retry_after="60"), ok()], clock=clock)
    chat(manager.get_client())
    stats = manager.get_stats()
    specified = {"requests": 1, "successes": 1, "failures": 0, "circuit_open": False, "rate_limited": False}
    added = {"scope": "process", "store_losses": 0, "spent_today": {"calls": 1, "tokens": 1, "usd": 0.0}}
    added["spent_today"]["cached_tokens"] = 0
    assert set(stats) == {"total_keys", "healthy_keys", "rotation_strategy", "keys", *added}
    assert {name: stats[name] for name in added} == added
    assert (stats["total_keys"], stats["healthy_keys"], stats["rotation_strategy"]) == (3, 2, "round_robin")
    of_a_key = {"state": "closed", "rate_limits": 0, "spent_today": added["spent_today"]}
    assert stats["keys"]["sk-proj-bbb...bbbb"] == {**specified, "last_used": "2026-01-01T00:00:00", **of_a_key}
    limited = stats["keys"]["sk-proj-aaa...aaaa"]
    assert (limited["rate_limited"], limited["rate_limits"]) == (True, 1)
    assert stats["keys"]["sk-proj-ccc...cccc"]["last_used"] is None


def test_the_real_error_is_returned_when_only_dead_keys_are_left() -> None:
    """One key is dead and the other gets a 500. The caller gets the 500 without waiting for the dead key."""
    manager, _ = manager_of([error(401, "invalid_api_key"), ok(), error(500)], keys=2)
    assert chat(manager.get_client()) == "hello"
    with pytest.raises(openai.InternalServerError):
        chat(manager.get_client())


def test_our_own_connection_limit_does_not_count_against_a_key() -> None:
    manager, _ = manager_of([httpx2.PoolTimeout("no free connection")], keys=1)
    for _ in range(4):
        with pytest.raises(openai.APITimeoutError):
            chat(manager.get_client())
    stats = manager.get_stats()
    assert (stats["healthy_keys"], stats["spent_today"]["calls"]) == (1, 0)


def test_only_a_stream_is_requested_uncompressed() -> None:
    stream = httpx2.Response(200, content=b"data: {}\n\n", headers={"content-type": "text/event-stream"})
    manager, inner = manager_of([stream, ok()])
    client = manager.get_client()
    assert client is not None
    list(client.chat.completions.create(model="m", messages=[], stream=True))
    chat(client)
    assert [r.headers["accept-encoding"] == "identity" for r in inner.requests] == [True, False]


def test_reading_an_earlier_answer_does_not_charge_its_usage_again() -> None:
    shown = {"id": "r", "object": "response", "output": [], "usage": {"input_tokens": 5, "total_tokens": 9}}
    manager, _ = manager_of([httpx2.Response(200, json=shown)])
    client = manager.get_client()
    assert client is not None
    client.responses.retrieve("r")
    assert manager.get_stats()["spent_today"]["tokens"] == 0


def test_closing_a_stream_early_closes_its_connection() -> None:
    closed: list[bool] = []

    class Body(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b'data: {"choices": []}\n\n'
            yield b"data: [DONE]\n\n"

        def close(self) -> None:
            closed.append(True)

    class Streaming(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())

    manager = OpenAIClientManager(make_keys(_SECRETS), clock=ManualClock(), inner=Streaming())
    client = manager.get_client()
    assert client is not None
    stream = client.chat.completions.create(model="m", messages=[], stream=True)
    next(iter(stream))
    assert closed == []
    stream.close()
    assert closed == [True]
